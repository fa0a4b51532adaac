//===- BitFormatTest.cpp - Block formats of model files -------------------===//

#include "lowbit/Support/BitFormat.h"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <random>

using namespace lowbit;

static const uint32_t kTypes[] = {0,  1,  2,  3,  6,  7,  8,  10, 11, 12,
                                  13, 14, 20, 23, 30, 34, 35, 39, 16, 17,
                                  18, 19, 21, 22, 29, 40, 41, 42};

TEST(BitFormatTest, every_scheme_obeys_the_rules) {
  for (uint32_t type : kTypes) {
    const BitFormat *format = findBitFormat(type);
    ASSERT_TRUE(format) << type;
    EXPECT_EQ(format->scheme.check(), "") << format->name;
    EXPECT_EQ(format, findBitFormat(std::string_view(format->name)));
    // The table's words were all understood.
    EXPECT_EQ(format->scheme.isFloat(), format->blockLength == 1);
    EXPECT_EQ(format->scheme.levels.empty(), format->blockLength == 1);
  }
}

TEST(BitFormatTest, blocks_hold_exactly_the_scheme) {
  for (uint32_t type : kTypes) {
    const BitFormat &format = *findBitFormat(type);
    // Base 3: 1.6875 bits hold codes of 2. A sign is implied, odd scales are
    // kept without their last bit.
    if (type == 34 || format.scheme.isVector())
      continue;
    EXPECT_EQ(format.scheme.bitsPerWeight(format.blockLength) *
                  double(format.blockLength),
              8.0 * double(format.blockBytes))
        << format.name;
  }
}

TEST(BitFormatTest, groups_divide_blocks) {
  for (uint32_t type : kTypes)
    for (const Level &level : findBitFormat(type)->scheme.levels)
      EXPECT_EQ(findBitFormat(type)->blockLength % level.group, 0);
}

TEST(BitFormatTest, the_documentation_lists_each_format) {
  std::ifstream file(LOWBIT_SOURCE "/docs/Formats.md");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  ASSERT_FALSE(text.empty());
  for (uint32_t type : kTypes) {
    const BitFormat &format = *findBitFormat(type);
    std::string row = std::string("| ") + format.name + " | " +
                      std::to_string(type) + " | " +
                      std::to_string(format.blockLength) + " | " +
                      std::to_string(format.blockBytes) + " | ";
    EXPECT_NE(text.find(row), std::string::npos) << row;
    // A grid's word of thousands of digits is only begun there.
    std::string words = format.scheme.str();
    if (format.scheme.isVector()) {
      size_t digits = words.find(" x") + 2,
             end = words.find_first_of(" ,", digits);
      words.replace(digits, end - digits, "...");
    }
    EXPECT_NE(text.find("| `" + words + "` |"), std::string::npos) << words;
  }
}

TEST(BitFormatTest, row_bytes) {
  EXPECT_EQ(findBitFormat("Q4_0")->rowBytes(64), 36);
  EXPECT_EQ(findBitFormat("Q6_K")->rowBytes(512), 420);
  EXPECT_EQ(findBitFormat("F16")->rowBytes(3), 6);
}

TEST(BitFormatTest, refused_types_have_names) {
  EXPECT_EQ(findBitFormat(uint32_t(36)), nullptr);
  EXPECT_NE(refusedFormatName(36).find("I2_S"), std::string_view::npos);
  for (uint32_t type : {4, 5, 9, 15, 24, 28, 31, 33, 137})
    EXPECT_FALSE(refusedFormatName(type).empty()) << type;
  for (uint32_t type : kTypes)
    EXPECT_TRUE(refusedFormatName(type).empty()) << type;
  EXPECT_TRUE(refusedFormatName(100000).empty());
}

//===- Back into blocks ---------------------------------------------------===//

