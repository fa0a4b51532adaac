//===- SchemeTest.cpp - What the bits of a number mean --------------------===//

#include "lowbit/Support/Scheme.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace lowbit;

static Scheme parse(const std::string &text) {
  Scheme scheme;
  std::string error;
  EXPECT_TRUE(Scheme::parse(text, scheme, error)) << text << ": " << error;
  return scheme;
}

//===- Values -------------------------------------------------------------===//

TEST(SchemeTest, code_values) {
  EXPECT_EQ(parse("u4 offset 8, row scale f32").codeValue(3), -5);
  EXPECT_EQ(parse("s4, row scale f32").codeValue(0xf), -1);
  EXPECT_EQ(parse("s8, row scale f32").codeValue(0x80), -128);
  EXPECT_EQ(parse("ternary, row scale f32").codeValue(2), 1);
  EXPECT_EQ(parse("sign, row scale f32").codeValue(0), -1);
  EXPECT_EQ(parse("u1 codebook [-0.5, 2.0], row scale f32").codeValue(0), -0.5);
}

TEST(SchemeTest, field_values) {
  EXPECT_EQ(fieldValue({FieldType::UInt, 6, 32}, 5), -27);
  EXPECT_EQ(fieldValue({FieldType::SInt, 8, 0}, 0xff), -1);
  EXPECT_EQ(fieldValue({FieldType::SInt, 4, -3}, 0x8), -5);
  EXPECT_EQ(fieldValue({FieldType::F16, 16, 0}, 0x3c00), 1);
  EXPECT_EQ(fieldValue({FieldType::BF16, 16, 0}, 0x3f80), 1);
  EXPECT_EQ(fieldValue({FieldType::F32, 32, 0}, 0x40000000), 2);
}

TEST(SchemeTest, fields_round_to_even_and_saturate) {
  FieldType u6{FieldType::UInt, 6, 32}, s4{FieldType::SInt, 4, 0};
  EXPECT_EQ(fieldBits(u6, -27), 5u);
  EXPECT_EQ(fieldBits(u6, 0.5f), 32u);
  EXPECT_EQ(fieldBits(u6, 99), 63u);
  EXPECT_EQ(fieldBits(u6, -1e30f), 0u);
  EXPECT_EQ(fieldBits(s4, -8.4f), 8u);
  EXPECT_EQ(fieldBits(s4, -1), 15u);
  EXPECT_EQ(fieldBits({FieldType::F16, 16, 0}, 1e30f), 0x7bffu);
  EXPECT_EQ(fieldBits({FieldType::BF16, 16, 0}, INFINITY), 0x7f7fu);
  EXPECT_EQ(fieldBits({FieldType::F32, 32, 0}, -INFINITY), 0xff7fffffu);
}

TEST(SchemeTest, element_values_of_vectors) {
  Scheme scheme = parse("u1 codebook 4 x12345670 signs, row scale f32");
  RowFields row;
  row.resize(scheme, 6);
  EXPECT_TRUE(row.codes.empty());
  ASSERT_EQ(row.indices.size(), 2u);
  ASSERT_EQ(row.signs.size(), 6u);
  row.indices = {1, 2}; // bits above an index are ignored
  row.signs = {0, 1, 0, 1, 0, 1};
  std::vector<float> got;
  for (int k = 0; k < 6; ++k)
    got.push_back(elementValue(scheme, row, k));
  EXPECT_EQ(got, (std::vector<float>{5, -6, 7, 0, 1, -2}));
  EXPECT_FALSE(std::signbit(got[3]));
}

/// A row of `scheme` whose fields are `bits` in every group.
static RowFields rowOf(const Scheme &scheme, std::vector<uint8_t> codes,
                       std::vector<std::vector<uint32_t>> bits) {
  RowFields row;
  row.resize(scheme, int64_t(codes.size()));
  row.codes = std::move(codes);
  for (size_t i = 0; i < bits.size(); ++i)
    for (size_t j = 0; j < bits[i].size(); ++j)
      row.fields[i][j].assign(row.fields[i][j].size(), bits[i][j]);
  return row;
}

