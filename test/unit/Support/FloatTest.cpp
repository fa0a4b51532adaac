//===- FloatTest.cpp - Narrow floating-point numbers ----------------------===//

#include "lowbit/Support/Float.h"

#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <limits>

using namespace lowbit;

static constexpr float kInf = std::numeric_limits<float>::infinity();

TEST(FloatTest, f16_values) {
  EXPECT_EQ(fromF16(0x3c00), 1.0f);
  EXPECT_EQ(fromF16(0xc000), -2.0f);
  EXPECT_EQ(fromF16(0x7bff), 65504.0f);
  EXPECT_EQ(fromF16(0x0001), 0x1p-24f);
  EXPECT_EQ(fromF16(0x83ff), -0x1.ff8p-15f);
  EXPECT_EQ(fromF16(0x7c00), kInf);
  EXPECT_TRUE(std::signbit(fromF16(0x8000)));
  EXPECT_TRUE(std::isnan(fromF16(0x7e00)));
}

TEST(FloatTest, f16_ties_to_even) {
  EXPECT_EQ(toF16(1 + 0x1p-11f), 0x3c00);
  EXPECT_EQ(toF16(1 + 0x3p-11f), 0x3c02);
  EXPECT_EQ(toF16(1 + 0x1.002p-11f), 0x3c01);
  EXPECT_EQ(toF16(0x1p-25f), 0x0000);
  EXPECT_EQ(toF16(0x1.8p-24f), 0x0002);
  EXPECT_EQ(toF16(0x1.ffep-15f), 0x0400); // the carry leaves the denormals
}

TEST(FloatTest, f16_overflows_from_half_a_step) {
  EXPECT_EQ(toF16(65519.996f), 0x7bff);
  EXPECT_EQ(toF16(65520.0f), 0x7c00);
  EXPECT_EQ(toF16(-kInf), 0xfc00);
  EXPECT_TRUE(std::isnan(fromF16(toF16(NAN))));
}

TEST(FloatTest, bf16_values_and_ties) {
  EXPECT_EQ(fromBF16(0x3f80), 1.0f);
  EXPECT_EQ(toBF16(1 + 0x1p-8f), 0x3f80);
  EXPECT_EQ(toBF16(1 + 0x3p-8f), 0x3f82);
  EXPECT_EQ(toBF16(std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_TRUE(std::isnan(fromBF16(toBF16(fromF32(0x7f800001)))));
}

TEST(FloatTest, e8m0_is_a_power_of_two) {
  EXPECT_EQ(fromE8M0(0), 0x1p-127f);
  EXPECT_EQ(fromE8M0(127), 1.0f);
  EXPECT_EQ(fromE8M0(254), 0x1p127f);
  EXPECT_TRUE(std::isnan(fromE8M0(255)));
}

TEST(FloatTest, e8m0_rounds_and_stays_finite) {
  EXPECT_EQ(toE8M0(1.0f), 127);
  EXPECT_EQ(toE8M0(1.49f), 127);
  EXPECT_EQ(toE8M0(1.5f), 128); // tie between 1 and 2: the even field
  EXPECT_EQ(toE8M0(3.0f), 128); // tie between 2 and 4
  EXPECT_EQ(toE8M0(0.0f), 0);
  EXPECT_EQ(toE8M0(-1.0f), 0);
  EXPECT_EQ(toE8M0(0x1.7p-127f), 0);
  EXPECT_EQ(toE8M0(0x1.8p-127f), 1);
  EXPECT_EQ(toE8M0(kInf), 254);
  EXPECT_EQ(toE8M0(NAN), 255);
}

TEST(FloatTest, e4m3_values) {
  EXPECT_EQ(fromE4M3(0x38), 1.0f);
  EXPECT_EQ(fromE4M3(0x7e), 448.0f);
  EXPECT_EQ(fromE4M3(0x01), 0x1p-9f);
  EXPECT_EQ(fromE4M3(0xb8), -1.0f);
  EXPECT_TRUE(std::isnan(fromE4M3(0x7f)));
  EXPECT_TRUE(std::isnan(fromE4M3(0xff)));
}

TEST(FloatTest, e4m3_saturates) {
  EXPECT_EQ(toE4M3(449.0f), 0x7e);
  EXPECT_EQ(toE4M3(-kInf), 0xfe);
  EXPECT_EQ(toE4M3(NAN), 0x7f);
  EXPECT_EQ(toE4M3(1.0625f), 0x38); // ties to even
  EXPECT_EQ(toE4M3(1.1875f), 0x3a);
}

/// Every number of a narrow format comes back; between two neighbours the
/// middle goes to the even one, and a hair beside it to the nearer.
static void checkNeighbours(unsigned largest,
                            const std::function<float(unsigned)> &from,
                            const std::function<unsigned(float)> &to) {
  for (unsigned bits = 0; bits < largest; ++bits) {
    float low = from(bits), high = from(bits + 1);
    ASSERT_LT(low, high) << bits;
    float middle = float((double(low) + high) / 2); // exact: one bit more
    ASSERT_EQ(to(low), bits);
    ASSERT_EQ(to(middle), bits + (bits & 1)) << bits;
    ASSERT_EQ(to(std::nextafter(middle, 0.0f)), bits);
    ASSERT_EQ(to(std::nextafter(middle, kInf)), bits + 1);
  }
  ASSERT_EQ(to(from(largest)), largest);
}

TEST(FloatTest, f16_all_neighbours) { checkNeighbours(0x7bff, fromF16, toF16); }

TEST(FloatTest, bf16_all_neighbours) {
  // The denormals' middles are not exact in f32.
  for (unsigned bits = 0; bits < 0x7f80; ++bits)
    ASSERT_EQ(toBF16(fromBF16(uint16_t(bits))), bits);
}

TEST(FloatTest, e4m3_all_neighbours) {
  checkNeighbours(
      0x7e, [](unsigned bits) { return fromE4M3(uint8_t(bits)); },
      [](float value) { return unsigned(toE4M3(value)); });
}
