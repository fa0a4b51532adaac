//===- TokenizerErrorsTest.cpp - Vocabularies that lie --------------------===//

#include "MetadataBytes.h"
#include "tokenizer/tokenizer.h"

#include <gtest/gtest.h>

using namespace qrt;

namespace {

Status create(const MetadataBytes &pairs) {
  const std::string bytes = pairs.get();
  Metadata metadata;
  QRT_TRY(Metadata::parse(bytes, metadata));
  std::unique_ptr<Tokenizer> tokenizer;
  return Tokenizer::create(metadata, tokenizer);
}

MetadataBytes pairs(const std::vector<std::string> &merges) {
  MetadataBytes bytes;
  bytes.string("tokenizer.ggml.model", "gpt2")
      .strings("tokenizer.ggml.tokens", {"a", "b", "ab"})
      .strings("tokenizer.ggml.merges", merges);
  return bytes;
}

TEST(TokenizerErrors, NamesAnUnknownModelOrPreTokenizer) {
  Status status = create(MetadataBytes()
                             .string("tokenizer.ggml.model", "rwkv")
                             .strings("tokenizer.ggml.tokens", {"a"}));
  EXPECT_EQ(status.code(), QRT_UNSUPPORTED);
  EXPECT_EQ(status.message(), "tokenizer: unknown tokenizer.ggml.model 'rwkv' "
                              "(known: bert, gpt2, llama, t5)");
  status = create(pairs({"a b"}).string("tokenizer.ggml.pre", "kimi"));
  EXPECT_EQ(status.code(), QRT_UNSUPPORTED);
  EXPECT_EQ(status.message(), "tokenizer: unknown tokenizer.ggml.pre 'kimi'");
}

TEST(TokenizerErrors, NamesMissingTables) {
  EXPECT_EQ(create(MetadataBytes()).message(),
            "tokenizer: the metadata has no tokenizer.ggml.model");
  EXPECT_EQ(
      create(MetadataBytes().string("tokenizer.ggml.model", "gpt2")).message(),
      "tokenizer: the metadata has no tokens (tokenizer.ggml.tokens)");
  EXPECT_EQ(create(MetadataBytes()
                       .string("tokenizer.ggml.model", "gpt2")
                       .strings("tokenizer.ggml.tokens", {"a"}))
                .message(),
            "tokenizer: the metadata has no merges (tokenizer.ggml.merges)");
}

TEST(TokenizerErrors, NamesABadMerge) {
  EXPECT_TRUE(create(pairs({"a b"})).ok());
  EXPECT_TRUE(create(pairs({})).ok());
  for (const char *line : {"", " ", "ab", "a c", "b a", "a b ", "a  b"})
    EXPECT_EQ(create(pairs({line})).code(), QRT_CORRUPT) << line;
  EXPECT_EQ(create(pairs({"a b", "b a"})).message(),
            "tokenizer: merge 1 'b a' names a token that the vocabulary lacks");
}

TEST(TokenizerErrors, NamesArraysOfAnotherLength) {
  EXPECT_EQ(
      create(pairs({}).integers("tokenizer.ggml.token_type", {1, 1})).message(),
      "tokenizer: tokenizer.ggml.token_type has 2 entries for 3 tokens");
  EXPECT_EQ(create(pairs({}).floats("tokenizer.ggml.scores", {1})).message(),
            "tokenizer: tokenizer.ggml.scores has 1 entries for 3 tokens");
}

TEST(TokenizerErrors, NamesAnIdOutOfRange) {
  EXPECT_EQ(
      create(pairs({}).u32("tokenizer.ggml.eos_token_id", 3)).message(),
      "tokenizer: tokenizer.ggml.eos_token_id is 3, but there are 3 tokens");
  EXPECT_EQ(create(pairs({}).scalar<int32_t>("tokenizer.ggml.bos_token_id",
                                             Metadata::I32, -1))
                .code(),
            QRT_CORRUPT);
}

TEST(TokenizerErrors, TakesEqualAndEmptyTokens) {
  EXPECT_TRUE(create(MetadataBytes()
                         .string("tokenizer.ggml.model", "gpt2")
                         .strings("tokenizer.ggml.tokens", {"", "", "a", "a"})
                         .integers("tokenizer.ggml.token_type", {3, 4, 3, 3})
                         .strings("tokenizer.ggml.merges", {}))
                  .ok());
}

} // namespace
