//===- TokenizerSteps.cpp - What happens before merging -------------------===//

#include "TokenizerSteps.h"

#include "Json.h"
#include "SafetensorsFile.h"

#include "llvm/ADT/Twine.h"

using llvm::StringRef;
using llvm::Twine;
using llvm::json::Array;
using llvm::json::Object;
using llvm::json::Value;

namespace lowbit::huggingface {

using safetensors::quoted;

static constexpr const char *kSpaceMark = "\xE2\x96\x81";

/// ByteLevel's own expression (tokenizers, pre_tokenizers/byte_level.rs).
static constexpr const char *kByteLevelWords =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

static StringRef typeOf(const Object &step) {
  return step.getString("type").value_or("");
}

void TokenizerSteps::fail(const Twine &message) {
  if (problem.empty())
    problem = message.str();
}

//===- Normalizer ---------------------------------------------------------===//

void TokenizerSteps::readReplace(const Object &normalizer) {
  const Object *pattern = normalizer.getObject("pattern");
  StringRef from = pattern ? pattern->getString("String").value_or("") : "";
  StringRef to = normalizer.getString("content").value_or("");
  if (from == " " && to == kSpaceMark)
    marksSpaces = true;
  else
    fail("a normalizer that replaces " + quoted(from) + " by " + quoted(to) +
         " is not supported");
}

void TokenizerSteps::readNormalizer(const Object &normalizer) {
  StringRef type = typeOf(normalizer);
  if (type == "Sequence")
    forEachObject(normalizer, "normalizers",
            [&](const Object &step) { readNormalizer(step); });
  else if (type == "NFC")
    composes = true;
  else if (type == "Replace")
    readReplace(normalizer);
  else if (type == "Prepend" &&
           normalizer.getString("prepend").value_or("") == kSpaceMark)
    spacePrefix = "each";
  else
    fail("normalizer " + quoted(type) + " is not supported");
}

//===- Pre-tokenizer ------------------------------------------------------===//

/// Adds an expression whose matches become words of their own.
void TokenizerSteps::addExpression(std::string expression, StringRef behavior,
                                   bool invert) {
  // Without what lies between the matches; where these cover every text, there
  // is nothing between.
  bool covers = StringRef(expression).contains(R"([^\s\p{L}\p{N}]+)") &&
                StringRef(expression).ends_with(R"(|\s+)");
  bool isolated = behavior == "Isolated" && !invert;
  if (behavior == "Contiguous" && !invert)
    expression = "(?:" + expression + ")+";
  else if (!isolated && !(behavior == "Removed" && invert && covers))
    return fail("pre_tokenizer Split with behavior " + quoted(behavior) +
                (invert ? ", inverted," : "") + " is not supported");
  words.push_back(std::move(expression));
}

/// The text as an expression that matches just it.
static std::string escaped(StringRef text) {
  std::string result;
  for (char c : text) {
    if (StringRef(R"(\^$.|?*+()[]{}-)").contains(c))
      result += '\\';
    result += c;
  }
  return result;
}

void TokenizerSteps::readSplit(const Object &step) {
  const Object *pattern = step.getObject("pattern");
  std::optional<StringRef> regex, text;
  if (pattern) {
    regex = pattern->getString("Regex");
    text = pattern->getString("String");
  }
  if (!regex && !text)
    return fail("pre_tokenizer Split has no pattern");
  // Gemma splits at spaces, of which its normalizer leaves none.
  if (text && *text == " " && marksSpaces)
    return;
  addExpression(regex ? regex->str() : escaped(*text),
                step.getString("behavior").value_or(""),
                step.getBoolean("invert").value_or(false));
}

void TokenizerSteps::readMetaspace(const Object &step) {
  if (step.getString("replacement").value_or(kSpaceMark) != kSpaceMark)
    return fail("pre_tokenizer Metaspace with another mark than U+2581 is not "
                "supported");
  marksSpaces = true;
  splitsSpaces = step.getBoolean("split").value_or(true);
  bool old = step.getBoolean("add_prefix_space").value_or(true);
  StringRef scheme =
      step.getString("prepend_scheme").value_or(old ? "always" : "never");
  if (scheme == "always")
    spacePrefix = "missing";
  else if (scheme == "first")
    spacePrefix = "first";
}

void TokenizerSteps::readPreTokenizer(const Object &step) {
  StringRef type = typeOf(step);
  if (byteLevel)
    return fail("a pre_tokenizer behind ByteLevel is not supported");
  if (type == "Sequence") {
    forEachObject(step, "pretokenizers",
            [&](const Object &part) { readPreTokenizer(part); });
  } else if (type == "ByteLevel") {
    byteLevel = true;
    if (step.getBoolean("add_prefix_space").value_or(false)) {
      if (!words.empty())
        fail("pre_tokenizer ByteLevel with add_prefix_space behind another "
             "one is not supported");
      spacePrefix = "missing";
    }
    if (step.getBoolean("use_regex").value_or(true))
      words.push_back(kByteLevelWords);
  } else if (type == "Split") {
    readSplit(step);
  } else if (type == "Digits") {
    bool single = step.getBoolean("individual_digits").value_or(false);
    words.push_back(single ? R"(\p{N})" : R"(\p{N}+)");
  } else if (type == "Punctuation") {
    addExpression(R"([\p{P}$+<=>^`|~])",
                  step.getString("behavior").value_or("Isolated"), false);
  } else if (type == "Metaspace") {
    readMetaspace(step);
  } else {
    fail("pre_tokenizer " + quoted(type) + " is not supported");
  }
}

//===- All together -------------------------------------------------------===//

void TokenizerSteps::checkModel(const Object &model) {
  for (const char *key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (const Value *value = present(model, key))
      if (value->getAsString().value_or("") != "")
        fail("model." + Twine(key) + " is not supported");
  ignoreMerges = model.getBoolean("ignore_merges").value_or(false);
  if (byteLevel)
    return;
  if (!model.getBoolean("fuse_unk").value_or(false) &&
      !model.getBoolean("byte_fallback").value_or(false))
    fail("a BPE model without bytes (ByteLevel, byte_fallback) is not "
         "supported");
  if (ignoreMerges || composes || !words.empty())
    fail("a BPE model of spaces marked by U+2581 with ignore_merges, NFC or "
         "expressions is not supported");
}

std::string TokenizerSteps::read(const Object &json) {
  if (const Object *normalizer = json.getObject("normalizer"))
    readNormalizer(*normalizer);
  if (const Object *step = json.getObject("pre_tokenizer"))
    readPreTokenizer(*step);
  if (byteLevel == marksSpaces)
    fail(byteLevel ? "ByteLevel with spaces marked by U+2581 is not supported"
                   : "a tokenizer with neither ByteLevel nor spaces marked by "
                     "U+2581 is not supported");
  checkModel(*json.getObject("model"));
  return problem;
}

namespace {
/// Names that llama.cpp has for some of these.
struct NamedWords {
  const char *name;
  bool digits; ///< apart, before the expression
  const char *expression;
  bool composes, ignoreMerges;
};
} // namespace

static constexpr const char *kLlama3Words =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
static constexpr const char *kQwen2Words =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
static constexpr NamedWords kNamedWords[] = {
    {"gpt-2", false, kByteLevelWords, false, false},
    {"smollm", true, kByteLevelWords, false, false},
    {"llama-bpe", false, kLlama3Words, false, true},
    {"qwen2", false, kQwen2Words, true, false},
};

StringRef TokenizerSteps::nameOfWords() const {
  for (const NamedWords &named : kNamedWords) {
    size_t last = named.digits ? 1 : 0;
    if (words.size() == last + 1 && words[last] == named.expression &&
        (!named.digits || words[0] == R"(\p{N})") &&
        composes == named.composes && ignoreMerges == named.ignoreMerges)
      return named.name;
  }
  return "";
}

void TokenizerSteps::set(KeyValueSource &source) const {
  source.set("tokenizer.ggml.model", std::string(byteLevel ? "gpt2" : "llama"));
  source.set("tokenizer.ggml.add_space_prefix", !spacePrefix.empty());
  if (!spacePrefix.empty())
    source.set("tokenizer.lowbit.space_prefix", spacePrefix);
  if (!byteLevel) {
    source.set("tokenizer.lowbit.use_merges", true);
    source.set("tokenizer.lowbit.split_spaces", splitsSpaces);
    return;
  }
  source.set("tokenizer.lowbit.words", words);
  // For other readers of what is exported.
  if (StringRef name = nameOfWords(); !name.empty() && spacePrefix.empty())
    source.set("tokenizer.ggml.pre", name.str());
  source.set("tokenizer.lowbit.compose", composes);
  source.set("tokenizer.lowbit.ignore_merges", ignoreMerges);
}

} // namespace lowbit::huggingface
