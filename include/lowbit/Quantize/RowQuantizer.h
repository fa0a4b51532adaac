//===- RowQuantizer.h - Rows to codes as a quantizer says -------*- C++ -*-===//
//
// docs/Numerics.md, N9, as code: the numerics of TorchAO, bitlinear-pytorch and
// others, bit by bit, for any scheme and quantizer that fit (Quantizer::check).
// A row's last group may be a tail, of any length.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_QUANTIZE_ROWQUANTIZER_H
#define LOWBIT_QUANTIZE_ROWQUANTIZER_H

#include "lowbit/Quantize/CascadeSum.h"
#include "lowbit/Support/Quantizer.h"

namespace lowbit {

/// What the rows of one matrix have in common. Collected by observe(), all rows
/// in order; without it a tensor's fields come from no element at all.
struct MatrixTotals {
  explicit MatrixTotals(int64_t elements = 0)
      : elements(elements), magnitudes(elements) {}

  int64_t elements; ///< rows x columns
  CascadeSum magnitudes;
  float largest = 0; ///< of |x|; NaN where an element is
  /// The largest relative change of any scale in each step of refining.
  std::vector<float> changes;
  /// Of |x - value| before each step of a proximal search.
  std::vector<CascadeSum> errors;
};

/// Fields that are given rather than chosen, one for each group of a row:
/// learned ranges, static activations.
struct GivenFields {
  const float *scales = nullptr; ///< of the scheme's innermost level
  const float *zeros = nullptr;  ///< null: 0; need not be integers
};

class RowQuantizer {
public:
  RowQuantizer(const Quantizer &quantizer, const Scheme &scheme);

  /// Whether rows depend on the whole matrix: observe all rows first.
  bool needsTotals() const;
  void observe(const float *x, int64_t columns, MatrixTotals &totals) const;

  /// Fields and codes of `columns` elements; sizes `row`. The code of NaN is
  /// c = 0. Threads may share a RowQuantizer.
  void quantize(const float *x, int64_t columns, RowFields &row,
                const MatrixTotals &totals = MatrixTotals()) const;

  /// The reals that the codes stand for, in the quantizer's float type, without
  /// a step through integers: NaN stays NaN. values[columns].
  void fakeQuantize(const float *x, int64_t columns, float *values,
                    const MatrixTotals &totals = MatrixTotals()) const;
  /// The same under given fields; a scheme with a scale and integer codes, with
  /// or without a zero point.
  void fakeQuantize(const float *x, int64_t columns, const GivenFields &given,
                    float *values) const;

  /// `value` rounded to the quantizer's float type.
  float rounded(float value) const;

private:
  struct Terms;
  template <typename Visit>
  void overGroups(const float *x, int64_t columns, const MatrixTotals &totals,
                  Visit visit) const;
  Terms choose(const float *x, int64_t count, const MatrixTotals &totals) const;
  void chooseAbsolute(const float *x, int64_t count, const MatrixTotals &totals,
                      Terms &terms) const;
  void chooseFromEnds(const float *x, int64_t count, Terms &terms) const;
  void storeScale(float scale, Terms &terms) const;
  void refine(const float *x, int64_t count, int steps, float *changes,
              Terms &terms) const;
  void searchMinimum(const float *x, int64_t count, int steps,
                     CascadeSum *errors, Terms &terms) const;
  int stepsOf(const MatrixTotals &totals) const;
  int searchStepsOf(const MatrixTotals &totals) const;
  float tensorScale(const MatrixTotals &totals) const;
  float code(float x, const Terms &terms) const;
  float nearestEntry(float x) const;
  float value(float code, const Terms &terms) const;
  uint8_t rawCode(float code) const;
  void store(const Terms &terms, size_t group, RowFields &row) const;

  Quantizer quantizer;
  Scheme scheme;
  CodeRange range;
  bool hasDivisor, isNested, hasEntries;
  FieldType scaleType; ///< of the innermost scale or divisor
  /// Codes of a codebook by value, -0 before 0; of equal ones the smallest.
  std::vector<uint8_t> sorted;
};

} // namespace lowbit

#endif // LOWBIT_QUANTIZE_ROWQUANTIZER_H
