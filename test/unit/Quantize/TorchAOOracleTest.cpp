//===- TorchAOOracleTest.cpp - Quantizers against TorchAO -----------------===//
//
// Each configuration of TorchAO that the oracle files hold, as a scheme and a
// quantizer: integers and scales equal, dequantized values exact, products
// within the order of their sums.
//
//===----------------------------------------------------------------------===//

#include "OracleFile.h"

#include "lowbit/Quantize/DoubleQuantize.h"
#include "lowbit/Support/Float.h"

#include <cmath>

using namespace lowbit;
using namespace lowbit::test;

namespace {

/// TorchAO's least scales: the smallest normal number, and epsilon for int8.
const std::string kTiny = "scale least 1.1754944e-38, ";
const std::string kEps = "scale least 1.1920929e-07, ";

struct Config {
  const char *file;
  std::string wQuantizer, wScheme;
  std::string xQuantizer = "", xScheme = "";
};

void PrintTo(const Config &config, std::ostream *out) { *out << config.file; }

std::string nameOf(const Config &config) {
  return config.file[0] == '8' ? "w" + std::string(config.file + 4)
                               : config.file;
}

class TorchAOOracleTest : public testing::TestWithParam<Config> {
protected:
  TorchAOOracleTest()
      : file(std::string("torchao/") + GetParam().file + ".npz") {}

  void SetUp() override {
    if (!file.exists())
      GTEST_SKIP() << OracleFile::path("torchao")
                   << " is missing: set LOWBIT_SHARED";
  }

  OracleFile file;
};

class WeightOracleTest : public TorchAOOracleTest {};

std::string asymmetric(int64_t bits, const std::string &level) {
  std::string b = std::to_string(bits);
  return "s" + b + ", " + level + " scale f32 zero s" + b;
}

/// Activations of 8 bits by token with a zero point.
const std::string kTokens = "minmax, " + kTiny + "multiply";

} // namespace

TEST_P(WeightOracleTest, weights) {
  const Config &config = GetParam();
  Quantized q =
      quantizeMatrix(config.wQuantizer, config.wScheme, file.matrix("w"));
  EXPECT_EQ(mismatches(q.codes(), file.matrix("w_qdata")), 0);
  EXPECT_EQ(largestUlps(q.fields(Component::Scale), file.matrix("w_scale")), 0);
  if (q.scheme.has(Component::Zero))
    EXPECT_EQ(
        mismatches(q.fields(Component::Zero), file.matrix("w_zero_point")), 0);
  EXPECT_EQ(mismatches(q.values(), file.matrix("w_dequant")), 0);
  EXPECT_EQ(mismatches(fakeQuantizeMatrix(config.wQuantizer, config.wScheme,
                                          file.matrix("w")),
                       file.matrix("w_dequant")),
            0);
}

TEST_P(WeightOracleTest, activations) {
  const Config &config = GetParam();
  if (config.xScheme.empty())
    return;
  Quantized q =
      quantizeMatrix(config.xQuantizer, config.xScheme, file.matrix("x"));
  EXPECT_EQ(mismatches(q.codes(), file.matrix("x_int")), 0);
  EXPECT_EQ(largestUlps(q.fields(Component::Scale), file.matrix("x_scale")), 0);
  if (q.scheme.has(Component::Zero))
    EXPECT_EQ(
        mismatches(q.fields(Component::Zero), file.matrix("x_zero_point")), 0);
  if (file.has("x_dequant"))
    EXPECT_EQ(mismatches(q.values(), file.matrix("x_dequant")), 0);
}

TEST_P(WeightOracleTest, products) {
  const Config &config = GetParam();
  Matrix x = file.matrix("x"), w = file.matrix("w");
  if (!config.xScheme.empty())
    x = quantizeMatrix(config.xQuantizer, config.xScheme, x).values();
  w = quantizeMatrix(config.wQuantizer, config.wScheme, w).values();
  EXPECT_LE(relativeError(linear(x, w, file.matrix("b")), file.matrix("y")),
            2e-6);
}

