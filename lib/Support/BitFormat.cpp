//===- BitFormat.cpp - Block formats of model files -----------------------===//
//
// One unpack function per format (BitPack.cpp has the inverses), in the order
// of docs/Formats.md, which draws the blocks bit by bit. Inside a block all
// offsets are bytes and all numbers little-endian.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Support/BitFormat.h"

#include "BitPack.h"
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

/// The group of `level` that element `first` of the row opens.
static uint32_t *fieldsAt(RowFields &row, int level, int component,
                          int64_t first, int64_t group) {
  return row.fields[level][component].data() + first / group;
}

//===- Floats -------------------------------------------------------------===//

static void unpackF32(const uint8_t *block, int64_t first, RowFields &row) {
  row.reals[first] = fromF32(load32(block));
}

static void unpackF16(const uint8_t *block, int64_t first, RowFields &row) {
  row.reals[first] = fromF16(load16(block));
}

static void unpackBF16(const uint8_t *block, int64_t first, RowFields &row) {
  row.reals[first] = fromBF16(load16(block));
}

//===- Blocks of 32 -------------------------------------------------------===//

/// 16 bytes: element j in the low half of byte j, element j + 16 in its high
/// half.
static void unpackHalves(const uint8_t *bytes, uint8_t *codes) {
  for (int j = 0; j < 16; ++j) {
    codes[j] = bytes[j] & 15;
    codes[j + 16] = bytes[j] >> 4;
  }
}

/// Bit j of `bits` is bit 4 of code j.
static void addFifthBits(uint32_t bits, uint8_t *codes) {
  for (int j = 0; j < 32; ++j)
    codes[j] |= (bits >> j & 1) << 4;
}

static void unpackQ4_0(const uint8_t *block, int64_t first, RowFields &row) {
  *fieldsAt(row, 0, 0, first, 32) = load16(block);
  unpackHalves(block + 2, &row.codes[first]);
}

static void unpackQ4_1(const uint8_t *block, int64_t first, RowFields &row) {
  *fieldsAt(row, 0, 0, first, 32) = load16(block);
  *fieldsAt(row, 0, 1, first, 32) = load16(block + 2);
  unpackHalves(block + 4, &row.codes[first]);
}

static void unpackQ5_0(const uint8_t *block, int64_t first, RowFields &row) {
  *fieldsAt(row, 0, 0, first, 32) = load16(block);
  unpackHalves(block + 6, &row.codes[first]);
  addFifthBits(load32(block + 2), &row.codes[first]);
}

static void unpackQ5_1(const uint8_t *block, int64_t first, RowFields &row) {
  *fieldsAt(row, 0, 0, first, 32) = load16(block);
  *fieldsAt(row, 0, 1, first, 32) = load16(block + 2);
  unpackHalves(block + 8, &row.codes[first]);
  addFifthBits(load32(block + 4), &row.codes[first]);
}

static void unpackQ8_0(const uint8_t *block, int64_t first, RowFields &row) {
  *fieldsAt(row, 0, 0, first, 32) = load16(block);
  memcpy(&row.codes[first], block + 2, 32);
}

static void unpackMXFP4(const uint8_t *block, int64_t first, RowFields &row) {
  *fieldsAt(row, 0, 0, first, 32) = block[0];
  unpackHalves(block + 1, &row.codes[first]);
}

//===- Super-blocks of 256: nested scales ---------------------------------===//

/// 64 bytes of 2 bits in two halves of 32: element 128 h + 32 q + l in bits
/// [2q, 2q + 2) of byte 32 h + l.
static void unpackQuarters(const uint8_t *bytes, uint8_t *codes) {
  for (int half = 0; half < 2; ++half)
    for (int quarter = 0; quarter < 4; ++quarter)
      for (int l = 0; l < 32; ++l)
        codes[128 * half + 32 * quarter + l] =
            bytes[32 * half + l] >> (2 * quarter) & 3;
}

