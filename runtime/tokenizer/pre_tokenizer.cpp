//===- pre_tokenizer.cpp - Splitting of text into words -------------------===//

#include "tokenizer/pre_tokenizer.h"

#include "tokenizer/word_match.h"

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

/// Expressions as files of Hugging Face spell them; word_match.h says them
/// again beside each function.
constexpr struct {
  std::string_view expression;
  WordMatch function;
} written[] = {
    {R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+)"
     R"(|\s+(?!\S)|\s+)",
     gpt2},
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3})"
     R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     llama3},
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})"
     R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     qwen2},
    {R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*)"
     R"([\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?)"
     R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N})"
     R"(| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     tekken},
    {R"(\p{N})", number},
    {R"(\p{N}+)", numbers},
    {R"(\p{N}{1,3})", numbersBy3},
};

} // namespace

const PreTokenizer *findPreTokenizer(std::string_view name) {
  for (const Named &entry : table)
    if (entry.name == name)
      return entry.preTokenizer;
  return nullptr;
}

WordMatch findWordMatch(std::string_view expression) {
  for (const auto &entry : written)
    if (entry.expression == expression)
      return entry.function;
  return nullptr;
}

std::vector<std::string_view> writtenExpressions() {
  std::vector<std::string_view> expressions;
  for (const auto &entry : written)
    expressions.push_back(entry.expression);
  return expressions;
}

} // namespace qrt
