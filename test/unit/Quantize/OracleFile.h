//===- OracleFile.h - Arrays that another system has computed ---*- C++ -*-===//
//
// The oracle files lie beside the checkout (../shared, or LOWBIT_SHARED) and
// are no part of it; a test that needs one and does not find it is skipped.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_TEST_UNIT_QUANTIZE_ORACLEFILE_H
#define LOWBIT_TEST_UNIT_QUANTIZE_ORACLEFILE_H

#include "../Support/NpzReader.h"
#include "lowbit/Quantize/RowQuantizer.h"

#include <gtest/gtest.h>

namespace lowbit::test {

/// A matrix of reals or integers, as f32; the leading dimensions are its rows.
struct Matrix {
  int64_t rows = 0, columns = 0;
  std::vector<float> data;

  const float *row(int64_t r) const { return data.data() + r * columns; }
  float *row(int64_t r) { return data.data() + r * columns; }
  bool empty() const { return data.empty(); }
};

class OracleFile {
public:
  /// `name`: such as "torchao/int4wo_sym_g56.npz".
  explicit OracleFile(const std::string &name);

  static std::string path(const std::string &name);
  bool exists() const { return !arrays.empty(); }
  bool has(const std::string &array) const { return arrays.count(array); }
  /// Empty, and a failure of the test, if there is no such array. Words of 16
  /// bits are bf16.
  Matrix matrix(const std::string &array) const;
  std::vector<uint8_t> bytes(const std::string &array) const;

private:
  std::map<std::string, NpyArray> arrays;
};

/// A matrix taken apart by a quantizer, rows in order.
struct Quantized {
  Scheme scheme;
  std::vector<RowFields> rows;

  Matrix codes() const;  ///< c
  Matrix values() const; ///< dequantizeRow
  /// Of a component of the innermost level, [rows, groups].
  Matrix fields(Component::Role role) const;
};

Scheme schemeOf(const std::string &text);
Quantizer quantizerOf(const std::string &text, const Scheme &scheme);
Quantized quantizeMatrix(const std::string &quantizer,
                         const std::string &scheme, const Matrix &x);
Matrix fakeQuantizeMatrix(const std::string &quantizer,
                          const std::string &scheme, const Matrix &x);

/// Elements that are not equal; NaN equals NaN, 0 equals -0.
int64_t mismatches(const Matrix &got, const Matrix &expected);
/// The largest distance in units of the last place of f32 (of `type`).
int64_t largestUlps(const Matrix &got, const Matrix &expected,
                    FieldType::Kind type = FieldType::F32);
/// x w^T + b in f64, rounded; b may be empty.
Matrix linear(const Matrix &x, const Matrix &w, const Matrix &b);
/// The largest |got - expected| / max |expected|.
double relativeError(const Matrix &got, const Matrix &expected);

} // namespace lowbit::test

#endif // LOWBIT_TEST_UNIT_QUANTIZE_ORACLEFILE_H