/// 128 bytes of 4 bits: each 32 bytes hold 32 elements in their low halves, the
/// next 32 in their high halves.
static void unpackChunks(const uint8_t *bytes, uint8_t *codes) {
  for (int chunk = 0; chunk < 4; ++chunk)
    for (int l = 0; l < 32; ++l) {
      codes[64 * chunk + l] = bytes[32 * chunk + l] & 15;
      codes[64 * chunk + 32 + l] = bytes[32 * chunk + l] >> 4;
    }
}

/// 12 bytes with 8 scales and 8 minima of 6 bits: the first four of each in the
/// low six bits of a byte, the last four as a nibble and the two bits left
/// over.
static void unpackSixBitPairs(const uint8_t *bytes, uint32_t *scales,
                              uint32_t *mins) {
  for (int j = 0; j < 4; ++j) {
    scales[j] = bytes[j] & 63;
    mins[j] = bytes[j + 4] & 63;
    scales[j + 4] = (bytes[j + 8] & 15) | (bytes[j] >> 6) << 4;
    mins[j + 4] = bytes[j + 8] >> 4 | (bytes[j + 4] >> 6) << 4;
  }
}

static void unpackQ2_K(const uint8_t *block, int64_t first, RowFields &row) {
  uint32_t *scales = fieldsAt(row, 1, 0, first, 16);
  uint32_t *mins = fieldsAt(row, 1, 1, first, 16);
  for (int j = 0; j < 16; ++j) {
    scales[j] = block[j] & 15;
    mins[j] = block[j] >> 4;
  }
  unpackQuarters(block + 16, &row.codes[first]);
  *fieldsAt(row, 0, 0, first, 256) = load16(block + 80);
  *fieldsAt(row, 0, 1, first, 256) = load16(block + 82);
}

static void unpackQ3_K(const uint8_t *block, int64_t first, RowFields &row) {
  uint8_t *codes = &row.codes[first];
  unpackQuarters(block + 32, codes);
  for (int i = 0; i < 256; ++i) // the third bits: element 32 b + l, bit b
    codes[i] |= (block[i % 32] >> (i / 32) & 1) << 2;

  // 16 scales of 6 bits: two nibbles a byte, then four pairs of bits a byte.
  const uint8_t *packed = block + 96;
  uint32_t *scales = fieldsAt(row, 1, 0, first, 16);
  for (int j = 0; j < 16; ++j) {
    uint32_t low = j < 8 ? packed[j] & 15 : packed[j - 8] >> 4;
    uint32_t high = packed[8 + j % 4] >> (2 * (j / 4)) & 3;
    scales[j] = low | high << 4;
  }
  *fieldsAt(row, 0, 0, first, 256) = load16(block + 108);
}

static void unpackQ4_K(const uint8_t *block, int64_t first, RowFields &row) {
  *fieldsAt(row, 0, 0, first, 256) = load16(block);
  *fieldsAt(row, 0, 1, first, 256) = load16(block + 2);
  unpackSixBitPairs(block + 4, fieldsAt(row, 1, 0, first, 32),
                    fieldsAt(row, 1, 1, first, 32));
  unpackChunks(block + 16, &row.codes[first]);
}

static void unpackQ5_K(const uint8_t *block, int64_t first, RowFields &row) {
  *fieldsAt(row, 0, 0, first, 256) = load16(block);
  *fieldsAt(row, 0, 1, first, 256) = load16(block + 2);
  unpackSixBitPairs(block + 4, fieldsAt(row, 1, 0, first, 32),
                    fieldsAt(row, 1, 1, first, 32));
  uint8_t *codes = &row.codes[first];
  unpackChunks(block + 48, codes);
  for (int i = 0; i < 256; ++i) // the fifth bits: element 32 b + l, bit b
    codes[i] |= (block[16 + i % 32] >> (i / 32) & 1) << 4;
}