/// TorchAO multiplies the integer sums by the scales, and takes off the zero
/// point's share first.
TEST_P(WeightOracleTest, integer_products) {
  const Config &config = GetParam();
  if (!file.has("acc_i32"))
    return;
  Quantized x =
      quantizeMatrix(config.xQuantizer, config.xScheme, file.matrix("x"));
  Quantized w =
      quantizeMatrix(config.wQuantizer, config.wScheme, file.matrix("w"));
  Matrix sums = linear(x.codes(), w.codes(), {}), b = file.matrix("b");
  EXPECT_EQ(mismatches(sums, file.matrix("acc_i32")), 0);
  Matrix sx = x.fields(Component::Scale), sw = w.fields(Component::Scale);
  Matrix zero, codes = w.codes(), y = sums;
  if (x.scheme.has(Component::Zero))
    zero = x.fields(Component::Zero);
  for (int64_t t = 0; t < y.rows; ++t)
    for (int64_t n = 0; n < y.columns; ++n) {
      float value = sums.row(t)[n] * sx.data[size_t(t)];
      if (!zero.empty()) {
        double sum = 0;
        for (int64_t k = 0; k < codes.columns; ++k)
          sum += codes.row(n)[k];
        value -= zero.data[size_t(t)] * sx.data[size_t(t)] * float(sum);
      }
      y.row(t)[n] = value * sw.data[size_t(n)] + b.data[size_t(n)];
    }
  EXPECT_EQ(mismatches(y, file.matrix("y")), 0);
}

INSTANTIATE_TEST_SUITE_P(
    TorchAO, WeightOracleTest,
    testing::Values(
        Config{"int2wo_sym_g56", "absmax reach 1.5, " + kTiny + "multiply",
               "s2, group 56 scale f32"},
        Config{"int3wo_asym_g56", "minmax, " + kTiny + "multiply",
               asymmetric(3, "group 56")},
        Config{"int4wo_sym_g56", "absmax reach 7.5, " + kTiny + "multiply",
               "s4, group 56 scale f32"},
        Config{"int4wo_sym_g32_768", "absmax reach 7.5, " + kTiny + "multiply",
               "s4, group 32 scale f32"},
        Config{"int4wo_asym_g56", "minmax, " + kTiny + "multiply",
               asymmetric(4, "group 56")},
        Config{"int4wo_hqqscale_g56",
               "absmax reach 8, " + kEps + "divide, refine 20",
               "s4, group 56 scale f32"},
        Config{"int5wo_sym_g56", "absmax reach 15.5, " + kTiny + "multiply",
               "s5, group 56 scale f32"},
        Config{"int8wo_g56", "absmax reach 127.5, " + kEps + "multiply",
               "s8, group 56 scale f32"},
        Config{"int8wo_perrow", "absmax reach 127.5, " + kEps + "multiply",
               "s8, row scale f32"},
        Config{"int8da_int8w_sym", "absmax reach 127.5, " + kEps + "multiply",
               "s8, row scale f32", "absmax reach 127.5, " + kEps + "multiply",
               "s8, row scale f32"},
        Config{"int8da_int8w_asym", "absmax reach 127.5, " + kEps + "multiply",
               "s8, row scale f32", "minmax, " + kEps + "multiply",
               asymmetric(8, "row")},
        Config{"8da4w_asym_g56", "minmax, " + kTiny + "multiply",
               asymmetric(4, "group 56"), kTokens, asymmetric(8, "row")},
        Config{"8da4w_sym_g16", "absmax reach 7.5, " + kTiny + "multiply",
               "s4, group 16 scale f32", kTokens, asymmetric(8, "row")},
        Config{"8da4w_sym_g32_768", "absmax reach 7.5, " + kTiny + "multiply",
               "s4, group 32 scale f32", kTokens, asymmetric(8, "row")},
        Config{"8da4w_sym_perrow", "absmax reach 7.5, " + kTiny + "multiply",
               "s4, row scale f32", kTokens, asymmetric(8, "row")},
        Config{"8da4w_symnoclip_g56", "ends, " + kTiny + "multiply",
               "s4, group 56 scale f32", kTokens, asymmetric(8, "row")}),
    [](const auto &info) { return nameOf(info.param); });

