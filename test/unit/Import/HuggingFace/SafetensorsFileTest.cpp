//===- SafetensorsFileTest.cpp - Files right and wrong --------------------===//

#include "lib/Import/HuggingFace/SafetensorsFile.h"

#include "FolderBuilder.h"

#include <gtest/gtest.h>

using namespace lowbit;
using test::SafetensorsBuilder;
using test::safetensorsBytes;

static std::string errorOf(const std::string &bytes) {
  auto file = safetensors::parseFile(bytes, "m.safetensors");
  if (file) {
    ADD_FAILURE() << "the file was accepted";
    return "";
  }
  std::string error = llvm::toString(file.takeError());
  EXPECT_EQ(error.rfind("m.safetensors: ", 0), 0u) << error;
  EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  return error;
}

static void expectError(const std::string &bytes, const std::string &part) {
  std::string error = errorOf(bytes);
  EXPECT_NE(error.find(part), std::string::npos) << error;
}

/// A file of one description and `bytes` zeros.
static std::string fileOf(const std::string &description, size_t bytes) {
  return safetensorsBytes("{\"t\": " + description + "}",
                          std::string(bytes, '\0'));
}

TEST(SafetensorsFileTest, reads_tensors_and_metadata) {
  std::string bytes = safetensorsBytes(
      R"({"b": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [4, 16]},
          "a": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]},
          "e": {"dtype": "U8", "shape": [0, 7], "data_offsets": [4, 4]},
          "q": {"dtype": "F4", "shape": [6], "data_offsets": [16, 19]},
          "__metadata__": {"format": "pt"}}   )",
      "0123abcdefghijklXYZ");
  auto file = safetensors::parseFile(bytes, "m");
  ASSERT_TRUE(bool(file)) << llvm::toString(file.takeError());
  ASSERT_EQ(file->tensors.size(), 4u);
  EXPECT_EQ(file->tensors[0].name, "a");
  EXPECT_TRUE(file->tensors[0].shape.empty());
  const safetensors::Tensor &b = file->tensors[1];
  EXPECT_EQ(b.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_STREQ(b.type->name, "BF16");
  EXPECT_EQ(std::string(reinterpret_cast<const char *>(b.data), b.bytes),
            "abcdefghijkl");
  EXPECT_EQ(file->tensors[3].bytes, 3u);
  ASSERT_EQ(file->metadata.size(), 1u);
  EXPECT_EQ(file->metadata[0].second, "pt");
}

TEST(SafetensorsFileTest, headers) {
  expectError("", "the file is empty");
  expectError("abc", "ends at 3 in the header's length");
  expectError("version https://git-lfs.github.com", "Git LFS pointer");
  expectError(std::string(8, '\0') + "PK", "not a safetensors file");
  expectError(std::string("\xff\0\0\0\0\0\0\0{}", 10),
              "a header of 255 bytes in a file of 10");
  expectError(std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10),
              "a header of 18446744073709551615 bytes");
  expectError(safetensorsBytes("{\"a\":}", ""), "is not JSON");
  expectError(safetensorsBytes("{\"a\":" + std::string(5000, '[') + "}", ""),
              "more than 100 levels");
  expectError(safetensorsBytes("{\"\xff\": 1}", ""), "is not JSON");
}

TEST(SafetensorsFileTest, descriptions) {
  expectError(fileOf("3", 0), "tensor 't' is not described by an object");
  expectError(fileOf(R"({"dtype":"C64","shape":[],"data_offsets":[0,8]})", 8),
              "unknown dtype 'C64'");
  expectError(fileOf(R"({"dtype":"F32","data_offsets":[0,8]})", 8),
              "has no shape");
  expectError(fileOf(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,8]})", 8),
              "a dimension that is no size");
  expectError(
      fileOf(R"({"dtype":"F32","shape":[1.5],"data_offsets":[0,8]})", 8),
      "a dimension that is no size");
  expectError(fileOf(R"({"dtype":"F32","shape":[4294967296,4294967296],
                         "data_offsets":[0,8]})",
                     8),
              "more elements than any file holds");
  expectError(fileOf(R"({"dtype":"F4","shape":[3],"data_offsets":[0,2]})", 2),
              "3 elements of F4 is no whole bytes");
  expectError(fileOf(R"({"dtype":"F32","shape":[2]})", 8),
              "has no data_offsets");
  expectError(fileOf(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})", 8),
              "has no data_offsets");
  expectError(fileOf(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})", 7),
              "ends at byte 8 of a data section of 7");
  expectError(fileOf(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})", 8),
              "has 8 bytes, but its shape and dtype say 12");
}

TEST(SafetensorsFileTest, order_of_the_data) {
  auto two = [](int first, int second, size_t bytes) {
    auto one = [](int begin) {
      return R"({"dtype":"F32","shape":[1],"data_offsets":[)" +
             std::to_string(begin) + "," + std::to_string(begin + 4) + "]}";
    };
    return safetensorsBytes("{\"a\":" + one(first) + ",\"b\":" + one(second) +
                                "}",
                            std::string(bytes, '\0'));
  };
  EXPECT_TRUE(bool(safetensors::parseFile(two(4, 0, 8), "m")));
  expectError(two(0, 2, 6), "tensor 'b' begins at byte 2 of the data, expected "
                            "4: it overlaps another tensor");
  expectError(two(0, 0, 4), "it overlaps another tensor");
  expectError(two(0, 5, 9), "tensor 'b' begins at byte 5 of the data, expected "
                            "4: it leaves a gap");
  expectError(two(0, 4, 9), "the tensors end at byte 8 of a data section of 9");
}
