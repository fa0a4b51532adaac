//===- PanelLayout.h - Where the bits of a packed tensor are ----*- C++ -*-===//
//
// The definition of #pack.layout and of !pack.rows, used by the packer (bytes)
// and by the kernel generator (addresses), so that the two cannot disagree.
//
// A panel holds 16 rows of a weight. Along k:
//
//   panel      = row fields, sequence(0, columns)
//   sequence(d, n) = block(d) for every full L(d) elements, one shorter block
//   block(d, n)    = fields of group level d, sequence(d + 1, n)
//   innermost block, a unit of up to `unit` groups:
//                  = codes, then the fields of each group and of every outer
//                    level whose groups are shorter than the unit
//   codes      = chunks of up to kChunkQuads quads (a unit of several groups is
//                one chunk)
//   chunk      = its plane of signs, if there are any, and its planes of codes,
//                low bits first
//   fields     = for each component 16 lanes of its storage; integer fields
//                share the bytes of their lanes where they fit
//
// A plane of codes has vectors of 64 bytes, 4 codes of each row; a plane of
// indices has vectors of 16 bytes, one index of each row, because an index
// already stands for 4 or 8 elements.
//
// Floats of f32 and f16: for each k a vector of 16 lanes. Floats of bf16 lie in
// pairs, as an instruction for dot products of pairs wants them: a quad is two
// vectors of 64 bytes, of which the first has elements 0 and 2 of every row,
// the second 1 and 3. (Of a word of 4 codes the even bytes are such a pair and
// the odd ones, so that codes reach them by a mask and a shift.) Rows of
// activations in bf16 have the same order.
//
// All sizes are exact: a shorter block is smaller, not padded, but for the
// last vector of each plane.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_SUPPORT_PANELLAYOUT_H
#define LOWBIT_SUPPORT_PANELLAYOUT_H

#include "lowbit/Support/Scheme.h"

#include <algorithm>
#include <vector>

namespace lowbit {

/// Storage of one field: 16 lanes of `bytes`, the field in bits [shift, shift +
/// bits) of a lane.
struct FieldSlot {
  Component component;
  int64_t level = 0, index = 0; ///< in the scheme, in its level
  int64_t group = 0;  ///< of its level, from the start of the block or unit
  int64_t offset = 0; ///< from the start of the block's or unit's fields
  int64_t bytes = 1;  ///< of a lane: 1, 2 or 4
  int64_t shift = 0;
};

class PanelLayout {
public:
  static constexpr int64_t kLanes = 16;
  static constexpr int64_t kVectorBytes = 64;
  /// Quads unrolled in a group that is longer than this: 32 quads are 128
  /// elements, so that groups of up to 128 are straight-line code.
  static constexpr int64_t kChunkQuads = 32;

  /// `unit`: groups in an innermost block; 0 chooses.
  PanelLayout(const Scheme &scheme, int64_t columns, int64_t unit = 0);
  static int64_t chooseUnit(const Scheme &scheme, int64_t columns);

  const Scheme &scheme() const { return scheme_; }
  int64_t columns() const { return columns_; }
  int64_t unit() const { return unit_; }

  /// Elements of an innermost group, as stored (multiple of 4), and of all
  /// groups of a row together.
  int64_t group() const { return group_; }
  int64_t paddedGroup() const { return (group_ + 3) / 4 * 4; }
  int64_t groups() const { return (columns_ + group_ - 1) / group_; }

  /// Bit widths that a code or an index is cut into, low bits first; empty for
  /// floats.
  const std::vector<int64_t> &planes() const { return planes_; }
  int64_t floatBytes() const { return scheme_.bits / 8; }
  /// Floats that lie in pairs, padded with zeros to whole quads.
  bool hasPairs() const {
    return scheme_.isFloat() && scheme_.floatType == FieldType::BF16;
  }

  /// Depth of the innermost blocks; depths are 0 .. lastDepth().
  int64_t lastDepth() const { return lastDepth_; }
  /// Elements of a full block at a depth.
  int64_t blockLength(int64_t depth) const;
  int64_t blockBytes(int64_t depth, int64_t length) const;
  int64_t sequenceBytes(int64_t depth, int64_t length) const;
  /// Fields at the start of a block, depth < lastDepth().
  const std::vector<FieldSlot> &fields(int64_t depth) const {
    return fields_[depth];
  }
  int64_t fieldBytes(int64_t depth) const { return bytesOf(fields_[depth]); }
  /// Fields behind the codes of a unit of `length` elements.
  std::vector<FieldSlot> unitFields(int64_t length) const;
  /// Those that cover its innermost group `group`, outermost level first.
  std::vector<FieldSlot> groupFields(int64_t length, int64_t group) const;
  /// Fields of row and tensor levels, at the start of a panel.
  const std::vector<FieldSlot> &rowFields() const { return rowFields_; }
  int64_t rowFieldBytes() const { return bytesOf(rowFields_); }

  /// Quads of a unit of `length` elements, and where they are.
  int64_t unitQuads(int64_t length) const;
  int64_t chunkBytes(int64_t quads) const;
  /// Of its plane of signs, at its start.
  int64_t signBytes(int64_t quads) const;
  int64_t codeBytes(int64_t length) const;

