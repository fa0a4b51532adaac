//===- Scheme.h - What the bits of a number mean ----------------*- C++ -*-===//
//
// A scheme describes a number format as data: the set of codes and the scale
// levels above them. It is all that the packer, the reference and the kernel
// generator know about a format. The attribute #lowbit.scheme wraps it.
//
// With c what its code stands for, S the product of the scales that cover
// element k, z its zero point or negated delta, M the product of the minima
// that cover it (all read from the levels):
//
//     value = fl(fl(S * (c - z)) + M)              M subtracted for `neg_min`
//
// S = fl(s_outer * s_inner), M likewise; fl() is one rounding to f32; a term
// that the scheme lacks is left out, not added as zero. A scheme may have a
// divisor D in place of scales: fl((c - z) / D), a division.
//
// A code stands for one number, or for a vector of 4 or 8 consecutive ones (an
// entry of a codebook); signs may stand beside it, one bit for each element.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_SUPPORT_SCHEME_H
#define LOWBIT_SUPPORT_SCHEME_H

#include <cstdint>
#include <string>
#include <vector>

namespace lowbit {

/// How one field (a scale, a minimum, a zero point) is stored.
struct FieldType {
  enum Kind : uint8_t { F32, F16, BF16, E8M0, E4M3, UInt, SInt };
  Kind kind = F32;
  uint8_t bits = 32;  ///< of the field; 32, 16, 16, 8, 8 for the float kinds
  int32_t offset = 0; ///< subtracted from an integer field ("u6-32")

  bool isInteger() const { return kind == UInt || kind == SInt; }
  bool operator==(const FieldType &o) const {
    return kind == o.kind && bits == o.bits && offset == o.offset;
  }
};

/// One field that a level stores for each of its groups.
struct Component {
  enum Role : uint8_t {
    Scale,  ///< factor of S
    Min,    ///< factor of M, added
    NegMin, ///< factor of M, subtracted
    Zero,   ///< z, subtracted from the code; innermost level only
    Delta,  ///< one bit: z = -magnitude where it is 0, magnitude where it is
            ///< 1; innermost level only
    Divisor ///< D, divides; no scale beside it
  };
  Role role = Scale;
  FieldType type;
  float magnitude = 0; ///< of a Delta
  bool operator==(const Component &o) const {
    return role == o.role && type == o.type && magnitude == o.magnitude;
  }
};

/// A scale level: `group` consecutive elements of a row share its fields. The
/// last group of a row may be shorter (a tail).
struct Level {
  static constexpr int64_t kTensor = -1; ///< one group: the whole tensor
  static constexpr int64_t kRow = 0;     ///< one group: the row
  int64_t group = kRow;
  std::vector<Component> components;
  bool operator==(const Level &o) const {
    return group == o.group && components == o.components;
  }
};

/// Which values the codes stand for.
enum class CodeKind : uint8_t {
  Unsigned, ///< c(q) = q - offset, q in [0, 2^bits)
  Signed,   ///< two's complement
  Ternary,  ///< q in {0, 1, 2} stands for q - 1; bits = 2
  Sign,     ///< q in {0, 1} stands for 2q - 1; bits = 1
  Codebook, ///< c(q) = codebook[q], or the vector of V from codebook[V q]
  Float     ///< the code is itself a float of type `floatType`; no levels
};

/// How a real value between two codes is rounded.
enum class Rounding : uint8_t { NearestEven, NearestAway, Toward0 };

struct Scheme {
  /// Bits of a code that chooses a vector; 2^11 entries of 8 are the largest
  /// codebook in use, and a table of 16 KB.
  static constexpr int kIndexBits = 11;

