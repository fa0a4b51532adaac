//===- BitFormat.h - Block formats of model files ---------------*- C++ -*-===//
//
// How a file stores a row of a scheme: blocks of so many elements in so many
// bytes, and where each code and field sits in a block. Each format is defined
// here once; nothing behind the importer knows these names.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_SUPPORT_BITFORMAT_H
#define LOWBIT_SUPPORT_BITFORMAT_H

#include "lowbit/Support/Scheme.h"

#include <string_view>

namespace lowbit {

struct BitFormat {
  const char *name;    ///< the file format's own word: "Q4_1", "F32"
  uint32_t ggmlType;   ///< id in GGUF
  int64_t blockLength; ///< elements
  int64_t blockBytes;
  Scheme scheme; ///< what the elements mean
  /// Takes one block apart: element i of the block goes to row.codes[first + i]
  /// (or reals), its fields to their groups. `row` is sized by
  /// RowFields::resize.
  void (*unpack)(const uint8_t *block, int64_t first, RowFields &row);
  /// Puts one block together again, all of its bytes. What unpack has taken
  /// apart becomes the same bytes, where the format has one encoding of a row:
  /// not for signaling NaNs of F16 and BF16, which become quiet, nor for bytes
  /// of TQ1_0 and scales of NVFP4 that no encoder writes.
  void (*pack)(const RowFields &row, int64_t first, uint8_t *block) = nullptr;
  /// general.file_type of a GGUF file that is mostly in this format.
  uint32_t fileType = 0;
  /// Every row of the scheme has an encoding. False where a file can say less
  /// than the scheme: scales that are odd, a sign that others imply.
  bool packsAnyRow = true;

  int64_t rowBytes(int64_t columns) const {
    return (columns + blockLength - 1) / blockLength * blockBytes;
  }
};

/// nullptr if GGUF has no such type or we do not read it.
const BitFormat *findBitFormat(uint32_t ggmlType);
const BitFormat *findBitFormat(std::string_view name);
/// The format whose elements mean `scheme`; nullptr if GGUF has none.
const BitFormat *findBitFormat(const Scheme &scheme);
/// "I2_S of the BitNet fork", ...: the name of a type that we refuse, or "".
std::string_view refusedFormatName(uint32_t ggmlType);

/// Takes a row apart; `columns` is a multiple of blockLength.
void unpackRow(const BitFormat &format, const uint8_t *row, int64_t columns,
               RowFields &fields);
/// Puts a row together: rowBytes(columns) bytes.
void packRow(const BitFormat &format, const RowFields &fields, int64_t columns,
             uint8_t *row);

} // namespace lowbit

#endif // LOWBIT_SUPPORT_BITFORMAT_H
