//===- QuantizedWeights.cpp - Checkpoints that are quantized --------------===//

#include "QuantizedWeights.h"

using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

namespace lowbit::huggingface {

/// X of X.weight, or "".
static StringRef layerOf(StringRef weight) {
  return weight.consume_back(".weight") ? weight : "";
}

bool QuantizedWeights::has(StringRef weight) const {
  StringRef layer = layerOf(weight);
  if (layer.empty() || quantization.method == Quantization::None)
    return false;
  if (quantization.method == Quantization::BitNet)
    return isBitLinear(reader, layer, quantization.bitnet);
  if (quantization.method == Quantization::TorchAO)
    return reader.findAny(layer + "._weight_qdata");
  if (quantization.method != Quantization::CompressedTensors)
    return reader.findAny(layer + ".qweight");
  const safetensors::Tensor *bytes = checkpoint.find(weight);
  return reader.findAny(layer + ".weight_packed") ||
         (bytes && StringRef(bytes->type->name) == "I8");
}

/// Which of several config groups a layer belongs to is a matter of regular
/// expressions of Python over names of modules. Its tensors say the same: the
/// group is the only one that they fit.
static llvm::Expected<PackedRows>
readCompressed(TensorReader &reader, StringRef layer,
               const Quantization &quantization, const char *&format) {
  bool packed = reader.findAny(layer + ".weight_packed");
  format = packed ? "pack-quantized" : "int-quantized";
  std::optional<PackedRows> result;
  std::string problem = llvm::toString(reader.fail(
      layer + ".weight", Twine("is ") + format +
                             ", but no config group of config.json is: "
                             "download it again"));
  for (const QuantizedLayers &config : quantization.layers) {
    if (config.packed != packed)
      continue;
    auto rows = packed ? readPackQuantized(reader, layer, config)
                       : readIntQuantized(reader, layer, config);
    if (!rows) {
      problem = llvm::toString(rows.takeError());
      continue;
    }
    bool same = result && result->bits == rows->bits &&
                result->groups() == rows->groups();
    if (result && !same)
      return reader.fail(layer + ".weight",
                         "fits several config groups of config.json: give the "
                         "checkpoint that it was made from");
    result = std::move(*rows);
  }
  if (result)
    return std::move(*result);
  return llvm::createStringError(llvm::inconvertibleErrorCode(), problem);
}

static llvm::Expected<PackedRows> readLayer(TensorReader &reader,
                                            StringRef layer,
                                            const Quantization &quantization,
                                            const char *&format) {
  const QuantizedLayers &config = quantization.layers.front();
  switch (quantization.method) {
  case Quantization::GPTQ:
    format = "gptq";
    return readGPTQ(reader, layer, config, quantization.zerosLessOne);
  case Quantization::AWQ:
    format = "awq";
    return readAWQ(reader, layer, config);
  default:
    return readCompressed(reader, layer, quantization, format);
  }
}

Error QuantizedWeights::read(StringRef weight, SourceTensor &tensor) {
  StringRef layer = layerOf(weight);
  if (quantization.method == Quantization::BitNet)
    return readBitLinear(reader, layer, quantization.bitnet, formats, tensor);
  if (quantization.method == Quantization::TorchAO)
    return readTorchAO(reader, layer, formats, tensor);
  const char *format = "";
  auto rows = readLayer(reader, layer, quantization, format);
  if (!rows)
    return rows.takeError();
  describeRows(*rows, format, formats, tensor);
  return Error::success();
}

bool QuantizedWeights::isEmpty(const safetensors::Tensor &tensor) const {
  StringRef layer = tensor.name;
  if (!layer.consume_back(".bias") || !reader.findAny(layer + ".qweight"))
    return false;
  return llvm::all_of(llvm::ArrayRef(tensor.data, size_t(tensor.bytes)),
                      [](uint8_t byte) { return byte == 0; });
}

} // namespace lowbit::huggingface
