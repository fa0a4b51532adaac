//===- EncoderConfig.cpp - config.json of an encoder ----------------------===//

#include "Checkpoint.h"
#include "ConfigReader.h"
#include "Encoder.h"
#include "Json.h"

#include "llvm/Support/Path.h"

using llvm::Error;
using llvm::StringRef;
using llvm::Twine;
using llvm::json::Array;
using llvm::json::Object;
using llvm::json::Value;

namespace lowbit::huggingface {

/// GGUF's numbers of ways to pool.
enum Pooling : int64_t { Mean = 1, Cls = 2, Last = 3, Rank = 4 };

static constexpr int64_t kMostLayers = 10000;
static constexpr int64_t kMostClasses = 1 << 20;

//===- config.json --------------------------------------------------------===//

static void setSizes(ConfigReader &reader) {
  Config &config = reader.config;
  config.embedding = reader.size("hidden_size");
  config.layers = reader.size("num_hidden_layers", std::nullopt, kMostLayers);
  config.hidden = reader.size("intermediate_size");
  config.vocabulary = reader.size("vocab_size");
  int64_t heads = reader.size("num_attention_heads");
  if (config.embedding % heads)
    reader.fail("key 'num_attention_heads' is " + Twine(heads) +
                ", expected a divisor of hidden_size, " +
                Twine(config.embedding));
  config.headDim = std::max<int64_t>(1, config.embedding / heads);
  config.queryRows = config.keyRows = config.embedding;
  reader.set("embedding_length", config.embedding, "hidden_size");
  reader.set("block_count", config.layers, "num_hidden_layers");
  reader.set("feed_forward_length", config.hidden, "intermediate_size");
  reader.set("vocab_size", config.vocabulary, "vocab_size");
  reader.set("attention.head_count", heads, "num_attention_heads");
  reader.set("attention.layer_norm_epsilon",
             reader.real("layer_norm_eps", 1e-12), "layer_norm_eps");
  reader.set("attention.causal", false, "is_decoder");
}

/// RoBERTa counts positions from behind that of its padding.
static void setPositions(ConfigReader &reader) {
  Config &config = reader.config;
  int64_t positions = reader.size("max_position_embeddings");
  if (StringRef(config.family->modelType) != "bert") {
    const Value *padding = reader.find("pad_token_id");
    int64_t id = padding ? padding->getAsInteger().value_or(-1) : -1;
    if (id < 0 || id + 1 >= positions)
      reader.fail("key 'pad_token_id' must be a number from 0 and below "
                  "max_position_embeddings, from which positions count");
    else
      config.skippedPositions = id + 1;
  }
  reader.set("context_length", positions - config.skippedPositions,
             "max_position_embeddings");
}

static bool classifies(ConfigReader &reader) {
  const Value *names = reader.find("architectures");
  const Array *list = names ? names->getAsArray() : nullptr;
  if (!list)
    return false;
  return llvm::any_of(*list, [](const Value &name) {
    return name.getAsString().value_or("").ends_with(
        "ForSequenceClassification");
  });
}

/// The names of id2label, or LABEL_N as transformers has them.
static void setClasses(ConfigReader &reader) {
  Config &config = reader.config;
  bool isBert = StringRef(config.family->modelType) == "bert";
  config.parts |= isBert ? Pooler : DenseClassifier;
  const Object *named = reader.child("id2label");
  int64_t count =
      reader.size("num_labels", named ? named->size() : 2, kMostClasses);
  if (named && !named->empty())
    count = int64_t(named->size());
  if (count > kMostClasses)
    return reader.fail("key 'id2label' has too many classes");
  std::vector<std::string> labels;
  for (int64_t i = 0; i < count; ++i) {
    std::optional<StringRef> name =
        named ? named->getString(std::to_string(i)) : std::nullopt;
    labels.push_back(name ? name->str() : "LABEL_" + std::to_string(i));
  }
  reader.set("classifier.output_labels", std::move(labels), "id2label");
  reader.set("pooling_type", int64_t(Rank), "architectures");
}

void readEncoder(ConfigReader &reader) {
  Config &config = reader.config;
  config.parts = config.family->parts;
  setSizes(reader);
  setPositions(reader);
  if (int64_t types = reader.size("type_vocab_size"); types > 0) {
    config.parts |= TokenTypes;
    reader.source.set("tokenizer.ggml.token_type_count", types);
  }
  if (reader.flag("is_decoder", false))
    reader.fail("key 'is_decoder' is true, expected false");
  StringRef positions = reader.text("position_embedding_type");
  if (!positions.empty() && positions != "absolute")
    reader.fail("key 'position_embedding_type' must be 'absolute'");
  if (classifies(reader))
    setClasses(reader);
}

//===- What sentence-transformers adds ------------------------------------===//

static Error problemIn(const std::string &path, const Twine &message) {
  return fileError(path, message);
}

static Error readPooling(const std::string &path, const std::string &key,
                         KeyValueSource &source) {
  auto json = readJsonIfThere(path);
  if (!json)
    return json.takeError();
  if (!*json)
    return problemIn(path, "is missing, which modules.json names: download the "
                           "folder again");
  int64_t pooling = 0;
  for (auto [name, value] : {std::pair("pooling_mode_mean_tokens", Mean),
                             {"pooling_mode_cls_token", Cls},
                             {"pooling_mode_lasttoken", Last}})
    if ((*json)->getBoolean(name).value_or(false)) {
      if (pooling)
        return problemIn(path, "pools in two ways, which is not supported");
      pooling = value;
    }
  if (!pooling)
    return problemIn(path, "pools in none of the ways that are known: mean, "
                           "cls and last token");
  source.set(key, pooling);
  return Error::success();
}

/// Without a list of modules a model pools by its mean, as there.
static Error readModules(StringRef folder, const std::string &key,
                         KeyValueSource &source) {
  std::string path = fileIn(folder, "modules.json");
  auto list = readJsonListIfThere(path);
  if (!list)
    return list.takeError();
  if (!*list)
    return Error::success();
  for (const Value &value : **list) {
    const Object *module = value.getAsObject();
    StringRef type = module ? module->getString("type").value_or("") : "";
    StringRef name = type.rsplit('.').second;
    if (name == "Transformer" || name == "Normalize")
      continue;
    if (name != "Pooling")
      return problemIn(path, "module " + safetensors::quoted(type) +
                                 " is not supported, expected Transformer, "
                                 "Pooling and Normalize");
    std::string inside = module->getString("path").value_or("").str();
    if (llvm::is_contained(llvm::make_range(llvm::sys::path::begin(inside),
                                            llvm::sys::path::end(inside)),
                           "..") ||
        llvm::sys::path::is_absolute(inside))
      return problemIn(path, "path " + safetensors::quoted(inside) +
                                 " leads out of the folder");
    if (Error error =
            readPooling(fileIn(folder, inside + "/config.json"), key, source))
      return error;
  }
  return Error::success();
}

Error readSentenceFiles(StringRef folder, const Config &config,
                        KeyValueSource &source) {
  std::string key = std::string(config.family->architecture) + ".pooling_type";
  if (source.has(key)) // of a classifier
    return Error::success();
  if (isEncoder(*config.family))
    source.set(key, int64_t(Mean));
  if (Error error = readModules(folder, key, source))
    return error;
  std::string path = fileIn(folder, "sentence_bert_config.json");
  auto json = readJsonIfThere(path);
  if (!json)
    return json.takeError();
  if (!*json)
    return Error::success();
  std::optional<int64_t> most = (*json)->getInteger("max_seq_length");
  if (most && *most > 0)
    source.set("tokenizer.lowbit.max_tokens", *most);
  return Error::success();
}

} // namespace lowbit::huggingface
