//===- GGUFErrorsTest.cpp - GGUF files that lie ---------------------------===//

#include "GGUFBuilder.h"
#include "lowbit/Import/ModelSource.h"

#include <gtest/gtest.h>

using namespace lowbit;
using test::GGUFBuilder;

/// The error of wrong bytes: one line that begins with the path.
static std::string errorOf(const std::string &bytes) {
  auto result = readGGUF(bytes, "model.gguf");
  if (result) {
    ADD_FAILURE() << "the file was accepted";
    return "";
  }
  std::string error = llvm::toString(result.takeError());
  EXPECT_EQ(error.rfind("model.gguf: ", 0), 0u) << error;
  EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  return error.substr(12);
}

/// Does the error of `file` contain `part`?
static void expectError(const GGUFBuilder &file, const std::string &part) {
  std::string error = errorOf(file.text);
  EXPECT_NE(error.find(part), std::string::npos) << error;
}

static GGUFBuilder header(uint64_t tensors, uint64_t pairs) {
  return GGUFBuilder().header(tensors, pairs);
}

//===- Header -------------------------------------------------------------===//

TEST(GGUFErrorsTest, other_files) {
  EXPECT_EQ(errorOf("hello"), "not a GGUF file: expected the bytes 'GGUF' at "
                              "its start, give a .gguf file");
  EXPECT_NE(errorOf("version https://git-lfs.github.com/spec/v1\n")
                .find("Git LFS pointer"),
            std::string::npos);
  EXPECT_NE(errorOf("<!doctype html>").find("web page"), std::string::npos);
  EXPECT_NE(errorOf("PK\x03\x04zip").find("zip"), std::string::npos);
  EXPECT_NE(
      errorOf(std::string("\x10\0\0\0\0\0\0\0{}", 10)).find("safetensors"),
      std::string::npos);
}

TEST(GGUFErrorsTest, versions) {
  expectError(GGUFBuilder().header(0, 0, 1), "version 1 is too old");
  expectError(GGUFBuilder().header(0, 0, 2), "version 2 is too old");
  expectError(GGUFBuilder().header(0, 0, 4), "version 4 is unknown");
  expectError(GGUFBuilder().header(0, 0, 0x03000000), "big-endian");
}

TEST(GGUFErrorsTest, counts_beyond_the_file) {
  expectError(header(1, 0), "a header of 1 tensors in a file of 24 bytes");
  expectError(header(~0ull, 0), "18446744073709551615 tensors");
  expectError(header(0, 1ull << 60), "key-value pairs");
}

//===- Pairs --------------------------------------------------------------===//

TEST(GGUFErrorsTest, keys) {
  expectError(header(0, 1).put<uint64_t>(~0ull).data(16),
              "in the key of pair 1 of 1");
  expectError(header(0, 2).pair("k", "v").pair("k", "w"),
              "key 'k' occurs twice");
  expectError(header(0, 1).string("k\n").put<uint32_t>(13).data(16),
              "key 'k\\0A' has the unknown type 13");
}

TEST(GGUFErrorsTest, values) {
  expectError(header(0, 1).string("k").put<uint32_t>(8).put<uint64_t>(99),
              "in the text of key 'k'");
  expectError(header(0, 1).string("k").put<uint32_t>(12).put<uint32_t>(0),
              "in the value of key 'k'");
  expectError(header(0, 1).pair<uint8_t>("k", 7, 2), "a boolean of value 2");
}

TEST(GGUFErrorsTest, arrays) {
  expectError(header(0, 1).array("k", 0, 1ull << 63),
              "9223372036854775808 elem");
  expectError(header(0, 1).array("k", 10, (1ull << 61) + 1), "elements at");
  expectError(header(0, 1).array("k", 8, 1ull << 61), "elements at");
  expectError(header(0, 1).array("k", 8, 1).put<uint64_t>(1),
              "in element 0 of key 'k'");
  expectError(header(0, 1).array("k", 9, 1).data(12), "array of arrays");
  expectError(header(0, 1).array("k", 13, 1).data(12), "unknown type 13");
}

TEST(GGUFErrorsTest, alignment) {
  for (uint32_t value : {0u, 1u, 33u, 1u << 17, 1u << 31})
    expectError(header(0, 1).pair("general.alignment", 4, value),
                "expected a power of two from 8 to 65536");
  expectError(header(0, 1).pair<uint64_t>("general.alignment", 10, 32),
              "is no u32");
}

//===- Tensors ------------------------------------------------------------===//