//===- A float zero point -------------------------------------------------===//

class TinyGemmOracleTest : public TorchAOOracleTest {};

TEST_P(TinyGemmOracleTest, weights) {
  const Config &config = GetParam();
  Quantized q =
      quantizeMatrix(config.wQuantizer, config.wScheme, file.matrix("w"));
  Matrix codes = q.codes();
  for (float &code : codes.data)
    code += 8; // TorchAO's are unsigned
  EXPECT_EQ(mismatches(codes, file.matrix("w_int")), 0);
  EXPECT_EQ(largestUlps(q.fields(Component::Scale), file.matrix("w_scale")), 0);
  EXPECT_EQ(largestUlps(q.fields(Component::Min), file.matrix("w_zero_float")),
            0);
  EXPECT_EQ(mismatches(q.values(), file.matrix("w_dequant")), 0);
  EXPECT_LE(
      relativeError(linear(file.matrix("x"), q.values(), file.matrix("b")),
                    file.matrix("y")),
      2e-6);
}

INSTANTIATE_TEST_SUITE_P(TorchAO, TinyGemmOracleTest,
                         testing::Values(Config{
                             "tinygemm_ref_g56_784",
                             "span, scale least 1e-6, divide",
                             "u4 offset 8, group 56 scale f32 min f32"}),
                         [](const auto &info) { return nameOf(info.param); });

static std::string missing() {
  return OracleFile::path("torchao") + " is missing: set LOWBIT_SHARED";
}

/// TorchAO's own layout of bytes: two codes of a row, the even one low.
TEST(TinyGemmBytesTest, pairs_of_codes) {
  OracleFile file("torchao/tinygemm_ref_g56_784.npz");
  if (!file.exists())
    GTEST_SKIP() << missing();
  Quantized q = quantizeMatrix("span, scale least 1e-6, divide",
                               "u4 offset 8, group 56 scale f32 min f32",
                               file.matrix("w"));
  std::vector<uint8_t> bytes;
  for (const RowFields &row : q.rows)
    for (size_t k = 0; k < row.codes.size(); k += 2)
      bytes.push_back(uint8_t(row.codes[k] | row.codes[k + 1] << 4));
  EXPECT_EQ(bytes, file.bytes("w_packed_lo_first_u8"));
}

TEST(ProximalOracleTest, hqq) {
  OracleFile file("torchao/hqq_affine_tinygemmfmt_g56_784.npz");
  if (!file.exists())
    GTEST_SKIP() << missing();
  Quantized q = quantizeMatrix("span, scale least 5e-5, multiply, proximal 20",
                               "u4 offset 8, group 56 scale f32 min f32",
                               file.matrix("w"));
  Matrix codes = q.codes();
  for (float &code : codes.data)
    code += 8; // TorchAO's are unsigned
  EXPECT_EQ(mismatches(codes, file.matrix("w_int")), 0);
  EXPECT_EQ(largestUlps(q.fields(Component::Scale), file.matrix("w_scale")), 0);
  EXPECT_LE(largestUlps(q.fields(Component::Min), file.matrix("w_zero_float")),
            1);
}

//===- Entries under scales of scales -------------------------------------===//

