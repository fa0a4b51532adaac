//===- scale.h - From numbers to places -------------------------*- C++ -*-===//

#ifndef TOOLS_QUANTREPORT_SCALE_H
#define TOOLS_QUANTREPORT_SCALE_H

#include <cstddef>
#include <vector>

namespace lowbit::tools::report {

/// An axis: values between `low` and `high` become places between `from` and
/// `to` (pixels; `to` may be the smaller one).
class Scale {
public:
  enum Kind { Linear, Logarithmic };

  /// The range is widened where it is empty. A logarithmic one needs positive
  /// numbers; others are taken for the least double above 0.
  Scale(Kind kind, double low, double high, double from, double to);

  /// Values outside are put to the nearer end.
  double at(double value) const;
  /// Round numbers within the range, `most` or fewer: 1, 2 or 5 times a power
  /// of ten apart, or if logarithmic powers of ten and, where few decades are
  /// shown, 2 and 5 between them.
  std::vector<double> ticks(size_t most) const;

  double low() const { return low_; }
  double high() const { return high_; }

private:
  std::vector<double> decades(size_t most) const;

  Kind kind_;
  double low_, high_, from_, to_;
};

} // namespace lowbit::tools::report

#endif // TOOLS_QUANTREPORT_SCALE_H
