//===- TokenizerTest.cpp - Byte-level BPE ---------------------------------===//

#include "tokenizer/tokenizer.h"
#include "MetadataBytes.h"

#include <gtest/gtest.h>

using namespace qrt;

namespace {

using Ids = std::vector<int32_t>;

/// "\u0120" spells a space.
const std::vector<std::string> tokens = {
    "a",        "b",      "c",  "\u0120",     "ab",        "abc",
    "\u0120ab", "1",      "2",  "<|im_end|>", "<tool>",    "<|im",
    "\u00c3",   "\u00a9", "bc", "<tool>s",    "<|eot_id|>"};
const std::vector<int32_t> types = {1, 1, 1, 1, 1, 1, 1, 1, 1,
                                    3, 4, 1, 1, 1, 1, 4, 1};

MetadataBytes base(const std::string &pre) {
  MetadataBytes bytes;
  bytes.string("tokenizer.ggml.model", "gpt2")
      .string("tokenizer.ggml.pre", pre)
      .strings("tokenizer.ggml.tokens", tokens)
      .integers("tokenizer.ggml.token_type", types)
      .strings("tokenizer.ggml.merges", {"b c", "a b", "ab c", "\u0120 ab"});
  return bytes;
}

class TokenizerTest : public ::testing::Test {
protected:
  void make(const MetadataBytes &pairs) {
    bytes_ = pairs.get();
    Metadata metadata;
    ASSERT_TRUE(Metadata::parse(bytes_, metadata).ok());
    Status status = Tokenizer::create(metadata, tokenizer_);
    ASSERT_TRUE(status.ok()) << status.message();
  }
  Ids encode(std::string_view text, bool addSpecial = false,
             bool parseSpecial = true) {
    Ids ids;
    EXPECT_TRUE(tokenizer_->encode(text, addSpecial, parseSpecial, ids).ok());
    return ids;
  }
  std::string decode(const Ids &ids, bool special = true) {
    std::string out;
    tokenizer_->decode(ids, special, out);
    return out;
  }

  std::string bytes_;
  std::unique_ptr<Tokenizer> tokenizer_;
};

TEST_F(TokenizerTest, MergesByRank) {
  make(base("gpt-2"));
  // "b c" comes before "a b", so that abc never forms out of ab and c.
  EXPECT_EQ(encode("abc"), (Ids{0, 14}));
  EXPECT_EQ(encode("abab"), (Ids{4, 4}));
  EXPECT_EQ(encode("ab ab"), (Ids{4, 6}));
  EXPECT_EQ(encode(""), Ids{});
}

TEST_F(TokenizerTest, IgnoresMergesForWholeWordsWhereTheModelDoes) {
  make(base("llama-bpe"));
  EXPECT_EQ(encode("abc"), (Ids{5}));
  EXPECT_EQ(encode("abcc"), (Ids{0, 14, 2}));
}

TEST_F(TokenizerTest, SplitsDigitsForSmolLM) {
  make(base("smollm"));
  EXPECT_EQ(encode("ab12"), (Ids{4, 7, 8}));
}

TEST_F(TokenizerTest, ComposesForQwen) {
  make(base("qwen2"));
  EXPECT_EQ(encode("e\u0301"), (Ids{12, 13}));
  EXPECT_EQ(decode({12, 13}), "\u00e9");
}

TEST_F(TokenizerTest, LeavesBytesOutThatTheVocabularyCannotSpell) {
  make(base("gpt-2"));
  EXPECT_EQ(encode("aZ\xff"
                   "b"),
            (Ids{0, 1}));
}

TEST_F(TokenizerTest, FindsTheLongestAddedToken) {
  make(base("gpt-2"));
  EXPECT_EQ(encode("a<tool>b"), (Ids{0, 10, 1}));
  EXPECT_EQ(encode("<tool>s<tool>"), (Ids{15, 10}));
}

TEST_F(TokenizerTest, ControlTokensOnlyWhereAsked) {
  make(base("gpt-2"));
  EXPECT_EQ(encode("ab<|im_end|>"), (Ids{4, 9}));
  EXPECT_EQ(encode("ab<|im_end|><tool>", false, false), (Ids{4, 10}));
  EXPECT_EQ(decode({4, 9, 4}), "ab<|im_end|>ab");
  EXPECT_EQ(decode({4, 9, 4}, false), "abab");
}

TEST_F(TokenizerTest, AddsBosAndEosWhereTheModelWants) {
  make(base("gpt-2").u32("tokenizer.ggml.bos_token_id", 2));
  EXPECT_EQ(encode("a", true), (Ids{0}));
  make(base("llama-bpe").u32("tokenizer.ggml.bos_token_id", 2));
  EXPECT_EQ(encode("a", true), (Ids{2, 0}));
  make(base("llama-bpe")
           .u32("tokenizer.ggml.bos_token_id", 2)
           .u32("tokenizer.ggml.eos_token_id", 3)
           .boolean("tokenizer.ggml.add_bos_token", false)
           .boolean("tokenizer.ggml.add_eos_token", true));
  EXPECT_EQ(encode("a", true), (Ids{0, 3}));
  EXPECT_EQ(tokenizer_->bosId(), 2);
  EXPECT_FALSE(tokenizer_->addBos());
  EXPECT_TRUE(tokenizer_->addEos());
}

TEST_F(TokenizerTest, KnowsWhatEndsATurn) {
  make(base("gpt-2").u32("tokenizer.ggml.eos_token_id", 8));
  for (int32_t id = 0; id < tokenizer_->vocabSize(); ++id)
    EXPECT_EQ(tokenizer_->isEnd(id), id == 8 || id == 9 || id == 16) << id;
  EXPECT_FALSE(tokenizer_->isEnd(-1));
}

TEST_F(TokenizerTest, DecodingIgnoresIdsOutOfRange) {
  make(base("gpt-2"));
  EXPECT_EQ(decode({-1, 4, 1 << 30}), "ab");
  EXPECT_EQ(tokenizer_->piece(6), " ab");
  EXPECT_EQ(tokenizer_->piece(99), "");
}

TEST_F(TokenizerTest, LongWordsTakeLogarithmicSteps) {
  make(base("gpt-2"));
  std::string text;
  for (int i = 0; i < 200000; ++i)
    text += "ab";
  EXPECT_EQ(encode(text), Ids(200000, 4));
  EXPECT_EQ(decode(encode(text)), text);
}

} // namespace

