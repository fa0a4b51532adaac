//===- PanelDot.h - A panel of weights times rows ---------------*- C++ -*-===//
//
// Emits the inner loops of every matrix product: 16 rows of a packed weight
// (a panel) times `rows` rows of activations, for any scheme. The structure of
// the loops is the structure of PanelLayout: one loop for each level of blocks,
// groups of a unit unrolled, long groups looped in chunks.
//
// Activations of 8 bits give integer sums of a group, exactly, by pack.dot4;
// activations of 32 bits multiply decoded weights.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CONVERSION_PACKTOVECTOR_PANELDOT_H
#define LOWBIT_LIB_CONVERSION_PACKTOVECTOR_PANELDOT_H

#include "PanelCodes.h"

namespace lowbit {

class PanelDot {
  using Value = mlir::Value;
  using Values = Emitter::Values;

public:
  /// `weights`: memref<panels x panelBytes x i8>; `activations`: memref<rows x
  /// rowBytes x i8> laid out as `layout` says.
  PanelDot(Emitter &e, const PanelLayout &panel, const RowsLayout &layout,
           const TargetInfo &target, Value weights, Value activations);

  /// Sums of panel `panel` for activation rows first .. first + rows - 1, one
  /// vector of 16 f32 for each. `prefetch`: bytes ahead, 0 for none.
  Emitter::Values emit(Value panel, Value first, int64_t rows,
                       int64_t prefetch);

  /// Gives the values of every column of a panel in turn, 16 rows at once, as
  /// Numerics N1 says. No activations are read.
  using Visit = llvm::function_ref<void(Value column, Value weights)>;
  void decode(Value panel, Visit visit);

private:

  /// Where the walk stands and what holds there.
  struct Place {
    Value byte;            ///< in the panel
    Value group;           ///< index of the first group
    Value scale, min, zero;///< product so far; null: none
  };
  using Chunk = PanelCodes::Chunk;

  Values sequence(int64_t depth, int64_t length, Place at, Values sums);
  Values block(int64_t depth, int64_t length, Place at, Values sums);
  Values unit(int64_t length, Place at, Values sums);
  Values floatUnit(int64_t length, Place at, Values sums);
  Values longGroup(int64_t quads, Place at, Values group);
  Values shortGroup(Chunk &chunk, int64_t firstQuad, int64_t quads,
                    Value elements, Values group);
  void decodeLongGroup(int64_t elements, Place at);
  void decodeQuads(Chunk &chunk, int64_t firstQuad, int64_t elements,
                   Value column, Place at);
  Values groupStart(Value group);
  Values groupEnd(Place at, Values group, Values sums);

  void applyFields(llvm::ArrayRef<FieldSlot> slots, Value byte, Place &at);
  Value field(const FieldSlot &slot, Value byte);
  void prefetchAt(Value byte, int64_t bytes);
  Value elementOffset(Value group, int64_t element);

  Emitter &e;
  const PanelLayout &panel_;
  const RowsLayout &layout_;
  PanelCodes codes_;
  const ByteCodes &bytes_;
  Value weights_, activations_;
  Value panelIndex_;
  Values rows_;
  int64_t prefetch_ = 0;
  const Visit *visit_ = nullptr; ///< set while decoding
};

} // namespace lowbit

#endif // LOWBIT_LIB_CONVERSION_PACKTOVECTOR_PANELDOT_H
