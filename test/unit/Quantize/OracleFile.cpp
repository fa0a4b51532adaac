//===- OracleFile.cpp - Arrays that another system has computed -----------===//

#include "OracleFile.h"

#include "lowbit/Support/Float.h"

#include <cmath>
#include <cstdlib>
#include <cstring>

namespace lowbit::test {

std::string OracleFile::path(const std::string &name) {
  const char *shared = std::getenv("LOWBIT_SHARED");
  return std::string(shared ? shared : LOWBIT_SHARED) + "/oracles/" + name;
}

OracleFile::OracleFile(const std::string &name) : arrays(readNpz(path(name))) {}

template <typename T>
static void widen(const std::vector<uint8_t> &bytes, std::vector<float> &data) {
  for (size_t i = 0; i + sizeof(T) <= bytes.size(); i += sizeof(T)) {
    T value;
    memcpy(&value, &bytes[i], sizeof value);
    data.push_back(float(value));
  }
}

template <float (*Convert)(uint16_t)>
static void widenHalves(const std::vector<uint8_t> &bytes,
                        std::vector<float> &data) {
  for (size_t i = 0; i + 2 <= bytes.size(); i += 2)
    data.push_back(Convert(uint16_t(bytes[i] | bytes[i + 1] << 8)));
}

Matrix OracleFile::matrix(const std::string &name) const {
  Matrix result;
  auto found = arrays.find(name);
  if (found == arrays.end()) {
    ADD_FAILURE() << "no array " << name;
    return result;
  }
  const auto &[dtype, shape, bytes] = found->second;
  if (dtype == "<f4")
    widen<float>(bytes, result.data);
  else if (dtype == "<f8")
    widen<double>(bytes, result.data);
  else if (dtype == "|i1")
    widen<int8_t>(bytes, result.data);
  else if (dtype == "|u1")
    widen<uint8_t>(bytes, result.data);
  else if (dtype == "<i4")
    widen<int32_t>(bytes, result.data);
  else if (dtype == "<f2")
    widenHalves<fromF16>(bytes, result.data);
  else if (dtype == "<u2")
    widenHalves<fromBF16>(bytes, result.data);
  else
    ADD_FAILURE() << name << " has the type " << dtype;
  result.columns = shape.empty() ? 1 : shape.back();
  result.rows =
      int64_t(result.data.size()) / std::max<int64_t>(1, result.columns);
  return result;
}

std::vector<uint8_t> OracleFile::bytes(const std::string &name) const {
  auto found = arrays.find(name);
  return found == arrays.end() ? std::vector<uint8_t>() : found->second.data;
}

//===- Quantizing ---------------------------------------------------------===//

Scheme schemeOf(const std::string &text) {
  Scheme scheme;
  std::string error;
  EXPECT_TRUE(Scheme::parse(text, scheme, error)) << error;
  EXPECT_EQ(scheme.check(), "") << text;
  return scheme;
}

Quantizer quantizerOf(const std::string &text, const Scheme &scheme) {
  Quantizer quantizer;
  std::string error;
  EXPECT_TRUE(Quantizer::parse(text, quantizer, error)) << error;
  EXPECT_EQ(quantizer.check(), "") << text;
  EXPECT_EQ(quantizer.check(scheme), "") << text << " for " << scheme.str();
  return quantizer;
}

/// What all rows say of the matrix.
static MatrixTotals totalsOf(const RowQuantizer &quantizer, const Matrix &x) {
  MatrixTotals totals(x.rows * x.columns);
  for (int64_t r = 0; quantizer.needsTotals() && r < x.rows; ++r)
    quantizer.observe(x.row(r), x.columns, totals);
  return totals;
}

Quantized quantizeMatrix(const std::string &quantizer,
                         const std::string &scheme, const Matrix &x) {
  Quantized result{schemeOf(scheme), {}};
  RowQuantizer rows(quantizerOf(quantizer, result.scheme), result.scheme);
  MatrixTotals totals = totalsOf(rows, x);
  result.rows.resize(size_t(x.rows));
  for (int64_t r = 0; r < x.rows; ++r)
    rows.quantize(x.row(r), x.columns, result.rows[size_t(r)], totals);
  return result;
}

Matrix fakeQuantizeMatrix(const std::string &quantizer,
                          const std::string &scheme, const Matrix &x) {
  Scheme format = schemeOf(scheme);
  RowQuantizer rows(quantizerOf(quantizer, format), format);
  MatrixTotals totals = totalsOf(rows, x);
  Matrix result = x;
  for (int64_t r = 0; r < x.rows; ++r)
    rows.fakeQuantize(x.row(r), x.columns, result.row(r), totals);
  return result;
}

Matrix Quantized::codes() const {
  Matrix result{int64_t(rows.size()), int64_t(rows[0].codes.size()), {}};
  for (const RowFields &row : rows)
    for (int64_t k = 0; k < result.columns; ++k)
      result.data.push_back(elementValue(scheme, row, k));
  return result;
}

Matrix Quantized::values() const {
  Matrix result = codes();
  for (int64_t r = 0; r < result.rows; ++r)
    dequantizeRow(scheme, rows[size_t(r)], result.columns, result.row(r));
  return result;
}

Matrix Quantized::fields(Component::Role role) const {
  Matrix result;
  const Level &level = scheme.levels.back();
  for (size_t i = 0; i < level.components.size(); ++i) {
    if (level.components[i].role != role)
      continue;
    for (const RowFields &row : rows)
      for (uint32_t field : row.fields.back()[i])
        result.data.push_back(fieldValue(level.components[i].type, field));
  }
  result.rows = int64_t(rows.size());
  result.columns = int64_t(result.data.size()) / result.rows;
  return result;
}

//===- Comparing ----------------------------------------------------------===//

static bool sameSize(const Matrix &got, const Matrix &expected) {
  EXPECT_EQ(got.data.size(), expected.data.size());
  return got.data.size() == expected.data.size() && !got.empty();
}

int64_t mismatches(const Matrix &got, const Matrix &expected) {
  if (!sameSize(got, expected))
    return -1;
  int64_t count = 0;
  for (size_t i = 0; i < got.data.size(); ++i) {
    float a = got.data[i], b = expected.data[i];
    count += a != b && !(std::isnan(a) && std::isnan(b));
  }
  return count;
}

/// A float as an integer that counts: neighbours differ by one.
static int64_t position(FieldType::Kind type, float value) {
  int64_t bits = type == FieldType::F16    ? toF16(value)
                 : type == FieldType::BF16 ? toBF16(value)
                                           : toF32(value);
  int64_t sign = int64_t(1) << (type == FieldType::F32 ? 31 : 15);
  return bits & sign ? -(bits & (sign - 1)) : bits;
}

int64_t largestUlps(const Matrix &got, const Matrix &expected,
                    FieldType::Kind type) {
  if (!sameSize(got, expected))
    return -1;
  int64_t largest = 0;
  for (size_t i = 0; i < got.data.size(); ++i)
    if (!std::isnan(got.data[i]) || !std::isnan(expected.data[i]))
      largest = std::max(largest, std::abs(position(type, got.data[i]) -
                                           position(type, expected.data[i])));
  return largest;
}

Matrix linear(const Matrix &x, const Matrix &w, const Matrix &b) {
  Matrix result{x.rows, w.rows, {}};
  for (int64_t t = 0; t < x.rows; ++t)
    for (int64_t n = 0; n < w.rows; ++n) {
      double sum = b.empty() ? 0 : b.data[size_t(n)];
      for (int64_t k = 0; k < x.columns; ++k)
        sum += double(x.row(t)[k]) * w.row(n)[k];
      result.data.push_back(float(sum));
    }
  return result;
}

double relativeError(const Matrix &got, const Matrix &expected) {
  if (!sameSize(got, expected))
    return INFINITY;
  double largest = 0, size = 0;
  for (size_t i = 0; i < got.data.size(); ++i) {
    double a = got.data[i], b = expected.data[i];
    if (std::isnan(a) && std::isnan(b))
      continue;
    largest =
        std::isnan(a - b) ? INFINITY : std::max(largest, std::fabs(a - b));
    size = std::max(size, std::fabs(b));
  }
  return size > 0 ? largest / size : largest;
}

} // namespace lowbit::test
