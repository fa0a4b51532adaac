//===- Provenance.h - What a quantized model was made of --------*- C++ -*-===//

#ifndef LOWBIT_LIB_CALIBRATION_PROVENANCE_H
#define LOWBIT_LIB_CALIBRATION_PROVENANCE_H

#include "lowbit/Calibration/Recipe.h"
#include "lowbit/Import/ModelSource.h"
#include "lowbit/Quantize/ThreadPool.h"

namespace lowbit {

/// The recipe as it was carried out, options of the command line included, of
/// files the names without folders: JSON, which readRecipe reads.
std::string recipeText(const Recipe &recipe);

/// "xxh3-64:" and 16 digits, of names, types, shapes and bytes of all tensors;
/// of those that no file holds as they are, of their numbers. Reads the model
/// once.
std::string sourceHash(const ModelSource &source, ThreadPool &pool);

} // namespace lowbit

#endif // LOWBIT_LIB_CALIBRATION_PROVENANCE_H