TEST(NormalFloatOracleTest, nf4) {
  OracleFile file("torchao/nf4_b64_s256.npz");
  if (!file.exists())
    GTEST_SKIP() << missing();
  std::string codebook;
  for (float entry : file.matrix("nf4_table").data) {
    char number[32];
    snprintf(number, sizeof number, "%s%.9g", codebook.empty() ? "" : ", ",
             entry);
    codebook += number;
  }
  Quantized q = quantizeMatrix(
      "absmax reach 1, divide",
      "u4 codebook [" + codebook + "], group 64 scale f32", file.matrix("x"));
  std::vector<uint8_t> data;
  for (const RowFields &row : q.rows)
    for (size_t k = 0; k < row.codes.size(); k += 2)
      data.push_back(uint8_t(row.codes[k] << 4 | row.codes[k + 1]));
  EXPECT_EQ(data, file.bytes("quantized_data"));

  DoubleQuantized scales = doubleQuantize(q.fields(Component::Scale).data, 256);
  std::vector<float> codes(scales.codes.begin(), scales.codes.end());
  EXPECT_EQ(codes, file.matrix("quantized_scalers").data);
  EXPECT_EQ(scales.factors, file.matrix("quantization_factor").data);
  EXPECT_EQ(scales.mean, file.matrix("scaler_mean").data[0]);
  size_t next = 0;
  for (RowFields &row : q.rows)
    for (uint32_t &field : row.fields[0][0])
      field = toF32(scales.scales[next++]);
  EXPECT_EQ(mismatches(q.values(), file.matrix("dequant")), 0);
}

//===- Narrow floats ------------------------------------------------------===//

