//===- Quantization.cpp - quantization_config of config.json --------------===//

#include "Quantization.h"

#include "Json.h"
#include "SafetensorsFile.h"
#include "lib/Import/MappedFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

using llvm::StringRef;
using llvm::Twine;
using llvm::json::Object;

namespace lowbit::huggingface {

static constexpr const char *kOriginal =
    ": give the checkpoint that it was made from";
/// Scheme::check has this limit (S5).
static constexpr int64_t kLargestGroup = int64_t(1) << 20;

namespace {
/// Keeps the first problem; reading goes on with harmless values.
class Reader {
public:
  Reader(const Object &object, StringRef path) : object(object), path(path) {}

  llvm::Expected<Quantization> run();

private:
  void fail(const Twine &message) {
    if (problem.empty())
      problem = message.str();
  }
  void refuse(const Twine &key, StringRef got, const Twine &expected) {
    fail("key 'quantization_config." + key + "' is " +
         safetensors::quoted(got) + ", expected " + expected + kOriginal);
  }
  int64_t number(const Object &from, const Twine &where, StringRef key,
                 int64_t least, int64_t most);
  /// GPTQ and AWQ: -1 is a whole row.
  int64_t groupSize(StringRef key);
  void readCompressedTensors();
  void readLayers(StringRef name, const Object &group, StringRef format);
  void readWeights(const std::string &where, const Object &weights,
                   QuantizedLayers &layers);
  void readGPTQ();
  void readAWQ();
  llvm::Expected<Quantization> readBitNet();