  int64_t panelBytes() const {
    return rowFieldBytes() + sequenceBytes(0, columns_);
  }
  int64_t panels(int64_t rows) const { return (rows + kLanes - 1) / kLanes; }

  /// The byte that stands for a code: two's complement codes are stored with
  /// their sign bit flipped, so that a packed code is never negative.
  uint8_t packedCode(uint8_t code) const;

  /// Packs 16 rows (missing ones: nullptr) into panelBytes() bytes.
  void packPanel(const RowFields *const *rows, uint8_t *panel) const;
  /// Takes panelBytes() bytes apart into rows[0 .. kLanes), which it sizes;
  /// lanes of missing rows become codes of 0 and fields of 0.
  void unpackPanel(const uint8_t *panel, RowFields *rows) const;

private:
  static int64_t bytesOf(const std::vector<FieldSlot> &slots);
  void packSequence(int64_t depth, int64_t k, int64_t length,
                    const RowFields *const *rows, uint8_t *out) const;
  void packUnit(int64_t k, int64_t length, const RowFields *const *rows,
                uint8_t *out) const;
  void packQuad(int64_t k, int64_t count, const RowFields *const *rows,
                int64_t quads, int64_t quad, uint8_t *chunk) const;
  void packFields(const std::vector<FieldSlot> &slots, int64_t k,
                  const RowFields *const *rows, uint8_t *out) const;
  void unpackSequence(int64_t depth, int64_t k, int64_t length,
                      const uint8_t *from, RowFields *rows) const;
  void unpackUnit(int64_t k, int64_t length, const uint8_t *from,
                  RowFields *rows) const;
  void unpackQuad(int64_t k, int64_t count, int64_t quads, int64_t quad,
                  const uint8_t *chunk, RowFields *rows) const;
  void unpackFields(const std::vector<FieldSlot> &slots, int64_t k,
                    const uint8_t *from, RowFields *rows) const;
  int64_t floatOffset(int64_t k, int64_t lane) const;

  Scheme scheme_;
  int64_t columns_, group_, unit_ = 1, lastDepth_ = 0;
  std::vector<int64_t> planes_;
  std::vector<int64_t> outerLevels_; ///< group levels around units
  std::vector<int64_t> unitLevels_;  ///< group levels inside units
  std::vector<std::vector<FieldSlot>> fields_; ///< of outer levels
  std::vector<FieldSlot> rowFields_, unitFields_;
};

/// Place of element j of a quad of bf16, and element at place j.
constexpr int64_t kPairOrder[4] = {0, 2, 1, 3};

/// Place of a row of activations: see !pack.rows. With 16 bits, the elements of
/// a quad are in kPairOrder. Signs (1 bit) lie in the order of a plane of one
/// bit: words of 32 elements, element 4 q + j in bit 8 j + q.
struct RowsLayout {
  int64_t columns, bits, group, scaleGroups;
  bool pow2 = false; ///< scales are powers of two
  /// What the weights' stored codes are more than c, where that is not 0; of
  /// the products that read these rows (bits = 8).
  std::vector<int64_t> biases = {};
  bool hasSums = true; ///< some weights have minima

  int64_t groupLength() const { return group > 0 ? group : columns; }
  int64_t paddedGroup() const { return (groupLength() + 3) / 4 * 4; }
  int64_t groups() const {
    return (columns + groupLength() - 1) / groupLength();
  }
  int64_t scales() const {
    return scaleGroups > 0 ? (groups() + scaleGroups - 1) / scaleGroups : 1;
  }
  /// Elements first, padded with zeros; then f32 scales (bits = 1 or 8), for each
  /// bias the i32 sums of each group's codes times -bias (bits = 8), the f32 sums
  /// of each group's values (bits = 1: of its codes). Each part is 64-byte
  /// aligned, so a row is too.
  int64_t elementBytes() const { return bits / 8; }
  int64_t groupBytes() const {
    return bits == 1 ? (paddedGroup() + 31) / 32 * 4
                     : paddedGroup() * elementBytes();
  }
  int64_t scalesOffset() const { return align(groups() * groupBytes()); }
  /// Of the `index`-th bias.
  int64_t biasOffset(size_t index) const {
    return scalesOffset() + (bits <= 8 ? align(4 * scales()) : 0) +
           index * align(4 * groups());
  }
  /// Of a bias that is among `biases`.
  int64_t biasOffsetOf(int64_t bias) const {
    return biasOffset(std::find(biases.begin(), biases.end(), bias) -
                      biases.begin());
  }
  int64_t sumsOffset() const { return biasOffset(biases.size()); }
  int64_t rowBytes() const {
    return sumsOffset() + (hasSums ? align(4 * groups()) : 0);
  }

private:
  static int64_t align(int64_t bytes) { return (bytes + 63) / 64 * 64; }
};

/// Groups that share one activation scale: the fewest of at least 32 elements
/// whose boundaries fall on those of the outer levels.
int64_t activationScaleGroups(const Scheme &scheme);

/// Weights that rows of 1 bit may meet: signs whose groups are whole words.
bool multipliesSigns(const Scheme &scheme);

} // namespace lowbit

#endif // LOWBIT_SUPPORT_PANELLAYOUT_H
