//===- BitFormatOracleTest.cpp - Blocks against GGML, bit by bit ----------===//
//
// The oracle files hold bytes of each format and the reals that GGML makes of
// them. They lie beside the checkout (../shared, or LOWBIT_SHARED) and are no
// part of it; without them these tests are skipped.
//
//===----------------------------------------------------------------------===//

#include "NpzReader.h"
#include "lowbit/Support/BitFormat.h"
#include "lowbit/Support/Float.h"

#include <cmath>
#include <cstdlib>
#include <gtest/gtest.h>
#include <sys/stat.h>

using namespace lowbit;

static std::string oracleFolder() {
  const char *shared = std::getenv("LOWBIT_SHARED");
  return std::string(shared ? shared : LOWBIT_SHARED) + "/oracles/ggml";
}

/// The scale of an element is a byte that no encoder of NVFP4 writes: GGML
/// reads 0xff as 480, which E4M3 does not have.
static bool hasUnwrittenScale(const BitFormat &format, const uint8_t *row,
                              int64_t column) {
  return format.ggmlType == 40 &&
         row[column / 64 * 36 + column % 64 / 16] == 0xff;
}

/// The bytes of a row as encoders would write them.
static std::vector<uint8_t> asWritten(const BitFormat &format,
                                      const uint8_t *row, size_t bytes) {
  std::vector<uint8_t> result(row, row + bytes);
  for (size_t block = 0; format.ggmlType == 40 && block < bytes; block += 36)
    for (size_t i = block; i < block + 4; ++i)
      result[i] = uint8_t((result[i] & 0x7f) % 0x7f);
  return result;
}

class BitFormatOracleTest : public testing::TestWithParam<const char *> {};

TEST_P(BitFormatOracleTest, equals_ggml) {
  struct stat status;
  if (stat(oracleFolder().c_str(), &status) != 0)
    GTEST_SKIP() << oracleFolder() << " is missing: set LOWBIT_SHARED";
  const BitFormat &format = *findBitFormat(std::string_view(GetParam()));
  auto arrays = test::readNpz(oracleFolder() + "/" + GetParam() + ".npz");
  const test::NpyArray &bytes = arrays["bytes"], &expected = arrays["dequant"];
  ASSERT_EQ(bytes.dtype, "|u1");
  ASSERT_EQ(expected.dtype, "<f4");
  ASSERT_EQ(bytes.shape.size(), 2u);
  ASSERT_EQ(expected.shape.size(), 2u);
  int64_t rows = expected.shape[0], columns = expected.shape[1];
  ASSERT_GT(rows, 0);
  ASSERT_EQ(bytes.shape[0], rows);
  ASSERT_EQ(bytes.shape[1], format.rowBytes(columns));
  ASSERT_EQ(int64_t(bytes.data.size()), rows * bytes.shape[1]);
  ASSERT_EQ(int64_t(expected.data.size()), 4 * rows * columns);

  RowFields row;
  std::vector<float> values(static_cast<size_t>(columns));
  for (int64_t r = 0; r < rows; ++r) {
    unpackRow(format, &bytes.data[r * bytes.shape[1]], columns, row);
    dequantizeRow(format.scheme, row, columns, values.data());
    for (int64_t i = 0; i < columns; ++i) {
      float want;
      memcpy(&want, &expected.data[4 * (r * columns + i)], sizeof want);
      const uint8_t *source = &bytes.data[r * bytes.shape[1]];
      if (hasUnwrittenScale(format, source, i))
        continue;
      if (!std::isnan(want) || !std::isnan(values[i]))
        ASSERT_EQ(toF32(values[i]), toF32(want)) << "row " << r << ", " << i;
    }
  }
}

/// GGML's own encoders, where it has them, wrote these bytes.
TEST_P(BitFormatOracleTest, packs_to_the_same_bytes) {
  struct stat status;
  if (stat(oracleFolder().c_str(), &status) != 0)
    GTEST_SKIP() << oracleFolder() << " is missing: set LOWBIT_SHARED";
  const BitFormat &format = *findBitFormat(std::string_view(GetParam()));
  auto arrays = test::readNpz(oracleFolder() + "/" + GetParam() + ".npz");
  const test::NpyArray &bytes = arrays["bytes"];
  int64_t rows = bytes.shape[0], columns = arrays["dequant"].shape[1];
  RowFields row;
  std::vector<uint8_t> again(static_cast<size_t>(bytes.shape[1]));
  for (int64_t r = 0; r < rows; ++r) {
    const uint8_t *source = &bytes.data[r * bytes.shape[1]];
    unpackRow(format, source, columns, row);
    packRow(format, row, columns, again.data());
    ASSERT_EQ(asWritten(format, source, again.size()), again) << "row " << r;
  }
}

INSTANTIATE_TEST_SUITE_P(GGML, BitFormatOracleTest,
                         testing::Values("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0",
                                         "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
                                         "IQ4_NL", "IQ4_XS", "TQ1_0", "TQ2_0",
                                         "MXFP4", "NVFP4", "IQ2_XXS", "IQ2_XS",
                                         "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ1_S",
                                         "IQ1_M"),
                         [](const auto &info) { return info.param; });
