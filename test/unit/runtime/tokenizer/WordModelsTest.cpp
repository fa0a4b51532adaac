//===- WordModelsTest.cpp - WordPiece and Unigram -------------------------===//

#include "MetadataBytes.h"
#include "tokenizer/tokenizer.h"

#include <gtest/gtest.h>

using namespace qrt;

namespace {

using Ids = std::vector<int32_t>;

class WordModelsTest : public ::testing::Test {
protected:
  Status create(const MetadataBytes &pairs) {
    bytes_ = pairs.get();
    Metadata metadata;
    EXPECT_TRUE(Metadata::parse(bytes_, metadata).ok());
    return Tokenizer::create(metadata, tokenizer_);
  }
  void make(const MetadataBytes &pairs) {
    Status status = create(pairs);
    ASSERT_TRUE(status.ok()) << status.message();
  }
  Ids encode(std::string_view text, bool addSpecial = false) {
    Ids ids;
    EXPECT_TRUE(tokenizer_->encode(text, addSpecial, true, ids).ok());
    return ids;
  }
  std::string decode(const Ids &ids) {
    std::string out;
    tokenizer_->decode(ids, false, out);
    return out;
  }

  std::string bytes_;
  std::unique_ptr<Tokenizer> tokenizer_;
};

/// As GGUF has them: "un", "##aff", "##able", "affable", ".", "cafe".
MetadataBytes wordPiece() {
  MetadataBytes bytes;
  bytes.string("tokenizer.ggml.model", "bert")
      .strings("tokenizer.ggml.tokens",
               {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "\u2581un", "aff", "able",
                "\u2581affable", "\u2581.", "\u2581cafe", "\u2581\u5317"})
      .integers("tokenizer.ggml.token_type", {3, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1});
  return bytes;
}

TEST_F(WordModelsTest, WordPieceTakesTheLongest) {
  make(wordPiece());
  EXPECT_EQ(encode("unaffable affable."), (Ids{4, 5, 6, 7, 8}));
  EXPECT_EQ(encode("unaffable", true), (Ids{2, 4, 5, 6, 3}));
  EXPECT_EQ(decode({2, 4, 5, 6, 7, 3}), "unaffable affable");
}

TEST_F(WordModelsTest, WordPieceOfAnUnknownPartIsUnknownAsAWhole) {
  make(wordPiece());
  EXPECT_EQ(encode("unaffablx un"), (Ids{1, 4}));
  EXPECT_EQ(encode(std::string(101, 'u')), (Ids{1}));
}

TEST_F(WordModelsTest, GgufMeansBertWithoutCase) {
  make(wordPiece());
  EXPECT_EQ(encode("UN Caf\u00c9\t\u5317\u5317"), (Ids{4, 9, 10, 10}));
}

TEST_F(WordModelsTest, NamedStepsAreTheOnlyOnes) {
  make(wordPiece()
           .strings("tokenizer.lowbit.normalizers", {"replace:55:75"})
           .strings("tokenizer.lowbit.splits", {"spaces"}));
  EXPECT_EQ(encode("Un uN un."), (Ids{4, 1, 1}));
}

TEST_F(WordModelsTest, UnknownStepsAreRefused) {
  for (const char *name :
       {"odd", "replace:", "replace::61", "replace:6:61", "prepend:zz"}) {
    Status status =
        create(wordPiece().strings("tokenizer.lowbit.normalizers", {name}));
    EXPECT_NE(status.message().find("normalizer"), std::string::npos) << name;
  }
  EXPECT_FALSE(
      create(wordPiece().strings("tokenizer.lowbit.splits", {"odd"})).ok());
  EXPECT_FALSE(
      create(wordPiece().u32("tokenizer.lowbit.longest_word", 0)).ok());
}

MetadataBytes unigram() {
  MetadataBytes bytes;
  bytes.string("tokenizer.ggml.model", "t5")
      .strings("tokenizer.ggml.tokens",
               {"<unk>", "</s>", "\u2581", "\u2581ab", "a", "b", "ab",
                "\u2581a", "<0xC3>", "<0xA9>"})
      .floats("tokenizer.ggml.scores", {0, 0, -2, -5, -3, -3, -4, -2.5f, 0, 0})
      .integers("tokenizer.ggml.token_type", {2, 3, 1, 1, 1, 1, 1, 1, 6, 6});
  return bytes;
}

TEST_F(WordModelsTest, UnigramTakesTheLargestSum) {
  make(unigram());
  // -5 against -2.5 - 3 and -2 - 4.
  EXPECT_EQ(encode("ab"), (Ids{3}));
  // -2.5 - 4 against -2 - 3 - 4.
  EXPECT_EQ(encode("aab", true), (Ids{7, 6, 1}));
  EXPECT_EQ(decode({3, 3, 1}), "ab ab");
}

TEST_F(WordModelsTest, UnigramJoinsUnknownCharacters) {
  make(unigram());
  EXPECT_EQ(encode("axyb"), (Ids{7, 0, 5}));
  EXPECT_EQ(encode("a\u00e9"), (Ids{7, 8, 9})); // both bytes are tokens
}

TEST_F(WordModelsTest, DamagedMapsOfCharactersAreRefused) {
  for (std::vector<int32_t> map : {std::vector<int32_t>{1, 2},
                                   {0, 0, 0, 0, 1},
                                   {8, 0, 0, 0, 1, 1, 1, 1},
                                   {3, 0, 0, 0, 1, 1, 1}})
    EXPECT_FALSE(
        create(unigram().integers("tokenizer.ggml.precompiled_charsmap", map))
            .ok());
}

TEST_F(WordModelsTest, MapsOfCharactersReadNothingOutside) {
  // One unit whose offset leads far out, and no replacements.
  make(unigram().integers("tokenizer.ggml.precompiled_charsmap",
                          {4, 0, 0, 0, 255, 255, 255, 255}));
  EXPECT_EQ(encode("ab"), (Ids{3}));
}

} // namespace