/// The numbers of e2m1, and of e4m3 with its NaN as its largest number.
static std::string codebookOf(float (*value)(unsigned), unsigned bits) {
  std::string text = "u" + std::to_string(bits) + " codebook [";
  for (unsigned code = 0; code < 1u << bits; ++code) {
    char number[32];
    snprintf(number, sizeof number, "%s%.9g", code ? ", " : "", value(code));
    text += number;
  }
  return text + "]";
}
static float e2m1(unsigned code) {
  static constexpr float kValues[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  return code & 8 ? -kValues[code & 7] : kValues[code & 7];
}
static float e4m3(unsigned code) {
  return fromE4M3(uint8_t((code & 127) == 127 ? code - 1 : code));
}

class NarrowFloatOracleTest : public TorchAOOracleTest {};

TEST_P(NarrowFloatOracleTest, bytes) {
  const Config &config = GetParam();
  Quantized q =
      quantizeMatrix(config.wQuantizer, config.wScheme, file.matrix("x"));
  std::vector<uint8_t> data, scales;
  bool inPairs = q.scheme.bits == 4;
  for (const RowFields &row : q.rows) {
    for (size_t k = 0; k < row.codes.size(); k += 1 + inPairs)
      data.push_back(inPairs ? row.codes[k] | row.codes[k + 1] << 4
                             : row.codes[k]);
    for (uint32_t field : row.fields.back()[0])
      scales.push_back(uint8_t(field));
  }
  std::vector<uint8_t> expected = file.bytes("data");
  ASSERT_EQ(data.size(), expected.size());
  for (size_t i = 0; i < data.size(); ++i)
    EXPECT_EQ(int(data[i]), int(expected[i])) << "byte " << i;
  EXPECT_EQ(scales,
            file.bytes(file.has("scale_e8m0") ? "scale_e8m0" : "scale_e4m3"));
  EXPECT_EQ(mismatches(q.values(), file.matrix("dequant")), 0);
  EXPECT_EQ(mismatches(fakeQuantizeMatrix(config.wQuantizer, config.wScheme,
                                          file.matrix("x")),
                       file.matrix("dequant")),
            0);
}

INSTANTIATE_TEST_SUITE_P(
    TorchAO, NarrowFloatOracleTest,
    testing::Values(Config{"mxfp4_e2m1_floor",
                           "absmax reach 4, scale floor, divide",
                           codebookOf(e2m1, 4) + ", group 32 scale e8m0"},
                    Config{"mxfp8_e4m3_floor",
                           "absmax reach 256, scale floor, divide",
                           codebookOf(e4m3, 8) + ", group 32 scale e8m0"},
                    Config{"nvfp4_pertensor0",
                           "absmax reach 6, scale least 0.015625, multiply",
                           codebookOf(e2m1, 4) + ", group 16 scale e4m3"}),
    [](const auto &info) { return nameOf(info.param); });

//===- Quantization-aware training, forward -------------------------------===//

class FakeQuantizeOracleTest : public TorchAOOracleTest {};

TEST_P(FakeQuantizeOracleTest, forward) {
  const Config &config = GetParam();
  if (std::string(config.file).find("rangelearn") != std::string::npos)
    return; // scales that were learned
  Matrix x = file.matrix("x"), expected = file.matrix("y");
  Quantized q = quantizeMatrix(config.wQuantizer, config.wScheme, x);
  EXPECT_EQ(largestUlps(q.fields(Component::Scale), file.matrix("scale")), 0);
  EXPECT_EQ(mismatches(q.values(), expected), 0);
  EXPECT_EQ(mismatches(fakeQuantizeMatrix(config.wQuantizer, config.wScheme, x),
                       expected),
            0);
}

/// The same from fields that are given, as range learning has them.
TEST_P(FakeQuantizeOracleTest, forward_under_given_fields) {
  Scheme scheme = schemeOf(GetParam().wScheme);
  RowQuantizer rows(quantizerOf(GetParam().wQuantizer, scheme), scheme);
  Matrix x = file.matrix("x"), scales = file.matrix("scale"),
         zeros = file.matrix("zero_point"), got = x;
  int64_t groups = int64_t(scales.data.size()) / x.rows;
  for (int64_t r = 0; r < x.rows; ++r)
    rows.fakeQuantize(
        x.row(r), x.columns,
        {&scales.data[size_t(r * groups)], &zeros.data[size_t(r * groups)]},
        got.row(r));
  EXPECT_EQ(mismatches(got, file.matrix("y")), 0);
}

static std::string qat(const char *reach) {
  return std::string("absmax reach ") + reach + ", " + kTiny + "multiply";
}

INSTANTIATE_TEST_SUITE_P(
    TorchAO, FakeQuantizeOracleTest,
    testing::Values(
        Config{"qat_a_int8_asym_pertoken", kTokens, asymmetric(8, "row")},
        Config{"qat_w_int2_sym_g32", qat("1.5"), "s2, group 32 scale f32"},
        Config{"qat_w_int4_sym_g32", qat("7.5"), "s4, group 32 scale f32"},
        Config{"qat_w_int4_sym_g32_rangelearn", qat("7.5"),
               "s4, group 32 scale f32"},
        // Its zero points are tinygemm's, cast to integers.
        Config{"qat_w_int4_asym_g32_rangelearn",
               "minmax, " + kTiny + "multiply",
               "u4, group 32 scale f32 zero u4"},
        Config{"qat_w_int8_sym_g32", qat("127.5"), "s8, group 32 scale f32"}),
    [](const auto &info) { return nameOf(info.param); });

/// Prepared and converted layers of one training run, and its first step.
TEST(QATRunOracleTest, forward) {
  OracleFile file("torchao/qat_e2e_8da4w_g32_128x64.npz");
  if (!file.exists())
    GTEST_SKIP() << OracleFile::path("torchao")
                 << " is missing: set LOWBIT_SHARED";
  const std::string scheme = "s4, group 32 scale f32";
  Matrix x =
      fakeQuantizeMatrix(kTokens, asymmetric(8, "row"), file.matrix("x"));
  Matrix w0 = fakeQuantizeMatrix(qat("7.5"), scheme, file.matrix("w0"));
  EXPECT_LE(
      relativeError(linear(x, w0, file.matrix("b0")), file.matrix("s0_y")),
      2e-6);
  Quantized w3 = quantizeMatrix(qat("7.5"), scheme, file.matrix("w3"));
  EXPECT_EQ(mismatches(w3.codes(), file.matrix("w_qdata")), 0);
  EXPECT_EQ(largestUlps(w3.fields(Component::Scale), file.matrix("w_scale")),
            0);
  Matrix y = linear(x, w3.values(), file.matrix("b3"));
  EXPECT_LE(relativeError(y, file.matrix("y_prepared")), 2e-6);
  EXPECT_LE(relativeError(y, file.matrix("y_converted")), 2e-6);
}
