//===- RandomSource.cpp - Tensors made up ---------------------------------===//

#include "RandomSource.h"
#include "RandomRows.h"

#include "llvm/Support/xxhash.h"

using llvm::StringRef;

namespace lowbit {

/// Of every matrix, as trained models have it within a factor of two.
static constexpr double kDeviation = 0.02;

/// The file's format of that name, or one that exists for its scheme alone.
static BitFormat formatOf(const WeightFormat &weights) {
  if (const BitFormat *known = findBitFormat(weights.name))
    if (known->scheme == weights.scheme)
      return *known;
  return {nullptr, UINT32_MAX, 0, 0, weights.scheme, nullptr};
}

RandomSource::RandomSource(StringRef path, const WeightFormat &format)
    : KeyValueSource(path), weights(format), format(formatOf(weights)) {
  this->format.name = weights.name.c_str();
}

void RandomSource::addMatrix(const std::string &name, int64_t rows,
                             int64_t columns) {
  SourceTensor tensor;
  tensor.name = name;
  tensor.shape = {rows, columns};
  tensor.format = &format;
  // A row that the blocks do not divide ends with a short group.
  bool whole = format.blockLength && columns % format.blockLength == 0;
  double bits = format.scheme.bitsPerWeight(columns);
  tensor.bytes =
      whole ? rows * format.rowBytes(columns)
            : static_cast<uint64_t>(double(rows) * double(columns) * bits / 8);
  auto random = std::make_shared<RandomRows>(
      format.scheme, llvm::xxh3_64bits(name), kDeviation);
  tensor.generate = [random, columns](int64_t row, RowFields &fields) {
    random->fill(row, columns, fields);
  };
  all.push_back(std::move(tensor));
}

void RandomSource::addVector(const std::string &name, int64_t size,
                             double mean) {
  static const BitFormat *f32 = findBitFormat("F32");
  SourceTensor tensor;
  tensor.name = name;
  tensor.shape = {size};
  tensor.format = f32;
  tensor.bytes = f32->rowBytes(size);
  auto random = std::make_shared<RandomRows>(
      f32->scheme, llvm::xxh3_64bits(name), kDeviation);
  tensor.generate = [random, size, mean](int64_t row, RowFields &fields) {
    random->fill(row, size, fields);
    for (float &value : fields.reals)
      value += static_cast<float>(mean);
  };
  all.push_back(std::move(tensor));
}

} // namespace lowbit
