//===- BitNet.cpp - Layers of quant_method bitnet -------------------------===//
//
// transformers has two classes for one arithmetic, whose checkpoints differ:
// BitLinear divides by weight_scale, AutoBitLinear multiplies by it, or holds
// floats that it rounds whenever it runs (transformers 5.23,
// integrations/bitnet.py).
//
//===----------------------------------------------------------------------===//

#include "QuantizedWeights.h"

#include "Json.h"
#include "lib/Import/BitLinear.h"

using llvm::Error;
using llvm::StringRef;
using llvm::Twine;
using llvm::json::Object;

namespace lowbit::huggingface {

//===- config.json --------------------------------------------------------===//

namespace {
class BitNetReader {
public:
  BitNetReader(const Object &object, StringRef path)
      : object(object), path(path) {}

  llvm::Expected<BitNetLayers> run();

private:
  Error fail(const Twine &key, const Twine &message) const {
    return fileError(path, "key 'quantization_config." + key + "' " + message);
  }
  Error expectOneOf(StringRef key, StringRef &value, StringRef absent,
                    StringRef other) const;
  Error readExcluded(BitNetLayers &layers) const;

  const Object &object;
  StringRef path;
};
} // namespace

/// `value` becomes `absent`, the default, or `other`.
Error BitNetReader::expectOneOf(StringRef key, StringRef &value,
                                StringRef absent, StringRef other) const {
  value = absent;
  const llvm::json::Value *given = present(object, key);
  if (!given)
    return Error::success();
  value = given->getAsString().value_or("");
  if (value == absent || value == other)
    return Error::success();
  return fail(key, "is " + safetensors::quoted(value) + ", expected '" +
                       absent + "' or '" + other + "'");
}

/// The keys are regular expressions of Python; names of modules are all that
/// files have there.
Error BitNetReader::readExcluded(BitNetLayers &layers) const {
  constexpr const char *kKey = "modules_to_not_convert";
  const llvm::json::Value *value = present(object, kKey);
  if (!value) {
    layers.excluded = {"lm_head"}; // the library's own rule
    return Error::success();
  }
  const llvm::json::Array *list = value->getAsArray();
  if (!list)
    return fail(kKey, "must be a list of names, or null");
  for (const llvm::json::Value &item : *list) {
    StringRef name = item.getAsString().value_or("");
    if (name.empty() || name.find_first_of("*+?[](){}|^$\\") != StringRef::npos)
      return fail(kKey, "has " + safetensors::quoted(name) +
                            ", expected a name without operators of regular "
                            "expressions");
    layers.excluded.push_back(name.str());
  }
  if (layers.contains("lm_head"))
    return fail(kKey, "does not name lm_head, but a head of ternary weights is "
                      "not supported");
  return Error::success();
}

llvm::Expected<BitNetLayers> BitNetReader::run() {
  StringRef linear, mode;
  if (Error error =
          expectOneOf("linear_class", linear, "bitlinear", "autobitlinear"))
    return std::move(error);
  if (Error error = expectOneOf("quantization_mode", mode, "offline", "online"))
    return std::move(error);
  const llvm::json::Value *norm = present(object, "use_rms_norm");
  if (norm && norm->getAsBoolean() != false)
    return fail("use_rms_norm", "is not supported, expected false");
  BitNetLayers layers;
  // BitLinear knows no modes: its weights are always packed.
  layers.online = linear == "autobitlinear" && mode == "online";
  layers.multiplies = linear == "autobitlinear" && mode == "offline";
  if (Error error = readExcluded(layers))
    return std::move(error);
  return layers;
}

llvm::Expected<BitNetLayers> readBitNetLayers(const Object &object,
                                              StringRef path) {
  return BitNetReader(object, path).run();
}

/// should_convert_module of transformers: a key excludes what it is the end of,
/// and what begins with it up to the end of a part of the name.
bool BitNetLayers::contains(StringRef layer) const {
  for (StringRef key : excluded) {
    bool begins = layer.starts_with(key) &&
                  (layer.size() == key.size() || key.ends_with(".") ||
                   layer[key.size()] == '.');
    if (begins || layer.ends_with(key))
      return false;
  }
  return true;
}

//===- A layer ------------------------------------------------------------===//

bool isBitLinear(const TensorReader &reader, StringRef layer,
                 const BitNetLayers &config) {
  const safetensors::Tensor *weight = reader.findAny(layer + ".weight");
  return weight && weight->shape.size() == 2 && config.contains(layer) &&
         !layer.ends_with("embed_tokens");
}

static Error readFloats(const safetensors::Tensor &weight,
                        SourceTensor &tensor) {
  tensor.shape = weight.shape;
  tensor.format = findBitFormat(std::string_view(weight.type->name));
  tensor.data = weight.data;
  tensor.bytes = weight.bytes;
  roundToTernary(tensor);
  return Error::success();
}

/// Every two bits are 0, 1 or 2.
static Error checkCodes(TensorReader &reader,
                        const safetensors::Tensor &weight) {
  for (uint64_t i = 0; i < weight.bytes; ++i)
    if (uint8_t byte = weight.data[i]; byte & byte >> 1 & 0x55)
      return reader.fail(weight.name,
                         "has the byte " + Twine(unsigned(byte)) +
                             " at element " + Twine(i) +
                             ", which is not four ternary digits: quantize "
                             "the model again");
  return Error::success();
}

/// weight_scale, one number that is not 0.
static llvm::Expected<const safetensors::Tensor *>
readScale(TensorReader &reader, StringRef layer) {
  auto scale = reader.takeScales(layer + ".weight_scale", {1});
  if (scale && fieldValue(scaleType(**scale), scaleBits(**scale, 0)) == 0)
    return reader.fail(layer + ".weight_scale",
                       "is 0: quantize the model again");
  return scale;
}

/// U8 [N / 4, K]: the low two bits of a row of bytes are row r, the next ones
/// row r + N / 4, and so on; a value is its bits minus 1.
static Error readPacked(TensorReader &reader, const safetensors::Tensor &weight,
                        StringRef layer, const BitNetLayers &config,
                        FormatList &formats, SourceTensor &tensor) {
  if (Error error = checkCodes(reader, weight))
    return error;
  auto scale = readScale(reader, layer);
  if (!scale)
    return scale.takeError();
  Scheme scheme;
  scheme.kind = CodeKind::Ternary;
  scheme.bits = 2;
  Level level;
  level.group = Level::kTensor;
  level.components.push_back(
      {config.multiplies ? Component::Scale : Component::Divisor,
       scaleType(**scale)});
  scheme.levels.push_back(level);
  int64_t quarter = weight.shape[0], columns = weight.shape[1];
  tensor.shape = {4 * quarter, columns};
  tensor.format = formatOf(scheme, "bitnet", formats);
  tensor.bytes = weight.bytes;
  tensor.generate = [scheme, quarter, columns, data = weight.data,
                     bits = scaleBits(**scale, 0)](int64_t row,
                                                   RowFields &fields) {
    fields.resize(scheme, columns);
    fields.fields[0][0][0] = bits;
    const uint8_t *bytes = data + row % quarter * columns;
    unsigned shift = unsigned(2 * (row / quarter));
    for (int64_t k = 0; k < columns; ++k)
      fields.codes[size_t(k)] = bytes[k] >> shift & 3;
  };
  return Error::success();
}

Error readBitLinear(TensorReader &reader, StringRef layer,
                    const BitNetLayers &config, FormatList &formats,
                    SourceTensor &tensor) {
  std::vector<StringRef> types = {"U8"};
  if (config.online)
    types = {"F32", "F16", "BF16"};
  auto weight = reader.take(layer + ".weight", types);
  if (!weight)
    return weight.takeError();
  tensor.inputs = &bitLinearInputs();
  if ((*weight)->bytes == 0)
    return reader.fail((*weight)->name,
                       "has no elements: download the checkpoint again");
  if (config.online)
    return readFloats(**weight, tensor);
  return readPacked(reader, **weight, layer, config, formats, tensor);
}

} // namespace lowbit::huggingface
