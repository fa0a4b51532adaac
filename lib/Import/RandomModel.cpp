//===- RandomModel.cpp - The shapes of random models ----------------------===//
//
// Reads a shape in the words of Hugging Face's config.json and says it in those
// of GGUF, so that lib/Import/Architectures builds the network as for a file.
//
//===----------------------------------------------------------------------===//

#include "RandomSource.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <cmath>

using llvm::StringRef;
using llvm::Twine;

namespace lowbit {

namespace {

struct KnownShape {
  const char *name, *config;
};

// bitnet-2b: BitNet b1.58 2B4T has squared ReLU and two more norms, which no
// architecture here knows. It stands in with the same matrices in the network
// of llama.
constexpr KnownShape kShapes[] = {
    {"llama-3.2-1b", R"({"model_type": "llama", "hidden_size": 2048,
      "num_hidden_layers": 16, "num_attention_heads": 32,
      "num_key_value_heads": 8, "head_dim": 64, "intermediate_size": 8192,
      "vocab_size": 128256, "max_position_embeddings": 131072,
      "rope_theta": 500000.0, "rope_scaling": {"rope_type": "llama3"},
      "rms_norm_eps": 1e-5, "tie_word_embeddings": true})"},
    {"llama-3.1-8b", R"({"model_type": "llama", "hidden_size": 4096,
      "num_hidden_layers": 32, "num_attention_heads": 32,
      "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 14336,
      "vocab_size": 128256, "max_position_embeddings": 131072,
      "rope_theta": 500000.0, "rope_scaling": {"rope_type": "llama3"},
      "rms_norm_eps": 1e-5, "tie_word_embeddings": false})"},
    {"qwen2.5-0.5b", R"({"model_type": "qwen2", "hidden_size": 896,
      "num_hidden_layers": 24, "num_attention_heads": 14,
      "num_key_value_heads": 2, "intermediate_size": 4864,
      "vocab_size": 151936, "max_position_embeddings": 32768,
      "rope_theta": 1000000.0, "rms_norm_eps": 1e-6,
      "tie_word_embeddings": true})"},
    {"bitnet-2b", R"({"model_type": "llama", "hidden_size": 2560,
      "num_hidden_layers": 30, "num_attention_heads": 20,
      "num_key_value_heads": 5, "head_dim": 128, "intermediate_size": 6912,
      "vocab_size": 128256, "max_position_embeddings": 4096,
      "rope_theta": 500000.0, "rms_norm_eps": 1e-5,
      "tie_word_embeddings": true})"},
};

/// What an architecture has beside the parts of llama.
struct Family {
  const char *type, *architecture;
  bool biases = false, headNorms = false, postNorms = false, tied = false;
};
constexpr Family kFamilies[] = {
    {"llama", "llama"},
    {"mistral", "llama"},
    {"qwen2", "qwen2", true},
    {"qwen3", "qwen3", false, true},
    {"gemma3", "gemma3", false, true, true, true},
    {"gemma3_text", "gemma3", false, true, true, true},
};

/// Larger ones are mistakes; their products fit into 64 bits.
constexpr int64_t kLargestSize = int64_t(1) << 28;
constexpr int64_t kMostLayers = 10000;

/// Reads a config. The first problem is kept and reading goes on with harmless
/// values, so that only the end has to look.
class ShapeReader {
public:
  ShapeReader(StringRef path, const llvm::json::Object &config,
              RandomSource &source)
      : path(path), config(config), source(source) {}

  llvm::Error run();

private:
  void fail(const Twine &message) {
    if (problem.empty())
      problem = message.str();
  }
  int64_t size(StringRef key, std::optional<int64_t> absent = std::nullopt,
               int64_t most = kLargestSize);
  double real(StringRef key, double absent);
  bool flag(StringRef key, bool absent);
  const Family *family();
  bool hasFrequencies() const;

  void readSizes(const Family &family);
  void readPositions(const std::string &prefix);
  void addTensors(const Family &family);
  void addLayer(const std::string &prefix, const Family &family);

