//===- GGUFTest.cpp - GGUF files as a model source ------------------------===//

#include "GGUFBuilder.h"
#include "lowbit/Import/ModelSource.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>

using namespace lowbit;
using test::GGUFBuilder;

/// A source of `bytes`, which must be right.
static std::unique_ptr<ModelSource> source(const std::string &bytes) {
  auto result = readGGUF(bytes, "model.gguf");
  if (!result) {
    ADD_FAILURE() << llvm::toString(result.takeError());
    return nullptr;
  }
  return std::move(*result);
}

/// One Q4_0 matrix [3, 64] at 0, one F32 vector [5] behind it, and a few pairs.
static GGUFBuilder smallModel() {
  GGUFBuilder file;
  file.header(2, 4);
  file.pair("general.architecture", "llama");
  file.pair<uint32_t>("llama.block_count", 4, 30);
  file.pair<float>("llama.rope.freq_base", 6, 10000.0f);
  file.pair<uint8_t>("tokenizer.ggml.add_bos_token", 7, 1);
  file.tensor("w", {64, 3}, 2, 0).tensor("b", {5}, 0, 128);
  return file.pad().data(108, 1).pad().data(20, 2).pad();
}

TEST(GGUFTest, tensors) {
  std::string bytes = smallModel().text;
  auto model = source(bytes);
  ASSERT_TRUE(model);
  ASSERT_EQ(model->tensors().size(), 2u);
  const SourceTensor *w = model->find("w");
  ASSERT_TRUE(w);
  EXPECT_EQ(w->shape, (std::vector<int64_t>{3, 64})); // outermost first
  EXPECT_EQ(w->rows(), 3);
  EXPECT_EQ(w->columns(), 64);
  EXPECT_EQ(w->bytes, 108u);
  EXPECT_STREQ(w->format->name, "Q4_0");
  EXPECT_EQ(w->row(2) - w->data, 72);
  EXPECT_EQ(w->data[0], 1);
  EXPECT_EQ(model->find("b")->rows(), 1);
  EXPECT_EQ(model->find("b")->data[19], 2);
  EXPECT_EQ(model->find("c"), nullptr);
}

TEST(GGUFTest, tensors_in_any_order) {
  GGUFBuilder file;
  file.header(2, 0).tensor("b", {5}, 0, 128).tensor("w", {64, 3}, 2, 0);
  file.pad().data(148);
  auto model = source(file.text);
  ASSERT_TRUE(model);
  EXPECT_EQ(model->find("b")->data - model->find("w")->data, 128);
}

TEST(GGUFTest, alignment) {
  GGUFBuilder file;
  file.header(2, 1).pair<uint32_t>("general.alignment", 4, 64);
  file.tensor("a", {1}, 0, 0).tensor("b", {1}, 0, 64);
  file.pad(64).data(68);
  auto model = source(file.text);
  ASSERT_TRUE(model);
  EXPECT_EQ((model->tensors()[0].data -
             reinterpret_cast<const uint8_t *>(file.text.data())) %
                64,
            0);
}

TEST(GGUFTest, values_of_every_type) {
  GGUFBuilder file;
  file.header(0, 13);
  file.pair<uint8_t>("u8", 0, 200).pair<int8_t>("i8", 1, -3);
  file.pair<uint16_t>("u16", 2, 60000).pair<int16_t>("i16", 3, -300);
  file.pair<uint32_t>("u32", 4, 4000000000u).pair<int32_t>("i32", 5, -70000);
  file.pair<float>("f32", 6, 0.5f).pair<uint8_t>("bool", 7, 1);
  file.pair("string", "text").pair<uint64_t>("u64", 10, 1ull << 40);
  file.pair<int64_t>("i64", 11, -(1ll << 40)).pair<double>("f64", 12, 0.1);
  file.pair<uint64_t>("huge", 10, ~0ull);
  auto model = source(file.text);
  ASSERT_TRUE(model);
  EXPECT_EQ(model->integer("u8"), 200);
  EXPECT_EQ(model->integer("i8"), -3);
  EXPECT_EQ(model->integer("u16"), 60000);
  EXPECT_EQ(model->integer("i16"), -300);
  EXPECT_EQ(model->integer("u32"), 4000000000);
  EXPECT_EQ(model->integer("i32"), -70000);
  EXPECT_EQ(model->integer("u64"), 1ll << 40);
  EXPECT_EQ(model->integer("i64"), -(1ll << 40));
  EXPECT_EQ(model->integer("huge"), std::nullopt);
  EXPECT_EQ(model->real("f32"), 0.5);
  EXPECT_EQ(model->real("f64"), 0.1);
  EXPECT_EQ(model->real("i8"), -3.0);
  EXPECT_EQ(model->boolean("bool"), true);
  EXPECT_EQ(model->string("string"), llvm::StringRef("text"));
}

