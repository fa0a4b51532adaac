//===- HyperParameters.cpp - What a model's keys say ----------------------===//

#include "lib/Import/Architectures/HyperParameters.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

#include <cmath>

using namespace llvm;

namespace lowbit {

/// The product of any two sizes fits in 64 bits, and a table of layers in
/// memory.
static constexpr int64_t kLargestSize = int64_t(1) << 28;

std::string HyperParameters::key(StringRef name) const {
  return architecture + "." + name.str();
}

int64_t HyperParameters::mostHeads() const {
  return *std::max_element(heads.begin(), heads.end());
}

Error importError(const ModelSource &source, const Twine &message) {
  return createStringError(inconvertibleErrorCode(),
                           Twine(source.path()) + ": " + message);
}

namespace {

/// Reads keys of one architecture. The first problem is kept, what follows
/// reads on with harmless values, so that only the end has to look.
class KeyReader {
public:
  KeyReader(const ModelSource &source, HyperParameters &hp)
      : source(source), hp(hp) {}

  void fail(const Twine &message) {
    if (problem.empty())
      problem = message.str();
  }
  Error takeError() {
    return problem.empty() ? Error::success() : importError(source, problem);
  }
  bool failed() const { return !problem.empty(); }

  int64_t size(StringRef name, std::optional<int64_t> absent = std::nullopt);
  std::vector<int64_t> sizePerLayer(StringRef name,
                                    std::optional<std::vector<int64_t>> absent);
  double real(StringRef name, std::optional<double> absent = std::nullopt);

  const ModelSource &source;
  HyperParameters &hp;

private:
  int64_t checked(const std::string &key, int64_t value);
  void missing(const std::string &key, StringRef what);

