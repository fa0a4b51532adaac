//===- PanelDot.h - A panel of weights times rows ---------------*- C++ -*-===//
//
// Emits the inner loops of every matrix product: panels of a packed weight (16
// rows each) times rows of activations, for any scheme. The structure of the
// loops is the structure of PanelLayout: one loop for each level of blocks,
// groups of a unit unrolled, long groups looped in chunks. Sums are lists of
// one vector for each row and panel, the panels of a row side by side.
//
// Activations of 8 bits give integer sums of a group, exactly, by pack.dot4,
// those of 1 bit by pack.xor_popcount. Those of 16 bits, bf16, meet codes and
// weights of bf16 by pack.dot2; where that is no instruction they meet codes as
// those of 32 bits do: they multiply decoded weights.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CONVERSION_PACKTOVECTOR_PANELDOT_H
#define LOWBIT_LIB_CONVERSION_PACKTOVECTOR_PANELDOT_H

#include "PanelCodes.h"

namespace lowbit {

/// How panels are unpacked part by part (PanelUnpack.cpp). A piece is an
/// outermost block; or, where a row is one long group, a chunk of it.
struct UnpackedParts {
  bool inChunks;
  int64_t groupBytes; ///< of a group of all panels: codes, scales, minima
  int64_t pieceBytes;
  int64_t pieces;  ///< full ones of a row
  int64_t perPart; ///< the last part may have fewer, and has the tail
  int64_t tileRows; ///< of a block that pack.tile_dot multiplies; 0: none
  int64_t productBytes; ///< of a group of such a block: i32 of rows and panels

  /// `panels` of which a part should not exceed `cacheBytes`; an unpacked
  /// element has as many bytes as one of `rows`.
  UnpackedParts(const PanelLayout &panel, const RowsLayout &rows,
                int64_t panels, int64_t cacheBytes, int64_t tileRows);
  int64_t partsBeforeLast() const;
  /// Memory of a part; the tail is less than a piece. Products are behind it.
  int64_t partBytes() const { return (perPart + 1) * pieceBytes; }
  int64_t bytes() const;

private:
  int64_t pieceGroups; ///< 0: of a long one, a chunk
};

/// Pieces [first, first + count) of panels from `panel` on and, if `tail`, what
/// is behind the last full one, in row `slot` of `memory`: memref<slots x
/// parts.bytes() x i8>.
struct UnpackedPart {
  mlir::Value panel;
  int64_t panels;
  const UnpackedParts &parts;
  mlir::Value first;
  int64_t count;
  bool tail;
  mlir::Value memory, slot;
};

/// Rows of this kind meet panels by pack.dot4 or pack.dot2.
bool usesDots(const RowsLayout &layout, const TargetInfo &target);

class PanelDot {
  using Value = mlir::Value;
  using Values = Emitter::Values;

public:
  /// `weights`: memref<panels x panelBytes x i8>; `activations`: memref<rows x
  /// rowBytes x i8> laid out as `layout` says.
  PanelDot(Emitter &e, const PanelLayout &panel, const RowsLayout &layout,
           const TargetInfo &target, Value weights, Value activations);

  /// Sums of panels panel .. panel + panels - 1 for activation rows row ..
  /// row + rows - 1, one vector of 16 f32 for each. `prefetch`: bytes ahead, 0
  /// for none.
  Values emit(Value panel, int64_t panels, Value row, int64_t rows,
              int64_t prefetch);

  /// Fills a part's memory. For codes of 8 bits or fewer.
  void unpack(const UnpackedPart &part);
  /// What the sums of rows begin with, before their first part; between parts
  /// they are bits that only the next one understands.
  Values unpackedStart(const UnpackedPart &part, Value row, int64_t rows);
  /// Adds an unpacked part to `sums`. `tiled`: which row of their block the
  /// first is, if tileProducts has multiplied it; null: it has not.
  Values addPart(const UnpackedPart &part, Value row, int64_t rows, Values sums,
                 Value tiled);
  /// Multiplies a block of tileRows rows with the part, group by group, into
  /// the part's memory, of which it must be the only row.
  void tileProducts(const UnpackedPart &part, Value row);

  /// Gives the values of every column of a panel in turn, 16 rows at once, as
  /// Numerics N1 says. No activations are read.
  using Visit = llvm::function_ref<void(Value column, Value weights)>;
  void decode(Value panel, Visit visit);

private:
  /// Products of the fields so far; null: none.
  struct Terms {
    Value scale, min, zero;
  };
  /// Where the walk stands and what holds there.
  struct Place {
    Value byte;  ///< in every panel
    Value group; ///< index of the first group
    llvm::SmallVector<Terms, 3> terms; ///< of each panel
  };
  using Chunk = PanelCodes::Chunk;
  using Chunks = llvm::SmallVector<Chunk, 3>; ///< of each panel

