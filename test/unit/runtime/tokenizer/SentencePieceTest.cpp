//===- SentencePieceTest.cpp - SentencePiece's BPE ------------------------===//

#include "MetadataBytes.h"
#include "tokenizer/tokenizer.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace qrt;

namespace {

using Ids = std::vector<int32_t>;

struct Token {
  const char *text;
  float score;
  int32_t type;
};

/// \u2581 stands for a space; spaces in user-defined tokens do, too.
const std::vector<Token> vocabulary = {
    {"<unk>", 0, 2},    {"<s>", 0, 3},      {"</s>", 0, 3},
    {"<0xC3>", 0, 6},   {"<0xA9>", 0, 6},   {"\u2581", -10, 1},
    {"a", -11, 1},      {"b", -12, 1},      {"c", -13, 1},
    {"ab", -2, 1},      {"bc", -1, 1},      {"\u2581ab", -3, 1},
    {"\u2581a", -4, 1}, {"  ", -1000, 4},   {"   ", -1000, 4},
    {"<td>", -1000, 4}, {"\n\n", -1000, 4}, {"aa", -5, 1},
    {"aaa", -6, 1},     {"<|end|>", 0, 3}};

MetadataBytes base() {
  std::vector<std::string> texts;
  std::vector<float> scores;
  std::vector<int32_t> types;
  for (const Token &token : vocabulary) {
    texts.push_back(token.text);
    scores.push_back(token.score);
    types.push_back(token.type);
  }
  MetadataBytes bytes;
  bytes.string("tokenizer.ggml.model", "llama")
      .strings("tokenizer.ggml.tokens", texts)
      .floats("tokenizer.ggml.scores", scores)
      .integers("tokenizer.ggml.token_type", types);
  return bytes;
}

class SentencePieceTest : public ::testing::Test {
protected:
  void make(const MetadataBytes &pairs) {
    bytes_ = pairs.get();
    Metadata metadata;
    ASSERT_TRUE(Metadata::parse(bytes_, metadata).ok());
    Status status = Tokenizer::create(metadata, tokenizer_);
    ASSERT_TRUE(status.ok()) << status.message();
  }
  void makePlain() {
    make(base().boolean("tokenizer.ggml.add_space_prefix", false));
  }
  Ids encode(std::string_view text, bool addSpecial = false,
             bool parseSpecial = true) {
    Ids ids;
    EXPECT_TRUE(tokenizer_->encode(text, addSpecial, parseSpecial, ids).ok());
    return ids;
  }
  std::string decode(const Ids &ids, bool special = false) {
    std::string out;
    tokenizer_->decode(ids, special, out);
    return out;
  }

