//===- TorchAO.cpp - Layers of quant_method torchao -----------------------===//
//
// A weight that is a tensor subclass in PyTorch is stored in parts,
// LAYER._weight_PART, and a JSON text under LAYER.weight among the file's
// metadata says of what class it is (torchao 0.18,
// prototype/safetensors/safetensors_support.py):
//
//   {"_type": "IntxUnpackedToInt8Tensor",
//    "_data": {"target_dtype": {"_type": "torch.dtype", "_data": "int4"},
//              "block_size": [1, 32], "activation_quantization": null, ...},
//    "_tensor_data_names": ["qdata", "scale", "zero_point"]}
//
//===----------------------------------------------------------------------===//

#include "QuantizedWeights.h"

#include "Json.h"

#include <cassert>

using llvm::Error;
using llvm::StringRef;
using llvm::Twine;
using llvm::json::Object;

namespace lowbit::huggingface {

static constexpr const char *kOriginal =
    ": give the checkpoint that it was made from";

//===- Activations --------------------------------------------------------===//

static InputRounding rounding(const char *quantizer, const char *scheme) {
  InputRounding result;
  std::string error;
  bool isRight = Quantizer::parse(quantizer, result.quantizer, error) &&
                 Scheme::parse(scheme, result.scheme, error);
  assert(isRight && "a quantizer and a scheme of ours");
  (void)isRight;
  return result;
}

/// Int8Tensor's own rounding of rows, by mapping_type and reduce_range. Rows of
/// docs/Numerics.md, N9.
static const InputRounding &int8Inputs(bool asymmetric, bool reduced) {
  static const InputRounding kinds[] = {
      rounding("absmax reach 127.5, scale least 1.1920929e-07, multiply",
               "s8, row scale f32"),
      rounding("absmax reach 63.5, scale least 1.1920929e-07, multiply, "
               "clamp -64 63",
               "s8, row scale f32"),
      rounding("minmax, scale least 1.1920929e-07, multiply",
               "s8, row scale f32 zero s8"),
      rounding("minmax, scale least 1.1920929e-07, multiply, clamp -64 63",
               "s8, row scale f32 zero s8")};
  return kinds[2 * asymmetric + reduced];
}

/// int8_asym_per_token of IntxUnpackedToInt8Tensor.
static const InputRounding &intxInputs() {
  static const InputRounding kind =
      rounding("minmax, scale least 1.1754944e-38, multiply",
               "s8, row scale f32 zero s8");
  return kind;
}

//===- What the metadata says ---------------------------------------------===//

namespace {
/// Reads one layer; `layer` is X of X._weight_qdata.
class LayerReader {
public:
  LayerReader(TensorReader &reader, StringRef layer)
      : reader(reader), layer(layer) {}

  Error run(const std::string &metadata, FormatList &formats,
            SourceTensor &tensor);

private:
  std::string part(const char *name) const {
    return (layer + "._weight_" + name).str();
  }
  Error fail(const Twine &message) const {
    return reader.fail(layer + ".weight", message);
  }
  Error refuse(const Twine &key, StringRef got, const Twine &expected) const {
    return fail("has " + key + " " + safetensors::quoted(got) +
                " in the file's metadata, expected " + expected + kOriginal);
  }
  Error readClass();
  Error readInt8Inputs();
  Error readIntxInputs();
  Error readCodes();
  Error readScales();
  Error readZeros();