  StringRef path;
  const llvm::json::Object &config;
  RandomSource &source;
  int64_t embedding = 1, layers = 1, heads = 1, kvHeads = 1, headDim = 1,
          hidden = 1, vocabulary = 1;
  std::string problem;
};

int64_t ShapeReader::size(StringRef key, std::optional<int64_t> absent,
                          int64_t most) {
  const llvm::json::Value *value = config.get(key);
  if (!value || value->kind() == llvm::json::Value::Null) {
    if (!absent)
      fail("key '" + key + "' is missing");
    return absent.value_or(1);
  }
  std::optional<int64_t> number = value->getAsInteger();
  if (number && *number >= 1 && *number <= most)
    return *number;
  fail("key '" + key + "' must be a whole number from 1 to " + Twine(most));
  return 1;
}

double ShapeReader::real(StringRef key, double absent) {
  const llvm::json::Value *value = config.get(key);
  if (!value || value->kind() == llvm::json::Value::Null)
    return absent;
  std::optional<double> number = value->getAsNumber();
  if (number && std::isfinite(*number))
    return *number;
  fail("key '" + key + "' must be a number");
  return absent;
}

bool ShapeReader::flag(StringRef key, bool absent) {
  const llvm::json::Value *value = config.get(key);
  if (!value)
    return absent;
  std::optional<bool> given = value->getAsBoolean();
  if (!given)
    fail("key '" + key + "' must be true or false");
  return given.value_or(absent);
}

/// By model_type, or by "LlamaForCausalLM" among the architectures.
const Family *ShapeReader::family() {
  std::string type = config.getString("model_type").value_or("").str();
  const llvm::json::Array *names = config.getArray("architectures");
  if (type.empty() && names && !names->empty())
    if (std::optional<StringRef> name = names->front().getAsString())
      type = name->split("For").first.lower();
  std::string known;
  for (const Family &family : kFamilies) {
    if (family.type == type)
      return &family;
    known += (known.empty() ? "" : ", ") + std::string(family.type);
  }
  fail(type.empty() ? "key 'model_type' is missing; known are " + known
                    : "unknown model_type '" + type + "'; known are " + known);
  return nullptr;
}

/// Llama 3 has a tensor of rotary factors.
bool ShapeReader::hasFrequencies() const {
  const llvm::json::Object *scaling = config.getObject("rope_scaling");
  if (!scaling)
    return false;
  std::optional<StringRef> type = scaling->getString("rope_type");
  return type && *type == "llama3";
}

void ShapeReader::readSizes(const Family &family) {
  std::string prefix = std::string(family.architecture) + ".";
  embedding = size("hidden_size");
  layers = size("num_hidden_layers", std::nullopt, kMostLayers);
  heads = size("num_attention_heads");
  kvHeads = size("num_key_value_heads", heads);
  headDim = size("head_dim", std::max<int64_t>(1, embedding / heads));
  hidden = size("intermediate_size");
  vocabulary = size("vocab_size");
  source.set("general.architecture", std::string(family.architecture));
  source.set(prefix + "block_count", layers);
  source.set(prefix + "context_length", size("max_position_embeddings", 4096));
  source.set(prefix + "embedding_length", embedding);
  source.set(prefix + "feed_forward_length", hidden);
  source.set(prefix + "vocab_size", vocabulary);
  source.set(prefix + "attention.head_count", heads);
  source.set(prefix + "attention.head_count_kv", kvHeads);
  source.set(prefix + "attention.key_length", headDim);
  source.set(prefix + "attention.value_length", headDim);
  source.set(prefix + "attention.layer_norm_rms_epsilon",
             real("rms_norm_eps", 1e-6));
  readPositions(prefix);
  if (family.postNorms) { // gemma3
    source.set(prefix + "attention.sliding_window",
               size("sliding_window", 512));
    source.set(prefix + "attention.sliding_window_pattern",
               size("sliding_window_pattern", 6));
    source.set(prefix + "rope.freq_base_swa",
               real("rope_local_base_freq", 10000.0));
  }
}

