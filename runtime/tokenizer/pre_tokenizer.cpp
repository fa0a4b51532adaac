//===- pre_tokenizer.cpp - Splitting of text into words -------------------===//

#include "tokenizer/pre_tokenizer.h"

#include "tokenizer/word_match.h"

#include <algorithm>

namespace qrt {

namespace {

using namespace word;

//                                steps                  NFC   ignore  BOS
constexpr PreTokenizer plainGpt2{{gpt2}, false, false, false};
constexpr PreTokenizer composedGpt2{{gpt2}, true, false, false};
constexpr PreTokenizer digitsGpt2{{number, gpt2}, false, false, false};
constexpr PreTokenizer composedDigitsGpt2{{number, gpt2}, true, false, false};
constexpr PreTokenizer llama3Bpe{{llama3}, false, true, true};
constexpr PreTokenizer llama3Merged{{llama3}, false, false, false};
constexpr PreTokenizer glm4{{llama3}, false, true, false};
constexpr PreTokenizer qwen2Plain{{qwen2}, false, false, false};
constexpr PreTokenizer qwen2Composed{{qwen2}, true, false, false};
constexpr PreTokenizer qwen35Composed{{qwen35}, true, false, false};
constexpr PreTokenizer seedCoderWords{{seedCoder}, false, false, false};
constexpr PreTokenizer tekkenWords{{tekken}, false, true, true};
constexpr PreTokenizer gpt4oWords{{gpt4o}, false, false, false};
constexpr PreTokenizer deepseekV3{
    {numbersBy3, hanKana, deepseek3}, false, false, false};
constexpr PreTokenizer deepseekCoder{
    {lineEnd, spacedLetters, spacedPunctuation, eastAsian, number},
    false,
    false,
    false};
constexpr PreTokenizer falcon{
    {punctuationQuote, gpt2, digits3}, false, false, false};
constexpr PreTokenizer fallback{
    {punctuation, gpt2, numbers, digits3}, false, false, false};
constexpr PreTokenizer bloomWords{{bloom}, false, false, false};
constexpr PreTokenizer viking{{bloom, number}, false, false, false};

struct Named {
  std::string_view name;
  const PreTokenizer *preTokenizer;
};

/// Names as the converters of llama.cpp write them.
constexpr Named table[] = {
    {"default", &fallback},
    {"gpt-2", &plainGpt2},
    {"phi-2", &plainGpt2},
    {"gigachat", &plainGpt2},
    {"a.x-4.0", &plainGpt2},
    {"mellum", &plainGpt2},
    {"jais", &plainGpt2},
    {"exaone4", &plainGpt2},
    {"trillion", &plainGpt2},
    {"granite-docling", &plainGpt2},
    {"mpt", &composedGpt2},
    {"olmo", &composedGpt2},
    {"smollm", &digitsGpt2},
    {"starcoder", &digitsGpt2},
    {"refact", &digitsGpt2},
    {"codeshell", &digitsGpt2},
    {"exaone", &digitsGpt2},
    {"minerva-7b", &digitsGpt2},
    {"command-r", &composedDigitsGpt2},
    {"llama3", &llama3Bpe},
    {"llama-v3", &llama3Bpe},
    {"llama-bpe", &llama3Bpe},
    {"falcon3", &llama3Bpe},
    {"falcon-h1", &llama3Bpe},
    {"pixtral", &llama3Bpe},
    {"midm-2.0", &llama3Bpe},
    {"lfm2", &llama3Bpe},
    {"dbrx", &llama3Merged},
    {"smaug-bpe", &llama3Merged},
    {"chatglm-bpe", &llama3Merged},
    {"glm4", &glm4},
    {"qwen2", &qwen2Composed},
    {"stablelm2", &qwen2Composed},
    {"deepseek-r1-qwen", &qwen2Plain},
    {"megrez", &qwen2Plain},
    {"hunyuan", &qwen2Plain},
    {"grok-2", &qwen2Plain},
    {"qwen35", &qwen35Composed},
    {"seed-coder", &seedCoderWords},
    {"tekken", &tekkenWords},
    {"gpt-4o", &gpt4oWords},
    {"llama4", &gpt4oWords},
    {"deepseek-v3", &deepseekV3},
    {"hunyuan-dense", &deepseekV3},
    {"deepseek-coder", &deepseekCoder},
    {"falcon", &falcon},
    {"bloom", &bloomWords},
    {"poro-chat", &bloomWords},
    {"gpt3-finnish", &bloomWords},
    {"viking", &viking},
};

/// Splits [begin, end) and appends the ends of its pieces.
void splitPiece(const Character *text, size_t begin, size_t end,
                WordMatch match, std::vector<uint32_t> &ends) {
  size_t pending = begin, i = begin;
  while (i < end) {
    size_t last = match(text, i, end);
    if (last == i) {
      ++i;
      continue;
    }
    if (pending < i)
      ends.push_back(static_cast<uint32_t>(i));
    ends.push_back(static_cast<uint32_t>(last));
    pending = i = last;
  }
  if (pending < end)
    ends.push_back(static_cast<uint32_t>(end));
}

} // namespace

void PreTokenizer::split(const std::vector<Character> &text,
                         std::vector<uint32_t> &ends) const {
  ends.clear();
  size_t count = text.size() - 1;
  if (count == 0)
    return;
  ends.push_back(static_cast<uint32_t>(count));
  std::vector<uint32_t> before;
  for (WordMatch step : steps) {
    if (!step)
      break;
    before.swap(ends);
    ends.clear();
    size_t begin = 0;
    for (uint32_t end : before) {
      splitPiece(text.data(), begin, end, step, ends);
      begin = end;
    }
  }
}

const PreTokenizer *findPreTokenizer(std::string_view name) {
  for (const Named &entry : table)
    if (entry.name == name)
      return entry.preTokenizer;
  return nullptr;
}

} // namespace qrt
