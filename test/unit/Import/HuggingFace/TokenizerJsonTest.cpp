//===- TokenizerJsonTest.cpp - tokenizer.json in GGUF's keys --------------===//

#include "lib/Import/HuggingFace/Tokenizer.h"

#include "FolderBuilder.h"

#include <gtest/gtest.h>

using namespace lowbit;
using test::Folder;

namespace {

class TokenizerJsonTest : public ::testing::Test {
protected:
  /// A tokenizer of 4 tokens with `more` beside its model.
  void write(const std::string &more, const std::string &model = "") {
    folder.write("tokenizer.json",
                 R"({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1,
                     "ab": 2}, "merges": [["a", "b"]])" +
                     model + R"(}, "added_tokens": [
                     {"id": 3, "content": "<s>", "special": true},
                     {"id": 4, "content": "<u>", "rstrip": true},
                     {"id": 99, "content": "<picture>"}]
                     )" +
                     more + "}");
  }
  std::string read(const std::string &config = "{}", int64_t vocabulary = 6) {
    llvm::Expected<llvm::json::Value> parsed = llvm::json::parse(config);
    source = std::make_unique<KeyValueSource>(folder.path());
    return llvm::toString(huggingface::readTokenizer(
        folder.path(), *parsed->getAsObject(), vocabulary, *source));
  }
  void refuse(const std::string &more, const std::string &part,
              const std::string &model = "") {
    write(more, model);
    std::string error = read();
    EXPECT_NE(error.find(part), std::string::npos) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  }

  Folder folder;
  std::unique_ptr<KeyValueSource> source;
};

constexpr const char *kByteLevel =
    R"(, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false})";

} // namespace

TEST_F(TokenizerJsonTest, a_folder_may_have_none) {
  EXPECT_EQ(read(), "");
  EXPECT_FALSE(source->has("tokenizer.ggml.model"));
}

TEST_F(TokenizerJsonTest, every_row_has_a_token) {
  write(kByteLevel);
  EXPECT_EQ(read(), "");
  EXPECT_EQ(source->string("tokenizer.ggml.model"), "gpt2");
  EXPECT_EQ(source->arrayLength("tokenizer.ggml.tokens"), 6u);
  EXPECT_EQ(source->integers("tokenizer.ggml.token_type"),
            (std::vector<int64_t>{1, 1, 1, 3, 4, 5}));
  EXPECT_EQ(source->integers("tokenizer.lowbit.strip_right"),
            (std::vector<int64_t>{4}));
  EXPECT_EQ(source->arrayLength("tokenizer.lowbit.words"), 1u);
  EXPECT_NE(read("{}", 2).find("no id below vocab_size, 2"), std::string::npos);
}

TEST_F(TokenizerJsonTest, special_tokens) {
  write(std::string(kByteLevel) +
        R"(, "post_processor": {"type": "TemplateProcessing", "single": [
           {"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]})");
  folder.write("tokenizer_config.json", R"({"eos_token": {"content": "<u>"},
      "bos_token": "a", "chat_template": [{"name": "default",
      "template": "{{ messages }}"}]})");
  folder.write("generation_config.json", R"({"eos_token_id": [1, 2, 77]})");
  EXPECT_EQ(read(R"({"bos_token_id": 0, "pad_token_id": 5})"), "");
  // What the template puts in front is BOS, whatever other files say.
  EXPECT_EQ(source->integer("tokenizer.ggml.bos_token_id"), 3);
  EXPECT_EQ(source->integer("tokenizer.ggml.eos_token_id"), 4);
  EXPECT_EQ(source->integer("tokenizer.ggml.padding_token_id"), 5);
  EXPECT_EQ(source->boolean("tokenizer.ggml.add_bos_token"), true);
  EXPECT_EQ(source->boolean("tokenizer.ggml.add_eos_token"), false);
  EXPECT_EQ(source->integers("tokenizer.lowbit.end_token_ids"),
            (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(source->string("tokenizer.chat_template"), "{{ messages }}");
  folder.write("chat_template.jinja", "{{ 1 }}");
  EXPECT_EQ(read(), "");
  EXPECT_EQ(source->string("tokenizer.chat_template"), "{{ 1 }}");
}

TEST_F(TokenizerJsonTest, spaces_as_marks) {
  write(R"(, "normalizer": {"type": "Sequence", "normalizers": [
           {"type": "Prepend", "prepend": "▁"},
           {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]})",
        R"(, "byte_fallback": true)");
  EXPECT_EQ(read(), "");
  EXPECT_EQ(source->string("tokenizer.ggml.model"), "llama");
  EXPECT_EQ(source->string("tokenizer.lowbit.space_prefix"), "each");
  write(R"(, "pre_tokenizer": {"type": "Metaspace", "replacement": "▁",
           "prepend_scheme": "first", "split": false})",
        R"(, "byte_fallback": true)");
  EXPECT_EQ(read(), "");
  EXPECT_EQ(source->string("tokenizer.lowbit.space_prefix"), "first");
  EXPECT_EQ(source->boolean("tokenizer.lowbit.split_spaces"), false);
}

TEST_F(TokenizerJsonTest, what_the_runtime_could_not_repeat) {
  refuse("", "neither ByteLevel nor spaces marked by U+2581");
  refuse(R"(, "pre_tokenizer": {"type": "BertPreTokenizer"})",
         "pre_tokenizer 'BertPreTokenizer' is not supported; remove the file "
         "to compile a model of ids");
  refuse(std::string(kByteLevel) + R"(, "normalizer": {"type": "NFKC"})",
         "normalizer 'NFKC' is not supported");
  refuse(std::string(kByteLevel) + R"(, "post_processor": {"type": "X"})",
         "post_processor 'X' is not supported");
  refuse(R"(, "pre_tokenizer": {"type": "Split", "behavior": "Removed",
            "pattern": {"String": "-"}})",
         "Split with behavior 'Removed' is not supported");
  refuse(kByteLevel, "model.end_of_word_suffix is not supported",
         R"(, "end_of_word_suffix": "</w>")");
  folder.write("tokenizer.json", R"({"model": {"type": "WordLevel"}})");
  EXPECT_NE(read().find("model.type is 'WordLevel', expected BPE, Unigram or "
                        "WordPiece"),
            std::string::npos);
  folder.write("tokenizer.json", R"({"model": {"type": "BPE"}})");
  EXPECT_NE(read().find("model.vocab is missing"), std::string::npos);
}