/// Bytes of a format's rows, of those that it encodes in one way.
static std::vector<uint8_t> randomRow(const BitFormat &format, int64_t columns,
                                      std::mt19937_64 &random) {
  std::vector<uint8_t> bytes(size_t(format.rowBytes(columns)));
  for (uint8_t &byte : bytes)
    byte = uint8_t(random());
  if (format.ggmlType == 40) // NVFP4: scales have seven bits, 0x7f is none
    for (size_t i = 0; i < bytes.size(); i += i % 36 == 3 ? 33 : 1)
      bytes[i] = uint8_t(bytes[i] & 0x7f) % 0x7f;
  if (format.ggmlType == 34) { // TQ1_0
    for (size_t i = 0; i < bytes.size(); ++i) {
      unsigned number = i % 54 < 48 ? random() % 243 : random() % 81 * 3;
      if (i % 54 < 52)
        bytes[i] = uint8_t((number * 256 + 242) / 243);
    }
  }
  if (format.ggmlType == 1 || format.ggmlType == 30) { // NaNs become quiet
    for (size_t i = 0; i < bytes.size(); i += 2)
      if (format.ggmlType == 1)
        bytes[i + 1] |= (bytes[i + 1] & 0x7c) == 0x7c ? 0x02 : 0;
      else if ((bytes[i + 1] & 0x7f) == 0x7f && (bytes[i] & 0x80))
        bytes[i] |= 0x40;
  }
  return bytes;
}

TEST(BitFormatTest, packed_again_bytes_are_the_same) {
  const char *seed = std::getenv("LOWBIT_TEST_SEED");
  std::mt19937_64 random(seed ? std::strtoull(seed, nullptr, 10) : 1);
  for (uint32_t type : kTypes) {
    const BitFormat &format = *findBitFormat(type);
    for (int round = 0; round < 50; ++round) {
      int64_t columns = format.blockLength * (1 + int64_t(random() % 4));
      std::vector<uint8_t> bytes = randomRow(format, columns, random);
      // What was there before must not shine through.
      std::vector<uint8_t> again(bytes.size(), 0xaa);
      RowFields row;
      unpackRow(format, bytes.data(), columns, row);
      packRow(format, row, columns, again.data());
      ASSERT_EQ(again, bytes) << format.name << ", round " << round;
    }
  }
}

TEST(BitFormatTest, what_several_encodings_mean_is_kept) {
  std::mt19937_64 random(2);
  for (const char *name : {"TQ1_0", "F16", "BF16", "NVFP4"}) {
    const BitFormat &format = *findBitFormat(std::string_view(name));
    std::vector<uint8_t> bytes(size_t(format.rowBytes(512)));
    for (uint8_t &byte : bytes)
      byte = uint8_t(random());
    RowFields row, again;
    unpackRow(format, bytes.data(), 512, row);
    packRow(format, row, 512, bytes.data());
    unpackRow(format, bytes.data(), 512, again);
    EXPECT_EQ(row.codes, again.codes) << name;
    EXPECT_EQ(row.fields, again.fields) << name;
    for (size_t i = 0; i < row.reals.size(); ++i)
      EXPECT_TRUE(
          row.reals[i] == again.reals[i] ||
          (row.reals[i] != row.reals[i] && again.reals[i] != again.reals[i]));
  }
}

TEST(BitFormatTest, found_by_scheme) {
  for (uint32_t type : kTypes) {
    const BitFormat &format = *findBitFormat(type);
    EXPECT_EQ(findBitFormat(format.scheme), &format) << format.name;
  }
  Scheme scheme;
  std::string error;
  ASSERT_TRUE(Scheme::parse("u4 offset 8, group 32 scale f16, round "
                            "nearest_away",
                            scheme, error));
  EXPECT_EQ(findBitFormat(scheme), findBitFormat("Q4_0"));
  ASSERT_TRUE(Scheme::parse("u4 offset 8, group 48 scale f16", scheme, error));
  EXPECT_EQ(findBitFormat(scheme), nullptr);
}

//===- Single bits, to where docs/Formats.md says -------------------------===//