//===- What tokenizer.json says and GGUF cannot ---------------------------===//

/// Without tokenizer.ggml.pre, with expressions of the model's own.
static MetadataBytes withWords(const std::vector<std::string> &words) {
  return base("no-such").strings("tokenizer.lowbit.words", words);
}

TEST_F(TokenizerTest, SplitsByItsOwnExpressions) {
  make(withWords({"a", "[^b]"}));
  EXPECT_EQ(encode("abc"), (Ids{0, 1, 2}));
  make(withWords({"[abc]+"}));
  EXPECT_EQ(encode("abc"), (Ids{0, 14}));
}

TEST_F(TokenizerTest, IgnoresMergesIfTold) {
  make(withWords({"[abc]+"}).boolean("tokenizer.lowbit.ignore_merges", true));
  EXPECT_EQ(encode("abc"), (Ids{5}));
}

TEST_F(TokenizerTest, PutsASpaceWhereNoneIs) {
  make(withWords({" ?[abc]+"})
           .string("tokenizer.lowbit.space_prefix", "missing"));
  EXPECT_EQ(encode("ab"), (Ids{6}));
  EXPECT_EQ(encode(" ab"), (Ids{6}));
  EXPECT_EQ(encode("ab<|im_end|>ab"), (Ids{6, 9, 6}));
  make(
      withWords({" ?[abc]+"}).string("tokenizer.lowbit.space_prefix", "first"));
  EXPECT_EQ(encode("ab<|im_end|>ab"), (Ids{6, 9, 4}));
}

TEST_F(TokenizerTest, AddedTokensSwallowSpaces) {
  make(withWords({})
           .integers("tokenizer.lowbit.strip_left", {9})
           .integers("tokenizer.lowbit.strip_right", {10}));
  EXPECT_EQ(encode("a \t<|im_end|> b"), (Ids{0, 9, 3, 1}));
  EXPECT_EQ(encode("a <tool> \n b"), (Ids{0, 3, 10, 1}));
}

TEST_F(TokenizerTest, EndsWhereTheGenerationConfigSays) {
  make(withWords({}).integers("tokenizer.lowbit.end_token_ids", {2, 999}));
  EXPECT_TRUE(tokenizer_->isEnd(2));
  EXPECT_FALSE(tokenizer_->isEnd(0));
}

TEST_F(TokenizerTest, RefusesWhatItCannotDo) {
  auto refused = [&](const MetadataBytes &pairs) {
    bytes_ = pairs.get();
    Metadata metadata;
    EXPECT_TRUE(Metadata::parse(bytes_, metadata).ok());
    return Tokenizer::create(metadata, tokenizer_).message();
  };
  EXPECT_EQ(refused(withWords({"(?<=a)b"})),
            "tokenizer: expression '(?<=a)b': this kind of group is not "
            "supported at byte 1");
  EXPECT_EQ(refused(withWords({}).string("tokenizer.lowbit.space_prefix", "x")),
            "tokenizer: tokenizer.lowbit.space_prefix is 'x', expected each, "
            "missing or first");
}
