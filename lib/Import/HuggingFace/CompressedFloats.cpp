//===- CompressedFloats.cpp - Layers whose codes are small floats ---------===//
//
// Codes of E4M3 (a byte) and E2M1 (half a byte, the even column in the low
// half), and the scales above them:
//
//   float-quantized       weight F8_E4M3 [N, K], weight_scale for the tensor,
//     naive, mxfp8        each row, groups of columns or blocks of both
//   nvfp4-pack-quantized  weight_packed u8 [N, K / 2], weight_scale F8_E4M3
//                         [N, K / 16], weight_global_scale f32 [1]: divides
//   mxfp4-pack-quantized  weight_packed u8 [N, K / 2], weight_scale u8: E8M0
//   fp8 of transformers   weight F8_E4M3, weight_scale_inv: a factor, for all
//                         its name
//
//===----------------------------------------------------------------------===//

#include "QuantizedWeights.h"

#include "lowbit/Support/Float.h"

#include "llvm/Support/Endian.h"

#include <cmath>

using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

namespace lowbit::huggingface {

/// Of E4M3. No finite entry stands for the two NaNs, which are refused.
static const std::vector<float> &eightBits() {
  static const std::vector<float> values = [] {
    std::vector<float> entries(256);
    for (unsigned code = 0; code < 256; ++code)
      if (float value = fromE4M3(uint8_t(code)); std::isfinite(value))
        entries[code] = value;
    entries[0x80] = 0; // as zero is written in other schemes
    return entries;
  }();
  return values;
}

/// Of E2M1, as GGUF's schemes have them: -0 is 0.
static const std::vector<float> &fourBits() {
  static const std::vector<float> values = {0, 0.5,  1,  1.5,  2,  3,  4,  6,
                                            0, -0.5, -1, -1.5, -2, -3, -4, -6};
  return values;
}

/// [N, K] of a weight of bytes, each of `perByte` columns.
static Error readMatrix(TensorReader &reader, const safetensors::Tensor &tensor,
                        int64_t perByte, PackedRows &rows) {
  if (tensor.shape.size() != 2 || !tensor.bytes)
    return reader.fail(tensor.name, "must have two dimensions and elements: "
                                    "download the checkpoint again");
  rows.rows = tensor.shape[0];
  rows.columns = tensor.shape[1] * perByte;
  return Error::success();
}

//===- Bytes --------------------------------------------------------------===//

static Error refuseNaN(TensorReader &reader,
                       const safetensors::Tensor &tensor) {
  for (uint64_t i = 0; i < tensor.bytes; ++i)
    if ((tensor.data[i] & 0x7f) == 0x7f)
      return reader.fail(tensor.name, "has NaN at element " + Twine(i) +
                                          ": quantize the model again");
  return Error::success();
}

llvm::Expected<PackedRows> readFloat8(TensorReader &reader, StringRef layer,
                                      const QuantizedLayers &config) {
  PackedRows rows;
  rows.group = config.group;
  rows.codebook = &eightBits();
  auto weight = reader.take(layer + ".weight", {"F8_E4M3"});
  if (!weight)
    return weight.takeError();
  const safetensors::Tensor &tensor = **weight;
  if (Error error = readMatrix(reader, tensor, 1, rows))
    return std::move(error);
  if (Error error = refuseNaN(reader, tensor))
    return std::move(error);
  rows.codes = [data = tensor.data, columns = rows.columns](int64_t row,
                                                            uint8_t *codes) {
    std::copy_n(data + row * columns, columns, codes);
  };
  rows.scaleRows = config.blockRows;
  if (Error error = readScales(reader, layer + "." + config.scaleName,
                               {"F32", "F16", "BF16", "U8", "F8_E8M0"}, rows))
    return std::move(error);
  return rows;
}

//===- Halves of bytes ----------------------------------------------------===//

/// The tool divides a group's scale by it; here its inverse is a factor of the
/// tensor, the same number where it is a power of two and else within 1 ulp.
static Error readGlobalScale(TensorReader &reader, StringRef layer,
                             PackedRows &rows) {
  std::string name = (layer + ".weight_global_scale").str();
  auto scale = reader.take(name, {"F32"});
  if (!scale)
    return scale.takeError();
  if ((*scale)->bytes != 4)
    return reader.fail(name, "must have one element: download the checkpoint "
                             "again");
  float divisor = fromF32(llvm::support::endian::read32le((*scale)->data));
  float factor = 1 / divisor;
  if (!std::isfinite(divisor) || divisor <= 0 || !std::isfinite(factor))
    return reader.fail(name, "must be a positive number whose inverse is "
                             "finite: quantize the model again");
  rows.outerScale = factor;
  return Error::success();
}

llvm::Expected<PackedRows> readFloat4(TensorReader &reader, StringRef layer,
                                      const QuantizedLayers &config) {
  bool nested = config.storage == QuantizedLayers::NvFloat4;
  PackedRows rows;
  rows.bits = 4;
  rows.group = config.group;
  rows.codebook = &fourBits();
  auto weight = reader.take(layer + ".weight_packed", {"U8"});
  if (!weight)
    return weight.takeError();
  const safetensors::Tensor &tensor = **weight;
  if (Error error = readMatrix(reader, tensor, 2, rows))
    return std::move(error);
  rows.codes = [data = tensor.data, columns = rows.columns](int64_t row,
                                                            uint8_t *codes) {
    const uint8_t *line = data + row * (columns / 2);
    for (int64_t k = 0; k < columns; ++k)
      codes[k] = line[k / 2] >> (k % 2 * 4) & 15;
  };
  llvm::SmallVector<StringRef, 2> types = {"U8", "F8_E8M0"};
  if (nested)
    types = {"F8_E4M3"};
  if (Error error =
          readScales(reader, layer + "." + config.scaleName, types, rows))
    return std::move(error);
  if (nested)
    if (Error error = readGlobalScale(reader, layer, rows))
      return std::move(error);
  return rows;
}

} // namespace lowbit::huggingface