TEST(GGUFTest, a_value_of_another_type_is_none) {
  std::string bytes = smallModel().text;
  auto model = source(bytes);
  ASSERT_TRUE(model);
  EXPECT_TRUE(model->has("llama.block_count"));
  EXPECT_FALSE(model->has("llama.block"));
  EXPECT_EQ(model->string("llama.block_count"), std::nullopt);
  EXPECT_EQ(model->integer("llama.rope.freq_base"), std::nullopt);
  EXPECT_EQ(model->integer("general.architecture"), std::nullopt);
  EXPECT_EQ(model->boolean("llama.block_count"), std::nullopt);
  EXPECT_EQ(model->arrayLength("llama.block_count"), std::nullopt);
  EXPECT_TRUE(model->integers("llama.block_count").empty());
}

TEST(GGUFTest, arrays) {
  GGUFBuilder file;
  file.header(0, 4);
  file.array("numbers", 5, 3).put<int32_t>(1).put<int32_t>(-2).put<int32_t>(3);
  file.array("reals", 6, 2).put(0.25f).put(-1.0f);
  file.array("words", 8, 2).string("a").string("");
  file.array("none", 4, 0);
  auto model = source(file.text);
  ASSERT_TRUE(model);
  EXPECT_EQ(model->integers("numbers"), (std::vector<int64_t>{1, -2, 3}));
  EXPECT_EQ(model->reals("numbers"), (std::vector<double>{1, -2, 3}));
  EXPECT_EQ(model->reals("reals"), (std::vector<double>{0.25, -1}));
  EXPECT_TRUE(model->integers("reals").empty());
  EXPECT_EQ(model->arrayLength("words"), 2u);
  EXPECT_EQ(model->arrayLength("none"), 0u);
  EXPECT_EQ(model->integer("numbers"), std::nullopt);
  EXPECT_EQ(model->string("words"), std::nullopt);
}

TEST(GGUFTest, metadata_bytes_are_the_pairs_of_the_file) {
  std::string bytes = smallModel().text;
  auto model = source(bytes);
  ASSERT_TRUE(model);
  GGUFBuilder expected;
  expected.put<uint64_t>(4);
  expected.pair("general.architecture", "llama");
  expected.pair<uint32_t>("llama.block_count", 4, 30);
  expected.pair<float>("llama.rope.freq_base", 6, 10000.0f);
  expected.pair<uint8_t>("tokenizer.ggml.add_bos_token", 7, 1);
  EXPECT_EQ(model->metadataBytes(), expected.text);
}

//===- Files --------------------------------------------------------------===//

namespace {
class GGUFFilesTest : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("gguf-test", folder));
  }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  std::string write(llvm::StringRef name, llvm::StringRef bytes) {
    llvm::SmallString<128> path(folder);
    llvm::sys::path::append(path, name);
    std::error_code problem;
    llvm::raw_fd_ostream(path, problem) << bytes;
    EXPECT_FALSE(problem);
    return path.str().str();
  }
  /// Part `index` of `count`, with one tensor of its own.
  static GGUFBuilder part(uint16_t index, uint16_t count) {
    GGUFBuilder file;
    file.header(1, index ? 2 : 4);
    if (index == 0)
      file.pair("general.architecture", "llama");
    file.pair<uint16_t>("split.no", 2, index);
    file.pair<uint16_t>("split.count", 2, count);
    if (index == 0)
      file.pair<int32_t>("split.tensors.count", 5, count);
    file.tensor("t" + std::to_string(index), {8}, 0, 0);
    return file.pad().data(32, char(index));
  }
  static std::string errorOf(const std::string &path) {
    auto result = openGGUF(path);
    EXPECT_FALSE(bool(result));
    return result ? "" : llvm::toString(result.takeError());
  }

  llvm::SmallString<128> folder;
};
} // namespace

