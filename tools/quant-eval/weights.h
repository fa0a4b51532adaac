//===- weights.h - Weights of two modules side by side ----------*- C++ -*-===//

#ifndef TOOLS_QUANTEVAL_WEIGHTS_H
#define TOOLS_QUANTEVAL_WEIGHTS_H

#include "tools/common/error.h"
#include "tools/quant-eval/similarity.h"

#include <string>
#include <vector>

namespace lowbit::tools {

struct WeightSimilarity {
  std::string name;
  std::string scheme, referenceScheme; ///< as #lowbit.scheme prints them
  uint64_t rows = 0, columns = 0;
  double bitsPerWeight = 0; ///< of the model's, fields included
  Similarity similarity;
};

/// Compares the weights that two modules have under one name, in the order of
/// the first: packed ones are taken apart and dequantized, 16 rows at a time.
/// Weights of other shapes are an error; what only one of them has is left out.
Error compareWeights(const std::string &module, const std::string &reference,
                     std::vector<WeightSimilarity> &result);

} // namespace lowbit::tools

#endif // TOOLS_QUANTEVAL_WEIGHTS_H