void ShapeReader::readPositions(const std::string &prefix) {
  source.set(prefix + "rope.freq_base", real("rope_theta", 10000.0));
}

void ShapeReader::addLayer(const std::string &prefix, const Family &family) {
  auto norm = [&](const char *name, int64_t size) {
    source.addVector(prefix + name + ".weight", size, 1);
  };
  auto linear = [&](const char *name, int64_t outputs, int64_t inputs,
                    bool bias = false) {
    source.addMatrix(prefix + name + ".weight", outputs, inputs);
    if (bias)
      source.addVector(prefix + name + ".bias", outputs, 0);
  };
  norm("attn_norm", embedding);
  linear("attn_q", heads * headDim, embedding, family.biases);
  linear("attn_k", kvHeads * headDim, embedding, family.biases);
  linear("attn_v", kvHeads * headDim, embedding, family.biases);
  linear("attn_output", embedding, heads * headDim);
  if (family.headNorms) {
    norm("attn_q_norm", headDim);
    norm("attn_k_norm", headDim);
  }
  norm("ffn_norm", embedding);
  linear("ffn_gate", hidden, embedding);
  linear("ffn_up", hidden, embedding);
  linear("ffn_down", embedding, hidden);
  if (family.postNorms) {
    norm("post_attention_norm", embedding);
    norm("post_ffw_norm", embedding);
  }
}

void ShapeReader::addTensors(const Family &family) {
  source.addMatrix("token_embd.weight", vocabulary, embedding);
  if (hasFrequencies())
    source.addVector("rope_freqs.weight", headDim / 2, 1);
  for (int64_t layer = 0; layer < layers; ++layer)
    addLayer("blk." + std::to_string(layer) + ".", family);
  source.addVector("output_norm.weight", embedding, 1);
  if (!flag("tie_word_embeddings", family.tied))
    source.addMatrix("output.weight", vocabulary, embedding);
}

llvm::Error ShapeReader::run() {
  if (const Family *known = family()) {
    readSizes(*known);
    if (problem.empty())
      addTensors(*known);
  }
  if (problem.empty())
    return llvm::Error::success();
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 path + ": " + problem);
}

} // namespace

std::vector<std::string> knownShapes() {
  std::vector<std::string> names;
  for (const KnownShape &shape : kShapes)
    names.push_back(shape.name);
  return names;
}

/// The text of a built-in shape or of a file.
static llvm::Expected<std::string> configText(StringRef shape) {
  for (const KnownShape &known : kShapes)
    if (shape == known.name)
      return std::string(known.config);
  if (!shape.ends_with(".json"))
    return llvm::createStringError(
        llvm::inconvertibleErrorCode(),
        "unknown shape '" + shape + "'; known are " +
            llvm::join(knownShapes(), ", ") +
            ", or give a file FILE.json with the keys of a config.json");
  auto file = llvm::MemoryBuffer::getFile(shape, /*IsText=*/true);
  if (!file)
    return llvm::createStringError(
        file.getError(),
        "cannot read " + shape + ": " + file.getError().message());
  return (*file)->getBuffer().str();
}

llvm::Expected<std::unique_ptr<ModelSource>>
openRandomModel(StringRef shape, const WeightFormat &format) {
  auto text = configText(shape);
  if (!text)
    return text.takeError();
  auto parsed = llvm::json::parse(*text);
  if (!parsed)
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   shape + ": is not JSON: " +
                                       llvm::toString(parsed.takeError()));
  const llvm::json::Object *config = parsed->getAsObject();
  if (config && config->getObject("text_config"))
    config = config->getObject("text_config");
  if (!config)
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   shape + ": expected a JSON object");
  auto source = std::make_unique<RandomSource>(shape, format);
  source->set("general.name",
              llvm::sys::path::filename(shape).str() + " (random)");
  if (llvm::Error error = ShapeReader(shape, *config, *source).run())
    return std::move(error);
  return source;
}

} // namespace lowbit