TEST(SchemeTest, dequantize_scale_and_minimum) {
  Scheme scheme = parse("u4, group 2 scale f16 min f16");
  RowFields row = rowOf(scheme, {0, 15, 3}, {{0x4000, 0x3c00}}); // 2, 1
  float values[3];
  dequantizeRow(scheme, row, 3, values);
  EXPECT_EQ(values[0], 1);
  EXPECT_EQ(values[1], 31);
  EXPECT_EQ(values[2], 7);
}

TEST(SchemeTest, dequantize_nested_minimum_is_subtracted) {
  Scheme scheme = parse("u4, group 4 scale f16 neg_min f16, group 2 scale u6 "
                        "neg_min u6");
  RowFields row = rowOf(scheme, {1, 2, 3, 4}, {{0x3c00, 0x3800}, {3, 8}});
  row.fields[1][0][1] = 5;
  float values[4]; // S = 3 then 5, M = 0.5 * 8
  dequantizeRow(scheme, row, 4, values);
  EXPECT_EQ(values[1], 3 * 2 - 4);
  EXPECT_EQ(values[3], 5 * 4 - 4);
}

TEST(SchemeTest, dequantize_zero_point) {
  Scheme scheme = parse("u4, group 4 scale f32 zero u4");
  RowFields row = rowOf(scheme, {0, 7, 15}, {{0x3f000000, 7}}); // 0.5
  float values[3];
  dequantizeRow(scheme, row, 3, values);
  EXPECT_EQ(values[0], -3.5);
  EXPECT_EQ(values[1], 0);
  EXPECT_EQ(values[2], 4);
}

/// A division, not a product with 1 / D: 5 / 6 and 5 fl(1 / 6) differ.
TEST(SchemeTest, dequantize_divisor) {
  Scheme scheme = parse("s8, row divisor f32");
  RowFields row = rowOf(scheme, {5, 0xff}, {{0x40c00000}}); // 6
  float values[2];
  dequantizeRow(scheme, row, 2, values);
  EXPECT_EQ(values[0], 5.0f / 6);
  EXPECT_EQ(values[1], -1.0f / 6);
  EXPECT_NE(values[0], 5 * (1.0f / 6));
  EXPECT_EQ(groupTerms(scheme, row, 0).scale, 1.0f / 6);
}

TEST(SchemeTest, s10_divisors) {
  EXPECT_EQ(parse("s8, row divisor bf16").check(), "");
  EXPECT_EQ(parse("s8, row divisor f32").str(), "s8, row divisor f32");
  for (const char *text :
       {"s8, row divisor e8m0", "s8, row divisor u6",
        "s8, row divisor f32, group 4 divisor f32",
        "s8, row scale f32 divisor f32", "s8, row divisor f32 min f32"})
    EXPECT_NE(parse(text).check(), "") << text;
}

// value = S (c + d) or S (c - d).
TEST(SchemeTest, dequantize_vectors_and_deltas) {
  Scheme scheme = parse("u1 codebook 4 x10ff0f01, row scale f32, group 4 scale "
                        "u3 delta 0.125");
  RowFields row = rowOf(scheme, {}, {{0x40000000}, {4, 0}}); // 2
  row.resize(scheme, 8);
  row.indices = {0, 1};
  row.fields[1] = {{4, 2}, {0, 1}};
  float values[8];
  dequantizeRow(scheme, row, 8, values);
  EXPECT_EQ(std::vector<float>(values, values + 8),
            (std::vector<float>{9, 1, -7, -7, -0.5, -4.5, -0.5, 3.5}));
}

TEST(SchemeTest, dequantize_ignores_bits_above_the_code) {
  Scheme scheme = parse("u2, row scale f32");
  RowFields row = rowOf(scheme, {0xff}, {{0x3f800000}});
  float value;
  dequantizeRow(scheme, row, 1, &value);
  EXPECT_EQ(value, 3);
}

TEST(SchemeTest, scales_multiply_outermost_first) {
  // fl(fl(a * b) * c) with a * b inexact in f32.
  Scheme scheme =
      parse("s8, tensor scale f32, row scale f32, group 2 scale f32");
  float a = 1 + 0x1p-23f, b = 1 + 0x1p-22f, c = 3;
  RowFields row = rowOf(scheme, {1, 1}, {{0x3f800001}, {0x3f800002}, {0}});
  row.fields[2][0][0] = 0x40400000;
  float values[2], product = a * b;
  dequantizeRow(scheme, row, 2, values);
  EXPECT_EQ(values[0], product * c);
}