namespace {
/// What a block with only one bit set holds.
struct OneBit {
  OneBit(const char *name, int byte, int bit) : format(*findBitFormat(name)) {
    std::vector<uint8_t> block(size_t(format.blockBytes), 0);
    block[size_t(byte)] = uint8_t(1 << bit);
    unpackRow(format, block.data(), format.blockLength, row);
  }
  /// "code I = V" or "field L.C.G = V" of all that is not zero.
  std::string str() const {
    std::string text;
    for (size_t i = 0; i < row.codes.size(); ++i)
      if (row.codes[i])
        text += "code " + std::to_string(i) + " = " +
                std::to_string(row.codes[i]) + " ";
    for (size_t l = 0; l < row.fields.size(); ++l)
      for (size_t c = 0; c < row.fields[l].size(); ++c)
        for (size_t g = 0; g < row.fields[l][c].size(); ++g)
          if (row.fields[l][c][g])
            text += "field " + std::to_string(l) + "." + std::to_string(c) +
                    "." + std::to_string(g) + " = " +
                    std::to_string(row.fields[l][c][g]) + " ";
    return text;
  }
  const BitFormat &format;
  RowFields row;
};
} // namespace

static std::string oneBit(const char *name, int byte, int bit) {
  return OneBit(name, byte, bit).str();
}

TEST(BitFormatTest, halves_of_a_byte_are_16_elements_apart) {
  EXPECT_EQ(oneBit("Q4_0", 2, 0), "code 0 = 1 ");
  EXPECT_EQ(oneBit("Q4_0", 2, 7), "code 16 = 8 ");
  EXPECT_EQ(oneBit("Q4_1", 19, 4), "code 31 = 1 ");
  EXPECT_EQ(oneBit("Q4_1", 3, 7), "field 0.1.0 = 32768 ");
  EXPECT_EQ(oneBit("MXFP4", 1, 5), "code 16 = 2 ");
  EXPECT_EQ(oneBit("MXFP4", 0, 7), "field 0.0.0 = 128 ");
}

TEST(BitFormatTest, fifth_bits) {
  EXPECT_EQ(oneBit("Q5_0", 2, 1), "code 1 = 16 ");
  EXPECT_EQ(oneBit("Q5_0", 5, 7), "code 31 = 16 ");
  EXPECT_EQ(oneBit("Q5_1", 6, 0), "code 16 = 16 ");
  EXPECT_EQ(oneBit("Q5_K", 16 + 3, 6), "code 195 = 16 ");
}

TEST(BitFormatTest, six_bit_scales_are_cut_in_two) {
  EXPECT_EQ(oneBit("Q4_K", 4, 0), "field 1.0.0 = 1 ");
  EXPECT_EQ(oneBit("Q4_K", 4, 6), "field 1.0.4 = 16 ");
  EXPECT_EQ(oneBit("Q4_K", 9, 7), "field 1.1.5 = 32 ");
  EXPECT_EQ(oneBit("Q4_K", 15, 3), "field 1.0.7 = 8 ");
  EXPECT_EQ(oneBit("Q4_K", 15, 4), "field 1.1.7 = 1 ");
}

TEST(BitFormatTest, super_block_codes) {
  EXPECT_EQ(oneBit("Q2_K", 16 + 33, 2), "code 161 = 1 ");
  EXPECT_EQ(oneBit("Q3_K", 5, 2), "code 69 = 4 ");
  EXPECT_EQ(oneBit("Q4_K", 16 + 32, 4), "code 96 = 1 ");
  EXPECT_EQ(oneBit("Q6_K", 64, 4), "code 192 = 1 ");
  EXPECT_EQ(oneBit("Q6_K", 128, 2), "code 32 = 16 ");
  EXPECT_EQ(oneBit("IQ4_XS", 8 + 17, 0), "code 33 = 1 ");
}

