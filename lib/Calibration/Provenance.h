//===- Provenance.h - What a quantized model was made of --------*- C++ -*-===//

#ifndef LOWBIT_LIB_CALIBRATION_PROVENANCE_H
#define LOWBIT_LIB_CALIBRATION_PROVENANCE_H

#include "lowbit/Calibration/Recipe.h"
#include "lowbit/Import/ModelSource.h"
#include "lowbit/Quantize/ThreadPool.h"

namespace lowbit {

/// The recipe as it was carried out, options of the command line included: JSON,
/// which readRecipe reads. Files are names without folders unless `keepsFolders`.
std::string recipeText(const Recipe &recipe, bool keepsFolders = false);

/// "xxh3-64:" and 16 digits, of names, types, shapes and bytes of all tensors;
/// of those that no file holds as they are, of their numbers. Reads the model
/// once.
std::string sourceHash(const ModelSource &source, ThreadPool &pool);

} // namespace lowbit

#endif // LOWBIT_LIB_CALIBRATION_PROVENANCE_H
