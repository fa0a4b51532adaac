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
//                  = codes, then the fields of each group
//   codes      = chunks of up to kChunkQuads quads (a unit of several groups is
//                one chunk); a chunk = its planes, low bits first
//   fields     = for each component 16 lanes of its storage
//
// All sizes are exact: a shorter block is smaller, not padded, but for the
// last vector of each plane.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_SUPPORT_PANELLAYOUT_H
#define LOWBIT_SUPPORT_PANELLAYOUT_H

#include "lowbit/Support/Scheme.h"

namespace lowbit {

/// Storage of one component: 16 lanes of `bytes`, the field in bits
/// [shift, shift + bits) of a lane. Two components of at most 4 bits share one.
struct FieldSlot {
  Component component;
  int64_t offset = 0; ///< from the start of the group's fields
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

  /// Bit widths that a code is cut into, low bits first; empty for floats.
  const std::vector<int64_t> &planes() const { return planes_; }
  int64_t floatBytes() const { return scheme_.bits / 8; }

  /// Depth of the innermost blocks; depths are 0 .. lastDepth().
  int64_t lastDepth() const { return lastDepth_; }
  /// Elements of a full block at a depth.
  int64_t blockLength(int64_t depth) const;
  int64_t blockBytes(int64_t depth, int64_t length) const;
  int64_t sequenceBytes(int64_t depth, int64_t length) const;
  /// Fields at the start of a block (depth < lastDepth) or behind the codes,
  /// once for each group (depth = lastDepth).
  const std::vector<FieldSlot> &fields(int64_t depth) const;
  int64_t fieldBytes(int64_t depth) const;
  /// Fields of row and tensor levels, at the start of a panel.
  const std::vector<FieldSlot> &rowFields() const { return rowFields_; }
  int64_t rowFieldBytes() const { return bytesOf(rowFields_); }

  /// Quads of a unit of `length` elements, and where they are.
  int64_t unitQuads(int64_t length) const;
  int64_t chunkBytes(int64_t quads) const;
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

private:
  static int64_t bytesOf(const std::vector<FieldSlot> &slots);
  void packSequence(int64_t depth, int64_t k, int64_t length,
                    const RowFields *const *rows, uint8_t *out) const;
  void packUnit(int64_t k, int64_t length, const RowFields *const *rows,
                uint8_t *out) const;
  void packFields(const std::vector<FieldSlot> &slots, int64_t level,
                  int64_t group, const RowFields *const *rows,
                  uint8_t *out) const;
  int64_t levelOf(int64_t depth) const { return groupLevels_[depth]; }

  Scheme scheme_;
  int64_t columns_, group_, unit_ = 1, lastDepth_ = 0;
  std::vector<int64_t> planes_;
  std::vector<int64_t> groupLevels_; ///< scheme levels that are groups
  std::vector<std::vector<FieldSlot>> fields_;
  std::vector<FieldSlot> rowFields_;
};

/// Place of a row of activations: see !pack.rows.
struct RowsLayout {
  int64_t columns, bits, group, scaleGroups;
  bool pow2 = false; ///< scales are powers of two

  int64_t groupLength() const { return group > 0 ? group : columns; }
  int64_t paddedGroup() const { return (groupLength() + 3) / 4 * 4; }
  int64_t groups() const {
    return (columns + groupLength() - 1) / groupLength();
  }
  int64_t scales() const {
    return scaleGroups > 0 ? (groups() + scaleGroups - 1) / scaleGroups : 1;
  }
  /// Elements first, padded with zeros; then f32 scales (bits = 8), the negated
  /// i32 sums of each group's codes (bits = 8), the f32 sums of each group's
  /// values. Each part is 64-byte aligned, so a row is too.
  int64_t elementBytes() const { return bits / 8; }
  int64_t scalesOffset() const {
    return align(groups() * paddedGroup() * elementBytes());
  }
  int64_t negSumsOffset() const {
    return scalesOffset() + (bits == 8 ? align(4 * scales()) : 0);
  }
  int64_t sumsOffset() const {
    return negSumsOffset() + (bits == 8 ? align(4 * groups()) : 0);
  }
  int64_t rowBytes() const { return sumsOffset() + align(4 * groups()); }

private:
  static int64_t align(int64_t bytes) { return (bytes + 63) / 64 * 64; }
};

/// Groups that share one activation scale: the fewest of at least 32 elements
/// whose boundaries fall on those of the outer levels.
int64_t activationScaleGroups(const Scheme &scheme);

} // namespace lowbit

#endif // LOWBIT_SUPPORT_PANELLAYOUT_H