  std::string bytes_;
  std::unique_ptr<Tokenizer> tokenizer_;
};

TEST_F(SentencePieceTest, MergesByScore) {
  makePlain();
  EXPECT_EQ(encode("abc"), (Ids{6, 10}));
  EXPECT_EQ(encode("ab"), (Ids{9}));
  EXPECT_EQ(encode("a ab"), (Ids{6, 11}));
  // Of equal pairs the leftmost goes first.
  EXPECT_EQ(encode("aaaa"), (Ids{17, 17}));
  EXPECT_EQ(encode("aaaaa"), (Ids{17, 18}));
}

TEST_F(SentencePieceTest, FallsBackToBytesAndToTheUnknownToken) {
  makePlain();
  EXPECT_EQ(encode("a\u00e9"), (Ids{6, 3, 4}));
  EXPECT_EQ(decode({6, 3, 4}), "a\u00e9");
  // No token for the bytes of these: one unknown token for a run.
  EXPECT_EQ(encode("a\u4e2d\u4e2d"
                   "b"),
            (Ids{6, 0, 7}));
  EXPECT_EQ(encode("\xC3\xFF"), (Ids{3, 0}));
}

TEST_F(SentencePieceTest, PutsASpaceInFront) {
  make(base());
  EXPECT_EQ(encode("ab"), (Ids{11}));
  EXPECT_EQ(decode({11}), "ab");
  EXPECT_EQ(decode({1, 11, 11}), "ab ab");
  EXPECT_EQ(tokenizer_->piece(11), " ab");
  // Behind an added token again, as Hugging Face's normalizer does.
  EXPECT_EQ(encode("<td>ab"), (Ids{15, 11}));
  EXPECT_EQ(encode(""), Ids{});
}

TEST_F(SentencePieceTest, UserDefinedRunsOfSpacesGoFirst) {
  makePlain();
  EXPECT_EQ(encode("a  ab"), (Ids{6, 13, 9}));
  EXPECT_EQ(encode("a   ab"), (Ids{6, 14, 9}));
  EXPECT_EQ(encode("    a"), (Ids{14, 12}));
  EXPECT_EQ(encode("\u2581 a"), (Ids{13, 6}));
  EXPECT_EQ(encode("\n\n<td>"), (Ids{16, 15}));
  EXPECT_EQ(decode({6, 13, 9}), "a  ab");
}

TEST_F(SentencePieceTest, ControlTokensNeverComeOutOfMerges) {
  makePlain();
  EXPECT_EQ(encode("a</s>"), (Ids{6, 2}));
  EXPECT_EQ(encode("a</s>b", false, false), (Ids{6, 0, 7}));
}

TEST_F(SentencePieceTest, AddsBosByDefault) {
  make(base());
  EXPECT_EQ(encode("ab", true), (Ids{1, 11}));
  EXPECT_EQ(tokenizer_->eosId(), 2);
  EXPECT_TRUE(tokenizer_->isEnd(2));
  EXPECT_TRUE(tokenizer_->isEnd(19));
}

TEST_F(SentencePieceTest, Phi3ControlTokensSwallowSpaces) {
  make(base().string("general.name", "Phi-3 mini"));
  EXPECT_EQ(encode("<|end|> \n ab"), (Ids{19, 11}));
  make(base());
  EXPECT_EQ(encode("<|end|> ab"), (Ids{19, 13, 9}));
}

TEST_F(SentencePieceTest, RefusesDamagedTables) {
  auto refuses = [](const MetadataBytes &pairs, const std::string &part) {
    const std::string bytes = pairs.get();
    Metadata metadata;
    ASSERT_TRUE(Metadata::parse(bytes, metadata).ok());
    std::unique_ptr<Tokenizer> tokenizer;
    Status status = Tokenizer::create(metadata, tokenizer);
    EXPECT_EQ(status.code(), QRT_CORRUPT);
    EXPECT_NE(status.message().find(part), std::string::npos)
        << status.message();
  };
  auto two = [](float score, const char *text, int32_t type) {
    MetadataBytes bytes;
    bytes.string("tokenizer.ggml.model", "llama")
        .strings("tokenizer.ggml.tokens", {"a", text})
        .floats("tokenizer.ggml.scores", {0, score})
        .integers("tokenizer.ggml.token_type", {1, type});
    return bytes;
  };
  refuses(two(0, "<0xZZ>", 6), "<0xZZ>");
  refuses(two(0, "<0x1>", 6), "token 1 is a byte");
  refuses(two(NAN, "b", 1), "not a number");
  refuses(two(0, "b", 7), "unknown type 7");
  refuses(base().u32("tokenizer.ggml.bos_token_id", 1000), "bos_token_id");
  refuses(MetadataBytes()
              .string("tokenizer.ggml.model", "llama")
              .strings("tokenizer.ggml.tokens", {"a"}),
          "scores");
}

} // namespace

//===- Models with a list of merges ---------------------------------------===//

TEST_F(SentencePieceTest, MergesByTheListWhereThereIsOne) {
  // By score "bc" would come first; "aa" is a token that no merge makes.
  make(base()
           .boolean("tokenizer.ggml.add_space_prefix", false)
           .boolean("tokenizer.lowbit.use_merges", true)
           .strings("tokenizer.ggml.merges",
                    {"a b", "b c", "\u2581 ab", "\u2581 a"}));
  EXPECT_EQ(encode("abc"), (Ids{9, 8}));
  EXPECT_EQ(encode("aa"), (Ids{6, 6}));
  EXPECT_EQ(encode(" ab"), (Ids{11}));
  EXPECT_EQ(encode("\u00e9"), (Ids{3, 4}));
  // Runs of spaces are added tokens, looked for in the text as it is.
  EXPECT_EQ(encode("  "), (Ids{13}));
  EXPECT_EQ(encode("\u2581\u2581"), (Ids{5, 5}));
}

TEST_F(SentencePieceTest, NoTokenGoesOnBehindASpaceIfTold) {
  make(base()
           .string("tokenizer.lowbit.space_prefix", "first")
           .boolean("tokenizer.lowbit.use_merges", true)
           .boolean("tokenizer.lowbit.split_spaces", true)
           .strings("tokenizer.ggml.merges", {"\u2581 a", "\u2581a b"}));
  EXPECT_EQ(encode("ab ab"), (Ids{11, 11}));
  EXPECT_EQ(encode(" ab"), (Ids{11}));
  EXPECT_EQ(encode("<s>ab"), (Ids{1, 6, 7}));
}

TEST_F(SentencePieceTest, FilesOfLlamaCppMergeByScoreInSpiteOfAList) {
  make(base()
           .boolean("tokenizer.ggml.add_space_prefix", false)
           .strings("tokenizer.ggml.merges", {"a b"}));
  EXPECT_EQ(encode("abc"), (Ids{6, 10}));
}