TEST(SchemeTest, resize_counts_tails) {
  Scheme scheme = parse("s4, row scale f32, group 48 scale f16");
  RowFields row;
  row.resize(scheme, 100);
  EXPECT_EQ(row.codes.size(), 100u);
  EXPECT_EQ(row.fields[0][0].size(), 1u);
  EXPECT_EQ(row.fields[1][0].size(), 3u);
}

TEST(SchemeTest, bits_per_weight) {
  EXPECT_EQ(parse("u4, group 32 scale f16 min f16").bitsPerWeight(64), 5);
  EXPECT_EQ(parse("ternary, tensor scale f32").bitsPerWeight(64), 2);
  EXPECT_EQ(parse("s4, group 48 scale f16").bitsPerWeight(64), 4.5);
  EXPECT_EQ(parse("bf16").bitsPerWeight(64), 16);
  // 11 / 8 for indices, 1 for signs, 16 / 64 for the scale; 2 bits in 16.
  std::string codebook = "u11 codebook 8 x" + std::string(2048 * 8, '1');
  EXPECT_EQ(parse(codebook + " signs, row scale f16").bitsPerWeight(64), 2.625);
  EXPECT_EQ(parse(codebook + ", row scale f16, group 16 scale u1 delta 0.5")
                .bitsPerWeight(64),
            1.75);
}

//===- Rules: one test each, named after the rule -------------------------===//

/// The reason why a scheme is refused.
static std::string reason(const std::string &text) {
  return parse(text).check();
}

TEST(SchemeTest, rules_accept_what_makes_sense) {
  for (const char *text :
       {"f32", "f16", "bf16", "u4 offset 8, group 32 scale f16",
        "s8, row scale f32", "sign, tensor scale f32",
        "u4, group 50 scale bf16 zero u4", "u3, row scale f16 zero bf16",
        "u4 codebook [-8.0, -7.0, -6.0, -5.0, -4.0, -3.0, -2.0, -1.0, 0.0, "
        "1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], tensor scale f32, group 16 scale "
        "e4m3",
        "u2, row min f16, group 64 scale f16, group 16 scale s6",
        "u1 codebook 8 x0123456701234567 signs, group 256 scale f16, group 8 "
        "scale u4",
        "u1 codebook [0.5, 1.0] signs, group 3 scale f16",
        "u1 codebook 4 x00000001, group 16 scale f16, group 4 delta 0.125",
        "s4, row scale f16 delta 0.5"})
    EXPECT_EQ(reason(text), "") << text;
}

TEST(SchemeTest, S1_code_width) {
  EXPECT_NE(reason("u0, row scale f32"), "");
  EXPECT_NE(reason("u9, row scale f32"), "");
  EXPECT_NE(reason("s1, row scale f32"), "");
  Scheme ternary = parse("ternary, row scale f32");
  ternary.bits = 3;
  EXPECT_NE(ternary.check(), "");
}

TEST(SchemeTest, S1_index_width) {
  Scheme scheme = parse("u1 codebook 4 x00000001, row scale f32");
  scheme.bits = 11;
  scheme.codebook.assign(4 << 11, 1);
  EXPECT_EQ(scheme.check(), "");
  scheme.bits = 12;
  scheme.codebook.assign(4 << 12, 1);
  EXPECT_EQ(scheme.check(), "an index of vectors has 1 to 11 bits, but got 12");
}

TEST(SchemeTest, S2_offset) {
  EXPECT_EQ(reason("u2 offset 3, row scale f32"), "");
  EXPECT_NE(reason("u2 offset 4, row scale f32"), "");
  EXPECT_NE(reason("u2 offset -1, row scale f32"), "");
}

