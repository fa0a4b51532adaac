//===- MetadataPairsTest.cpp - Key-value pairs in GGUF's encoding ---------===//

#include "GGUFBuilder.h"
#include "lowbit/Import/ModelSource.h"

#include <gtest/gtest.h>

using namespace lowbit;
using test::GGUFBuilder;

/// The pairs of a file without tensors, behind their count.
static std::string metadata() {
  GGUFBuilder file;
  file.put<uint64_t>(3);
  file.pair("general.architecture", "llama");
  file.pair<uint64_t>("general.file_type", 10, 7);
  file.array("list", 4, 2).put<uint32_t>(1).put<uint32_t>(2);
  return file.text;
}

static std::unique_ptr<ModelSource> read(const std::string &bytes) {
  auto source = readGGUF(bytes, "pairs");
  EXPECT_TRUE(bool(source));
  return source ? std::move(*source) : nullptr;
}

static std::string fileOf(const std::string &pairs) {
  return std::string("GGUF\3\0\0\0", 8) + std::string(8, '\0') + pairs;
}

TEST(MetadataPairsTest, replaces_whatever_type) {
  auto changed = setPair(metadata(), "general.file_type", 2);
  ASSERT_TRUE(bool(changed));
  std::string bytes = fileOf(*changed);
  auto source = read(bytes);
  EXPECT_EQ(source->integer("general.file_type"), 2);
  EXPECT_EQ(source->string("general.architecture"), "llama");
  EXPECT_EQ(source->integers("list"), (std::vector<int64_t>{1, 2}));
  // As a u32, 4 bytes shorter.
  EXPECT_EQ(changed->size(), metadata().size() - 4);
}

TEST(MetadataPairsTest, adds) {
  auto changed = setPair(metadata(), "new", 0xffffffff);
  ASSERT_TRUE(bool(changed));
  std::string bytes = fileOf(*changed);
  auto source = read(bytes);
  EXPECT_EQ(source->integer("new"), 0xffffffff);
  EXPECT_EQ(source->integer("general.file_type"), 7);
  auto first = setPair(std::string(8, '\0'), "a", 1);
  ASSERT_TRUE(bool(first));
  std::string alone = fileOf(*first);
  EXPECT_EQ(read(alone)->integer("a"), 1);
}

TEST(MetadataPairsTest, refuses_what_is_no_pairs) {
  auto changed = setPair(metadata().substr(0, 30), "a", 1);
  EXPECT_FALSE(bool(changed));
  EXPECT_NE(llvm::toString(changed.takeError()).find("the model's pairs"),
            std::string::npos);
}