TEST(BitFormatTest, super_block_scales) {
  EXPECT_EQ(oneBit("Q2_K", 3, 4), "field 1.1.3 = 1 ");
  EXPECT_EQ(oneBit("Q3_K", 96 + 1, 4), "field 1.0.9 = 1 ");
  EXPECT_EQ(oneBit("Q3_K", 104 + 2, 3), "field 1.0.6 = 32 ");
  EXPECT_EQ(oneBit("Q6_K", 192 + 15, 7), "field 1.0.15 = 128 ");
  EXPECT_EQ(oneBit("IQ4_XS", 3, 7), "field 1.0.7 = 32 ");
  EXPECT_EQ(oneBit("IQ4_XS", 5, 4), "field 1.0.3 = 1 ");
}

TEST(BitFormatTest, small_blocks) {
  EXPECT_EQ(oneBit("Q1_0", 2 + 15, 7), "code 127 = 1 ");
  EXPECT_EQ(oneBit("Q2_0", 2 + 1, 5), "code 6 = 2 ");
  EXPECT_EQ(oneBit("NVFP4", 1, 3), "field 0.0.1 = 8 ");
  EXPECT_EQ(oneBit("NVFP4", 4 + 8, 0), "code 16 = 1 ");
  EXPECT_EQ(oneBit("NVFP4", 4 + 31, 7), "code 63 = 8 ");
}

TEST(BitFormatTest, scales_of_either_sign_become_unsigned) {
  const BitFormat &format = *findBitFormat(std::string_view("NVFP4"));
  RowFields row;
  row.resize(format.scheme, 64);
  for (size_t i = 0; i < 64; ++i)
    row.codes[i] = uint8_t(i % 16);
  row.fields[0][0] = {0x38, 0xb8, 0xc1, 0x02};
  float before[64], after[64];
  dequantizeRow(format.scheme, row, 64, before);
  uint8_t block[36];
  packRow(format, row, 64, block);
  for (int group = 0; group < 4; ++group)
    EXPECT_LT(block[group], 0x80);
  unpackRow(format, block, 64, row);
  dequantizeRow(format.scheme, row, 64, after);
  for (int i = 0; i < 64; ++i)
    EXPECT_EQ(before[i], after[i]) << i;
}

TEST(BitFormatTest, trits_are_fixed_point_fractions) {
  // 86 = ceil(256 / 3): digits 1 0 0 0 0. 171 = ceil(2 * 256 / 3): 2 0 0 0 0.
  const BitFormat &format = *findBitFormat("TQ1_0");
  std::vector<uint8_t> block(54, 0);
  block[1] = 86;
  block[32] = 171;
  block[51] = 2; // ceil(256 / 243): digit 4 of 5, which a fourth-byte lacks
  RowFields row;
  unpackRow(format, block.data(), 256, row);
  std::vector<uint8_t> expected(256, 0);
  expected[1] = 1;
  expected[160] = 2;
  EXPECT_EQ(row.codes, expected);
}

TEST(BitFormatTest, blocks_follow_each_other) {
  std::vector<uint8_t> blocks(36, 0);
  blocks[1] = 0x3c;
  blocks[19] = 0x40;
  blocks[20] = 0x21;
  RowFields row;
  unpackRow(*findBitFormat("Q4_0"), blocks.data(), 64, row);
  EXPECT_EQ(row.fields[0][0], (std::vector<uint32_t>{0x3c00, 0x4000}));
  EXPECT_EQ(row.codes[32], 1);
  EXPECT_EQ(row.codes[48], 2);
  float values[64];
  dequantizeRow(findBitFormat("Q4_0")->scheme, row, 64, values);
  EXPECT_EQ(values[0], -8);
  EXPECT_EQ(values[32], -14);
}

TEST(BitFormatTest, floats) {
  const uint8_t bytes[4] = {0x00, 0x3c, 0x00, 0xc0};
  RowFields row;
  unpackRow(*findBitFormat("F16"), bytes, 2, row);
  EXPECT_EQ(row.reals, (std::vector<float>{1, -2}));
  EXPECT_TRUE(row.codes.empty());
  unpackRow(*findBitFormat("BF16"), bytes, 2, row);
  EXPECT_EQ(row.reals[1], -2);
  unpackRow(*findBitFormat("F32"), bytes, 1, row);
  EXPECT_EQ(row.reals.size(), 1u);
}