static void unpackQ6_K(const uint8_t *block, int64_t first, RowFields &row) {
  const uint8_t *low = block, *high = block + 128;
  uint8_t *codes = &row.codes[first];
  for (int i = 0; i < 256; ++i) {
    int half = i / 128, quarter = i % 128 / 32, l = i % 32;
    uint8_t byte = low[64 * half + 32 * (quarter & 1) + l];
    uint8_t nibble = quarter < 2 ? byte & 15 : byte >> 4;
    codes[i] = nibble | (high[32 * half + l] >> (2 * quarter) & 3) << 4;
  }
  uint32_t *scales = fieldsAt(row, 1, 0, first, 16);
  for (int j = 0; j < 16; ++j)
    scales[j] = block[192 + j];
  *fieldsAt(row, 0, 0, first, 256) = load16(block + 208);
}

static void unpackIQ4_XS(const uint8_t *block, int64_t first, RowFields &row) {
  *fieldsAt(row, 0, 0, first, 256) = load16(block);
  uint32_t high = load16(block + 2);
  uint32_t *scales = fieldsAt(row, 1, 0, first, 32);
  for (int j = 0; j < 8; ++j) {
    uint32_t low = block[4 + j / 2] >> (4 * (j % 2)) & 15;
    scales[j] = low | (high >> (2 * j) & 3) << 4;
    unpackHalves(block + 8 + 16 * j, &row.codes[first + 32 * j]);
  }
}

//===- Super-blocks of 256: ternary ---------------------------------------===//

/// Up to five digits of base 3 in each of `count` bytes, the most significant
/// first. A byte is a fixed-point fraction: its next digit is the integer part
/// of three times it. Digit n of byte j is element count * n + j.
static void unpackTrits(const uint8_t *bytes, int count, int digits,
                        uint8_t *codes) {
  for (int j = 0; j < count; ++j) {
    uint8_t fraction = bytes[j];
    for (int n = 0; n < digits; ++n) {
      unsigned tripled = fraction * 3u;
      codes[count * n + j] = uint8_t(tripled >> 8);
      fraction = uint8_t(tripled);
    }
  }
}

static void unpackTQ1_0(const uint8_t *block, int64_t first, RowFields &row) {
  uint8_t *codes = &row.codes[first];
  unpackTrits(block, 32, 5, codes);
  unpackTrits(block + 32, 16, 5, codes + 160);
  unpackTrits(block + 48, 4, 4, codes + 240);
  *fieldsAt(row, 0, 0, first, 256) = load16(block + 52);
}

static void unpackTQ2_0(const uint8_t *block, int64_t first, RowFields &row) {
  unpackQuarters(block, &row.codes[first]);
  *fieldsAt(row, 0, 0, first, 256) = load16(block + 64);
}

//===- Other blocks -------------------------------------------------------===//

static void unpackQ1_0(const uint8_t *block, int64_t first, RowFields &row) {
  *fieldsAt(row, 0, 0, first, 128) = load16(block);
  for (int i = 0; i < 128; ++i)
    row.codes[first + i] = block[2 + i / 8] >> (i % 8) & 1;
}

static void unpackQ2_0(const uint8_t *block, int64_t first, RowFields &row) {
  *fieldsAt(row, 0, 0, first, 64) = load16(block);
  for (int i = 0; i < 64; ++i)
    row.codes[first + i] = block[2 + i / 4] >> (2 * (i % 4)) & 3;
}

/// GGML reads scales as E4M3 without their top bit, and 0x7f as 0.
static void unpackNVFP4(const uint8_t *block, int64_t first, RowFields &row) {
  for (int group = 0; group < 4; ++group) {
    uint32_t scale = block[group] & 0x7f;
    fieldsAt(row, 0, 0, first, 16)[group] = scale == 0x7f ? 0 : scale;
    uint8_t *codes = &row.codes[first + 16 * group];
    for (int j = 0; j < 8; ++j) {
      codes[j] = block[4 + 8 * group + j] & 15;
      codes[j + 8] = block[4 + 8 * group + j] >> 4;
    }
  }
}

