//===- RecipeWords.cpp - Recipes that everybody knows ---------------------===//

#include "lowbit/Calibration/Recipe.h"

#include "lowbit/Support/BitFormat.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

namespace lowbit {

namespace {

/// What llama-quantize gives the matrices that decide most, by its words.
/// Others get `base`; of `more`, those in the first layers or in those that
/// useMoreBits names.
struct Mixture {
  /// Which layers have more: the first `count`, the first 1/`part`, or those of
  /// useMoreBits where both are 0.
  struct Layers {
    int64_t count = 0, part = 0;
  };

  llvm::StringLiteral word, base;
  llvm::StringLiteral values;     ///< attn_v
  llvm::StringLiteral moreValues; ///< of some layers; "": none
  llvm::StringLiteral down;       ///< ffn_down
  llvm::StringLiteral moreDown;
  llvm::StringLiteral output; ///< attn_output
  llvm::StringLiteral fused;  ///< attn_qkv
  Layers valuesLayers = {}, downLayers = {};
  /// attn_v where 4 query heads and more share one of keys; "": as above.
  llvm::StringLiteral sharedValues = "";
};

} // namespace

// As llama.cpp's llama_tensor_get_type_impl has it for models without experts
// (llama.cpp of November 2026).
static constexpr Mixture kMixtures[] = {
    {"Q2_K", "Q2_K", "Q3_K", "", "Q3_K", "", "Q3_K", "Q2_K", {}, {}, "Q4_K"},
    {"Q2_K_S",
     "Q2_K",
     "Q2_K",
     "",
     "Q2_K",
     "Q4_K",
     "Q2_K",
     "Q2_K",
     {},
     {0, 8},
     "Q4_K"},
    {"Q3_K_S", "Q3_K", "Q3_K", "", "Q3_K", "", "Q3_K", "Q3_K"},
    {"Q3_K_M",
     "Q3_K",
     "Q4_K",
     "Q5_K",
     "Q4_K",
     "Q5_K",
     "Q4_K",
     "Q4_K",
     {2},
     {0, 16}},
    {"Q3_K_L", "Q3_K", "Q5_K", "", "Q5_K", "", "Q5_K", "Q4_K"},
    {"Q4_K_S",
     "Q4_K",
     "Q4_K",
     "Q5_K",
     "Q4_K",
     "Q5_K",
     "Q4_K",
     "Q4_K",
     {4},
     {0, 8}},
    {"Q4_K_M", "Q4_K", "Q4_K", "Q6_K", "Q4_K", "Q6_K", "Q4_K", "Q5_K"},
    {"Q5_K_S", "Q5_K", "Q5_K", "", "Q5_K", "", "Q5_K", "Q5_K"},
    {"Q5_K_M", "Q5_K", "Q5_K", "Q6_K", "Q5_K", "Q6_K", "Q5_K", "Q6_K"},
};

/// The first and last eighth of the layers, and each third between.
static bool useMoreBits(int64_t layer, int64_t layers) {
  int64_t eighth = layers / 8;
  return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
}

/// "0|1|5": layers that have more.
static std::string layersWithMore(int64_t layers,
                                  const Mixture::Layers &which) {
  std::vector<std::string> numbers;
  for (int64_t layer = 0; layer < layers; ++layer)
    if (which.count  ? layer < which.count
        : which.part ? layer < layers / which.part
                     : useMoreBits(layer, layers))
      numbers.push_back(std::to_string(layer));
  return llvm::join(numbers, "|");
}

static Recipe ofMixture(const Mixture &mixture, const ModelShape &shape,
                        bool pure) {
  Recipe recipe;
  recipe.name = mixture.word.str();
  auto add = [&](const std::string &match, llvm::StringRef scheme) {
    recipe.tensors.push_back({match, scheme.str(), Algorithm::Search,
                              /*isOptional=*/true, /*fallsBack=*/true});
  };
  auto addLayers = [&](const Mixture::Layers &which, const char *name,
                       llvm::StringRef scheme) {
    std::string numbers = layersWithMore(shape.layers, which);
    if (!scheme.empty() && !numbers.empty())
      add("blk\\.(" + numbers + ")\\." + name + "\\.weight", scheme);
  };
  if (pure) {
    add(".*", mixture.base);
    return recipe;
  }
  bool shares = shape.queriesForKey >= 4 && !mixture.sharedValues.empty();
  add(shape.tied ? "(token_embd|output)\\.weight" : "output\\.weight", "Q6_K");
  addLayers(mixture.valuesLayers, "attn_v", mixture.moreValues);
  add("blk\\..*\\.attn_v\\.weight",
      shares ? mixture.sharedValues : mixture.values);
  addLayers(mixture.downLayers, "ffn_down", mixture.moreDown);
  add("blk\\..*\\.ffn_down\\.weight", mixture.down);
  add("blk\\..*\\.attn_output\\.weight", mixture.output);
  add("blk\\..*\\.attn_qkv\\.weight", mixture.fused);
  add(".*", mixture.base);
  return recipe;
}

std::string fittingType(llvm::StringRef type, int64_t columns) {
  const BitFormat *format = findBitFormat(std::string_view(type));
  if (!format || columns % format->blockLength == 0)
    return type.str();
  llvm::StringRef other =
      llvm::StringSwitch<llvm::StringRef>(type)
          .Cases({"Q2_K", "Q3_K", "TQ1_0", "TQ2_0", "Q2_0"}, "Q4_0")
          .Case("Q4_K", "Q5_0")
          .Case("Q5_K", "Q5_1")
          .Case("Q6_K", "Q8_0")
          .Default(type.starts_with("IQ") && type != "IQ4_NL" ? "IQ4_NL"
                                                              : "F16");
  format = findBitFormat(std::string_view(other));
  return columns % format->blockLength == 0 ? other.str() : "F16";
}

/// Everything in one scheme but the embedding, which is read a row at a time
/// and, as the head of many models, decides about every token.
static Recipe uniform(llvm::StringRef name, llvm::StringRef scheme,
                      llvm::StringRef activations, Algorithm algorithm,
                      bool pure) {
  Recipe recipe;
  recipe.name = name.str();
  recipe.activations = activations.str();
  if (!pure)
    recipe.tensors.push_back(
        {"(token_embd|position_embd|token_types|output)\\.weight", "Q8_0"});
  recipe.tensors.push_back({".*", scheme.str(), algorithm});
  return recipe;
}

namespace {
/// What compressed-tensors calls a scheme of weights and activations.
struct Preset {
  llvm::StringLiteral word, scheme, activations;
  Algorithm algorithm;
};
} // namespace

// compressed_tensors/quantization/quant_scheme.py, 0.13; activations of 16 bits
// are bf16. NVFP4 and MXFP4 are types of GGUF as well, and found as such: their
// activations of 4 bits are left out.
static constexpr Preset kPresets[] = {
    {"W4A16", "u4 offset 8, group 128 scale f16", "bf16", Algorithm::GPTQ},
    {"W4A16_ASYM", "u4, group 128 scale f16 zero u4", "bf16", Algorithm::GPTQ},
    {"W4A8", "u4 offset 8, group 128 scale f16", "per-token", Algorithm::GPTQ},
    {"W8A16", "s8, row scale f32", "bf16", Algorithm::Search},
    {"W8A8", "s8, row scale f32", "per-token", Algorithm::Search},
    {"INT8", "s8, row scale f32", "per-token", Algorithm::Search},
    {"NVFP4A16", "NVFP4", "bf16", Algorithm::Search},
    {"MXFP4A16", "MXFP4", "bf16", Algorithm::Search},
};

static llvm::Error unknownWord(llvm::StringRef name) {
  std::vector<std::string> words;
  for (const Preset &preset : kPresets)
    words.push_back(preset.word.str());
  for (const Mixture &mixture : kMixtures)
    words.push_back(mixture.word.str());
  if (name.starts_with_insensitive("FP8"))
    return llvm::createStringError(
        llvm::inconvertibleErrorCode(),
        "'" + name +
            "': no scheme here has codes that are floats of 8 bits; W8A8 and "
            "W8A16 are of the same size");
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 "'" + name +
                                     "' is neither a recipe's file (.yaml) nor "
                                     "a built-in one: those are " +
                                     llvm::join(words, ", ") +
                                     " and types of GGUF such as Q4_0");
}

llvm::Expected<Recipe> builtinRecipe(llvm::StringRef name,
                                     const ModelShape &shape, bool pure) {
  for (const Mixture &mixture : kMixtures)
    if (name.equals_insensitive(mixture.word))
      return ofMixture(mixture, shape, pure);
  for (const Preset &preset : kPresets)
    if (name.equals_insensitive(preset.word))
      return uniform(preset.word, preset.scheme, preset.activations,
                     preset.algorithm, pure);
  std::string upper = name.upper();
  if (findBitFormat(std::string_view(upper)))
    return uniform(upper, upper, "", Algorithm::Search, pure);
  return unknownWord(name);
}

} // namespace lowbit
