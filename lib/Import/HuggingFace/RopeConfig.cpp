//===- RopeConfig.cpp - Rotary positions of config.json -------------------===//
//
// Formulas of transformers' modeling_rope_utils.py. Since version 5 everything
// is in `rope_parameters`; before, the base was the key `rope_theta` and
// `rope_scaling` held the rest. Gemma has parameters for each kind of layer.
//
//===----------------------------------------------------------------------===//

#include "ConfigReader.h"
#include "Json.h"

#include <cmath>

using llvm::StringRef;
using llvm::Twine;

namespace lowbit::huggingface {

namespace {

/// What the functions below have in common.
struct Rope {
  ScopedReader parameters;
  double base = 10000;
  int64_t dims = 0;
  int64_t &context;

  ConfigReader &reader() { return parameters.reader; }
  std::string key() const { return parameters.name("rope_type"); }
};

} // namespace

static double originalContext(Rope &rope) {
  double fallback = double(
      rope.reader().size("original_max_position_embeddings", rope.context));
  double context =
      rope.parameters.real("original_max_position_embeddings", fallback);
  if (context >= 1 && context <= double(kLargestSize))
    return context;
  rope.reader().fail(
      "key '" + rope.parameters.name("original_max_position_embeddings") +
      "' must be a whole number from 1 to " + Twine(kLargestSize));
  return 1;
}

static void setLinear(Rope &rope) {
  rope.reader().set("rope.scaling.type", std::string("linear"), rope.key());
  rope.reader().set("rope.scaling.factor", rope.parameters.real("factor"),
                    rope.parameters.name("factor"));
}

/// Llama 3.1: frequencies of long waves are divided by `factor`, those of short
/// ones stay, those between are blended. GGUF holds the divisors as a tensor.
static void setLlama3(Rope &rope) {
  double factor = rope.parameters.real("factor");
  double low = rope.parameters.real("low_freq_factor");
  double high = rope.parameters.real("high_freq_factor");
  double trained = originalContext(rope);
  if (factor < 1 || low <= 0 || high <= low)
    rope.reader().fail("key '" + rope.key() +
                       "' is llama3, which needs factor >= 1 and "
                       "0 < low_freq_factor < high_freq_factor");
  if (rope.reader().failed())
    return;
  for (int64_t i = 0; i < rope.dims / 2; ++i) {
    double frequency =
        std::pow(rope.base, -2.0 * double(i) / double(rope.dims));
    double turns = trained * frequency / (2 * M_PI);
    double keep = std::clamp((turns - low) / (high - low), 0.0, 1.0);
    rope.reader().config.ropeFactors.push_back(
        static_cast<float>(1 / ((1 - keep) / factor + keep)));
  }
  rope.reader().config.ropeFactorsName = "rope_freqs.weight";
}

static double defaultMagnitude(double scale, double weight = 1) {
  return scale <= 1 ? 1 : 1 + 0.1 * weight * std::log(scale);
}

static void setYarn(Rope &rope) {
  ScopedReader &parameters = rope.parameters;
  double trained = originalContext(rope);
  double factor = parameters.real("factor", double(rope.context) / trained);
  double magnitude = defaultMagnitude(factor);
  if (parameters.has("mscale") && parameters.has("mscale_all_dim"))
    magnitude = defaultMagnitude(factor, parameters.real("mscale")) /
                defaultMagnitude(factor, parameters.real("mscale_all_dim"));
  magnitude = parameters.real("attention_factor", magnitude);
  if (parameters.has("truncate") && parameters.real("truncate", 1) != 1)
    rope.reader().fail("key '" + parameters.name("truncate") +
                       "' is not supported");
  auto set = [&](StringRef ours, double value, StringRef theirs) {
    rope.reader().set(ours, value, parameters.name(theirs));
  };
  rope.reader().set("rope.scaling.type", std::string("yarn"), rope.key());
  set("rope.scaling.factor", factor, "factor");
  set("rope.scaling.original_context_length", trained,
      "original_max_position_embeddings");
  set("rope.scaling.yarn_beta_fast", parameters.real("beta_fast", 32),
      "beta_fast");
  set("rope.scaling.yarn_beta_slow", parameters.real("beta_slow", 1),
      "beta_slow");
  // GGUF's factor comes on top of the usual one.
  set("rope.scaling.attn_factor", magnitude / defaultMagnitude(factor),
      "attention_factor");
}

/// Phi-3: transformers takes the short factors while all positions are within
/// the trained context and the long ones beyond, so a long text's first tokens
/// change with its length. A module has one table: the short one, and its
/// context ends where that does.
static void setLongRope(Rope &rope) {
  ScopedReader &parameters = rope.parameters;
  double trained = originalContext(rope);
  double factor = parameters.real("factor", double(rope.context) / trained);
  double magnitude =
      factor <= 1 ? 1 : std::sqrt(1 + std::log(factor) / std::log(trained));
  std::vector<float> factors = parameters.reals("short_factor");
  if (int64_t(factors.size()) != rope.dims / 2)
    rope.reader().fail("key '" + parameters.name("short_factor") + "' has " +
                       Twine(factors.size()) + " elements, expected " +
                       Twine(rope.dims / 2) +
                       ", one for each rotary frequency");
  for (float value : factors)
    if (!(value > 0) || !std::isfinite(value))
      rope.reader().fail("key '" + parameters.name("short_factor") +
                         "' must hold numbers above 0");
  rope.reader().config.ropeFactors = std::move(factors);
  rope.reader().config.ropeFactorsName = "rope_factors_short.weight";
  rope.reader().set("rope.scaling.type", std::string("longrope"), rope.key());
  rope.reader().set("rope.scaling.attn_factor",
                    parameters.real("attention_factor", magnitude),
                    parameters.name("attention_factor"));
  rope.context = std::min(rope.context, int64_t(trained));
}

static void setScaling(Rope &rope) {
  StringRef type = rope.parameters.text("rope_type");
  if (type.empty())
    type = rope.parameters.text("type");
  if (type == "linear")
    return setLinear(rope);
  if (type == "llama3")
    return setLlama3(rope);
  if (type == "yarn")
    return setYarn(rope);
  if (type == "longrope" || type == "su")
    return setLongRope(rope);
  // "dynamic" changes the base beyond the context alone.
  if (!type.empty() && type != "default" && type != "dynamic")
    rope.reader().fail("key '" + rope.key() + "' is '" + type +
                       "', expected default, linear, dynamic, llama3, yarn or "
                       "longrope");
}

/// The layers with a window have a base of their own and no scaling.
static void setLocalRope(ConfigReader &reader,
                         const llvm::json::Object *parameters) {
  StringRef where = "rope_parameters.sliding_attention";
  ScopedReader local(reader, parameters, where);
  StringRef type = local.text("rope_type");
  if (!type.empty() && type != "default")
    reader.fail("key '" + local.name("rope_type") + "' is '" + type +
                "', expected default");
  double base =
      local.real("rope_theta", reader.real("rope_local_base_freq", 10000));
  reader.set("rope.freq_base_swa", base,
             parameters ? local.name("rope_theta") : "rope_local_base_freq");
}

void readRope(ConfigReader &reader, int64_t headDim, int64_t &context) {
  bool isNew = present(reader.object, "rope_parameters");
  std::string where = isNew ? "rope_parameters" : "rope_scaling";
  const llvm::json::Object *object = reader.child(where);
  const llvm::json::Object *global =
      object ? object->getObject("full_attention") : nullptr;
  if (reader.config.family->windows == Windows::Periodic)
    setLocalRope(reader,
                 global ? object->getObject("sliding_attention") : nullptr);
  if (global) {
    object = global;
    where += ".full_attention";
  }
  ScopedReader parameters(reader, object, where);
  Rope rope{parameters, 10000, headDim, context};
  bool inside = parameters.has("rope_theta");
  rope.base = parameters.real("rope_theta", reader.real("rope_theta", 10000));
  std::string key = inside ? parameters.name("rope_theta") : "rope_theta";
  if (rope.base <= 1)
    reader.fail("key '" + key + "' must be above 1");
  double part = parameters.real("partial_rotary_factor",
                                reader.real("partial_rotary_factor", 1));
  rope.dims = static_cast<int64_t>(double(headDim) * part);
  if (part <= 0 || part > 1 || rope.dims < 2 || rope.dims % 2) {
    reader.fail("key 'partial_rotary_factor' must give an even number of the " +
                Twine(headDim) + " elements of a head");
    return;
  }
  if (reader.config.family->rotatesPairs && rope.dims != headDim)
    reader.fail("key 'partial_rotary_factor' is not supported for model_type " +
                Twine(reader.config.family->modelType));
  reader.set("rope.freq_base", rope.base, key);
  reader.set("rope.dimension_count", rope.dims, "partial_rotary_factor");
  setScaling(rope);
}

} // namespace lowbit::huggingface