//===- The table ----------------------------------------------------------===//

static Scheme schemeOf(const char *text) {
  Scheme scheme;
  std::string error; // BitFormatTest: every text here parses and passes check()
  Scheme::parse(text, scheme, error);
  return scheme;
}

// GGML multiplies the doubled integers by 2^(e - 128): the same reals, also for
// e = 0, where the products are denormal and exact. e = 255 is OCP's NaN; GGML
// multiplies by 2^127. Code 8, E2M1's -0, is 0 there and here.
#define LOWBIT_E2M1                                                            \
  "u4 codebook [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, "                      \
  "0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0]"
#define LOWBIT_IQ4                                                             \
  "u4 codebook [-127.0, -104.0, -83.0, -65.0, -49.0, -35.0, -22.0, -10.0, "    \
  "1.0, 13.0, 25.0, 38.0, 53.0, 69.0, 89.0, 113.0]"

static std::vector<BitFormat> makeFormats() {
  std::vector<BitFormat> formats = {
      {"F32", 0, 1, 4, schemeOf("f32"), unpackF32, packF32, 0},
      {"F16", 1, 1, 2, schemeOf("f16"), unpackF16, packF16, 1},
      {"BF16", 30, 1, 2, schemeOf("bf16"), unpackBF16, packBF16, 32},
      {"Q4_0", 2, 32, 18, schemeOf("u4 offset 8, group 32 scale f16"),
       unpackQ4_0, packQ4_0, 2},
      {"Q4_1", 3, 32, 20, schemeOf("u4, group 32 scale f16 min f16"),
       unpackQ4_1, packQ4_1, 3},
      {"Q5_0", 6, 32, 22, schemeOf("u5 offset 16, group 32 scale f16"),
       unpackQ5_0, packQ5_0, 8},
      {"Q5_1", 7, 32, 24, schemeOf("u5, group 32 scale f16 min f16"),
       unpackQ5_1, packQ5_1, 9},
      {"Q8_0", 8, 32, 34, schemeOf("s8, group 32 scale f16"), unpackQ8_0,
       packQ8_0, 7},
      {"MXFP4", 39, 32, 17, schemeOf(LOWBIT_E2M1 ", group 32 scale e8m0"),
       unpackMXFP4, packMXFP4, 38},
      {"IQ4_NL", 20, 32, 18, schemeOf(LOWBIT_IQ4 ", group 32 scale f16"),
       unpackQ4_0, packQ4_0, 25},
      {"Q2_K", 10, 256, 84,
       schemeOf("u2, group 256 scale f16 neg_min f16, group 16 scale u4 "
                "neg_min u4"),
       unpackQ2_K, packQ2_K, 10},
      {"Q3_K", 11, 256, 110,
       schemeOf("u3 offset 4, group 256 scale f16, group 16 scale u6 offset "
                "32"),
       unpackQ3_K, packQ3_K, 12},
      {"Q4_K", 12, 256, 144,
       schemeOf("u4, group 256 scale f16 neg_min f16, group 32 scale u6 "
                "neg_min u6"),
       unpackQ4_K, packQ4_K, 15},
      {"Q5_K", 13, 256, 176,
       schemeOf("u5, group 256 scale f16 neg_min f16, group 32 scale u6 "
                "neg_min u6"),
       unpackQ5_K, packQ5_K, 17},
      {"Q6_K", 14, 256, 210,
       schemeOf("u6 offset 32, group 256 scale f16, group 16 scale s8"),
       unpackQ6_K, packQ6_K, 18},
      {"IQ4_XS", 23, 256, 136,
       schemeOf(LOWBIT_IQ4 ", group 256 scale f16, group 32 scale u6 offset "
                           "32"),
       unpackIQ4_XS, packIQ4_XS, 30},
      {"TQ1_0", 34, 256, 54, schemeOf("ternary, group 256 scale f16"),
       unpackTQ1_0, packTQ1_0, 36},
      // Not ternary: its fourth code is unused by encoders but stands for 2.
      {"TQ2_0", 35, 256, 66, schemeOf("u2 offset 1, group 256 scale f16"),
       unpackTQ2_0, packTQ2_0, 37},
      {"Q1_0", 41, 128, 18, schemeOf("sign, group 128 scale f16"), unpackQ1_0,
       packQ1_0, 40},
      {"Q2_0", 42, 64, 18, schemeOf("u2 offset 1, group 64 scale f16"),
       unpackQ2_0, packQ2_0, 41},
      {"NVFP4", 40, 64, 36, schemeOf(LOWBIT_E2M1 ", group 16 scale e4m3"),
       unpackNVFP4, packNVFP4, 39},
  };
  for (BitFormat &format : vectorFormats())
    formats.push_back(std::move(format));
  return formats;
}