  const Object &object;
  StringRef path;
  std::string problem;
  Quantization result;
};
} // namespace

int64_t Reader::number(const Object &from, const Twine &where, StringRef key,
                       int64_t least, int64_t most) {
  std::optional<int64_t> given = from.getInteger(key);
  if (given && *given >= least && *given <= most)
    return *given;
  fail("key 'quantization_config." + where + key +
       "' must be a whole number from " + Twine(least) + " to " + Twine(most));
  return least;
}

//===- compressed-tensors -------------------------------------------------===//

void Reader::readWeights(const std::string &where, const Object &weights,
                         QuantizedLayers &layers) {
  StringRef type = weights.getString("type").value_or("int");
  if (type != "int")
    return refuse(where + "type", type, "int");
  layers.bits = number(weights, where, "num_bits", 2, 8);
  layers.symmetric = weights.getBoolean("symmetric").value_or(true);
  StringRef strategy = weights.getString("strategy").value_or("");
  if (strategy.empty()) // the library's own rule
    strategy = present(weights, "group_size") ? "group" : "channel";
  if (strategy == "group")
    layers.group = number(weights, where, "group_size", 1, kLargestGroup);
  else if (strategy != "channel")
    refuse(where + "strategy", strategy, "group or channel");
}

void Reader::readLayers(StringRef name, const Object &group, StringRef format) {
  std::string where = ("config_groups." + name + ".").str();
  const Object *weights = group.getObject("weights");
  if (!weights)
    return; // activations alone
  format = group.getString("format").value_or(format);
  if (format != "pack-quantized" && format != "int-quantized")
    return refuse(where + "format", format, "pack-quantized or int-quantized");
  // Scales of activations that were measured would have tensors of their own.
  const Object *inputs = group.getObject("input_activations");
  const llvm::json::Value *dynamic = inputs ? inputs->get("dynamic") : nullptr;
  if (inputs && (!dynamic || dynamic->getAsBoolean() == false))
    return refuse(where + "input_activations.dynamic", "false", "true");
  QuantizedLayers layers;
  layers.name = name.str();
  layers.packed = format == "pack-quantized";
  readWeights(where + "weights.", *weights, layers);
  result.layers.push_back(std::move(layers));
}

void Reader::readCompressedTensors() {
  result.method = Quantization::CompressedTensors;
  for (const char *key : {"kv_cache_scheme", "transform_config"}) {
    const llvm::json::Value *value = present(object, key);
    const Object *child = value ? value->getAsObject() : nullptr;
    if (value && !(child && child->empty()))
      fail("key 'quantization_config." + Twine(key) +
           "' is not supported, expected null" + kOriginal);
  }
  if (const Object *sparsity = object.getObject("sparsity_config")) {
    StringRef format = sparsity->getString("format").value_or("dense");
    if (format != "dense")
      refuse("sparsity_config.format", format, "dense");
  }
  const Object *groups = object.getObject("config_groups");
  if (!groups)
    return fail("key 'quantization_config.config_groups' must be an object");
  StringRef format = object.getString("format").value_or("");
  // A hash table's order is nobody's.
  std::vector<StringRef> names;
  for (const auto &[name, group] : *groups)
    names.push_back(StringRef(name));
  llvm::sort(names);
  for (StringRef name : names)
    if (const Object *group = groups->getObject(name))
      readLayers(name, *group, format);
  if (result.layers.empty())
    fail("key 'quantization_config.config_groups' has no weights");
}

//===- GPTQ and AWQ -------------------------------------------------------===//

int64_t Reader::groupSize(StringRef key) {
  int64_t size = number(object, "", key, -1, kLargestGroup);
  if (size == 0)
    fail("key 'quantization_config." + Twine(key) + "' must not be 0");
  return size < 0 ? Level::kRow : size;
}

void Reader::readGPTQ() {
  result.method = Quantization::GPTQ;
  StringRef format = object.getString("checkpoint_format").value_or("gptq");
  if (format != "gptq" && format != "gptq_v2")
    refuse("checkpoint_format", format, "gptq or gptq_v2");
  result.zerosLessOne = format == "gptq";
  const llvm::json::Value *dynamic = present(object, "dynamic");
  if (dynamic && !(dynamic->getAsObject() && dynamic->getAsObject()->empty()))
    fail(Twine("key 'quantization_config.dynamic' is not supported, expected "
               "null") +
         kOriginal);
  QuantizedLayers layers;
  layers.bits = number(object, "", "bits", 2, 8);
  if (!llvm::is_contained({2, 3, 4, 8}, layers.bits))
    fail("key 'quantization_config.bits' is " + Twine(layers.bits) +
         ", expected 2, 3, 4 or 8" + kOriginal);
  layers.group = groupSize("group_size");
  layers.symmetric = false; // zero points are always stored
  result.layers.push_back(layers);
}

void Reader::readAWQ() {
  result.method = Quantization::AWQ;
  std::string version = object.getString("version").value_or("gemm").lower();
  if (version != "gemm")
    refuse("version", version, "gemm");
  QuantizedLayers layers;
  layers.bits =
      number(object, "", present(object, "bits") ? "bits" : "w_bit", 4, 4);
  layers.group =
      groupSize(present(object, "group_size") ? "group_size" : "q_group_size");
  layers.symmetric = false;
  result.layers.push_back(layers);
}

llvm::Expected<Quantization> Reader::readBitNet() {
  result.method = Quantization::BitNet;
  llvm::Expected<BitNetLayers> layers = readBitNetLayers(object, path);
  if (!layers)
    return layers.takeError();
  result.bitnet = std::move(*layers);
  return std::move(result);
}

llvm::Expected<Quantization> Reader::run() {
  StringRef method = object.getString("quant_method").value_or("");
  if (method == "compressed-tensors")
    readCompressedTensors();
  else if (method == "gptq")
    readGPTQ();
  else if (method == "awq")
    readAWQ();
  else if (method == "bitnet")
    return readBitNet();
  else if (method == "torchao") // the tensors' metadata say the rest
    result.method = Quantization::TorchAO;
  else
    refuse("quant_method", method.empty() ? "unknown" : method,
           "compressed-tensors, gptq, awq, bitnet or torchao");
  if (!problem.empty())
    return fileError(path, problem);
  return std::move(result);
}

llvm::Expected<Quantization> readQuantization(const Object &object,
                                              StringRef path) {
  return Reader(object, path).run();
}

} // namespace lowbit::huggingface