TEST(SchemeTest, S3_codebook) {
  EXPECT_NE(reason("u2 codebook [1.0, 2.0, 3.0], row scale f32"), "");
  EXPECT_NE(reason("u1 codebook [0.0, -0.0], row scale f32"), "");
  Scheme scheme = parse("u1 codebook [0.0, 1.0], row scale f32");
  scheme.codebook[0] = INFINITY;
  EXPECT_NE(scheme.check(), "");
  EXPECT_NE(reason("u1 codebook 2 x0001, row scale f32"), "");
  EXPECT_NE(reason("u1 codebook 0 [1, 1], row scale f32"), "");
  EXPECT_NE(reason("u1 codebook 4 [1, 1, 1, 1], row scale f32"), "");
  EXPECT_NE(reason("u1 codebook 4 x00000000, row scale f32"), "");
  Scheme integers = parse("u4, row scale f32");
  integers.signs = true;
  EXPECT_NE(integers.check(), "");
  integers.signs = false;
  integers.entryLength = 4;
  EXPECT_NE(integers.check(), "");
}

TEST(SchemeTest, S4_a_scale_or_floats) {
  EXPECT_NE(reason("u4"), "");
  EXPECT_NE(reason("u4, row min f32"), "");
  EXPECT_NE(reason("f16, row scale f32"), "");
}

TEST(SchemeTest, S5_levels_nest) {
  EXPECT_NE(reason("u4, group 32 scale f16, row scale f16"), "");
  EXPECT_NE(reason("u4, row scale f16, tensor scale f16"), "");
  EXPECT_NE(reason("u4, row scale f16, row min f16"), "");
  EXPECT_NE(reason("u4, group 32 scale f16, group 32 min f16"), "");
  EXPECT_NE(reason("u4, group 48 scale f16, group 32 scale u6"), "");
  EXPECT_NE(reason("u4, group 1048577 scale f16"), "");
}

TEST(SchemeTest, S6_components_of_a_level) {
  EXPECT_NE(reason("u4, row scale f16 scale f16"), "");
  Scheme scheme = parse("u4, row scale f16");
  scheme.levels.push_back({32, {}});
  EXPECT_NE(scheme.check(), "");
}

TEST(SchemeTest, S7_one_way_to_move_zero) {
  EXPECT_NE(reason("u4, row scale f16 min f16 neg_min f16"), "");
  EXPECT_NE(reason("u4, row scale f16 min f16, group 2 zero u4"), "");
  EXPECT_NE(reason("u4, row scale f16 zero u4, group 2 scale u4"), "");
  EXPECT_NE(reason("ternary, row scale f16 zero u2"), "");
  EXPECT_NE(reason("u4, row scale f16 delta 0.5 zero u4"), "");
  EXPECT_NE(reason("u4, row scale f16 min f16, group 2 delta 0.5"), "");
  EXPECT_NE(reason("u4, row scale f16 delta 0.5, group 2 scale u4"), "");
}

TEST(SchemeTest, S8_field_types) {
  EXPECT_NE(reason("u4, row scale u6"), "");
  EXPECT_NE(reason("u4, row scale f16, group 2 scale u6 min u6"), "");
  EXPECT_NE(reason("u4, row scale f16, group 2 scale u17"), "");
  EXPECT_NE(reason("u4, row scale f16, group 2 scale u6 offset 65537"), "");
  EXPECT_NE(reason("u4, row scale f16 min e8m0"), "");
  EXPECT_NE(reason("u4, row scale f16 zero e4m3"), "");
  EXPECT_NE(reason("u4, row scale f16 delta 0.0"), "");
  EXPECT_NE(reason("u4, row scale f16 delta -0.5"), "");
  Scheme scheme = parse("u4, row scale f16 delta 0.5");
  scheme.levels[0].components[1].magnitude = INFINITY;
  EXPECT_NE(scheme.check(), "");
  scheme = parse("u4, row scale f16 delta 0.5");
  scheme.levels[0].components[1].type.bits = 2;
  EXPECT_NE(scheme.check(), "");
}

TEST(SchemeTest, S9_vectors) {
  const std::string vectors = "u1 codebook 8 x0123456701234567";
  EXPECT_NE(reason(vectors + ", group 4 scale f16"), "");
  EXPECT_NE(reason(vectors + ", group 36 scale f16, group 12 scale u4"), "");
  EXPECT_NE(reason(vectors + ", group 8 scale f16, round toward_zero"), "");
  EXPECT_NE(reason("u1 codebook [1, 2] signs, row scale f16, round "
                   "nearest_away"),
            "");
}