static const std::vector<BitFormat> &bitFormats() {
  static const std::vector<BitFormat> formats = makeFormats();
  return formats;
}

const BitFormat *findBitFormat(uint32_t ggmlType) {
  for (const BitFormat &format : bitFormats())
    if (format.ggmlType == ggmlType)
      return &format;
  return nullptr;
}

const BitFormat *findBitFormat(std::string_view name) {
  for (const BitFormat &format : bitFormats())
    if (format.name == name)
      return &format;
  return nullptr;
}

const BitFormat *findBitFormat(const Scheme &scheme) {
  // How reals became codes is not in a file.
  Scheme stored = scheme;
  stored.rounding = Rounding::NearestEven;
  for (const BitFormat &format : bitFormats())
    if (format.scheme == stored)
      return &format;
  return nullptr;
}

void unpackRow(const BitFormat &format, const uint8_t *row, int64_t columns,
               RowFields &fields) {
  fields.resize(format.scheme, columns);
  const uint8_t *block = row;
  for (int64_t first = 0; first + format.blockLength <= columns;
       first += format.blockLength, block += format.blockBytes)
    format.unpack(block, first, fields);
}

void packRow(const BitFormat &format, const RowFields &fields, int64_t columns,
             uint8_t *row) {
  uint8_t *block = row;
  for (int64_t first = 0; first + format.blockLength <= columns;
       first += format.blockLength, block += format.blockBytes)
    format.pack(fields, first, block);
}

//===- Refused types ------------------------------------------------------===//

std::string_view refusedFormatName(uint32_t ggmlType) {
  static constexpr struct {
    uint32_t first, last;
    const char *name;
  } kRefused[] = {
      {4, 4, "Q4_2, which GGML removed in 2023"},
      {5, 5, "Q4_3, which GGML removed in 2023"},
      {9, 9, "Q8_1, a format of activations"},
      {15, 15, "Q8_K, a format of activations"},
      {24, 24, "I8, integers without a scale"},
      {25, 25, "I16, integers without a scale"},
      {26, 26, "I32, integers without a scale"},
      {27, 27, "I64, integers without a scale"},
      {28, 28, "F64"},
      {31, 33, "Q4_0 with interleaved rows, which GGML removed in 2024"},
      {36, 36,
       "I2_S of the BitNet fork, whose bit order depends on the machine that "
       "wrote it"},
      {37, 38, "IQ4_NL with interleaved rows, which GGML removed in 2024"},
      {97, 99, "an activation format of the ik_llama.cpp fork"},
      {133, 133, "Q6_0 of the ik_llama.cpp fork"},
      {134, 134, "IQ1_BN of the ik_llama.cpp fork"},
      {135, 135, "IQ2_BN of the ik_llama.cpp fork"},
      {136, 158, "a type of the ik_llama.cpp fork"},
      {202, 399, "a type with interleaved rows of the ik_llama.cpp fork"},
  };
  for (const auto &range : kRefused)
    if (range.first <= ggmlType && ggmlType <= range.last)
      return range.name;
  return "";
}

} // namespace lowbit
