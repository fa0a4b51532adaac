//===- WriteGGUFTest.cpp - GGUF files, written and read again -------------===//

#include "lowbit/Target/GGUF.h"

#include "lowbit/Import/ModelSource.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <gtest/gtest.h>

using namespace lowbit;

namespace {
class WriteGGUFTest : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(
        llvm::sys::fs::createUniqueDirectory("lowbit-write-gguf", folder));
  }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  std::string path(llvm::StringRef name) const {
    llvm::SmallString<128> result = folder;
    llvm::sys::path::append(result, name);
    return result.str().str();
  }
  /// Names in the folder.
  std::vector<std::string> list() const {
    std::vector<std::string> names;
    std::error_code error;
    for (llvm::sys::fs::directory_iterator i(folder, error), end;
         i != end && !error; i.increment(error))
      names.push_back(llvm::sys::path::filename(i->path()).str());
    return names;
  }

  /// A matrix [2, 3, 32] of Q8_0 whose bytes are made row by row, a vector [5]
  /// of F32 in memory.
  GGUFImage image() {
    GGUFImage image;
    image.metadata = std::string(8, '\0');
    GGUFTensor matrix;
    matrix.name = "m";
    matrix.shape = {2, 3, 32};
    matrix.format = findBitFormat("Q8_0");
    matrix.writeRow = [](int64_t row, uint8_t *bytes) {
      for (int i = 0; i < 34; ++i)
        bytes[i] = uint8_t(row * 34 + i);
    };
    GGUFTensor vector;
    vector.name = "v";
    vector.shape = {5};
    vector.format = findBitFormat("F32");
    vector.data = reinterpret_cast<const uint8_t *>(values);
    image.tensors = {matrix, vector};
    return image;
  }

  const float values[5] = {1, -2, 3, 4, 5};
  llvm::SmallString<128> folder;
};
} // namespace

static std::string messageOf(llvm::Error error) {
  return llvm::toString(std::move(error));
}

TEST_F(WriteGGUFTest, is_read_again) {
  for (uint64_t alignment : {32, 8, 4096}) {
    GGUFImage written = image();
    written.alignment = alignment;
    if (alignment != 32) {
      auto pairs =
          setPair(written.metadata, "general.alignment", uint32_t(alignment));
      ASSERT_TRUE(bool(pairs));
      written.metadata = *pairs;
    }
    ASSERT_EQ(messageOf(writeGGUF(written, path("a.gguf"), {})), "");
    auto source = openGGUF(path("a.gguf"));
    ASSERT_TRUE(bool(source)) << messageOf(source.takeError());
    const SourceTensor *matrix = (*source)->find("m");
    ASSERT_TRUE(matrix);
    EXPECT_EQ(matrix->shape, (std::vector<int64_t>{2, 3, 32}));
    EXPECT_STREQ(matrix->format->name, "Q8_0");
    for (int i = 0; i < 6 * 34; ++i)
      ASSERT_EQ(matrix->data[i], uint8_t(i));
    EXPECT_EQ(memcmp((*source)->find("v")->data, values, sizeof values), 0);
    EXPECT_EQ(list(), std::vector<std::string>{"a.gguf"});
  }
}

TEST_F(WriteGGUFTest, the_last_tensor_is_padded) {
  ASSERT_EQ(messageOf(writeGGUF(image(), path("a.gguf"), {})), "");
  uint64_t size = 0;
  ASSERT_FALSE(llvm::sys::fs::file_size(path("a.gguf"), size));
  EXPECT_EQ(size % 32, 0u);
}

TEST_F(WriteGGUFTest, progress_ends_at_the_sum) {
  uint64_t last = 0, total = 0;
  auto progress = [&](uint64_t done, uint64_t all) {
    EXPECT_GT(done, last);
    last = done;
    total = all;
  };
  ASSERT_EQ(messageOf(writeGGUF(image(), path("a.gguf"), progress)), "");
  EXPECT_EQ(total, 6u * 34 + 20);
  EXPECT_EQ(last, total);
}

TEST_F(WriteGGUFTest, refuses_parts_of_blocks) {
  GGUFImage wrong = image();
  wrong.tensors[0].shape = {3, 40};
  EXPECT_EQ(messageOf(writeGGUF(wrong, path("a.gguf"), {})),
            "tensor 'm' has rows of 40 elements, but Q8_0 comes in blocks of "
            "32: leave it out with --tensors=REGEX or choose a type of smaller "
            "blocks");
  EXPECT_TRUE(list().empty());
}

TEST_F(WriteGGUFTest, leaves_nothing_behind) {
  std::string error = messageOf(writeGGUF(image(), path("no/a.gguf"), {}));
  EXPECT_NE(error.find("no/a.gguf"), std::string::npos) << error;
  EXPECT_TRUE(list().empty());
}
