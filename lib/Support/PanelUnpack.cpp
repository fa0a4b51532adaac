//===- PanelUnpack.cpp - Rows out of packed panels ------------------------===//
//
// The inverse of PanelLayout::packPanel, in the same order.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Support/Float.h"
#include "lowbit/Support/PanelLayout.h"

#include <cstring>

namespace lowbit {

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Codes of one quad, 4 of each lane, out of the planes of a chunk.
static void getQuad(const std::vector<int64_t> &planes, int64_t quads,
                    int64_t quad, const uint8_t *chunk, uint8_t *codes) {
  int64_t taken = 0;
  for (int64_t width : planes) {
    int64_t perVector = 8 / width;
    const uint8_t *from = chunk + quad / perVector * PanelLayout::kVectorBytes;
    unsigned shift = width * (quad % perVector), mask = (1u << width) - 1;
    for (int64_t byte = 0; byte < PanelLayout::kVectorBytes; ++byte)
      codes[byte] |=
          static_cast<uint8_t>((from[byte] >> shift & mask) << taken);
    chunk += ceilDiv(quads * width, 8) * PanelLayout::kVectorBytes;
    taken += width;
  }
}

/// One index of each lane out of the planes of a chunk of `count` entries.
static void getIndices(const std::vector<int64_t> &planes, int64_t count,
                       int64_t entry, const uint8_t *chunk, uint16_t *indices) {
  int64_t taken = 0;
  for (int64_t width : planes) {
    int64_t perByte = 8 / width;
    const uint8_t *from = chunk + entry / perByte * PanelLayout::kLanes;
    unsigned shift = width * (entry % perByte), mask = (1u << width) - 1;
    for (int64_t lane = 0; lane < PanelLayout::kLanes; ++lane)
      indices[lane] |=
          static_cast<uint16_t>((from[lane] >> shift & mask) << taken);
    chunk += ceilDiv(count * width, 8) * PanelLayout::kLanes;
    taken += width;
  }
}

void PanelLayout::unpackFields(const std::vector<FieldSlot> &slots, int64_t k,
                               const uint8_t *from, RowFields *rows) const {
  for (const FieldSlot &slot : slots) {
    const Level &level = scheme_.levels[slot.level];
    int64_t group = level.group > 0 ? k / level.group + slot.group : 0;
    uint8_t width = level.components[slot.index].type.bits;
    uint32_t mask = width == 32 ? ~0u : (1u << width) - 1;
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      uint32_t bits = 0;
      const uint8_t *field = from + slot.offset + lane * slot.bytes;
      for (int64_t b = 0; b < slot.bytes; ++b)
        bits |= uint32_t(field[b]) << (8 * b);
      rows[lane].fields[slot.level][slot.index][group] =
          bits >> slot.shift & mask;
    }
  }
}

/// Quad `quad` of a chunk of `quads`: elements k .. k + count - 1.
void PanelLayout::unpackQuad(int64_t k, int64_t count, int64_t quads,
                             int64_t quad, const uint8_t *chunk,
                             RowFields *rows) const {
  auto get = [&](const std::vector<int64_t> &planes,
                 std::vector<uint8_t> RowFields::*codes, uint8_t flip) {
    uint8_t bytes[kVectorBytes] = {};
    getQuad(planes, quads, quad, chunk, bytes);
    for (int64_t lane = 0; lane < kLanes; ++lane)
      for (int64_t j = 0; j < count; ++j)
        (rows[lane].*codes)[k + j] = bytes[lane * 4 + j] ^ flip;
  };
  if (scheme_.signs)
    get({1}, &RowFields::signs, 0);
  chunk += signBytes(quads);
  if (!scheme_.isVector())
    return get(planes_, &RowFields::codes, packedCode(0));
  int64_t length = scheme_.entryLength;
  if (k % length != 0)
    return;
  uint16_t indices[kLanes] = {};
  getIndices(planes_, ceilDiv(4 * quads, length), quad * 4 / length, chunk,
             indices);
  for (int64_t lane = 0; lane < kLanes; ++lane)
    rows[lane].indices[k / length] = indices[lane];
}

void PanelLayout::unpackUnit(int64_t k, int64_t length, const uint8_t *from,
                             RowFields *rows) const {
  int64_t quads = unitQuads(length), quad = 0;
  int64_t lastChunk = quads / kChunkQuads;
  for (int64_t start = 0; start < length; start += group_) {
    int64_t end = std::min(start + group_, length);
    for (int64_t i = start; i < end; i += 4, ++quad) {
      int64_t chunk = quad / kChunkQuads;
      int64_t chunkQuads =
          chunk < lastChunk ? kChunkQuads : quads - lastChunk * kChunkQuads;
      unpackQuad(k + i, std::min<int64_t>(4, end - i), chunkQuads,
                 quad % kChunkQuads, from + chunk * chunkBytes(kChunkQuads),
                 rows);
    }
  }
  unpackFields(unitFields(length), k, from + codeBytes(length), rows);
}

void PanelLayout::unpackSequence(int64_t depth, int64_t k, int64_t length,
                                 const uint8_t *from, RowFields *rows) const {
  int64_t full = blockLength(depth);
  while (length > 0) {
    int64_t part = std::min(full, length);
    if (depth == lastDepth_) {
      unpackUnit(k, part, from, rows);
    } else {
      unpackFields(fields(depth), k, from, rows);
      unpackSequence(depth + 1, k, part, from + fieldBytes(depth), rows);
    }
    from += blockBytes(depth, part);
    k += part;
    length -= part;
  }
}

static float getFloat(FieldType::Kind type, const uint8_t *from) {
  if (type == FieldType::F32) {
    float value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, from, sizeof bits);
  return type == FieldType::F16 ? fromF16(bits) : fromBF16(bits);
}

void PanelLayout::unpackPanel(const uint8_t *panel, RowFields *rows) const {
  for (int64_t lane = 0; lane < kLanes; ++lane)
    rows[lane].resize(scheme_, columns_);
  if (scheme_.isFloat()) {
    for (int64_t lane = 0; lane < kLanes; ++lane)
      for (int64_t k = 0; k < columns_; ++k)
        rows[lane].reals[k] =
            getFloat(scheme_.floatType, panel + floatOffset(k, lane));
    return;
  }
  unpackFields(rowFields_, 0, panel, rows);
  unpackSequence(0, 0, columns_, panel + rowFieldBytes(), rows);
}

} // namespace lowbit
