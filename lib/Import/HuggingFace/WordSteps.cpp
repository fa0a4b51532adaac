//===- WordSteps.cpp - Text to words, for models of words -----------------===//

#include "WordSteps.h"

#include "Json.h"
#include "SafetensorsFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Base64.h"

using llvm::StringRef;
using llvm::Twine;
using llvm::json::Array;
using llvm::json::Object;
using llvm::json::Value;

namespace lowbit::huggingface {

using safetensors::quoted;

static constexpr const char *kSpaceMark = "\xE2\x96\x81";

void WordSteps::fail(const Twine &message) {
  if (problem.empty())
    problem = message.str();
}

//===- Normalizers --------------------------------------------------------===//

/// In the order of tokenizers' BertNormalizer; accents go with case unless the
/// file says otherwise.
void WordSteps::readBert(const Object &normalizer) {
  bool lowers = normalizer.getBoolean("lowercase").value_or(true);
  if (normalizer.getBoolean("clean_text").value_or(true))
    normalizers.push_back("clean");
  if (normalizer.getBoolean("handle_chinese_chars").value_or(true))
    normalizers.push_back("chinese");
  if (normalizer.getBoolean("strip_accents").value_or(lowers)) {
    normalizers.push_back("nfd");
    normalizers.push_back("strip_nonspacing");
  }
  if (lowers)
    normalizers.push_back("lowercase");
}

void WordSteps::readStrip(const Object &normalizer) {
  if (normalizer.getBoolean("strip_left").value_or(true))
    normalizers.push_back("strip_left");
  if (normalizer.getBoolean("strip_right").value_or(true))
    normalizers.push_back("strip_right");
}

void WordSteps::readReplace(const Object &normalizer) {
  const Object *pattern = normalizer.getObject("pattern");
  StringRef from = pattern ? pattern->getString("String").value_or("") : "";
  StringRef regex = pattern ? pattern->getString("Regex").value_or("") : "";
  StringRef to = normalizer.getString("content").value_or("");
  if (regex == " {2,}")
    return normalizers.push_back("squeeze:" + llvm::toHex(to, true));
  if (from.empty())
    return fail("a normalizer that replaces by an expression is not supported");
  normalizers.push_back("replace:" + llvm::toHex(from, true) + ":" +
                        llvm::toHex(to, true));
}

/// The bytes stand in base 64.
void WordSteps::readPrecompiled(const Object &normalizer) {
  std::vector<char> bytes;
  StringRef text = normalizer.getString("precompiled_charsmap").value_or("");
  if (text.empty()) // an identity
    return;
  if (llvm::Error error = llvm::decodeBase64(text, bytes)) {
    llvm::consumeError(std::move(error));
    return fail("normalizer Precompiled is not in base 64: download it again");
  }
  if (!characterMap.empty())
    return fail("two normalizers Precompiled are not supported");
  for (char byte : bytes)
    characterMap.push_back(uint8_t(byte));
  normalizers.push_back("precompiled");
}

void WordSteps::readNormalizer(const Object &normalizer) {
  StringRef type = normalizer.getString("type").value_or("");
  if (type == "Sequence")
    forEachObject(normalizer, "normalizers",
            [&](const Object &step) { readNormalizer(step); });
  else if (type == "BertNormalizer")
    readBert(normalizer);
  else if (type == "NFC" || type == "NFD" || type == "NFKC" || type == "NFKD")
    normalizers.push_back(type.lower());
  else if (type == "Lowercase")
    normalizers.push_back("lowercase");
  else if (type == "StripAccents")
    normalizers.push_back("strip_marks");
  else if (type == "Nmt")
    normalizers.push_back("nmt");
  else if (type == "Strip")
    readStrip(normalizer);
  else if (type == "Prepend")
    normalizers.push_back(
        "prepend:" +
        llvm::toHex(normalizer.getString("prepend").value_or(""), true));
  else if (type == "Precompiled")
    readPrecompiled(normalizer);
  else if (type == "Replace")
    readReplace(normalizer);
  else
    fail("normalizer " + quoted(type) + " is not supported");
}

//===- Pre-tokenizers -----------------------------------------------------===//

void WordSteps::readMetaspace(const Object &step) {
  if (step.getString("replacement").value_or(kSpaceMark) != kSpaceMark)
    return fail("pre_tokenizer Metaspace with another mark than U+2581 is not "
                "supported");
  marksSpaces = true;
  splitsSpaces = step.getBoolean("split").value_or(true);
  bool old = step.getBoolean("add_prefix_space").value_or(true);
  StringRef scheme =
      step.getString("prepend_scheme").value_or(old ? "always" : "never");
  spacePrefix = scheme == "always"  ? "missing"
                : scheme == "first" ? "first"
                                    : "";
}

void WordSteps::readPreTokenizer(const Object &step) {
  StringRef type = step.getString("type").value_or("");
  if (marksSpaces)
    return fail("a pre_tokenizer behind Metaspace is not supported");
  if (type == "Metaspace" && mayMark) {
    readMetaspace(step);
  } else if (type == "Sequence") {
    forEachObject(step, "pretokenizers",
            [&](const Object &part) { readPreTokenizer(part); });
  } else if (type == "BertPreTokenizer") {
    splits.push_back("spaces");
    splits.push_back("punctuation");
  } else if (type == "WhitespaceSplit") {
    splits.push_back("spaces");
  } else if (type == "Whitespace") {
    splits.push_back("words");
  } else if (type == "Punctuation" &&
             step.getString("behavior").value_or("Isolated") == "Isolated") {
    splits.push_back("punctuation");
  } else if (type == "Digits") {
    bool single = step.getBoolean("individual_digits").value_or(false);
    splits.push_back(single ? "digit" : "digits");
  } else {
    fail("pre_tokenizer " + quoted(type) + " is not supported");
  }
}

//===- All together -------------------------------------------------------===//

std::string WordSteps::read(const Object &json, bool marks) {
  mayMark = marks;
  if (const Object *normalizer = json.getObject("normalizer"))
    readNormalizer(*normalizer);
  if (const Object *step = json.getObject("pre_tokenizer"))
    readPreTokenizer(*step);
  return problem;
}

void WordSteps::set(KeyValueSource &source) const {
  source.set("tokenizer.lowbit.normalizers", normalizers);
  source.set("tokenizer.lowbit.splits", splits);
  if (!mayMark)
    return;
  source.set("tokenizer.lowbit.mark_spaces", marksSpaces);
  source.set("tokenizer.lowbit.split_spaces", splitsSpaces);
  source.set("tokenizer.ggml.add_space_prefix", !spacePrefix.empty());
  if (!spacePrefix.empty())
    source.set("tokenizer.lowbit.space_prefix", spacePrefix);
  if (!characterMap.empty())
    source.set("tokenizer.ggml.precompiled_charsmap", characterMap);
}

} // namespace lowbit::huggingface
