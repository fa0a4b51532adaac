//===- BitPack.cpp - Rows back into blocks --------------------------------===//
//
// In the order of BitFormat.cpp, whose comments say where the bits are.
//
//===----------------------------------------------------------------------===//

#include "BitPack.h"

#include "lowbit/Support/Float.h"

#include <cstring>

namespace lowbit {

static void store16(uint32_t value, uint8_t *bytes) {
  bytes[0] = uint8_t(value);
  bytes[1] = uint8_t(value >> 8);
}

static void store32(uint32_t value, uint8_t *bytes) {
  store16(value, bytes);
  store16(value >> 16, bytes + 2);
}

/// The group of `level` that element `first` of the row opens.
static const uint32_t *fieldsAt(const RowFields &row, int level, int component,
                                int64_t first, int64_t group) {
  return row.fields[level][component].data() + first / group;
}

//===- Floats -------------------------------------------------------------===//

void packF32(const RowFields &row, int64_t first, uint8_t *block) {
  store32(toF32(row.reals[first]), block);
}

void packF16(const RowFields &row, int64_t first, uint8_t *block) {
  store16(toF16(row.reals[first]), block);
}

void packBF16(const RowFields &row, int64_t first, uint8_t *block) {
  store16(toBF16(row.reals[first]), block);
}

//===- Blocks of 32 -------------------------------------------------------===//

static void packHalves(const uint8_t *codes, uint8_t *bytes) {
  for (int j = 0; j < 16; ++j)
    bytes[j] = uint8_t((codes[j] & 15) | codes[j + 16] << 4);
}

static uint32_t fifthBits(const uint8_t *codes) {
  uint32_t bits = 0;
  for (int j = 0; j < 32; ++j)
    bits |= uint32_t(codes[j] >> 4 & 1) << j;
  return bits;
}

void packQ4_0(const RowFields &row, int64_t first, uint8_t *block) {
  store16(*fieldsAt(row, 0, 0, first, 32), block);
  packHalves(&row.codes[first], block + 2);
}

void packQ4_1(const RowFields &row, int64_t first, uint8_t *block) {
  store16(*fieldsAt(row, 0, 0, first, 32), block);
  store16(*fieldsAt(row, 0, 1, first, 32), block + 2);
  packHalves(&row.codes[first], block + 4);
}

void packQ5_0(const RowFields &row, int64_t first, uint8_t *block) {
  store16(*fieldsAt(row, 0, 0, first, 32), block);
  store32(fifthBits(&row.codes[first]), block + 2);
  packHalves(&row.codes[first], block + 6);
}

void packQ5_1(const RowFields &row, int64_t first, uint8_t *block) {
  store16(*fieldsAt(row, 0, 0, first, 32), block);
  store16(*fieldsAt(row, 0, 1, first, 32), block + 2);
  store32(fifthBits(&row.codes[first]), block + 4);
  packHalves(&row.codes[first], block + 8);
}

void packQ8_0(const RowFields &row, int64_t first, uint8_t *block) {
  store16(*fieldsAt(row, 0, 0, first, 32), block);
  memcpy(block + 2, &row.codes[first], 32);
}

void packMXFP4(const RowFields &row, int64_t first, uint8_t *block) {
  block[0] = uint8_t(*fieldsAt(row, 0, 0, first, 32));
  packHalves(&row.codes[first], block + 1);
}

//===- Super-blocks of 256: nested scales ---------------------------------===//

/// The low two bits of 256 codes.
static void packQuarters(const uint8_t *codes, uint8_t *bytes) {
  memset(bytes, 0, 64);
  for (int half = 0; half < 2; ++half)
    for (int quarter = 0; quarter < 4; ++quarter)
      for (int l = 0; l < 32; ++l)
        bytes[32 * half + l] |= uint8_t(
            (codes[128 * half + 32 * quarter + l] & 3) << (2 * quarter));
}

/// The low four bits of 256 codes.
static void packChunks(const uint8_t *codes, uint8_t *bytes) {
  for (int chunk = 0; chunk < 4; ++chunk)
    for (int l = 0; l < 32; ++l)
      bytes[32 * chunk + l] = uint8_t((codes[64 * chunk + l] & 15) |
                                      codes[64 * chunk + 32 + l] << 4);
}

/// Bit `bit` of 256 codes: element 32 b + l to bit b of byte l.
static void packOneBit(const uint8_t *codes, int bit, uint8_t *bytes) {
  memset(bytes, 0, 32);
  for (int i = 0; i < 256; ++i)
    bytes[i % 32] |= uint8_t((codes[i] >> bit & 1) << (i / 32));
}

static void packSixBitPairs(const uint32_t *scales, const uint32_t *mins,
                            uint8_t *bytes) {
  for (int j = 0; j < 4; ++j) {
    bytes[j] = uint8_t((scales[j] & 63) | (scales[j + 4] >> 4 & 3) << 6);
    bytes[j + 4] = uint8_t((mins[j] & 63) | (mins[j + 4] >> 4 & 3) << 6);
    bytes[j + 8] = uint8_t((scales[j + 4] & 15) | (mins[j + 4] & 15) << 4);
  }
}

void packQ2_K(const RowFields &row, int64_t first, uint8_t *block) {
  const uint32_t *scales = fieldsAt(row, 1, 0, first, 16);
  const uint32_t *mins = fieldsAt(row, 1, 1, first, 16);
  for (int j = 0; j < 16; ++j)
    block[j] = uint8_t((scales[j] & 15) | (mins[j] & 15) << 4);
  packQuarters(&row.codes[first], block + 16);
  store16(*fieldsAt(row, 0, 0, first, 256), block + 80);
  store16(*fieldsAt(row, 0, 1, first, 256), block + 82);
}

void packQ3_K(const RowFields &row, int64_t first, uint8_t *block) {
  const uint8_t *codes = &row.codes[first];
  packOneBit(codes, 2, block);
  packQuarters(codes, block + 32);
  const uint32_t *scales = fieldsAt(row, 1, 0, first, 16);
  uint8_t *packed = block + 96;
  memset(packed, 0, 12);
  for (int j = 0; j < 16; ++j) {
    packed[j % 8] |= uint8_t((scales[j] & 15) << (j < 8 ? 0 : 4));
    packed[8 + j % 4] |= uint8_t((scales[j] >> 4 & 3) << (2 * (j / 4)));
  }
  store16(*fieldsAt(row, 0, 0, first, 256), block + 108);
}

void packQ4_K(const RowFields &row, int64_t first, uint8_t *block) {
  store16(*fieldsAt(row, 0, 0, first, 256), block);
  store16(*fieldsAt(row, 0, 1, first, 256), block + 2);
  packSixBitPairs(fieldsAt(row, 1, 0, first, 32),
                  fieldsAt(row, 1, 1, first, 32), block + 4);
  packChunks(&row.codes[first], block + 16);
}

void packQ5_K(const RowFields &row, int64_t first, uint8_t *block) {
  store16(*fieldsAt(row, 0, 0, first, 256), block);
  store16(*fieldsAt(row, 0, 1, first, 256), block + 2);
  packSixBitPairs(fieldsAt(row, 1, 0, first, 32),
                  fieldsAt(row, 1, 1, first, 32), block + 4);
  packOneBit(&row.codes[first], 4, block + 16);
  packChunks(&row.codes[first], block + 48);
}

void packQ6_K(const RowFields &row, int64_t first, uint8_t *block) {
  const uint8_t *codes = &row.codes[first];
  memset(block, 0, 192);
  for (int i = 0; i < 256; ++i) {
    int half = i / 128, quarter = i % 128 / 32, l = i % 32;
    block[64 * half + 32 * (quarter & 1) + l] |=
        uint8_t((codes[i] & 15) << (quarter < 2 ? 0 : 4));
    block[128 + 32 * half + l] |= uint8_t((codes[i] >> 4 & 3) << (2 * quarter));
  }
  const uint32_t *scales = fieldsAt(row, 1, 0, first, 16);
  for (int j = 0; j < 16; ++j)
    block[192 + j] = uint8_t(scales[j]);
  store16(*fieldsAt(row, 0, 0, first, 256), block + 208);
}

void packIQ4_XS(const RowFields &row, int64_t first, uint8_t *block) {
  store16(*fieldsAt(row, 0, 0, first, 256), block);
  const uint32_t *scales = fieldsAt(row, 1, 0, first, 32);
  uint32_t high = 0;
  memset(block + 4, 0, 4);
  for (int j = 0; j < 8; ++j) {
    high |= (scales[j] >> 4 & 3) << (2 * j);
    block[4 + j / 2] |= uint8_t((scales[j] & 15) << (4 * (j % 2)));
    packHalves(&row.codes[first + 32 * j], block + 8 + 16 * j);
  }
  store16(high, block + 2);
}

//===- Super-blocks of 256: ternary ---------------------------------------===//

/// Of the bytes that stand for the digits the least, as GGML's encoder writes
/// them: ceil(256 n / 243) for the number n of five digits; of four, a fifth
/// one of 0 follows.
static void packTrits(const uint8_t *codes, int count, int digits,
                      uint8_t *bytes) {
  for (int j = 0; j < count; ++j) {
    unsigned number = 0;
    for (int n = 0; n < 5; ++n)
      number = number * 3 + (n < digits ? codes[count * n + j] : 0);
    bytes[j] = uint8_t((number * 256 + 242) / 243);
  }
}

void packTQ1_0(const RowFields &row, int64_t first, uint8_t *block) {
  const uint8_t *codes = &row.codes[first];
  packTrits(codes, 32, 5, block);
  packTrits(codes + 160, 16, 5, block + 32);
  packTrits(codes + 240, 4, 4, block + 48);
  store16(*fieldsAt(row, 0, 0, first, 256), block + 52);
}

void packTQ2_0(const RowFields &row, int64_t first, uint8_t *block) {
  packQuarters(&row.codes[first], block);
  store16(*fieldsAt(row, 0, 0, first, 256), block + 64);
}

//===- Other blocks -------------------------------------------------------===//

void packQ1_0(const RowFields &row, int64_t first, uint8_t *block) {
  store16(*fieldsAt(row, 0, 0, first, 128), block);
  memset(block + 2, 0, 16);
  for (int i = 0; i < 128; ++i)
    block[2 + i / 8] |= uint8_t((row.codes[first + i] & 1) << (i % 8));
}

void packQ2_0(const RowFields &row, int64_t first, uint8_t *block) {
  store16(*fieldsAt(row, 0, 0, first, 64), block);
  memset(block + 2, 0, 16);
  for (int i = 0; i < 64; ++i)
    block[2 + i / 4] |= uint8_t((row.codes[first + i] & 3) << (2 * (i % 4)));
}

/// The file's scales have no sign: that of a group goes to its codes.
void packNVFP4(const RowFields &row, int64_t first, uint8_t *block) {
  for (int group = 0; group < 4; ++group) {
    uint32_t scale = fieldsAt(row, 0, 0, first, 16)[group];
    const uint8_t *codes = &row.codes[first + 16 * group];
    uint8_t flip = scale & 0x80 ? 8 : 0;
    block[group] = uint8_t(scale & 0x7f);
    for (int j = 0; j < 8; ++j)
      block[4 + 8 * group + j] =
          uint8_t(((codes[j] ^ flip) & 15) | (codes[j + 8] ^ flip) << 4);
  }
}

} // namespace lowbit