  TensorReader &reader;
  StringRef layer;
  const Object *data = nullptr; ///< "_data"
  std::string type;             ///< "_type"
  const InputRounding *inputs = nullptr;
  PackedRows rows;
  bool ofTensor = false; ///< one scale
};
} // namespace

/// "_data" of an object under `key`: an enumerator or a dtype; "" if there is
/// none.
static StringRef wordOf(const Object &object, StringRef key) {
  const Object *value = object.getObject(key);
  return value ? value->getString("_data").value_or("") : "";
}

Error LayerReader::readClass() {
  if (type == "Int8Tensor") {
    rows.bits = 8;
    return readInt8Inputs();
  }
  if (type != "IntxUnpackedToInt8Tensor")
    return refuse("the class", type, "Int8Tensor or IntxUnpackedToInt8Tensor");
  StringRef width = wordOf(*data, "target_dtype"), digits = width;
  unsigned bits = 0;
  if (!digits.consume_front("int") || digits.getAsInteger(10, bits) ||
      bits < 1 || bits > 8)
    return refuse("target_dtype", width, "int1 to int8");
  rows.bits = bits;
  return readIntxInputs();
}

Error LayerReader::readInt8Inputs() {
  for (const char *name :
       {"act_quant_scale", "act_quant_zero_point", "act_pre_scale"})
    if (reader.findAny(part(name)))
      return reader.fail(part(name), Twine("is not supported") + kOriginal);
  const llvm::json::Value *value = present(*data, "act_quant_kwargs");
  if (!value)
    return Error::success();
  const Object *outer = value->getAsObject();
  const Object *given = outer ? outer->getObject("_data") : nullptr;
  if (!given)
    return fail("has act_quant_kwargs that are no object");
  const Object *granularity = given->getObject("granularity");
  StringRef span =
      granularity ? granularity->getString("_type").value_or("") : "";
  if (span != "PerRow")
    return refuse("activations of granularity", span, "PerRow");
  StringRef mapping = wordOf(*given, "mapping_type");
  if (mapping != "SYMMETRIC" && mapping != "ASYMMETRIC")
    return refuse("activations of mapping_type", mapping,
                  "SYMMETRIC or ASYMMETRIC");
  inputs = &int8Inputs(mapping == "ASYMMETRIC",
                       given->getBoolean("reduce_range").value_or(false));
  return Error::success();
}

Error LayerReader::readIntxInputs() {
  const llvm::json::Value *value = present(*data, "activation_quantization");
  if (!value)
    return Error::success();
  StringRef kind = value->getAsString().value_or("");
  if (kind != "int8_asym_per_token")
    return refuse("activation_quantization", kind, "int8_asym_per_token");
  inputs = &intxInputs();
  return Error::success();
}

//===- Tensors ------------------------------------------------------------===//

Error LayerReader::readCodes() {
  auto taken = reader.take(part("qdata"), {"I8"});
  if (!taken)
    return taken.takeError();
  const safetensors::Tensor &tensor = **taken;
  if (tensor.shape.size() != 2 || !tensor.bytes)
    return reader.fail(tensor.name, "must have two dimensions and elements: "
                                    "download the checkpoint again");
  rows.rows = tensor.shape[0];
  rows.columns = tensor.shape[1];
  if (Error error = checkRange(reader, tensor, rows.bits))
    return error;
  rows.codes = [bytes = tensor.data, columns = rows.columns,
                offset = 1 << (rows.bits - 1)](int64_t row, uint8_t *codes) {
    for (int64_t k = 0; k < columns; ++k)
      codes[k] = uint8_t(int8_t(bytes[row * columns + k]) + offset);
  };
  return Error::success();
}

/// One for each block of block_size, which covers part of a row, a row, or all.
Error LayerReader::readScales() {
  const llvm::json::Array *size = data->getArray("block_size");
  int64_t height = 0, width = 0;
  if (size && size->size() == 2) {
    height = (*size)[0].getAsInteger().value_or(0);
    width = (*size)[1].getAsInteger().value_or(0);
  }
  ofTensor = height == rows.rows && width == rows.columns && height != 1;
  if (!ofTensor && (height != 1 || width < 1 || rows.columns % width))
    return fail("has a block_size in the file's metadata that is neither [1, "
                "G] with G a divisor of " +
                Twine(rows.columns) + " columns nor the whole matrix" +
                kOriginal);
  rows.group = width == rows.columns ? Level::kRow : width;
  std::vector<int64_t> shape = {ofTensor ? 1 : rows.rows, rows.groups()};
  auto scales = reader.takeScales(part("scale"), shape);
  if (!scales)
    return scales.takeError();
  rows.scales = *scales;
  rows.scaleRowStride = ofTensor ? 0 : rows.groups();
  rows.scaleGroupStride = 1;
  return Error::success();
}

/// Symmetric weights have zero points that are 0, or none.
Error LayerReader::readZeros() {
  if (!reader.findAny(part("zero_point")))
    return Error::success();
  int64_t groups = rows.groups();
  std::vector<int64_t> shape = {ofTensor ? 1 : rows.rows, groups};
  auto taken = reader.take(part("zero_point"), {"I8"}, shape);
  if (!taken)
    return taken.takeError();
  const safetensors::Tensor &zeros = **taken;
  if (llvm::all_of(llvm::ArrayRef(zeros.data, size_t(zeros.bytes)),
                   [](uint8_t byte) { return byte == 0; }))
    return Error::success();
  if (Error error = checkRange(reader, zeros, rows.bits))
    return error;
  rows.zeros = [bytes = zeros.data, groups, stride = ofTensor ? 0 : groups,
                offset = 1 << (rows.bits - 1)](int64_t row, uint32_t *result) {
    for (int64_t g = 0; g < groups; ++g)
      result[g] = uint32_t(int8_t(bytes[row * stride + g]) + offset);
  };
  return Error::success();
}

Error LayerReader::run(const std::string &metadata, FormatList &formats,
                       SourceTensor &tensor) {
  auto object = parseJson(metadata, (layer + ".weight").str());
  if (!object) {
    llvm::consumeError(object.takeError());
    return fail("has metadata that are no JSON object: download the "
                "checkpoint again");
  }
  type = object->getString("_type").value_or("").str();
  data = object->getObject("_data");
  if (type.empty() || !data)
    return fail("has metadata without _type and _data: download the "
                "checkpoint again");
  for (auto step : {&LayerReader::readClass, &LayerReader::readCodes,
                    &LayerReader::readScales, &LayerReader::readZeros})
    if (Error error = (this->*step)())
      return error;
  describeRows(rows, "torchao", formats, tensor);
  tensor.inputs = inputs;
  return Error::success();
}

Error readTorchAO(TensorReader &reader, StringRef layer, FormatList &formats,
                  SourceTensor &tensor) {
  const std::string *metadata = reader.metadata(layer + ".weight");
  if (!metadata)
    return reader.fail(layer + ".weight",
                       "is in parts, but no metadata of the file say what they "
                       "are: save the model again with save_pretrained");
  return LayerReader(reader, layer).run(*metadata, formats, tensor);
}

} // namespace lowbit::huggingface