TEST(GGUFErrorsTest, shapes) {
  expectError(header(1, 0).tensor("w", {}, 0, 0).data(99), "has 0 dimensions");
  expectError(header(1, 0).tensor("w", {1, 1, 1, 1, 1}, 0, 0).data(99),
              "has 5 dimensions");
  expectError(header(1, 0).tensor("w", {4, 0}, 0, 0).data(99),
              "a dimension of 0");
  // The product wraps to 0, to 1 and to a small number.
  for (uint64_t dimension : {1ull << 32, ~0ull, (1ull << 42) + 1})
    expectError(header(1, 0)
                    .tensor("w", {dimension, dimension, dimension}, 0, 0)
                    .data(99),
                "more elements than any file holds");
}

TEST(GGUFErrorsTest, types) {
  expectError(header(1, 0).tensor("w", {256}, 15, 0).data(999),
              "has type 15 (Q8_K, a format of activations), which is not "
              "supported");
  expectError(header(1, 0).tensor("w", {32}, 36, 0).data(99), "I2_S");
  expectError(header(1, 0).tensor("w", {32}, 1000, 0).data(99),
              "the unknown type 1000");
  expectError(header(1, 0).tensor("w", {33}, 2, 0).data(99),
              "rows of 33 elements, but Q4_0 comes in blocks of 32");
}

TEST(GGUFErrorsTest, sizes_beyond_the_file) {
  GGUFBuilder file = header(1, 0).tensor("blk.0.attn_q.weight", {64, 64}, 0, 0);
  file.pad().data(100);
  EXPECT_EQ(errorOf(file.text),
            "tensor 'blk.0.attn_q.weight' needs 16384 bytes at offset 96, but "
            "the file ends at 196: the file is truncated or damaged, download "
            "it again");
  expectError(header(1, 0).tensor("w", {1ull << 55}, 0, 0).pad().data(100),
              "needs 144115188075855872 bytes");
  expectError(header(1, 0).tensor("w", {8}, 0, ~0ull - 31).pad().data(100),
              "needs 32 bytes");
}

TEST(GGUFErrorsTest, a_file_that_ends_before_its_data) {
  expectError(header(1, 0).tensor("w", {1}, 0, 0),
              "needs 4 bytes at offset 64");
}

TEST(GGUFErrorsTest, offsets) {
  auto two = [](uint64_t second) {
    return header(2, 0)
        .tensor("a", {8}, 0, 0)
        .tensor("b", {8}, 0, second)
        .pad()
        .data(256);
  };
  expectError(two(0), "'b' begins at offset 96, expected 128: it overlaps");
  expectError(two(33), "it leaves a gap");
  expectError(two(64), "it leaves a gap");
}

TEST(GGUFErrorsTest, names) {
  expectError(
      header(2, 0).tensor("a", {8}, 0, 0).tensor("a", {8}, 0, 32).data(99),
      "tensor 'a' occurs twice");
  expectError(header(1, 0).put<uint64_t>(1ull << 40).data(99),
              "in the name of tensor 1 of 1");
}

//===- Every byte ---------------------------------------------------------===//

/// A file with a bit of everything.
static std::string everything(size_t &headerBytes) {
  GGUFBuilder file = header(2, 5);
  file.pair("general.architecture", "llama");
  file.pair<uint32_t>("general.alignment", 4, 64);
  file.pair<uint8_t>("flag", 7, 1);
  file.array("words", 8, 2).string("a").string("bc");
  file.array("numbers", 5, 2).put<int32_t>(1).put<int32_t>(2);
  file.tensor("w", {64, 3}, 2, 0).tensor("b", {5}, 0, 128);
  headerBytes = file.text.size();
  return file.pad(64).data(108, 1).pad(64).data(20, 2).text;
}

TEST(GGUFErrorsTest, truncated_at_every_byte) {
  size_t headerBytes;
  std::string bytes = everything(headerBytes);
  ASSERT_TRUE(bool(readGGUF(bytes, "model.gguf")));
  for (size_t size = 0; size < bytes.size(); ++size)
    errorOf(bytes.substr(0, size));
}

/// A flipped bit is found, or what is read lies inside the file: a flip in a
/// name or a number cannot be known, GGUF has no checksum.
TEST(GGUFErrorsTest, every_bit_flipped) {
  size_t headerBytes;
  std::string bytes = everything(headerBytes);
  for (size_t bit = 0; bit < 8 * headerBytes; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = char(damaged[bit / 8] ^ 1 << bit % 8);
    auto result = readGGUF(damaged, "model.gguf");
    if (!result) {
      EXPECT_EQ(llvm::toString(result.takeError()).find('\n'),
                std::string::npos);
      continue;
    }
    auto *begin = reinterpret_cast<const uint8_t *>(damaged.data());
    for (const SourceTensor &tensor : (*result)->tensors()) {
      EXPECT_GE(tensor.data, begin);
      EXPECT_LE(tensor.data + tensor.bytes, begin + damaged.size());
      EXPECT_EQ(int64_t(tensor.bytes),
                tensor.rows() * tensor.format->rowBytes(tensor.columns()));
    }
  }
}
