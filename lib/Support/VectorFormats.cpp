//===- VectorFormats.cpp - Formats with codebooks of vectors --------------===//
//
// docs/Formats.md draws the blocks. GGML's factors are halves, quarters and odd
// numbers: 1/8 (2 s + 1) for a scale field s. They become fields that are odd
// integers, and powers of two as a scale of the tensor, which costs nothing and
// rounds nothing.
//
//===----------------------------------------------------------------------===//

#include "VectorFormats.h"

#include "lowbit/Support/Float.h"

#include <cstring>

namespace lowbit {

static uint16_t load16(const uint8_t *bytes) {
  return uint16_t(bytes[0] | bytes[1] << 8);
}

static uint32_t load32(const uint8_t *bytes) {
  return load16(bytes) | uint32_t(load16(bytes + 2)) << 16;
}

static void store16(uint32_t value, uint8_t *bytes) {
  bytes[0] = uint8_t(value);
  bytes[1] = uint8_t(value >> 8);
}

static void store32(uint32_t value, uint8_t *bytes) {
  store16(value, bytes);
  store16(value >> 16, bytes + 2);
}

/// A scale field as the file has it, and as the scheme has it.
static uint32_t oddOf(uint32_t stored) { return 2 * stored + 1; }
static uint32_t storedOf(uint32_t odd) { return odd >> 1; }

//===- Signs --------------------------------------------------------------===//

/// Eight signs from seven bits: together they are an even number of minuses.
static void unpackSevenSigns(uint32_t bits, uint8_t *signs) {
  uint8_t parity = 0;
  for (int j = 0; j < 7; ++j) {
    signs[j] = bits >> j & 1;
    parity ^= signs[j];
  }
  signs[7] = parity;
}

static uint32_t packSevenSigns(const uint8_t *signs) {
  uint32_t bits = 0;
  for (int j = 0; j < 7; ++j)
    bits |= uint32_t(signs[j] & 1) << j;
  return bits;
}

static void unpackEightSigns(uint8_t bits, uint8_t *signs) {
  for (int j = 0; j < 8; ++j)
    signs[j] = bits >> j & 1;
}

static uint8_t packEightSigns(const uint8_t *signs) {
  return uint8_t(packSevenSigns(signs) | (signs[7] & 1) << 7);
}

//===- Entries of eight values --------------------------------------------===//

/// Of the tensor, in every row.
static void setTensorScale(float value, RowFields &row) {
  row.fields[0][0][0] = toF32(value);
}

/// 28 bits of signs and 4 of a scale for each 32 elements.
static void unpackSignsAndScale(uint32_t word, uint8_t *signs,
                                uint32_t *scale) {
  for (int l = 0; l < 4; ++l)
    unpackSevenSigns(word >> (7 * l) & 127, signs + 8 * l);
  *scale = oddOf(word >> 28);
}

static uint32_t packSignsAndScale(const uint8_t *signs, uint32_t scale) {
  uint32_t word = storedOf(scale) << 28;
  for (int l = 0; l < 4; ++l)
    word |= packSevenSigns(signs + 8 * l) << (7 * l);
  return word;
}

static void unpackIQ2_XXS(const uint8_t *block, int64_t first, RowFields &row) {
  setTensorScale(0.125f, row);
  row.fields[1][0][first / 256] = load16(block);
  for (int group = 0; group < 8; ++group) {
    const uint8_t *bytes = block + 2 + 8 * group;
    for (int l = 0; l < 4; ++l)
      row.indices[first / 8 + 4 * group + l] = bytes[l];
    unpackSignsAndScale(load32(bytes + 4), &row.signs[first + 32 * group],
                        &row.fields[2][0][first / 32 + group]);
  }
}

static void packIQ2_XXS(const RowFields &row, int64_t first, uint8_t *block) {
  store16(row.fields[1][0][first / 256], block);
  for (int group = 0; group < 8; ++group) {
    uint8_t *bytes = block + 2 + 8 * group;
    for (int l = 0; l < 4; ++l)
      bytes[l] = uint8_t(row.indices[first / 8 + 4 * group + l]);
    store32(packSignsAndScale(&row.signs[first + 32 * group],
                              row.fields[2][0][first / 32 + group]),
            bytes + 4);
  }
}

/// 16 scales in nibbles, the even ones low.
static void unpackNibbleScales(const uint8_t *bytes, int count,
                               uint32_t *scales) {
  for (int j = 0; j < count; ++j)
    scales[j] = oddOf(bytes[j / 2] >> (4 * (j % 2)) & 15);
}

static void packNibbleScales(const uint32_t *scales, int count,
                             uint8_t *bytes) {
  for (int j = 0; j < count; j += 2)
    bytes[j / 2] = uint8_t(storedOf(scales[j]) | storedOf(scales[j + 1]) << 4);
}

static void unpackIQ2_XS(const uint8_t *block, int64_t first, RowFields &row) {
  setTensorScale(0.125f, row);
  row.fields[1][0][first / 256] = load16(block);
  for (int l = 0; l < 32; ++l) {
    uint32_t word = load16(block + 2 + 2 * l);
    row.indices[first / 8 + l] = word & 511;
    unpackSevenSigns(word >> 9, &row.signs[first + 8 * l]);
  }
  unpackNibbleScales(block + 66, 16, &row.fields[2][0][first / 16]);
}

static void packIQ2_XS(const RowFields &row, int64_t first, uint8_t *block) {
  store16(row.fields[1][0][first / 256], block);
  for (int l = 0; l < 32; ++l)
    store16(row.indices[first / 8 + l] |
                packSevenSigns(&row.signs[first + 8 * l]) << 9,
            block + 2 + 2 * l);
  packNibbleScales(&row.fields[2][0][first / 16], 16, block + 66);
}

static void unpackIQ2_S(const uint8_t *block, int64_t first, RowFields &row) {
  setTensorScale(0.125f, row);
  row.fields[1][0][first / 256] = load16(block);
  for (int l = 0; l < 32; ++l) {
    uint32_t high = block[66 + l / 4] >> (2 * (l % 4)) & 3;
    row.indices[first / 8 + l] = uint16_t(block[2 + l] | high << 8);
    unpackEightSigns(block[34 + l], &row.signs[first + 8 * l]);
  }
  unpackNibbleScales(block + 74, 16, &row.fields[2][0][first / 16]);
}

static void packIQ2_S(const RowFields &row, int64_t first, uint8_t *block) {
  store16(row.fields[1][0][first / 256], block);
  memset(block + 66, 0, 8);
  for (int l = 0; l < 32; ++l) {
    uint16_t index = row.indices[first / 8 + l];
    block[2 + l] = uint8_t(index);
    block[66 + l / 4] |= uint8_t((index >> 8 & 3) << (2 * (l % 4)));
    block[34 + l] = packEightSigns(&row.signs[first + 8 * l]);
  }
  packNibbleScales(&row.fields[2][0][first / 16], 16, block + 74);
}

//===- Entries of four values ---------------------------------------------===//

static void unpackIQ3_XXS(const uint8_t *block, int64_t first, RowFields &row) {
  setTensorScale(0.25f, row);
  row.fields[1][0][first / 256] = load16(block);
  for (int l = 0; l < 64; ++l)
    row.indices[first / 4 + l] = block[2 + l];
  for (int group = 0; group < 8; ++group)
    unpackSignsAndScale(load32(block + 66 + 4 * group),
                        &row.signs[first + 32 * group],
                        &row.fields[2][0][first / 32 + group]);
}

static void packIQ3_XXS(const RowFields &row, int64_t first, uint8_t *block) {
  store16(row.fields[1][0][first / 256], block);
  for (int l = 0; l < 64; ++l)
    block[2 + l] = uint8_t(row.indices[first / 4 + l]);
  for (int group = 0; group < 8; ++group)
    store32(packSignsAndScale(&row.signs[first + 32 * group],
                              row.fields[2][0][first / 32 + group]),
            block + 66 + 4 * group);
}

static void unpackIQ3_S(const uint8_t *block, int64_t first, RowFields &row) {
  row.fields[0][0][first / 256] = load16(block);
  for (int l = 0; l < 64; ++l)
    row.indices[first / 4 + l] =
        uint16_t(block[2 + l] | (block[66 + l / 8] >> (l % 8) & 1) << 8);
  for (int l = 0; l < 32; ++l)
    unpackEightSigns(block[74 + l], &row.signs[first + 8 * l]);
  unpackNibbleScales(block + 106, 8, &row.fields[1][0][first / 32]);
}

static void packIQ3_S(const RowFields &row, int64_t first, uint8_t *block) {
  store16(row.fields[0][0][first / 256], block);
  memset(block + 66, 0, 8);
  for (int l = 0; l < 64; ++l) {
    uint16_t index = row.indices[first / 4 + l];
    block[2 + l] = uint8_t(index);
    block[66 + l / 8] |= uint8_t((index >> 8 & 1) << (l % 8));
  }
  for (int l = 0; l < 32; ++l)
    block[74 + l] = packEightSigns(&row.signs[first + 8 * l]);
  packNibbleScales(&row.fields[1][0][first / 32], 8, block + 106);
}

//===- Ternary entries, moved by a delta ----------------------------------===//

static void unpackIQ1_S(const uint8_t *block, int64_t first, RowFields &row) {
  row.fields[0][0][first / 256] = load16(block);
  for (int group = 0; group < 8; ++group) {
    uint32_t high = load16(block + 34 + 2 * group);
    for (int l = 0; l < 4; ++l)
      row.indices[first / 8 + 4 * group + l] =
          uint16_t(block[2 + 4 * group + l] | (high >> (3 * l) & 7) << 8);
    row.fields[1][0][first / 32 + group] = oddOf(high >> 12 & 7);
    row.fields[1][1][first / 32 + group] = high >> 15;
  }
}

static void packIQ1_S(const RowFields &row, int64_t first, uint8_t *block) {
  store16(row.fields[0][0][first / 256], block);
  for (int group = 0; group < 8; ++group) {
    uint32_t high = storedOf(row.fields[1][0][first / 32 + group]) << 12 |
                    row.fields[1][1][first / 32 + group] << 15;
    for (int l = 0; l < 4; ++l) {
      uint32_t index = row.indices[first / 8 + 4 * group + l];
      block[2 + 4 * group + l] = uint8_t(index);
      high |= (index >> 8 & 7) << (3 * l);
    }
    store16(high, block + 34 + 2 * group);
  }
}

/// Four words of 12 bits of scales hold a nibble of the block's scale each.
static void unpackIQ1_M(const uint8_t *block, int64_t first, RowFields &row) {
  uint32_t scale = 0;
  for (int word = 0; word < 4; ++word) {
    uint32_t bits = load16(block + 48 + 2 * word);
    scale |= bits >> 12 << (4 * word);
    for (int j = 0; j < 4; ++j)
      row.fields[1][0][first / 16 + 4 * word + j] = oddOf(bits >> (3 * j) & 7);
  }
  row.fields[0][0][first / 256] = scale;
  for (int l = 0; l < 32; ++l) {
    uint32_t high = block[32 + l / 2] >> (4 * (l % 2)) & 15;
    row.indices[first / 8 + l] = uint16_t(block[l] | (high & 7) << 8);
    row.fields[2][0][first / 8 + l] = high >> 3;
  }
}

static void packIQ1_M(const RowFields &row, int64_t first, uint8_t *block) {
  for (int word = 0; word < 4; ++word) {
    uint32_t bits = (row.fields[0][0][first / 256] >> (4 * word) & 15) << 12;
    for (int j = 0; j < 4; ++j)
      bits |= storedOf(row.fields[1][0][first / 16 + 4 * word + j]) << (3 * j);
    store16(bits, block + 48 + 2 * word);
  }
  memset(block + 32, 0, 16);
  for (int l = 0; l < 32; ++l) {
    uint32_t index = row.indices[first / 8 + l];
    block[l] = uint8_t(index);
    block[32 + l / 2] |=
        uint8_t(((index >> 8 & 7) | row.fields[2][0][first / 8 + l] << 3)
                << (4 * (l % 2)));
  }
}

//===- Schemes ------------------------------------------------------------===//

static unsigned digitOf(char c) {
  return unsigned(c <= '9' ? c - '0' : c - 'a' + 10);
}

/// Entries of eight values out of three.
static std::vector<float> gridOfEight(const char *digits,
                                      const float (&values)[3]) {
  std::vector<float> grid;
  for (; *digits; digits += 4) {
    unsigned entry = digitOf(digits[0]) << 12 | digitOf(digits[1]) << 8 |
                     digitOf(digits[2]) << 4 | digitOf(digits[3]);
    for (int i = 0; i < 8; ++i)
      grid.push_back(values[entry >> (2 * i) & 3]);
  }
  return grid;
}

/// Entries of four values out of eight.
static std::vector<float> gridOfFour(const char *digits,
                                     const float (&values)[8]) {
  std::vector<float> grid;
  for (; *digits; ++digits)
    grid.push_back(values[digitOf(*digits)]);
  return grid;
}

/// `levels`: words of a scheme behind its code.
static Scheme vectorScheme(std::vector<float> grid, int length, bool hasSigns,
                           const char *levels) {
  Scheme scheme;
  std::string error; // BitFormatTest: every text here parses
  Scheme::parse(std::string("u8, ") + levels, scheme, error);
  scheme.kind = CodeKind::Codebook;
  scheme.bits = 0;
  for (size_t entries = grid.size() / size_t(length); entries > 1; entries /= 2)
    ++scheme.bits;
  scheme.codebook = std::move(grid);
  scheme.entryLength = uint8_t(length);
  scheme.signs = hasSigns;
  return scheme;
}

std::vector<BitFormat> vectorFormats() {
  const float magnitudes[3] = {8, 25, 43}, ternary[3] = {-1, 0, 1};
  const float eights[8] = {4, 12, 20, 28, 36, 44, 52, 62};
  const float odd[8] = {1, 3, 5, 7, 9, 11, 13, 15};
  Scheme iq2xxs =
      vectorScheme(gridOfEight(kGrid2XXS, magnitudes), 8, true,
                   "tensor scale f32, group 256 scale f16, group 32 scale u5");
  Scheme iq2xs =
      vectorScheme(gridOfEight(kGrid2XS, magnitudes), 8, true,
                   "tensor scale f32, group 256 scale f16, group 16 scale u5");
  Scheme iq2s =
      vectorScheme(gridOfEight(kGrid2S, magnitudes), 8, true,
                   "tensor scale f32, group 256 scale f16, group 16 scale u5");
  Scheme iq3xxs =
      vectorScheme(gridOfFour(kGrid3XXS, eights), 4, true,
                   "tensor scale f32, group 256 scale f16, group 32 scale u5");
  Scheme iq3s = vectorScheme(gridOfFour(kGrid3S, odd), 4, true,
                             "group 256 scale f16, group 32 scale u5");
  Scheme iq1s =
      vectorScheme(gridOfEight(kGrid1S, ternary), 8, false,
                   "group 256 scale f16, group 32 scale u4 delta 0.125");
  Scheme iq1m = vectorScheme(
      gridOfEight(kGrid1S, ternary), 8, false,
      "group 256 scale f16, group 16 scale u4, group 8 delta 0.125");
  return {
      {"IQ2_XXS", 16, 256, 66, iq2xxs, unpackIQ2_XXS, packIQ2_XXS, 19, false},
      {"IQ2_XS", 17, 256, 74, iq2xs, unpackIQ2_XS, packIQ2_XS, 20, false},
      {"IQ2_S", 22, 256, 82, iq2s, unpackIQ2_S, packIQ2_S, 28, false},
      {"IQ3_XXS", 18, 256, 98, iq3xxs, unpackIQ3_XXS, packIQ3_XXS, 23, false},
      {"IQ3_S", 21, 256, 110, iq3s, unpackIQ3_S, packIQ3_S, 26, false},
      {"IQ1_S", 19, 256, 50, iq1s, unpackIQ1_S, packIQ1_S, 24, false},
      {"IQ1_M", 29, 256, 56, iq1m, unpackIQ1_M, packIQ1_M, 31, false},
  };
}

} // namespace lowbit