  std::string problem;
};

} // namespace

int64_t KeyReader::checked(const std::string &key, int64_t value) {
  if (value >= 1 && value <= kLargestSize)
    return value;
  fail("key '" + key + "' must be between 1 and " + Twine(kLargestSize) +
       ", but is " + Twine(value));
  return 1;
}

void KeyReader::missing(const std::string &key, StringRef what) {
  fail(source.has(key)
           ? "key '" + key + "' is not " + what.str()
           : "key '" + key + "' is missing; " + source.remedy().str());
}

int64_t KeyReader::size(StringRef name, std::optional<int64_t> absent) {
  std::string key = hp.key(name);
  if (std::optional<int64_t> value = source.integer(key))
    return checked(key, *value);
  if (absent && !source.has(key))
    return *absent;
  missing(key, "an integer");
  return 1;
}

std::vector<int64_t>
KeyReader::sizePerLayer(StringRef name,
                        std::optional<std::vector<int64_t>> absent) {
  std::string key = hp.key(name);
  if (std::optional<uint64_t> length = source.arrayLength(key)) {
    if (*length != static_cast<uint64_t>(hp.layers)) {
      fail("key '" + key + "' has " + Twine(*length) +
           " elements, but the model has " + Twine(hp.layers) + " layers");
      return std::vector<int64_t>(hp.layers, 1);
    }
    std::vector<int64_t> values = source.integers(key);
    if (values.empty()) {
      fail("key '" + key + "' is not a list of integers");
      return std::vector<int64_t>(hp.layers, 1);
    }
    for (int64_t &value : values)
      value = checked(key, value);
    return values;
  }
  if (absent && !source.has(key))
    return *absent;
  return std::vector<int64_t>(hp.layers, size(name));
}

double KeyReader::real(StringRef name, std::optional<double> absent) {
  std::string key = hp.key(name);
  if (std::optional<double> value = source.real(key)) {
    if (std::isfinite(*value))
      return *value;
    fail("key '" + key + "' is not finite");
    return 1;
  }
  if (absent && !source.has(key))
    return *absent;
  missing(key, "a number");
  return 1;
}

//===- Sizes --------------------------------------------------------------===//

/// The list of tokens decides: logits must not have rows without a token.
static void readVocabulary(KeyReader &keys) {
  HyperParameters &hp = keys.hp;
  hp.vocabularyKey = "tokenizer.ggml.tokens";
  if (std::optional<uint64_t> n = keys.source.arrayLength(hp.vocabularyKey)) {
    if (*n < 1 || *n > static_cast<uint64_t>(kLargestSize))
      keys.fail("key '" + hp.vocabularyKey + "' has " + Twine(*n) +
                " elements, expected between 1 and " + Twine(kLargestSize));
    hp.vocabulary = static_cast<int64_t>(*n);
    return;
  }
  hp.vocabularyKey = hp.key("vocab_size");
  hp.vocabulary = keys.size("vocab_size");
}

static void readLayers(KeyReader &keys) {
  HyperParameters &hp = keys.hp;
  hp.layers = keys.size("block_count");
  // A lying count must not make us build a graph that nothing can hold.
  int64_t tensors = keys.source.tensors().size();
  if (hp.layers > tensors) {
    keys.fail("key '" + hp.key("block_count") + "' is " + Twine(hp.layers) +
              ", but the file has only " + Twine(tensors) + " tensors");
    hp.layers = 1;
  }
}

static void readHeads(KeyReader &keys) {
  HyperParameters &hp = keys.hp;
  hp.heads = keys.sizePerLayer("attention.head_count", std::nullopt);
  std::vector<int64_t> kv =
      keys.sizePerLayer("attention.head_count_kv", hp.heads);
  hp.kvHeads = kv.front();
  if (!llvm::all_equal(kv))
    keys.fail("key '" + hp.key("attention.head_count_kv") +
              "' differs between layers; this is not supported");
  for (int64_t heads : hp.heads)
    if (heads % hp.kvHeads)
      keys.fail("key '" + hp.key("attention.head_count") + "' is " +
                Twine(heads) + ", expected a multiple of the " +
                Twine(hp.kvHeads) + " key/value heads");

  std::string key = hp.key("attention.key_length");
  if (!keys.source.has(key) && hp.embedding % hp.heads.front())
    keys.fail("key '" + key + "' is missing, and " + Twine(hp.heads.front()) +
              " heads do not divide an embedding of " + Twine(hp.embedding));
  int64_t usual = std::max<int64_t>(1, hp.embedding / hp.heads.front());
  hp.headDim = keys.size("attention.key_length", usual);
  int64_t values = keys.size("attention.value_length", usual);
  if (values != hp.headDim)
    keys.fail("keys of " + Twine(hp.headDim) + " and values of " +
              Twine(values) + " elements (" + key + ", " +
              hp.key("attention.value_length") +
              ") cannot share a store; this is not supported");
}

//===- Rotary positions ---------------------------------------------------===//

/// YaRN (arXiv 2309.00071): frequencies that turn more than `beta_fast` times
/// within the trained context stay, those that turn less than `beta_slow`
/// times are divided by `factor`, those between are blended.
static RopeScaling yarn(KeyReader &keys, double factor) {
  const HyperParameters &hp = keys.hp;
  double trained = keys.real("rope.scaling.original_context_length",
                             static_cast<double>(hp.context));
  double extrapolate = keys.real("rope.scaling.yarn_ext_factor", 1.0);
  double fast = keys.real("rope.scaling.yarn_beta_fast", 32.0);
  double slow = keys.real("rope.scaling.yarn_beta_slow", 1.0);
  double attention = keys.real("rope.scaling.attn_factor", 1.0);
  double dims = static_cast<double>(hp.ropeDims);
  auto dimension = [&](double turns) {
    return dims * std::log(trained / (turns * 2 * M_PI)) /
           (2 * std::log(static_cast<double>(hp.ropeBase)));
  };
  double low = std::max(0.0, std::floor(dimension(fast)));
  double high = std::min(dims - 1, std::ceil(dimension(slow)));
  RopeScaling scaling;
  for (int64_t i = 0; i < hp.ropeDims / 2; ++i) {
    double ramp = (i - low) / std::max(0.001, high - low);
    double keep = (1 - std::clamp(ramp, 0.0, 1.0)) * extrapolate;
    scaling.factors.push_back(
        static_cast<float>(1 / ((1 - keep) / factor + keep)));
  }
  scaling.magnitude =
      static_cast<float>(attention * (1 + 0.1 * std::log(factor)));
  return scaling;
}

static void readRope(KeyReader &keys) {
  HyperParameters &hp = keys.hp;
  hp.ropeDims = keys.size("rope.dimension_count", hp.headDim);
  if (hp.ropeDims % 2 || hp.ropeDims > hp.headDim) {
    keys.fail("key '" + hp.key("rope.dimension_count") + "' is " +
              Twine(hp.ropeDims) + ", expected an even number up to the " +
              Twine(hp.headDim) + " elements of a head");
    return;
  }
  hp.ropeBase = static_cast<float>(keys.real("rope.freq_base", 10000.0));
  double factor =
      keys.real("rope.scaling.factor", keys.real("rope.scale_linear", 1.0));
  if (factor == 0) // llama.cpp's way to say "none"
    factor = 1;
  if (hp.ropeBase <= 1)
    keys.fail("key '" + hp.key("rope.freq_base") + "' must be above 1");
  if (factor < 1)
    keys.fail("key '" + hp.key("rope.scaling.factor") + "' must be at least 1");
  if (keys.failed())
    return;

  std::string key = hp.key("rope.scaling.type");
  std::string type = keys.source.string(key).value_or("linear").str();
  if (type == "linear")
    hp.ropeScaling.frequencyScale = static_cast<float>(1 / factor);
  else if (type == "yarn")
    hp.ropeScaling = yarn(keys, factor);
  else if (type == "longrope" && keys.source.find(kShortFactors))
    hp.ropeScaling.magnitude =
        static_cast<float>(keys.real("rope.scaling.attn_factor", 1.0));
  else if (type != "none")
    keys.fail("key '" + key + "' is '" + type +
              "', expected none, linear, yarn, or longrope with tensor '" +
              kShortFactors + "'");
}

/// Keys whose meaning no op here has: leaving them out would compute another
/// model.
static void refuseUnknownParts(KeyReader &keys) {
  for (const char *name :
       {"expert_count", "attn_logit_softcapping", "final_logit_softcapping",
        "embedding_scale", "residual_scale", "logit_scale"}) {
    std::string key = keys.hp.key(name);
    if (keys.source.real(key).value_or(0) != 0)
      keys.fail("key '" + key + "' is not supported for architecture " +
                keys.hp.architecture);
  }
}

Expected<HyperParameters> readHyperParameters(const ModelSource &source,
                                              StringRef architecture) {
  HyperParameters hp;
  hp.architecture = architecture.str();
  KeyReader keys(source, hp);
  readLayers(keys);
  hp.context = keys.size("context_length");
  hp.embedding = keys.size("embedding_length");
  hp.feedForward = keys.sizePerLayer("feed_forward_length", std::nullopt);
  readVocabulary(keys);
  readHeads(keys);
  readRope(keys);
  // Of networks with layer norms.
  bool centers = source.has(hp.key("attention.layer_norm_epsilon"));
  hp.epsilon = static_cast<float>(
      keys.real(centers ? "attention.layer_norm_epsilon"
                        : "attention.layer_norm_rms_epsilon"));
  hp.attentionScale = static_cast<float>(
      keys.real("attention.scale", 1 / std::sqrt(double(hp.headDim))));
  if (source.has(hp.key("attention.sliding_window")) &&
      source.integer(hp.key("attention.sliding_window")).value_or(-1) != 0)
    hp.window = keys.size("attention.sliding_window");
  refuseUnknownParts(keys);
  if (Error error = keys.takeError())
    return std::move(error);
  return hp;
}

} // namespace lowbit
