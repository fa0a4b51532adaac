//===- BitLinearOracleTest.cpp - BitLinear against bitlinear-pytorch ------===//
//
// BitLinear is two quantizers and two schemes. Every layer of the oracle files,
// those of the TinyMLP from its own inputs: codes equal, scales and what
// derives from an absolute mean within a unit of the last place, other
// dequantized values exact.
//
//===----------------------------------------------------------------------===//

#include "OracleFile.h"

#include <cmath>
#include <cstdlib>

using namespace lowbit;
using namespace lowbit::test;

namespace {

struct Layer {
  const char *file;
  const char *prefix;       ///< of its arrays
  const char *type = "f32"; ///< of its arrays, and of every operation
};

void PrintTo(const Layer &layer, std::ostream *out) {
  *out << layer.file << " " << layer.prefix;
}

class BitLinearOracleTest : public testing::TestWithParam<Layer> {
protected:
  BitLinearOracleTest()
      : file(std::string("bitlinear/") + GetParam().file + ".npz") {}

  void SetUp() override {
    if (!file.exists())
      GTEST_SKIP() << OracleFile::path("bitlinear")
                   << " is missing: set LOWBIT_SHARED";
  }

  Matrix array(const char *name) const {
    return file.matrix(GetParam().prefix + std::string(name));
  }
  bool isF32() const { return std::string(GetParam().type) == "f32"; }
  FieldType::Kind type() const {
    std::string name = GetParam().type;
    return name == "f32"   ? FieldType::F32
           : name == "f16" ? FieldType::F16
                           : FieldType::BF16;
  }
  std::string in() const {
    return isF32() ? "" : std::string(", in ") + GetParam().type;
  }
  std::string xScheme() const {
    return std::string("s8, row divisor ") + GetParam().type;
  }
  std::string wScheme() const {
    return std::string("ternary, tensor divisor ") + GetParam().type;
  }
  std::string xQuantizer() const {
    return "absmax reach 127 least 1e-5, multiply, clamp -128 127" + in();
  }
  std::string wQuantizer() const {
    return "absmean reach 1 least 1e-5, multiply, clamp -1 1" + in();
  }
  /// x + (q - x), each step rounded: what a straight-through estimator
  /// computes.
  Matrix throughEstimator(const Matrix &x, const Matrix &q) const {
    Scheme scheme = schemeOf(xScheme());
    RowQuantizer rows(quantizerOf(xQuantizer(), scheme), scheme);
    Matrix result = x;
    for (size_t i = 0; i < x.data.size(); ++i)
      result.data[i] =
          rows.rounded(x.data[i] + rows.rounded(q.data[i] - x.data[i]));
    return result;
  }
  Matrix bias() const { return file.has("b") ? array("b") : Matrix(); }

  OracleFile file;
};

} // namespace

TEST_P(BitLinearOracleTest, activations) {
  Matrix x = array("x");
  Quantized q = quantizeMatrix(xQuantizer(), xScheme(), x);
  EXPECT_LE(largestUlps(q.fields(Component::Divisor), array("x_scale"), type()),
            1);
  if (isF32()) {
    EXPECT_EQ(mismatches(q.codes(), array("x_int")), 0);
    EXPECT_EQ(mismatches(q.values(), array("act_quant")), 0);
  }
  Matrix fake = fakeQuantizeMatrix(xQuantizer(), xScheme(), x);
  EXPECT_EQ(mismatches(fake, array("act_quant")), 0);
  EXPECT_EQ(mismatches(throughEstimator(x, fake), array("x_ste")), 0);
}

TEST_P(BitLinearOracleTest, weights) {
  Matrix w = array("w");
  Quantized q = quantizeMatrix(wQuantizer(), wScheme(), w);
  Matrix scale = q.fields(Component::Divisor);
  scale.data.resize(1); // each row keeps the tensor's
  EXPECT_LE(largestUlps(scale, array("w_scale"), type()), 1);
  if (isF32()) {
    EXPECT_EQ(mismatches(q.codes(), array("w_int")), 0);
    EXPECT_LE(largestUlps(q.values(), array("weight_quant")), 1);
  }
  Matrix fake = fakeQuantizeMatrix(wQuantizer(), wScheme(), w);
  EXPECT_LE(largestUlps(fake, array("weight_quant"), type()), 1);
  EXPECT_LE(largestUlps(throughEstimator(w, fake), array("w_ste"), type()), 1);
}

TEST_P(BitLinearOracleTest, products) {
  Matrix x = array("x"), w = array("w"), expected = array("y");
  Matrix fakeX =
      throughEstimator(x, fakeQuantizeMatrix(xQuantizer(), xScheme(), x));
  Matrix fakeW =
      throughEstimator(w, fakeQuantizeMatrix(wQuantizer(), wScheme(), w));
  Matrix y = linear(fakeX, fakeW, bias());
  // One rounding to a narrow type is at most 2^-9 or 2^-12 of the result.
  EXPECT_LE(relativeError(y, expected), isF32()                    ? 2e-6
                                        : type() == FieldType::F16 ? 0x1p-11
                                                                   : 0x1p-8);
  if (!isF32())
    return;
  Quantized qx = quantizeMatrix(xQuantizer(), xScheme(), x);
  Quantized qw = quantizeMatrix(wQuantizer(), wScheme(), w);
  Matrix sums = linear(qx.codes(), qw.codes(), {}), exact = array("acc_i32");
  for (int64_t t = 0; t < sums.rows; ++t)
    if (std::isnan(expected.row(t)[0])) // PyTorch casts NaN to some integer
      std::fill_n(exact.row(t), exact.columns, 0.0f);
  EXPECT_EQ(mismatches(sums, exact), 0);
  // The integer form: sums / (sx sw) + bias.
  Matrix sx = qx.fields(Component::Divisor), sw = qw.fields(Component::Divisor);
  for (int64_t t = 0; t < sums.rows; ++t)
    for (int64_t n = 0; n < sums.columns; ++n) {
      double product = double(sx.data[size_t(t)]) * sw.data[size_t(n)];
      double b = bias().empty() ? 0 : bias().data[size_t(n)];
      sums.row(t)[n] = float(sums.row(t)[n] / product + b);
    }
  bool isFinite = std::string(GetParam().file) != "lin_nan_inf_s14";
  if (isFinite)
    EXPECT_LE(relativeError(sums, expected), 2e-6);
}

INSTANTIATE_TEST_SUITE_P(
    BitLinear, BitLinearOracleTest,
    testing::Values(
        Layer{"lin_1x1_s6", ""}, Layer{"lin_256x128_bias_s3", ""},
        Layer{"lin_3d_2x5x64x48_s4", ""}, Layer{"lin_784x256_s0", ""},
        Layer{"lin_bf16_128x64_s8", "", "bf16"},
        Layer{"lin_fp16_128x64_s9", "", "f16"}, Layer{"lin_nan_inf_s14", ""},
        Layer{"lin_odd_33x17_s5", ""}, Layer{"lin_ties_s13", ""},
        Layer{"lin_zero_and_tiny_rows_s10", ""},
        Layer{"lin_zero_weight_s12", ""}, Layer{"tinymlp_s0_b1", "l1_"},
        Layer{"tinymlp_s0_b1", "l4_"}, Layer{"tinymlp_s0_b1", "l7_"},
        Layer{"tinymlp_s42_b4", "l1_"}, Layer{"tinymlp_s42_b4", "l4_"},
        Layer{"tinymlp_s42_b4", "l7_"}),
    [](const auto &info) {
      return std::string(info.param.file) + "_" + info.param.prefix;
    });