  CodeKind kind = CodeKind::Unsigned;
  uint8_t bits = 8; ///< of a code: 1..8; 1..11 for vectors; 16 or 32 for Float
  int32_t offset = 0;
  std::vector<float> codebook; ///< 2^bits entries; shorter ones never occur
  uint8_t entryLength = 1;     ///< V, values of a codebook's entry: 1, 4 or 8
  bool signs = false;          ///< a bit for each element negates where it is 1
  FieldType::Kind floatType = FieldType::F32;
  std::vector<Level> levels; ///< outermost first, groups divide each other
  Rounding rounding = Rounding::NearestEven;

  bool isFloat() const { return kind == CodeKind::Float; }
  bool isVector() const { return entryLength > 1; }
  /// Elements that share the innermost level; kRow or kTensor where it is one.
  int64_t innerGroup() const {
    return levels.empty() ? Level::kTensor : levels.back().group;
  }
  bool has(Component::Role role) const;
  /// A weight is more than a multiple of c: products need the activations'
  /// sums.
  bool hasMinima() const;
  /// c(code); not for Float and vectors.
  float codeValue(unsigned code) const;
  /// Bits a weight costs in a row of `columns`, fields included.
  double bitsPerWeight(int64_t columns) const;
  /// The text inside #lowbit.scheme<...>, e.g. "u4 offset 8, group 32 scale
  /// f16".
  std::string str() const;
  /// Why the scheme makes no sense, or "": the rules (S1) to (S10) of
  /// docs/Numerics.md.
  std::string check() const;
  /// Reads what str() writes; on failure returns false and sets `error`.
  static bool parse(const std::string &text, Scheme &scheme,
                    std::string &error);

  bool operator==(const Scheme &o) const {
    return kind == o.kind && bits == o.bits && offset == o.offset &&
           codebook == o.codebook && entryLength == o.entryLength &&
           signs == o.signs && floatType == o.floatType && levels == o.levels &&
           rounding == o.rounding;
  }

  static Scheme ofFloat(FieldType::Kind type);
};

/// The codes and fields of one row of `columns` elements, each in a word of its
/// own: what every source format is taken apart into, and what every packed
/// layout is made from.
struct RowFields {
  std::vector<uint8_t> codes; ///< [columns] raw codes; not Float, not vectors
  std::vector<float> reals;   ///< [columns], Float schemes only
  /// [columns / V, rounded up], vectors only: entries' indices. A last vector
  /// that is shorter uses the first values of its entry.
  std::vector<uint16_t> indices;
  std::vector<uint8_t> signs; ///< [columns], 1 negates; schemes with signs only
  /// fields[level][component][group in row]: the field's bits, zero-extended
  /// (SInt: only the low `bits` bits are set). Row and tensor levels have one
  /// group.
  std::vector<std::vector<std::vector<uint32_t>>> fields;

  /// Sizes everything for a row of `columns`.
  void resize(const Scheme &scheme, int64_t columns);
};

/// The number that a field's bits stand for (offset applied), exact in f32.
float fieldValue(const FieldType &type, uint32_t bits);
/// The field nearest to a finite `value` (ties to even), zero-extended; what is
/// out of range becomes the largest or smallest number of the type.
uint32_t fieldBits(const FieldType &type, float value);

/// The products of the fields that cover one element; a factor that the scheme
/// lacks is 1, a term 0.
struct GroupTerms {
  float scale = 1;   ///< S; of a divisor fl(1 / D)
  float min = 0;     ///< M, without neg_min's sign
  float zero = 0;    ///< z, a delta's with its sign
  float divisor = 0; ///< D, where the scheme has one
};
GroupTerms groupTerms(const Scheme &scheme, const RowFields &row,
                      int64_t column);

/// c of one element: its code's value or its place in its vector's entry, with
/// its sign. Zero has none. Not for Float.
float elementValue(const Scheme &scheme, const RowFields &row, int64_t column);

/// The truth: values of a row, as the formula above says, in f32.
void dequantizeRow(const Scheme &scheme, const RowFields &row, int64_t columns,
                   float *values);

} // namespace lowbit

#endif // LOWBIT_SUPPORT_SCHEME_H
