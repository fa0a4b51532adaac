//===- PanelCodes.h - Codes of a panel as bytes and reals -------*- C++ -*-===//
//
// Emits what turns the packed codes of 16 rows into factors: bytes that
// pack.dot4 multiplies, exactly, bf16 for pack.dot2, exactly too, or f32 before
// any scale. The unit is a quad, 4 consecutive elements of each row.
//
// Small codebooks are looked up in registers; an entry of several values is
// gathered from a table in the module's constants, all its bytes or one f32 of
// each row at a time. Signs choose between an entry and its mirror image.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CONVERSION_PACKTOVECTOR_PANELCODES_H
#define LOWBIT_LIB_CONVERSION_PACKTOVECTOR_PANELCODES_H

#include "lowbit/Analysis/TargetInfo.h"
#include "lowbit/Conversion/Emitter.h"
#include "lowbit/Support/PanelLayout.h"

namespace lowbit {

/// How the codes of a scheme become bytes that pack.dot4 multiplies, and the
/// integers (at most 8 bits and a sign) that pack.dot2 does.
struct ByteCodes {
  bool exact = false;      ///< such bytes exist: integer products are possible
  float factor = 1;        ///< value = factor * (byte - bias)
  int64_t bias = 0;
  int64_t range = 0;       ///< largest |byte|
  bool signedBytes = false;
  int64_t shift = 0;       ///< bytes are codes << shift
  int64_t flip = 0;        ///< bytes are codes xor flip
  llvm::SmallVector<int8_t> table; ///< or table[code], before signs

  /// byte - bias.
  int64_t integerOf(uint8_t byte) const;
  static ByteCodes of(const Scheme &scheme, const TargetInfo &target);
};

class PanelCodes {
  using Value = mlir::Value;

public:
  /// `weights`: memref<bytes x i8>; a panel is the byte where it begins.
  /// `asBytes`: bytes will be asked for, else reals. Tables are addressed here,
  /// so this dominates their use.
  PanelCodes(Emitter &e, const PanelLayout &panel, const TargetInfo &target,
             Value weights, bool asBytes);

  const ByteCodes &bytes() const { return bytes_; }

  /// One chunk of codes; loads each plane's vectors once.
  struct Chunk {
    Chunk(Value byte, int64_t quads) : byte(byte), quads(quads) {}
    Value byte; ///< in the panel
    int64_t quads;
    llvm::DenseMap<std::pair<int64_t, int64_t>, Value> vectors;
    llvm::DenseMap<int64_t, Value> indices;
    llvm::DenseMap<int64_t, Emitter::Values> entries; ///< bytes, by quads
  };
  /// A quad as it is stored.
  struct Quad {
    Value codes;      ///< 16 lanes of 4 codes; of vectors 4 bytes of their
                      ///< entries or, where reals are wanted, one index
    int64_t part = 0; ///< which quad of its entry it is
    Value signs;      ///< 64 bytes; null: none
    int64_t bit = 0;  ///< of each of them
  };
  Quad quad(Value panel, Chunk &chunk, int64_t quad);

  /// Bytes for pack.dot4, as `bytes()` describes them.
  Value bytesOf(const Quad &quad);
  /// Elements `part` and `part` + 2 of a quad, 32 bf16 for pack.dot2: the
  /// integers of `bytes()`.
  Value pairOf(const Quad &quad, int64_t part);
  /// Element k of a quad as f32 of 16 rows, before any scale.
  Value realOf(const Quad &quad, int64_t k);

private:
  Value load(Value panel, Chunk &chunk, int64_t plane, int64_t offset,
             int64_t vector, int64_t bytes);
  Value codes(Value panel, Chunk &chunk, int64_t quad);
  Value indices(Value panel, Chunk &chunk, int64_t entry);
  const Emitter::Values &entryBytes(Value panel, Chunk &chunk,
                                    int64_t entry);
  Value lookup(Value codes);
  Value pairFromBytes(Value words);
  Value choose(Value codes);
  Value realCode(Value codes, int64_t k);

  Emitter &e;
  const PanelLayout &panel_;
  ByteCodes bytes_;
  Value weights_, table_;
  bool asBytes_;
};

} // namespace lowbit

#endif // LOWBIT_LIB_CONVERSION_PACKTOVECTOR_PANELCODES_H
