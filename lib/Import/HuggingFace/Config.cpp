//===- Config.cpp - config.json in the keys of GGUF -----------------------===//

#include "Config.h"

#include "ConfigReader.h"
#include "Json.h"
#include "SafetensorsFile.h"

#include "llvm/ADT/StringExtras.h"

#include <cmath>

using llvm::StringRef;
using llvm::Twine;
using llvm::json::Object;

namespace lowbit::huggingface {

static constexpr int64_t kMostLayers = 10000;

/// Keys that change what the network computes in a way that no op here has.
static void refuseUnknownParts(ConfigReader &reader) {
  for (const char *key : {"attn_logit_softcapping", "final_logit_softcapping"})
    if (reader.find(key))
      reader.fail("key '" + Twine(key) + "' is not supported, expected null");
  if (reader.flag("use_bidirectional_attention", false))
    reader.fail("key 'use_bidirectional_attention' is not supported, expected "
                "false");
}

static void setActivation(ConfigReader &reader) {
  const Family &family = *reader.config.family;
  StringRef activation = reader.text(family.activationKey);
  llvm::SmallVector<StringRef> known;
  StringRef(family.activations).split(known, ' ');
  if (!activation.empty() && !llvm::is_contained(known, activation))
    reader.fail("key '" + Twine(family.activationKey) + "' is " +
                safetensors::quoted(activation) + ", expected '" +
                llvm::join(known, "' or '") + "' for model_type " +
                family.modelType);
  if (known.size() > 1)
    reader.set("feed_forward.activation", activation.str(),
               family.activationKey);
}

//===- Layers of different kinds ------------------------------------------===//

/// Whether each layer rotates queries and keys.
static std::vector<bool> rotatedLayers(ConfigReader &reader) {
  std::vector<bool> rotated(size_t(reader.config.layers), true);
  const llvm::json::Value *value = reader.find("no_rope_layers");
  if (!value) {
    int64_t interval = reader.size("no_rope_layer_interval");
    for (size_t i = 0; i < rotated.size(); ++i)
      rotated[i] = int64_t(i + 1) % interval != 0;
    return rotated;
  }
  // The list says which layers do rotate, whatever its name.
  const llvm::json::Array *list = value->getAsArray();
  if (!list || list->size() != rotated.size()) {
    reader.fail("key 'no_rope_layers' must be a list of " +
                Twine(rotated.size()) + " numbers, one for each layer");
    return rotated;
  }
  for (size_t i = 0; i < rotated.size(); ++i)
    rotated[i] = (*list)[i].getAsInteger().value_or(1) != 0;
  return rotated;
}

/// layer_types says which layers have a window; false: there is no such key.
static bool readLayerTypes(ConfigReader &reader, std::vector<bool> &local) {
  const llvm::json::Value *value = reader.find("layer_types");
  if (!value)
    return false;
  const llvm::json::Array *list = value->getAsArray();
  if (!list || list->size() != local.size()) {
    reader.fail("key 'layer_types' must be a list of " + Twine(local.size()) +
                " names, one for each layer");
    return true;
  }
  for (size_t i = 0; i < local.size(); ++i) {
    StringRef type = (*list)[i].getAsString().value_or("");
    if (type != "full_attention" && type != "sliding_attention")
      reader.fail("key 'layer_types' has " + safetensors::quoted(type) +
                  ", expected full_attention or sliding_attention");
    local[i] = type == "sliding_attention";
  }
  return true;
}

static std::vector<bool> localLayers(ConfigReader &reader,
                                     const std::vector<bool> &rotated) {
  std::vector<bool> local(rotated.size(), true);
  Windows windows = reader.config.family->windows;
  if (windows == Windows::EveryLayer || readLayerTypes(reader, local))
    return local;
  if (windows == Windows::LastLayers) {
    const llvm::json::Value *first = reader.find("max_window_layers");
    for (size_t i = 0; i < local.size(); ++i)
      local[i] = !first || int64_t(i) >= first->getAsInteger().value_or(0);
  } else if (windows == Windows::Periodic) {
    int64_t period = reader.size("sliding_window_pattern");
    for (size_t i = 0; i < local.size(); ++i)
      local[i] = int64_t(i + 1) % period != 0;
  } else {
    for (size_t i = 0; i < local.size(); ++i)
      local[i] = !rotated[i];
  }
  return local;
}

static void setLayerKinds(ConfigReader &reader) {
  Windows windows = reader.config.family->windows;
  std::vector<bool> rotated(size_t(reader.config.layers), true);
  if (windows == Windows::Unrotated) {
    rotated = rotatedLayers(reader);
    reader.set("rope.layer_pattern", rotated, "no_rope_layers");
  }
  if (windows == Windows::None || !reader.flag("use_sliding_window", true) ||
      !reader.find("sliding_window"))
    return;
  std::vector<bool> local = localLayers(reader, rotated);
  if (!llvm::is_contained(local, true))
    return;
  reader.set("attention.sliding_window", reader.size("sliding_window"),
             "sliding_window");
  if (llvm::is_contained(local, false) || windows == Windows::Periodic)
    reader.set("attention.sliding_window_pattern", local, "layer_types");
}

//===- Sizes --------------------------------------------------------------===//

static void setSizes(ConfigReader &reader) {
  Config &config = reader.config;
  config.embedding = reader.size("hidden_size");
  config.layers = reader.size("num_hidden_layers", std::nullopt, kMostLayers);
  config.hidden = reader.size("intermediate_size");
  config.vocabulary = reader.size("vocab_size");
  int64_t heads = reader.size("num_attention_heads");
  int64_t kvHeads = reader.size("num_key_value_heads", heads);
  int64_t headDim =
      reader.size("head_dim", std::max<int64_t>(1, config.embedding / heads));
  if (heads % kvHeads)
    reader.fail("key 'num_attention_heads' is " + Twine(heads) +
                ", expected a multiple of num_key_value_heads, " +
                Twine(kvHeads));
  config.headDim = headDim;
  config.queryRows = heads * headDim;
  config.keyRows = kvHeads * headDim;
  if (config.queryRows > kLargestSize)
    reader.fail("key 'num_attention_heads' times 'head_dim' is " +
                Twine(config.queryRows) + ", expected at most " +
                Twine(kLargestSize));
  reader.set("embedding_length", config.embedding, "hidden_size");
  reader.set("block_count", config.layers, "num_hidden_layers");
  reader.set("feed_forward_length", config.hidden, "intermediate_size");
  reader.set("vocab_size", config.vocabulary, "vocab_size");
  reader.set("attention.head_count", heads, "num_attention_heads");
  reader.set("attention.head_count_kv", kvHeads, "num_key_value_heads");
  reader.set("attention.key_length", headDim, "head_dim");
  reader.set("attention.value_length", headDim, "head_dim");
  reader.set("attention.layer_norm_rms_epsilon",
             reader.real("rms_norm_eps", 1e-6), "rms_norm_eps");
  int64_t context = reader.size("max_position_embeddings");
  if (!reader.failed())
    readRope(reader, headDim, context);
  // llama.cpp's converter takes no other order of such heads, either.
  if (config.family->rotatesPairs && headDim % 2)
    reader.fail("key 'head_dim' is " + Twine(headDim) +
                ", expected an even number");
  reader.set("context_length", context, "max_position_embeddings");
}

static void setAttentionScale(ConfigReader &reader) {
  if (!reader.find("query_pre_attn_scalar"))
    return;
  double scalar = reader.real("query_pre_attn_scalar", 1);
  if (scalar <= 0)
    reader.fail("key 'query_pre_attn_scalar' must be above 0");
  else
    reader.set("attention.scale", 1 / std::sqrt(scalar),
               "query_pre_attn_scalar");
}

static void findParts(ConfigReader &reader) {
  const Family &family = *reader.config.family;
  unsigned &parts = reader.config.parts;
  parts = family.parts;
  unsigned attention = family.optionalParts & (InputBiases | OutputBias);
  if (attention && reader.flag("attention_bias", false))
    parts |= attention;
  unsigned feedForward = family.optionalParts & FeedForwardBiases;
  if (feedForward && reader.flag("mlp_bias", false))
    parts |= feedForward;
}

//===- Entry --------------------------------------------------------------===//

static llvm::Error problemIn(StringRef path, const Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 path + ": " + message);
}

