//===- Quantization.cpp - quantization_config of config.json --------------===//

#include "Quantization.h"

#include "Json.h"
#include "SafetensorsFile.h"
#include "lib/Import/MappedFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
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
  void readBlock(const std::string &where, const llvm::json::Value *value,
                 QuantizedLayers &layers);
  void addLayers(const std::string &where, StringRef format, StringRef type,
                 const QuantizedLayers &layers);
  void readGPTQ();
  void readAWQ();
  llvm::Expected<Quantization> readBitNet();
  void readFP8();

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

namespace {
/// What `format` may say of weights of a type and of bits (0: any).
struct StoredFormat {
  const char *format, *type;
  int64_t bits;
  QuantizedLayers::Storage storage;
};
} // namespace

static constexpr StoredFormat kStoredFormats[] = {
    {"pack-quantized", "int", 0, QuantizedLayers::Words},
    {"int-quantized", "int", 0, QuantizedLayers::Bytes},
    {"float-quantized", "float", 8, QuantizedLayers::Float8},
    {"nvfp4-pack-quantized", "float", 4, QuantizedLayers::NvFloat4},
    {"mxfp4-pack-quantized", "float", 4, QuantizedLayers::MxFloat4},
    // Other words for some of them.
    {"naive-quantized", "int", 0, QuantizedLayers::Bytes},
    {"naive-quantized", "float", 8, QuantizedLayers::Float8},
    {"mxfp8-quantized", "float", 8, QuantizedLayers::Float8},
};

/// Heights and widths of blocks.
void Reader::readBlock(const std::string &where, const llvm::json::Value *value,
                       QuantizedLayers &layers) {
  const llvm::json::Array *block = value ? value->getAsArray() : nullptr;
  int64_t sizes[2] = {0, 0};
  for (size_t i = 0; i < 2 && block && block->size() == 2; ++i)
    sizes[i] = (*block)[i].getAsInteger().value_or(0);
  for (int64_t size : sizes)
    if (size < 1 || size > kLargestGroup)
      return fail("key 'quantization_config." + where +
                  "' must be two whole numbers from 1 to " +
                  Twine(kLargestGroup));
  layers.blockRows = sizes[0];
  layers.group = sizes[1];
}

void Reader::readWeights(const std::string &where, const Object &weights,
                         QuantizedLayers &layers) {
  layers.bits = number(weights, where, "num_bits", 2, 8);
  layers.symmetric = weights.getBoolean("symmetric").value_or(true);
  StringRef strategy = weights.getString("strategy").value_or("");
  if (strategy.empty()) // the library's own rule
    strategy = present(weights, "group_size") ? "group" : "channel";
  if (strategy == "group" || strategy == "tensor_group")
    layers.group = number(weights, where, "group_size", 1, kLargestGroup);
  else if (strategy == "tensor")
    layers.group = Level::kTensor;
  else if (strategy == "block")
    readBlock(where + "block_structure", weights.get("block_structure"),
              layers);
  else if (strategy != "channel")
    refuse(where + "strategy", strategy,
           "group, tensor_group, channel, tensor or block");
  bool coarse = strategy == "tensor" || strategy == "block";
  if (coarse && !layers.symmetric)
    refuse(where + "symmetric", "false", "true where a scale has many rows");
}

/// Where neither the group nor the config names a format, tensors tell.
void Reader::addLayers(const std::string &where, StringRef format,
                       StringRef type, const QuantizedLayers &layers) {
  bool named = !format.empty() && format != "mixed-precision";
  bool floats = type == "float";
  if (floats && layers.bits != 4 && layers.bits != 8)
    return refuse(where + "weights.num_bits", std::to_string(layers.bits),
                  "4 or 8 where the type is float");
  if (floats && !layers.symmetric)
    return refuse(where + "weights.symmetric", "false",
                  "true where the type is float");
  size_t before = result.layers.size();
  std::vector<StringRef> words;
  for (const StoredFormat &each : kStoredFormats) {
    if (type != each.type || (each.bits && each.bits != layers.bits))
      continue;
    words.push_back(each.format);
    if (named ? format != each.format
              : StringRef(each.format) == "naive-quantized")
      continue;
    result.layers.push_back(layers);
    result.layers.back().storage = each.storage;
  }
  if (words.empty())
    return refuse(where + "weights.type", type, "int or float");
  if (result.layers.size() == before)
    refuse(where + "format", format, llvm::join(words, ", "));
}

void Reader::readLayers(StringRef name, const Object &group, StringRef format) {
  std::string where = ("config_groups." + name + ".").str();
  const Object *weights = group.getObject("weights");
  if (!weights)
    return; // activations alone
  QuantizedLayers layers;
  layers.name = name.str();
  if (const llvm::json::Array *targets = group.getArray("targets"))
    for (const llvm::json::Value &target : *targets)
      if (auto text = target.getAsString())
        layers.targets.push_back(text->str());
  readWeights(where + "weights.", *weights, layers);
  addLayers(where, group.getString("format").value_or(format),
            weights->getString("type").value_or("int"), layers);
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

//===- fp8 of transformers, as DeepSeek's and Qwen's files have it --------===//

void Reader::readFP8() {
  result.method = Quantization::FP8;
  QuantizedLayers layers;
  layers.bits = 8;
  layers.storage = QuantizedLayers::Float8;
  layers.scaleName = "weight_scale_inv";
  layers.group = Level::kTensor;
  if (const llvm::json::Value *block = present(object, "weight_block_size"))
    readBlock("weight_block_size", block, layers);
  StringRef format = object.getString("fmt").value_or("e4m3");
  if (format != "e4m3" && format != "float8_e4m3fn")
    refuse("fmt", format, "e4m3");
  result.layers.push_back(layers);
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
  else if (method == "fp8")
    readFP8();
  else
    refuse("quant_method", method.empty() ? "unknown" : method,
           "compressed-tensors, gptq, awq, bitnet, fp8 or torchao");
  if (!problem.empty())
    return fileError(path, problem);
  return std::move(result);
}

llvm::Expected<Quantization> readQuantization(const Object &object,
                                              StringRef path) {
  return Reader(object, path).run();
}

} // namespace lowbit::huggingface
