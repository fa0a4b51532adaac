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
  if (quantization.method == Quantization::GPTQ ||
      quantization.method == Quantization::AWQ)
    return reader.findAny(layer + ".qweight");
  const safetensors::Tensor *bytes = checkpoint.find(weight);
  return reader.findAny(layer + ".weight_packed") ||
         (bytes && bytes->type->bits == 8);
}

/// How a layer of compressed-tensors is stored, and what tools call it.
static QuantizedLayers::Storage
storageOf(const TensorReader &reader, StringRef layer, const char *&format) {
  if (const auto *packed = reader.findAny(layer + ".weight_packed")) {
    if (StringRef(packed->type->name) != "U8") {
      format = "pack-quantized";
      return QuantizedLayers::Words;
    }
    bool nested = reader.findAny(layer + ".weight_global_scale");
    format = nested ? "nvfp4-pack-quantized" : "mxfp4-pack-quantized";
    return nested ? QuantizedLayers::NvFloat4 : QuantizedLayers::MxFloat4;
  }
  bool integers =
      StringRef(reader.findAny(layer + ".weight")->type->name) == "I8";
  format = integers ? "int-quantized" : "float-quantized";
  return integers ? QuantizedLayers::Bytes : QuantizedLayers::Float8;
}

static llvm::Expected<PackedRows> readStored(TensorReader &reader,
                                             StringRef layer,
                                             const QuantizedLayers &config) {
  switch (config.storage) {
  case QuantizedLayers::Words:
    return readPackQuantized(reader, layer, config);
  case QuantizedLayers::Bytes:
    return readIntQuantized(reader, layer, config);
  case QuantizedLayers::Float8:
    return readFloat8(reader, layer, config);
  case QuantizedLayers::NvFloat4:
  case QuantizedLayers::MxFloat4:
    return readFloat4(reader, layer, config);
  }
  llvm_unreachable("no other storage");
}

/// What was measured for activations: --activations says how they are rounded.
static void ignoreActivations(TensorReader &reader, StringRef layer) {
  for (const char *part :
       {"input_scale", "input_zero_point", "input_global_scale", "output_scale",
        "output_zero_point"})
    reader.ignore(layer + "." + part);
}

/// Which of several config groups a layer belongs to is a matter of regular
/// expressions of Python over names of modules. Its tensors say the same: the
/// group is the only one that they fit. One that has the layer's own name comes
/// before.
static llvm::Expected<PackedRows>
readCompressed(TensorReader &reader, StringRef layer,
               const Quantization &quantization, const char *&format) {
  QuantizedLayers::Storage storage = storageOf(reader, layer, format);
  ignoreActivations(reader, layer);
  std::optional<PackedRows> result;
  std::string problem = llvm::toString(reader.fail(
      layer + ".weight", Twine("is ") + format +
                             ", but no config group of config.json is: "
                             "download it again"));
  auto names = [&](const QuantizedLayers &config) {
    return llvm::is_contained(config.targets, layer);
  };
  bool isNamed = llvm::any_of(quantization.layers, names);
  for (const QuantizedLayers &config : quantization.layers) {
    if (config.storage != storage || (isNamed && !names(config)))
      continue;
    auto rows = readStored(reader, layer, config);
    if (!rows) {
      problem = llvm::toString(rows.takeError());
      continue;
    }
    bool same = result && result->bits == rows->bits &&
                result->groups() == rows->groups() &&
                result->scaleRows == rows->scaleRows;
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
  case Quantization::FP8:
    format = "fp8";
    reader.ignore(layer + ".activation_scale");
    return readFloat8(reader, layer, config);
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