llvm::Expected<Config> readConfig(const Object &whole, StringRef path,
                                  KeyValueSource &source) {
  Config config;
  const Object *object = whole.getObject("text_config");
  config.nested = object;
  if (!object)
    object = &whole;
  for (const Object *level : {&whole, object})
    if (const Object *given = level->getObject("quantization_config")) {
      llvm::Expected<Quantization> read = readQuantization(*given, path);
      if (!read)
        return read.takeError();
      config.quantization = std::move(*read);
    }
  StringRef type = object->getString("model_type").value_or("");
  config.family = findFamily(type);
  if (!config.family)
    return problemIn(
        path, type.empty()
                  ? "key 'model_type' is missing; known are " + familyNames()
                  : "model_type " + safetensors::quoted(type) +
                        " is not supported; known are " + familyNames());
  llvm::Expected<Object> defaults = parseJson(config.family->defaults, path);
  if (!defaults)
    return defaults.takeError();
  ConfigReader reader(*object, std::move(*defaults), config, source);
  source.set("general.architecture", std::string(config.family->architecture));
  if (isEncoder(*config.family)) {
    readEncoder(reader);
    refuseUnknownParts(reader);
    setActivation(reader);
  } else {
    setSizes(reader);
  }
  if (!reader.failed() && !isEncoder(*config.family)) {
    setLayerKinds(reader);
    setAttentionScale(reader);
    findParts(reader);
    refuseUnknownParts(reader);
    setActivation(reader);
    config.tied = reader.flag("tie_word_embeddings", false);
    config.parts |= config.tied ? 0 : unsigned(SeparateHead);
  }
  if (reader.failed())
    return problemIn(path, reader.message());
  return config;
}

} // namespace lowbit::huggingface
