//===- ModelTransform.h - Rotations and scalings of a model -----*- C++ -*-===//

#ifndef LOWBIT_LIB_CALIBRATION_MODELTRANSFORM_H
#define LOWBIT_LIB_CALIBRATION_MODELTRANSFORM_H

#include "WeightExpressions.h"

#include "lowbit/Calibration/Recipe.h"

namespace lowbit {

/// A model with the weights that the recipe's passes compute, in floats.
struct TransformedModel {
  std::unique_ptr<ModelSource> source;
  std::shared_ptr<Factors> factors = std::make_shared<Factors>();
  llvm::StringMap<std::string> factorsOf; ///< their names, by weight
};

/// The recipe's passes over `source`. A rotation or a scaling that finds
/// nothing in the model is an error.
llvm::Expected<TransformedModel>
transformModel(std::unique_ptr<ModelSource> source, const Recipe &recipe);

} // namespace lowbit

#endif // LOWBIT_LIB_CALIBRATION_MODELTRANSFORM_H