  void start(Value panel, int64_t panels, Value row, int64_t rows,
             int64_t prefetch);
  void addSets(int64_t chains);
  Value ofRow(mlir::Type type, Value row, Value byte);
  Value ofPanel(mlir::Type type, Value panel, Value byte);
  Place beginning();
  Values emitBlocks(Place at, Value first, int64_t count, bool tail,
                    Values sums, Value group);
  Values sequence(int64_t depth, int64_t length, Place at, Values sums);
  Values fullBlocks(int64_t depth, int64_t count, Place at, Values sums);
  Values block(int64_t depth, int64_t length, Place at, Values sums);
  Values unit(int64_t length, Place at, Values sums);
  Values floatUnit(int64_t length, Place at, Values sums);
  Values pairUnit(int64_t length, Place at, Values sums);
  Values pairQuads(Value byte, Value elements, int64_t quads, Values sums);
  void visitPairs(int64_t length, Value byte);
  Value pairsAt(Value panel, Value byte, int64_t pair);
  Value pairElement(Value panel, Value byte, int64_t k);
  Value activation(Value row, Value elements, int64_t k);
  Values addProducts(const Values &weights, Value elements, int64_t k,
                     Values sums);
  Values longGroup(int64_t quads, Place at, Values group);
  Values shortGroup(Chunks &chunks, int64_t firstQuad, int64_t quads,
                    Value elements, Values group);
  void decodeLongGroup(int64_t elements, Place at);
  void decodeQuads(Chunk &chunk, int64_t firstQuad, int64_t elements,
                   Value column, Place at);
  /// Vectors of 64 bytes, of each panel: of 4 bytes of a row's activations, a
  /// quad of 8 bits or a pair of 16.
  using Weights = llvm::function_ref<Values(int64_t step)>;
  Values dots(int64_t steps, Value elements, Values group, Weights weights);
  Value vectorOf(const PanelCodes::Quad &quad, int64_t part);
  Values signGroup(int64_t elements, Value byte, Value index);
  Values signWords(int64_t words, Value byte, Value at, Values differing);
  Values timesRowScales(Values sums);
  Values groupStart(Value group);
  Values groupEnd(Value index, llvm::ArrayRef<Terms> terms, Values group,
                  Values sums);
  llvm::SmallVector<Terms, 3> finalTerms(const Place &at);
  Value timesActivation(Value scale, Value a);
  Chunks chunksAt(Value byte, int64_t quads);

  void unpackQuads(Chunks &chunks, int64_t firstQuad, int64_t quads, Value to);
  void unpackChunks(int64_t quads, Value from, Value to);
  void unpackGroup(const Place &at, Chunks &chunks, int64_t firstQuad,
                   int64_t quads);
  int64_t quadBytes() const;
  void clearQuads(int64_t first, int64_t end, Value to);
  int64_t termsOffset() const;
  Values unpackedQuads(int64_t quads, Value from, Value elements, Values group);
  Values unpackedGroup(Value local, Value group, int64_t quads, Values sums);
  Values unpackedChunks(const UnpackedPart &part, Values sums);
  Values unpackedGroups(const UnpackedPart &part, Values sums);
  int64_t chunkQuads(const UnpackedPart &part) const;
  /// Those that tiles multiply: whole tiles, so that they have one shape.
  static int64_t tiledQuads(int64_t quads) { return quads / 16 * 16; }
  std::pair<int64_t, int64_t> groupsOf(const UnpackedPart &part) const;
  Value firstGroup(const UnpackedPart &part);
  void tileGroup(Value firstRow, Value element, Value from, Value to,
                 int64_t quads);
  Values addTiledProducts(Value local, Values group);

  void applyFields(llvm::ArrayRef<FieldSlot> slots, Value byte, Place &at);
  Value field(const FieldSlot &slot, Value panel, Value byte);
  void prefetchAt(Value byte, int64_t bytes);
  Value elementOffset(Value group, int64_t element);

  Emitter &e;
  const PanelLayout &panel_;
  const RowsLayout &layout_;
  Value weights_, activations_; ///< one row of bytes
  Value activationRows_;        ///< rows of bytes
  PanelCodes codes_;
  const ByteCodes &bytes_;
  bool usesDots_; ///< pack.dot4 or pack.dot2, not decoded weights
  bool exactDot_; ///< one instruction: its latency is what limits few sums
  int64_t tileSums_;
  bool addsExponents_; ///< for a product of scales
  Values panels_, rows_; ///< bytes where each begins
  int64_t sets_ = 1; ///< integer accumulators of a sum
  int64_t prefetch_ = 0;
  const Visit *visit_ = nullptr; ///< set while decoding
  const UnpackedParts *parts_ = nullptr;
  Value slot_;     ///< row of `unpacked_`
  Value unpacked_; ///< set while unpacking, or multiplying what was unpacked
  Value tiled_;    ///< set where products of the rows wait behind it
};

} // namespace lowbit

#endif // LOWBIT_LIB_CONVERSION_PACKTOVECTOR_PANELDOT_H
