//===- Quantizer.h - How reals become codes ---------------------*- C++ -*-===//
//
// A scheme says what codes and fields mean; a quantizer says how they are
// chosen for given reals, as data: which statistic of a group its range is,
// what keeps a scale from zero, whether an element is multiplied or divided,
// where codes are clamped, in which float type all that is computed. It is the
// same for weights and activations. The attribute #lowbit.quantizer wraps it;
// formulas and the rules (Q1) to (Q7) are in docs/Numerics.md.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_SUPPORT_QUANTIZER_H
#define LOWBIT_SUPPORT_QUANTIZER_H

#include "lowbit/Support/Scheme.h"

namespace lowbit {

struct Quantizer {
  /// What is taken from the elements of a group.
  enum class Range : uint8_t {
    AbsMax,  ///< a = max |x|
    AbsMean, ///< a = mean |x|
    Ends,    ///< l = min(x, 0), h = max(x, 0); each end has its own code
    MinMax,  ///< the same l and h, and a zero point
    Span     ///< l = min x, h = max x, and a minimum
  };
  enum class Apply : uint8_t {
    Multiply, ///< by the divisor, or by one divided by the scale
    Divide    ///< by the scale
  };

  Range range = Range::AbsMax;
  float reach = 0;         ///< the c that a becomes; AbsMax and AbsMean
  float leastRange = 0;    ///< a is at least this; 0: no such rule
  bool floorScale = false; ///< a scale that is a power of two is rounded down
  float leastScale = 0;    ///< a scale is at least this; 0: no such rule
  float outerReach = 0; ///< the S c that max |x| of the tensor becomes, where
                        ///< a tensor's scale stands above those of groups
  Apply apply = Apply::Multiply;
  bool hasClamp = false;
  int32_t low = 0, high = 0; ///< c is within; without `hasClamp` the scheme's
  int32_t refine = 0;   ///< steps of least squares that a scale is improved by
  int32_t proximal = 0; ///< steps of half-quadratic search for a minimum (HQQ)
  FieldType::Kind type = FieldType::F32; ///< F32, F16, BF16: of every operation

  /// The text inside #lowbit.quantizer<...>, e.g. "absmax reach 127.0 least
  /// 1.0e-05, multiply, clamp -128 127".
  std::string str() const;
  /// Reads what str() writes; on failure returns false and sets `error`.
  static bool parse(const std::string &text, Quantizer &quantizer,
                    std::string &error);
  /// Why the numbers make no sense, or "": rule (Q1).
  std::string check() const;
  /// Why it cannot choose the fields of `scheme`, or "": (Q2) to (Q7).
  /// Both have passed their own check().
  std::string check(const Scheme &scheme) const;

  bool operator==(const Quantizer &o) const { return str() == o.str(); }
};

/// Least and largest c of the integer codes of a scheme, as `quantizer` uses
/// them.
struct CodeRange {
  int32_t low = 0, high = 0;
};
CodeRange codeRange(const Quantizer &quantizer, const Scheme &scheme);

/// Whether it makes signed bytes within +-127 under one f32 scale or divisor of
/// a row or of groups, from the largest magnitude: what kernels can multiply.
bool makesSignedBytes(const Quantizer &quantizer, const Scheme &scheme);

} // namespace lowbit

#endif // LOWBIT_SUPPORT_QUANTIZER_H
