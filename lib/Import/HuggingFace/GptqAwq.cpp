//===- GptqAwq.cpp - Layers of GPTQ and AWQ -------------------------------===//

#include "QuantizedWeights.h"

#include "llvm/Support/Endian.h"

using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

namespace lowbit::huggingface {

/// qweight: [rows of words, columns of words] of at least one element each.
static llvm::Expected<const safetensors::Tensor *>
takeWords(TensorReader &reader, StringRef layer) {
  auto words = reader.take(layer + ".qweight", {"I32"});
  if (words && ((*words)->shape.size() != 2 || !(*words)->bytes))
    return reader.fail((*words)->name, "must have two dimensions and elements: "
                                       "download the checkpoint again");
  return words;
}

/// scales are [G, N], the transpose of what a row wants.
static Error readScales(TensorReader &reader, StringRef layer,
                        PackedRows &rows) {
  auto scales =
      reader.takeScales(layer + ".scales", {rows.groups(), rows.rows});
  if (!scales)
    return scales.takeError();
  rows.scales = *scales;
  rows.scaleRowStride = 1;
  rows.scaleGroupStride = rows.rows;
  return Error::success();
}

//===- GPTQ ---------------------------------------------------------------===//

/// Zero points are packed along the rows, a line of words for each group. The
/// first format stores them minus 1. Where that gave -1, packers wrote other
/// things than readers expect: it is refused.
static Error readZeros(TensorReader &reader, StringRef layer, bool lessOne,
                       PackedRows &rows) {
  PackedCodes codes;
  codes.bits = rows.bits;
  int64_t groups = rows.groups();
  int64_t words = PackedCodes::wordsFor(rows.rows, rows.bits, 0);
  auto zeros = reader.take(layer + ".qzeros", {"I32"}, {groups, words});
  if (!zeros)
    return zeros.takeError();
  auto at = [codes, words, lessOne, data = (*zeros)->data](int64_t group,
                                                           int64_t row) {
    PackedCodes line = codes;
    line.words = data + 4 * words * group;
    return line.at(row) + (lessOne ? 1 : 0);
  };
  uint32_t middle = 1u << (rows.bits - 1), most = (1u << rows.bits) - 1;
  bool symmetric = true;
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t row = 0; row < rows.rows; ++row) {
      uint32_t zero = at(g, row);
      symmetric &= zero == middle;
      if (zero > most)
        return reader.fail((*zeros)->name,
                           "has a zero point that \"checkpoint_format\": "
                           "\"gptq\" cannot hold, at group " +
                               Twine(g) + " and output " + Twine(row) +
                               ": save the model as gptq_v2");
    }
  if (symmetric)
    return Error::success();
  rows.zeros = [at, groups](int64_t row, uint32_t *result) {
    for (int64_t g = 0; g < groups; ++g)
      result[g] = at(g, row);
  };
  return Error::success();
}

llvm::Expected<PackedRows> readGPTQ(TensorReader &reader, StringRef layer,
                                    const QuantizedLayers &config,
                                    bool zerosLessOne) {
  auto packed = takeWords(reader, layer);
  if (!packed)
    return packed.takeError();
  PackedRows rows;
  rows.bits = unsigned(config.bits);
  rows.group = config.group;
  int64_t lines = (*packed)->shape[0];
  rows.rows = (*packed)->shape[1];
  // Packers want whole words.
  rows.columns = lines * 32 / rows.bits;
  if (lines * 32 % rows.bits)
    return reader.fail((*packed)->name,
                       "has " + Twine(lines) +
                           " words for the codes of a column, which are no "
                           "whole number of " +
                           Twine(rows.bits) +
                           " bits: download the checkpoint again");
  PackedCodes codes;
  codes.bits = rows.bits;
  codes.stride = 4 * rows.rows;
  rows.codes = [codes, data = (*packed)->data,
                columns = rows.columns](int64_t row, uint8_t *result) {
    PackedCodes column = codes;
    column.words = data + 4 * row;
    for (int64_t k = 0; k < columns; ++k)
      result[k] = uint8_t(column.at(k));
  };
  // The first checkpoints have none; act-order puts columns into others.
  if (Error error = readOrder(reader, layer + ".g_idx", rows))
    return std::move(error);
  if (Error error = readScales(reader, layer, rows))
    return std::move(error);
  if (Error error = readZeros(reader, layer, zerosLessOne, rows))
    return std::move(error);
  return rows;
}

//===- AWQ ----------------------------------------------------------------===//

/// Code `column` of lines of 8 codes a word, whose 4 bits 0, 1, ... hold
/// columns 0, 2, 4, 6, 1, 3, 5, 7.
static uint32_t interleavedAt(const uint8_t *line, int64_t column) {
  int64_t inside = column % 8;
  int64_t nibble = inside / 2 + inside % 2 * 4;
  return llvm::support::endian::read32le(line + column / 8 * 4) >>
             (4 * nibble) &
         15;
}

llvm::Expected<PackedRows> readAWQ(TensorReader &reader, StringRef layer,
                                   const QuantizedLayers &config) {
  auto packed = takeWords(reader, layer);
  if (!packed)
    return packed.takeError();
  PackedRows rows;
  rows.bits = unsigned(config.bits);
  rows.group = config.group;
  int64_t words = (*packed)->shape[1], groups = 0;
  rows.columns = (*packed)->shape[0];
  rows.rows = words * 8;
  groups = rows.groups();
  auto zeros = reader.take(layer + ".qzeros", {"I32"}, {groups, words});
  if (!zeros)
    return zeros.takeError();
  rows.codes = [data = (*packed)->data, words,
                columns = rows.columns](int64_t row, uint8_t *codes) {
    for (int64_t k = 0; k < columns; ++k)
      codes[k] = uint8_t(interleavedAt(data + 4 * words * k, row));
  };
  rows.zeros = [data = (*zeros)->data, words, groups](int64_t row,
                                                      uint32_t *result) {
    for (int64_t g = 0; g < groups; ++g)
      result[g] = interleavedAt(data + 4 * words * g, row);
  };
  if (Error error = readScales(reader, layer, rows))
    return std::move(error);
  return rows;
}

} // namespace lowbit::huggingface
