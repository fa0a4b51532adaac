//===- PreTokenizerTest.cpp - Tests of tokenizer/pre_tokenizer.h ----------===//

#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/word_splitter.h"

#include <gtest/gtest.h>

using namespace qrt;

namespace {

/// The words of `text`, joined by U+00A6.
std::string split(std::string_view name, std::string_view text) {
  const PreTokenizer *preTokenizer = findPreTokenizer(name);
  if (!preTokenizer)
    return "unknown";
  std::vector<Character> characters;
  decodeCharacters(text, characters);
  std::vector<uint32_t> ends;
  WordSplitter(*preTokenizer).split(characters, ends);
  std::string out;
  size_t begin = 0;
  for (uint32_t end : ends) {
    size_t last = characters[end].offset;
    out +=
        (begin ? "\u00a6" : "") + std::string(text.substr(begin, last - begin));
    begin = last;
  }
  return out;
}

struct Case {
  const char *name, *words;
};

/// Made with Hugging Face's tokenizers 0.23.3 from the families' expressions
/// (test/e2e/tokenizer_oracle.py).
constexpr Case cases[] = {
    {"gpt-2", "I¦'ll¦ DON¦'¦T¦ it¦'s¦ 12345¦ x¦²"},
    {"gpt-2", " ¦ a¦ ¦ b¦\t¦\t¦c¦  \n\n¦ d¦ \r\n"},
    {"gpt-2", "for¦(¦int¦ i¦=¦0¦;¦i¦<¦10¦;++¦i¦){//¦é¦}"},
    {"gpt-2", "你好¦,¦世界¦!¦カナ한국어¦🙂👩\u200d👩"},
    {"gpt-2", "HelloWORLDfooBar¦'s¦ naïve¦ e¦\u0301¦x"},
    {"gpt-2", "'¦ſ¦ a¦'¦LL¦ 3¦.¦14¦ /¦n¦\n¦//¦\n"},
    {"gpt-2", "नमस¦\u094d¦त¦\u0947¦\u00a0¦١٢٣¦ ¦\u2028¦_¦x"},
    {"smollm", "I¦'ll¦ DON¦'¦T¦ it¦'s¦ ¦1¦2¦3¦4¦5¦ x¦²"},
    {"smollm", " ¦ a¦ ¦ b¦\t¦\t¦c¦  \n\n¦ d¦ \r\n"},
    {"smollm", "for¦(¦int¦ i¦=¦0¦;¦i¦<¦1¦0¦;++¦i¦){//¦é¦}"},
    {"smollm", "你好¦,¦世界¦!¦カナ한국어¦🙂👩\u200d👩"},
    {"smollm", "HelloWORLDfooBar¦'s¦ naïve¦ e¦\u0301¦x"},
    {"smollm", "'¦ſ¦ a¦'¦LL¦ ¦3¦.¦1¦4¦ /¦n¦\n¦//¦\n"},
    {"smollm", "नमस¦\u094d¦त¦\u0947¦\u00a0¦١¦٢¦٣¦ ¦\u2028¦_¦x"},
    {"llama-bpe", "I¦'ll¦ DON¦'T¦ it¦'s¦ ¦123¦45¦ x¦²"},
    {"llama-bpe", " ¦ a¦ ¦ b¦\t¦\tc¦  \n\n¦ d¦ \r\n"},
    {"llama-bpe", "for¦(int¦ i¦=¦0¦;i¦<¦10¦;++¦i¦){//¦é¦}"},
    {"llama-bpe", "你好¦,世界¦!カナ한국어¦🙂👩\u200d👩"},
    {"llama-bpe", "HelloWORLDfooBar¦'s¦ naïve¦ e¦\u0301x"},
    {"llama-bpe", "'ſ¦ a¦'LL¦ ¦3¦.¦14¦ /¦n¦\n¦//\n"},
    {"llama-bpe", "नमस¦\u094dत¦\u0947¦\u00a0¦١٢٣¦ ¦\u2028¦_x"},
    {"qwen2", "I¦'ll¦ DON¦'T¦ it¦'s¦ ¦1¦2¦3¦4¦5¦ x¦²"},
    {"qwen2", " ¦ a¦ ¦ b¦\t¦\tc¦  \n\n¦ d¦ \r\n"},
    {"qwen2", "for¦(int¦ i¦=¦0¦;i¦<¦1¦0¦;++¦i¦){//¦é¦}"},
    {"qwen2", "你好¦,世界¦!カナ한국어¦🙂👩\u200d👩"},
    {"qwen2", "HelloWORLDfooBar¦'s¦ naïve¦ e¦\u0301x"},
    {"qwen2", "'ſ¦ a¦'LL¦ ¦3¦.¦1¦4¦ /¦n¦\n¦//\n"},
    {"qwen2", "नमस¦\u094dत¦\u0947¦\u00a0¦١¦٢¦٣¦ ¦\u2028¦_x"},
    {"qwen35", "I¦'ll¦ DON¦'T¦ it¦'s¦ ¦1¦2¦3¦4¦5¦ x¦²"},
    {"qwen35", " ¦ a¦ ¦ b¦\t¦\tc¦  \n\n¦ d¦ \r\n"},
    {"qwen35", "for¦(int¦ i¦=¦0¦;i¦<¦1¦0¦;++¦i¦){//¦é¦}"},
    {"qwen35", "你好¦,世界¦!カナ한국어¦🙂👩\u200d👩"},
    {"qwen35", "HelloWORLDfooBar¦'s¦ naïve¦ e\u0301x"},
    {"qwen35", "'ſ¦ a¦'LL¦ ¦3¦.¦1¦4¦ /¦n¦\n¦//\n"},
    {"qwen35", "नमस\u094dत\u0947¦\u00a0¦١¦٢¦٣¦ ¦\u2028¦_x"},
    {"tekken", "I¦'ll¦ DON¦'T¦ it¦'s¦ ¦1¦2¦3¦4¦5¦ x¦²"},
    {"tekken", " ¦ a¦ ¦ b¦\t¦\tc¦  \n\n¦ d¦ \r\n"},
    {"tekken", "for¦(int¦ i¦=¦0¦;i¦<¦1¦0¦;++¦i¦){//¦é¦}"},
    {"tekken", "你好¦,世界¦!カナ한국어¦🙂👩\u200d👩"},
    {"tekken", "Hello¦WORLDfoo¦Bar¦'s¦ naïve¦ e\u0301x"},
    {"tekken", "'ſ¦ a¦'LL¦ ¦3¦.¦1¦4¦ /¦n¦\n¦//\n"},
    {"tekken", "नमस\u094dत\u0947¦\u00a0¦١¦٢¦٣¦ ¦\u2028¦_x"},
    {"gpt-4o", "I'll¦ DON'T¦ it's¦ ¦123¦45¦ x¦²"},
    {"gpt-4o", " ¦ a¦ ¦ b¦\t¦\tc¦  \n\n¦ d¦ \r\n"},
    {"gpt-4o", "for¦(int¦ i¦=¦0¦;i¦<¦10¦;++¦i¦){//¦é¦}"},
    {"gpt-4o", "你好¦,世界¦!カナ한국어¦🙂👩\u200d👩"},
    {"gpt-4o", "Hello¦WORLDfoo¦Bar's¦ naïve¦ e\u0301x"},
    {"gpt-4o", "'ſ¦ a'LL¦ ¦3¦.¦14¦ /¦n¦\n¦//\n"},
    {"gpt-4o", "नमस\u094dत\u0947¦\u00a0¦١٢٣¦ ¦\u2028¦_x"},
    {"deepseek-v3", "I¦'ll¦ DON¦'T¦ it¦'s¦ ¦123¦45¦ x¦²"},
    {"deepseek-v3", " ¦ a¦ ¦ b¦\t¦\tc¦  \n\n¦ d¦ \r\n"},
    {"deepseek-v3", "for¦(int¦ i¦=¦0¦;i¦<¦10¦;++¦i¦){//¦é¦}"},
    {"deepseek-v3", "你好¦,¦世界¦!¦カナ¦한국어¦🙂👩¦\u200d¦👩"},
    {"deepseek-v3", "HelloWORLDfooBar¦'s¦ naïve¦ e\u0301x"},
    {"deepseek-v3", "'¦ſ¦ a¦'LL¦ ¦3¦.¦14¦ /¦n¦\n¦//\n"},
    {"deepseek-v3", "नमस\u094dत\u0947¦\u00a0¦١٢٣¦ ¦\u2028¦_x"},
    {"deepseek-coder", "I¦'¦ll¦ DON¦'¦T¦ it¦'¦s¦ ¦1¦2¦3¦4¦5¦ x¦²"},
    {"deepseek-coder", " ¦ a¦ ¦ b¦\t¦\tc¦  ¦\n¦\n¦ d¦ ¦\r¦\n"},
    {"deepseek-coder", "for¦(¦int¦ i¦=¦0¦;¦i¦<¦1¦0¦;¦++¦i¦){//¦é¦}"},
    {"deepseek-coder", "你好¦,¦世界¦!¦カナ한국어¦🙂👩¦\u200d¦👩"},
    {"deepseek-coder", "HelloWORLDfooBar¦'¦s¦ naïve¦ e¦\u0301¦x"},
    {"deepseek-coder", "'¦ſ¦ a¦'¦LL¦ ¦3¦.¦1¦4¦ /¦n¦\n¦//¦\n"},
    {"deepseek-coder", "नमस¦\u094d¦त¦\u0947¦\u00a0¦١¦٢¦٣¦ ¦\u2028¦_¦x"},
};

TEST(PreTokenizer, SplitsLikeHuggingFace) {
  for (const Case &expected : cases) {
    std::string text = expected.words;
    for (size_t i; (i = text.find("\u00a6")) != std::string::npos;)
      text.erase(i, 2);
    EXPECT_EQ(split(expected.name, text), expected.words) << expected.name;
  }
}

TEST(PreTokenizer, FallbackSplitsLikeLlamaCpp) {
  EXPECT_EQ(split("default", "ab,$ 1234 c"), "ab¦,$¦ ¦123¦4¦ c");
  EXPECT_EQ(split("falcon", "ab`` 1234"), "ab¦``¦ ¦123¦4");
  EXPECT_EQ(split("bloom", "a b, (c"), "a¦ b¦, (¦c");
}

TEST(PreTokenizer, EmptyTextHasNoWords) {
  for (const Case &expected : cases)
    EXPECT_EQ(split(expected.name, ""), "");
}

TEST(PreTokenizer, StrayBytesStayInTheirPlace) {
  EXPECT_EQ(split("gpt-2", "a\xff\xfe b"), "a¦\xff\xfe¦ b");
}

TEST(PreTokenizer, AliasesShareARule) {
  EXPECT_EQ(findPreTokenizer("llama3"), findPreTokenizer("llama-bpe"));
  EXPECT_EQ(findPreTokenizer("phi-2"), findPreTokenizer("gpt-2"));
  EXPECT_EQ(findPreTokenizer("no-such"), nullptr);
}

} // namespace
