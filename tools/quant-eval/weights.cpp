//===- weights.cpp - Weights of two modules side by side ------------------===//

#include "tools/quant-eval/weights.h"

#include "tools/quant-eval/weight_rows.h"

#include <algorithm>

using namespace lowbit::tools;
using lowbit::PanelLayout;

static Error compareWeight(WeightRows &ours, WeightRows &theirs, uint64_t rows,
                           uint64_t columns, Similarity &similarity) {
  std::vector<float> values, reference;
  constexpr uint64_t lanes = PanelLayout::kLanes;
  for (uint64_t row = 0; row < rows; row += lanes) {
    TOOLS_TRY(ours.read(row / lanes, values));
    TOOLS_TRY(theirs.read(row / lanes, reference));
    similarity.add(reference.data(), values.data(),
                   std::min(lanes, rows - row) * columns);
  }
  return Error::success();
}

static const ModuleHeader::Weight *findWeight(const ModuleHeader &header,
                                              const std::string &name) {
  for (const ModuleHeader::Weight &weight : header.weights)
    if (weight.name == name)
      return &weight;
  return nullptr;
}

Error lowbit::tools::compareWeights(const std::string &module,
                                    const std::string &reference,
                                    std::vector<WeightSimilarity> &result) {
  ModuleHeader header, referenceHeader;
  WeightReader reader, referenceReader;
  TOOLS_TRY(readModuleHeader(module, header));
  TOOLS_TRY(readModuleHeader(reference, referenceHeader));
  TOOLS_TRY(reader.open(module));
  TOOLS_TRY(referenceReader.open(reference));
  for (const ModuleHeader::Weight &weight : header.weights) {
    const ModuleHeader::Weight *other =
        findWeight(referenceHeader, weight.name);
    if (!other || weight.scheme == "i32" || other->scheme == "i32")
      continue;
    if (weight.rows != other->rows || weight.columns != other->columns)
      return Error("the weight '" + weight.name +
                   "' has another shape in the reference; give the model that "
                   "this one was made from");
    WeightRows ours, theirs;
    TOOLS_TRY(ours.open(module, reader, weight));
    TOOLS_TRY(theirs.open(reference, referenceReader, *other));
    WeightSimilarity similar;
    similar.name = weight.name;
    similar.scheme = weight.scheme;
    similar.referenceScheme = other->scheme;
    similar.rows = weight.rows;
    similar.columns = weight.columns;
    similar.bitsPerWeight = 8.0 * double(weight.sourceBytes) /
                            (double(weight.rows) * double(weight.columns));
    TOOLS_TRY(compareWeight(ours, theirs, weight.rows, weight.columns,
                            similar.similarity));
    result.push_back(std::move(similar));
  }
  return Error::success();
}
