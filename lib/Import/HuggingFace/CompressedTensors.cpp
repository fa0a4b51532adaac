//===- CompressedTensors.cpp - Layers of compressed-tensors ---------------===//

#include "QuantizedWeights.h"

#include "llvm/Support/Endian.h"

using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

namespace lowbit::huggingface {

/// The library packs without gaps since 0.20 and did not cross words before.
/// Where both take as many words it is the newer.
static llvm::Expected<PackedCodes>
findPacking(TensorReader &reader, StringRef name,
            const safetensors::Tensor &tensor, size_t dimension, int64_t count,
            unsigned bits) {
  PackedCodes codes;
  codes.bits = bits;
  int64_t words = tensor.shape[dimension];
  if (words == PackedCodes::wordsFor(count, bits, 0))
    return codes;
  codes.perWord = 32 / bits;
  if (words == PackedCodes::wordsFor(count, bits, codes.perWord))
    return codes;
  return reader.fail(name, "has " + Twine(words) + " words for " +
                               Twine(count) + " codes of " + Twine(bits) +
                               " bits, expected " +
                               Twine(PackedCodes::wordsFor(count, bits, 0)) +
                               ": download the checkpoint again");
}

/// [N, K] of weight_shape.
static Error readShape(TensorReader &reader, StringRef layer,
                       PackedRows &rows) {
  std::string name = (layer + ".weight_shape").str();
  auto shape = reader.take(name, {"I64", "I32"}, {2});
  if (!shape)
    return shape.takeError();
  const uint8_t *data = (*shape)->data;
  bool wide = (*shape)->type->bits == 64;
  auto size = [&](int i) {
    return wide ? int64_t(llvm::support::endian::read64le(data + 8 * i))
                : int32_t(llvm::support::endian::read32le(data + 4 * i));
  };
  rows.rows = size(0);
  rows.columns = size(1);
  // So that no product below overflows.
  constexpr int64_t kLargest = int64_t(1) << 28;
  if (rows.rows < 1 || rows.columns < 1 || rows.rows > kLargest ||
      rows.columns > kLargest)
    return reader.fail(name,
                       "is " + Twine(rows.rows) + " x " + Twine(rows.columns) +
                           ", expected sizes from 1 to " + Twine(kLargest) +
                           ": download the checkpoint again");
  return Error::success();
}

Error readScales(TensorReader &reader, const Twine &name,
                 llvm::ArrayRef<StringRef> types, PackedRows &rows) {
  bool one = rows.group == Level::kTensor;
  int64_t lines = (rows.rows + rows.scaleRows - 1) / rows.scaleRows;
  auto scales =
      reader.takeScales(name, {one ? 1 : lines, rows.groups()}, types);
  if (!scales)
    return scales.takeError();
  rows.scales = *scales;
  rows.scaleRowStride = one ? 0 : rows.groups();
  rows.scaleGroupStride = 1;
  return Error::success();
}

static Error readRealScales(TensorReader &reader, StringRef layer,
                            PackedRows &rows) {
  return readScales(reader, layer + ".weight_scale", {"F32", "F16", "BF16"},
                    rows);
}

/// Whether the layer has zero points, which its config must agree with.
static llvm::Expected<bool> hasZeros(TensorReader &reader, StringRef layer,
                                     const QuantizedLayers &config) {
  std::string name = (layer + ".weight_zero_point").str();
  bool has = reader.findAny(name);
  if (has || config.symmetric)
    return has;
  return reader.fail(name, "is missing, but config.json says \"symmetric\": "
                           "false: download the checkpoint again");
}

/// Zero points are packed along the rows, one column of words a group.
static Error readPackedZeros(TensorReader &reader, StringRef layer,
                             PackedRows &rows) {
  std::string name = (layer + ".weight_zero_point").str();
  auto zeros = reader.take(name, {"I32"});
  if (!zeros)
    return zeros.takeError();
  const safetensors::Tensor &tensor = **zeros;
  int64_t groups = rows.groups();
  if (tensor.shape.size() != 2 || tensor.shape[1] != groups)
    return reader.fail(name, "must have two dimensions, the second of " +
                                 Twine(groups) +
                                 " groups: download the checkpoint again");
  auto packing = findPacking(reader, name, tensor, 0, rows.rows, rows.bits);
  if (!packing)
    return packing.takeError();
  PackedCodes codes = *packing;
  codes.stride = 4 * groups;
  rows.zeros = [codes, groups, data = tensor.data](int64_t row,
                                                   uint32_t *zeros) {
    PackedCodes column = codes;
    for (int64_t g = 0; g < groups; ++g) {
      column.words = data + 4 * g;
      zeros[g] = column.at(row);
    }
  };
  return Error::success();
}

llvm::Expected<PackedRows> readPackQuantized(TensorReader &reader,
                                             StringRef layer,
                                             const QuantizedLayers &config) {
  PackedRows rows;
  rows.bits = unsigned(config.bits);
  rows.group = config.group;
  if (Error error = readShape(reader, layer, rows))
    return std::move(error);
  std::string name = (layer + ".weight_packed").str();
  auto packed = reader.take(name, {"I32"});
  if (!packed)
    return packed.takeError();
  const safetensors::Tensor &tensor = **packed;
  if (tensor.shape.size() != 2 || tensor.shape[0] != rows.rows)
    return reader.fail(name, "must have two dimensions, the first of " +
                                 Twine(rows.rows) +
                                 " rows as weight_shape says: download the "
                                 "checkpoint again");
  auto packing = findPacking(reader, name, tensor, 1, rows.columns, rows.bits);
  if (!packing)
    return packing.takeError();
  rows.codes = [codes = *packing, data = tensor.data, words = tensor.shape[1],
                columns = rows.columns](int64_t row, uint8_t *result) {
    PackedCodes line = codes;
    line.words = data + 4 * words * row;
    for (int64_t k = 0; k < columns; ++k)
      result[k] = uint8_t(line.at(k));
  };
  if (Error error = readRealScales(reader, layer, rows))
    return std::move(error);
  if (Error error = readOrder(reader, layer + ".weight_g_idx", rows))
    return std::move(error);
  auto zeros = hasZeros(reader, layer, config);
  if (!zeros)
    return zeros.takeError();
  if (*zeros)
    if (Error error = readPackedZeros(reader, layer, rows))
      return std::move(error);
  return rows;
}

static Error readByteZeros(TensorReader &reader, StringRef layer,
                           PackedRows &rows) {
  int64_t groups = rows.groups();
  auto zeros =
      reader.take(layer + ".weight_zero_point", {"I8"}, {rows.rows, groups});
  if (!zeros)
    return zeros.takeError();
  if (Error error = checkRange(reader, **zeros, rows.bits))
    return error;
  rows.zeros = [data = (*zeros)->data, groups,
                offset = 1 << (rows.bits - 1)](int64_t row, uint32_t *result) {
    for (int64_t g = 0; g < groups; ++g)
      result[g] = uint32_t(int8_t(data[row * groups + g]) + offset);
  };
  return Error::success();
}

llvm::Expected<PackedRows> readIntQuantized(TensorReader &reader,
                                            StringRef layer,
                                            const QuantizedLayers &config) {
  PackedRows rows;
  rows.bits = unsigned(config.bits);
  rows.group = config.group;
  auto weight = reader.take(layer + ".weight", {"I8"});
  if (!weight)
    return weight.takeError();
  const safetensors::Tensor &tensor = **weight;
  if (tensor.shape.size() != 2 || !tensor.bytes)
    return reader.fail(tensor.name, "must have two dimensions and elements: "
                                    "download the checkpoint again");
  rows.rows = tensor.shape[0];
  rows.columns = tensor.shape[1];
  if (Error error = checkRange(reader, tensor, rows.bits))
    return std::move(error);
  rows.codes = [data = tensor.data, columns = rows.columns,
                offset = 1 << (rows.bits - 1)](int64_t row, uint8_t *codes) {
    for (int64_t k = 0; k < columns; ++k)
      codes[k] = uint8_t(int8_t(data[row * columns + k]) + offset);
  };
  if (Error error = readRealScales(reader, layer, rows))
    return std::move(error);
  if (Error error = readOrder(reader, layer + ".weight_g_idx", rows))
    return std::move(error);
  auto zeros = hasZeros(reader, layer, config);
  if (!zeros)
    return zeros.takeError();
  if (*zeros)
    if (Error error = readByteZeros(reader, layer, rows))
      return std::move(error);
  return rows;
}

} // namespace lowbit::huggingface