TEST_F(GGUFFilesTest, opens_a_file) {
  auto model = openGGUF(write("model.gguf", smallModel().text));
  ASSERT_TRUE(bool(model)) << llvm::toString(model.takeError());
  EXPECT_EQ((*model)->find("b")->data[0], 2);
  EXPECT_TRUE((*model)->path().ends_with("model.gguf"));
}

TEST_F(GGUFFilesTest, opens_all_parts) {
  std::string first = write("m-00001-of-00003.gguf", part(0, 3).text);
  write("m-00002-of-00003.gguf", part(1, 3).text);
  write("m-00003-of-00003.gguf", part(2, 3).text);
  auto model = openGGUF(first);
  ASSERT_TRUE(bool(model)) << llvm::toString(model.takeError());
  ASSERT_EQ((*model)->tensors().size(), 3u);
  EXPECT_EQ((*model)->find("t2")->data[31], 2);
  // What is only about splitting does not go into the module.
  GGUFBuilder expected;
  expected.put<uint64_t>(1).pair("general.architecture", "llama");
  EXPECT_EQ((*model)->metadataBytes(), expected.text);
}

TEST_F(GGUFFilesTest, errors_of_parts) {
  std::string first = write("m-00001-of-00002.gguf", part(0, 2).text);
  std::string second = write("m-00002-of-00002.gguf", part(1, 2).text);
  EXPECT_NE(errorOf(second).find("part 2 of 2: give the first part"),
            std::string::npos);
  write("m-00002-of-00002.gguf", part(0, 2).text);
  EXPECT_NE(errorOf(first).find("this is not part 2 of 2"), std::string::npos);
  llvm::sys::fs::remove(second);
  EXPECT_NE(errorOf(first).find("part 2 of 2 is missing"), std::string::npos);
  EXPECT_NE(errorOf(write("renamed.gguf", part(0, 2).text))
                .find("does not end in '-00001-of-00002.gguf'"),
            std::string::npos);
}

TEST_F(GGUFFilesTest, errors_of_paths) {
  EXPECT_EQ(errorOf(write("empty.gguf", "")),
            std::string(folder) +
                "/empty.gguf: not a GGUF file: the file is empty, download it "
                "again");
  EXPECT_NE(errorOf(std::string(folder) + "/none.gguf").find("No such file"),
            std::string::npos);
  EXPECT_NE(errorOf(std::string(folder)).find("not a regular file"),
            std::string::npos);
  EXPECT_NE(errorOf("/dev/zero").find("not a regular file"), std::string::npos);
}

/// A hole in a sparse file stands for weights of more than 32 bits of bytes.
TEST_F(GGUFFilesTest, a_file_of_6_gib) {
  uint64_t rows = 3ull << 20, columns = 1024; // F16: 6 GiB
  GGUFBuilder file;
  file.header(2, 0).tensor("w", {columns, rows}, 1, 0);
  file.tensor("b", {2}, 0, rows * columns * 2).pad();
  std::string path = write("large.gguf", file.text);
  uint64_t size = file.text.size() + rows * columns * 2;
  int descriptor;
  ASSERT_FALSE(llvm::sys::fs::openFileForWrite(path, descriptor,
                                               llvm::sys::fs::CD_OpenExisting));
  std::error_code problem = llvm::sys::fs::resize_file(descriptor, size + 4);
  llvm::raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
  if (problem)
    GTEST_SKIP() << "no sparse files here: " << problem.message();
  EXPECT_NE(
      errorOf(path).find("needs 8 bytes at offset " + std::to_string(size)),
      std::string::npos);
  stream.seek(size);
  stream << "\1\2\3\4\5\6\7\7";
  stream.flush();
  auto model = openGGUF(path);
  ASSERT_TRUE(bool(model)) << llvm::toString(model.takeError());
  EXPECT_EQ((*model)->find("b")->data[7], 7);
  const SourceTensor *w = (*model)->find("w");
  EXPECT_EQ(w->row(int64_t(rows) - 1)[2047], 0);
  EXPECT_EQ(w->row(int64_t(rows)), (*model)->find("b")->data);
}
