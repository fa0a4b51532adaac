//===- MetadataTest.cpp - Tests of base/metadata.h ------------------------===//

#include "base/metadata.h"
#include "../tokenizer/MetadataBytes.h"

#include <gtest/gtest.h>

using namespace qrt;

namespace {

std::string allTypes() {
  return MetadataBytes()
      .string("name", "x\0y")
      .boolean("flag", true)
      .scalar<int8_t>("i8", Metadata::I8, -3)
      .scalar<uint16_t>("u16", Metadata::U16, 65535)
      .u32("u32", 4000000000u)
      .scalar<int64_t>("i64", Metadata::I64, -5000000000)
      .scalar<float>("f32", Metadata::F32, 0.5f)
      .scalar<double>("f64", Metadata::F64, 0.25)
      .strings("texts", {"a", "", "ccc"})
      .floats("floats", {1, 2.5})
      .integers("integers", {7, -8})
      .get();
}

TEST(Metadata, ReadsEachType) {
  const std::string bytes = allTypes();
  Metadata metadata;
  ASSERT_TRUE(Metadata::parse(bytes, metadata).ok());
  EXPECT_EQ(metadata.string("name"), "x");
  EXPECT_EQ(metadata.boolean("flag"), true);
  EXPECT_EQ(metadata.integer("i8"), -3);
  EXPECT_EQ(metadata.integer("u16"), 65535);
  EXPECT_EQ(metadata.integer("u32"), 4000000000);
  EXPECT_EQ(metadata.integer("i64"), -5000000000);
  EXPECT_EQ(metadata.real("f32"), 0.5);
  EXPECT_EQ(metadata.real("f64"), 0.25);
  EXPECT_EQ(metadata.strings("texts"),
            (std::vector<std::string_view>{"a", "", "ccc"}));
  EXPECT_EQ(metadata.floats("floats"), (std::vector<float>{1, 2.5}));
  EXPECT_EQ(metadata.integers("integers"), (std::vector<int32_t>{7, -8}));
}

TEST(Metadata, GivesNothingForAnotherType) {
  const std::string bytes = allTypes();
  Metadata metadata;
  ASSERT_TRUE(Metadata::parse(bytes, metadata).ok());
  EXPECT_FALSE(metadata.has("absent"));
  EXPECT_EQ(metadata.string("flag"), std::nullopt);
  EXPECT_EQ(metadata.integer("flag"), std::nullopt);
  EXPECT_EQ(metadata.integer("f32"), std::nullopt);
  EXPECT_EQ(metadata.real("u32"), std::nullopt);
  EXPECT_TRUE(metadata.strings("floats").empty());
  EXPECT_TRUE(metadata.floats("integers").empty());
}

TEST(Metadata, RefusesEveryTruncation) {
  const std::string bytes = allTypes();
  for (size_t size = 0; size < bytes.size(); ++size) {
    Metadata metadata;
    const std::string part = bytes.substr(0, size);
    EXPECT_EQ(Metadata::parse(part, metadata).code(), QRT_CORRUPT) << size;
  }
}

TEST(Metadata, RefusesLyingLengths) {
  const std::string huge(8, '\xff');
  Metadata metadata;
  EXPECT_FALSE(Metadata::parse(huge, metadata).ok());
  for (uint32_t type : {8u, 9u, 13u, 77u}) {
    const std::string bytes =
        MetadataBytes().bytes("k", type, huge + huge).get();
    EXPECT_FALSE(Metadata::parse(bytes, metadata).ok()) << type;
  }
  // An array of 2^61 64-bit values would overflow a product.
  std::string array("\x0a\0\0\0", 4);
  array += std::string("\0\0\0\0\0\0\0\x20", 8) + huge;
  const std::string bytes = MetadataBytes().bytes("k", 9, array).get();
  EXPECT_FALSE(Metadata::parse(bytes, metadata).ok());
}

TEST(Metadata, StepsOverNestedArraysToABoundedDepth) {
  auto nested = [](int depth) {
    std::string value("\0\0\0\0\1\0\0\0\0\0\0\0x", 13);
    for (int i = 1; i < depth; ++i)
      value = std::string("\x09\0\0\0\1\0\0\0\0\0\0\0", 12) + value;
    return MetadataBytes().bytes("k", 9, value).u32("last", 5).get();
  };
  Metadata metadata;
  const std::string two = nested(2), many = nested(50);
  ASSERT_TRUE(Metadata::parse(two, metadata).ok());
  EXPECT_EQ(metadata.integer("last"), 5);
  EXPECT_FALSE(Metadata::parse(many, metadata).ok());
}

TEST(Metadata, NamesAKeyThatAppearsTwice) {
  const std::string bytes = MetadataBytes().u32("key", 1).u32("key", 2).get();
  Metadata metadata;
  EXPECT_EQ(Metadata::parse(bytes, metadata).message(),
            "metadata: key 'key' appears twice");
}

} // namespace
