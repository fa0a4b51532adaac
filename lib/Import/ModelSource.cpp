//===- ModelSource.cpp - Named tensors and hyper-parameters ---------------===//

#include "lowbit/Import/ModelSource.h"

namespace lowbit {

ModelSource::~ModelSource() = default;

int64_t SourceTensor::rows() const {
  int64_t product = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i)
    product *= shape[i]; // cannot overflow: the reader checked the bytes
  return product;
}

void SourceTensor::readRow(int64_t index, RowFields &fields) const {
  if (generate)
    generate(index, fields);
  else
    unpackRow(*format, row(index), columns(), fields);
}

void SourceTensor::readReals(int64_t index, float *values) const {
  RowFields fields; // of this call: a generated row may read another tensor's
  fields.resize(format->scheme, columns());
  readRow(index, fields);
  if (permutation.empty())
    return dequantizeRow(format->scheme, fields, columns(), values);
  std::vector<float> stored(static_cast<size_t>(columns()));
  dequantizeRow(format->scheme, fields, columns(), stored.data());
  for (size_t j = 0; j < stored.size(); ++j)
    values[permutation[j]] = stored[j];
}

const SourceTensor *ModelSource::find(llvm::StringRef name) const {
  for (const SourceTensor &tensor : tensors())
    if (tensor.name == name)
      return &tensor;
  return nullptr;
}

} // namespace lowbit
