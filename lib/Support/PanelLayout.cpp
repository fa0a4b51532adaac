//===- PanelLayout.cpp - Where the bits of a packed tensor are ------------===//

#include "lowbit/Support/PanelLayout.h"

#include "lowbit/Support/Float.h"

#include <algorithm>
#include <cstring>

namespace lowbit {

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

static std::vector<int64_t> cutIntoPlanes(int64_t bits) {
  std::vector<int64_t> planes;
  for (int64_t width : {8, 4, 2, 1})
    if (bits & width)
      planes.push_back(width);
  return planes;
}

namespace {
/// Gives fields places in the order in which they come. Integers of at most 8
/// bits go to the first byte that has room, others to bytes of their own.
class FieldPlacer {
public:
  void addLevel(const Scheme &scheme, int64_t level, int64_t groups) {
    const std::vector<Component> &components = scheme.levels[level].components;
    for (int64_t group = 0; group < groups; ++group)
      for (size_t i = 0; i < components.size(); ++i)
        place({components[i], level, int64_t(i), group});
  }
  std::vector<FieldSlot> slots;

private:
  struct SharedByte {
    int64_t offset, used;
  };

  void place(FieldSlot slot) {
    const FieldType &type = slot.component.type;
    if (type.isInteger() && type.bits <= 8) {
      for (SharedByte &byte : shared)
        if (byte.used + type.bits <= 8) {
          slot.offset = byte.offset;
          slot.shift = byte.used;
          byte.used += type.bits;
          slots.push_back(slot);
          return;
        }
      shared.push_back({end, type.bits});
    }
    slot.bytes = type.bits <= 8 ? 1 : type.bits <= 16 ? 2 : 4;
    slot.offset = end;
    end += slot.bytes * PanelLayout::kLanes;
    slots.push_back(slot);
  }

  std::vector<SharedByte> shared;
  int64_t end = 0;
};
} // namespace

int64_t PanelLayout::bytesOf(const std::vector<FieldSlot> &slots) {
  int64_t end = 0;
  for (const FieldSlot &slot : slots)
    end = std::max(end, slot.offset + slot.bytes * kLanes);
  return end;
}

PanelLayout::PanelLayout(const Scheme &scheme, int64_t columns, int64_t unit)
    : scheme_(scheme), columns_(columns), group_(columns) {
  if (!scheme.isFloat())
    planes_ = cutIntoPlanes(scheme.bits);
  if (scheme.innerGroup() > 0)
    group_ = std::min(scheme.innerGroup(), columns);
  unit_ = unit > 0 ? unit : chooseUnit(scheme, columns);
  int64_t unitLength = unit_ * scheme.innerGroup();
  FieldPlacer rowPlacer;
  for (size_t i = 0; i < scheme.levels.size(); ++i) {
    int64_t length = scheme.levels[i].group;
    if (length <= 0) {
      rowPlacer.addLevel(scheme, i, 1);
    } else if (i + 1 == scheme.levels.size() ||
               (length < unitLength && unitLength % length == 0)) {
      unitLevels_.push_back(i);
    } else {
      outerLevels_.push_back(i);
      FieldPlacer placer;
      placer.addLevel(scheme, i, 1);
      fields_.push_back(std::move(placer.slots));
    }
  }
  rowFields_ = std::move(rowPlacer.slots);
  lastDepth_ = outerLevels_.size();
  unitFields_ = unitFields(unit_ * group_);
}

int64_t activationScaleGroups(const Scheme &scheme) {
  int64_t group = scheme.innerGroup();
  if (group <= 0)
    return 0;
  int64_t want = ceilDiv(32, group);
  for (size_t i = 0; i + 1 < scheme.levels.size(); ++i)
    if (int64_t outer = scheme.levels[i].group; outer > 0)
      while (want > 1 && (outer / group) % want != 0)
        --want;
  return want;
}

bool multipliesSigns(const Scheme &scheme) {
  return scheme.kind == CodeKind::Sign &&
         (scheme.innerGroup() <= 0 || scheme.innerGroup() % 32 == 0);
}

int64_t PanelLayout::chooseUnit(const Scheme &scheme, int64_t columns) {
  int64_t group = scheme.innerGroup(), quads = ceilDiv(group, 4);
  if (scheme.isFloat() || group <= 0 || group >= columns || quads > kChunkQuads)
    return 1;
  int64_t outer = group;
  for (const Level &level : scheme.levels)
    outer = std::max(outer, level.group);
  // Units end where the groups of outer levels end, or hold whole ones.
  auto isPossible = [&](int64_t unit) {
    for (const Level &level : scheme.levels)
      if (level.group > 0 && level.group < unit * group &&
          unit * group % level.group != 0)
        return false;
    return unit * group <= columns && unit * quads <= kChunkQuads;
  };
  auto bytesPerGroup = [&](int64_t unit) {
    PanelLayout layout(scheme, columns, unit);
    int64_t groups = outer / group * unit; // whole units, whole outer groups
    return double(layout.sequenceBytes(0, groups * group)) / double(groups);
  };
  int64_t step = activationScaleGroups(scheme);
  std::vector<std::pair<int64_t, double>> candidates;
  for (int64_t unit = step; unit * quads <= kChunkQuads; unit *= 2)
    if (isPossible(unit))
      candidates.push_back({unit, bytesPerGroup(unit)});
  if (candidates.empty())
    return step;
  // The fewest groups whose padding is within 2 % of the least.
  double least = candidates.front().second;
  for (auto [unit, bytes] : candidates)
    least = std::min(least, bytes);
  int64_t unit = step;
  for (auto [candidate, bytes] : candidates)
    if (bytes <= 1.02 * least) {
      unit = candidate;
      break;
    }
  // Whole cache lines of fields keep the code vectors aligned.
  auto isAligned = [&](int64_t unit) {
    PanelLayout layout(scheme, columns, unit);
    return bytesOf(layout.unitFields_) % kVectorBytes == 0;
  };
  return isPossible(2 * unit) && !isAligned(unit) && isAligned(2 * unit)
             ? 2 * unit
             : unit;
}

int64_t PanelLayout::blockLength(int64_t depth) const {
  if (depth < lastDepth_)
    return scheme_.levels[outerLevels_[depth]].group;
  return unit_ * group_;
}

std::vector<FieldSlot> PanelLayout::unitFields(int64_t length) const {
  if (!unitFields_.empty() && length == unit_ * group_)
    return unitFields_;
  FieldPlacer placer;
  for (int64_t level : unitLevels_)
    placer.addLevel(scheme_, level,
                    ceilDiv(length, scheme_.levels[level].group));
  return std::move(placer.slots);
}

std::vector<FieldSlot> PanelLayout::groupFields(int64_t length,
                                                int64_t group) const {
  std::vector<FieldSlot> covering;
  for (const FieldSlot &slot : unitFields(length))
    if (slot.group == group * group_ / scheme_.levels[slot.level].group)
      covering.push_back(slot);
  return covering;
}

int64_t PanelLayout::unitQuads(int64_t length) const {
  int64_t full = length / group_, rest = length % group_;
  return full * paddedGroup() / 4 + ceilDiv(rest, 4);
}

/// Entries of `length` values that cover `quads` quads.
static int64_t entriesOf(int64_t quads, int64_t length) {
  return ceilDiv(4 * quads, length);
}

int64_t PanelLayout::signBytes(int64_t quads) const {
  return scheme_.signs ? ceilDiv(quads, 8) * kVectorBytes : 0;
}

int64_t PanelLayout::chunkBytes(int64_t quads) const {
  if (scheme_.isFloat())
    return quads * 4 * floatBytes() * kLanes;
  int64_t bytes = signBytes(quads);
  for (int64_t width : planes_)
    bytes += scheme_.isVector()
                 ? ceilDiv(entriesOf(quads, scheme_.entryLength) * width, 8) *
                       kLanes
                 : ceilDiv(quads * width, 8) * kVectorBytes;
  return bytes;
}

int64_t PanelLayout::codeBytes(int64_t length) const {
  if (scheme_.isFloat())
    return (hasPairs() ? ceilDiv(length, 4) * 4 : length) * floatBytes() *
           kLanes;
  int64_t quads = unitQuads(length);
  int64_t rest = quads % kChunkQuads;
  return quads / kChunkQuads * chunkBytes(kChunkQuads) +
         (rest ? chunkBytes(rest) : 0);
}

int64_t PanelLayout::blockBytes(int64_t depth, int64_t length) const {
  if (depth < lastDepth_)
    return fieldBytes(depth) + sequenceBytes(depth + 1, length);
  return codeBytes(length) + bytesOf(unitFields(length));
}

int64_t PanelLayout::sequenceBytes(int64_t depth, int64_t length) const {
  int64_t full = blockLength(depth), rest = length % full;
  return length / full * blockBytes(depth, full) +
         (rest ? blockBytes(depth, rest) : 0);
}

//===- Packing ------------------------------------------------------------===//

uint8_t PanelLayout::packedCode(uint8_t code) const {
  return scheme_.kind == CodeKind::Signed ? code ^ (1u << (scheme_.bits - 1))
                                          : code;
}

/// The fields of the block or unit that starts at column `k`.
void PanelLayout::packFields(const std::vector<FieldSlot> &slots, int64_t k,
                             const RowFields *const *rows, uint8_t *out) const {
  for (const FieldSlot &slot : slots) {
    int64_t length = scheme_.levels[slot.level].group;
    int64_t group = length > 0 ? k / length + slot.group : 0;
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      if (!rows[lane])
        continue;
      uint32_t bits = rows[lane]->fields[slot.level][slot.index][group]
                      << slot.shift;
      uint8_t *to = out + slot.offset + lane * slot.bytes;
      for (int64_t b = 0; b < slot.bytes; ++b)
        to[b] |= static_cast<uint8_t>(bits >> (8 * b));
    }
  }
}

/// Ors the codes of one quad, 4 of each lane, into the planes of a chunk of
/// `quads` quads.
static void putQuad(const std::vector<int64_t> &planes, int64_t quads,
                    int64_t quad, const uint8_t *codes, uint8_t *chunk) {
  int64_t taken = 0;
  for (int64_t width : planes) {
    int64_t perVector = 8 / width;
    uint8_t *to = chunk + quad / perVector * PanelLayout::kVectorBytes;
    unsigned shift = width * (quad % perVector), mask = (1u << width) - 1;
    for (int64_t byte = 0; byte < PanelLayout::kVectorBytes; ++byte)
      to[byte] |= static_cast<uint8_t>(((codes[byte] >> taken) & mask) << shift);
    chunk += ceilDiv(quads * width, 8) * PanelLayout::kVectorBytes;
    taken += width;
  }
}

/// Ors one index of each lane into the planes of a chunk of `count` entries.
static void putIndices(const std::vector<int64_t> &planes, int64_t count,
                       int64_t entry, const uint16_t *indices, uint8_t *chunk) {
  int64_t taken = 0;
  for (int64_t width : planes) {
    int64_t perByte = 8 / width;
    uint8_t *to = chunk + entry / perByte * PanelLayout::kLanes;
    unsigned shift = width * (entry % perByte), mask = (1u << width) - 1;
    for (int64_t lane = 0; lane < PanelLayout::kLanes; ++lane)
      to[lane] |=
          static_cast<uint8_t>(((indices[lane] >> taken) & mask) << shift);
    chunk += ceilDiv(count * width, 8) * PanelLayout::kLanes;
    taken += width;
  }
}

/// Quad `quad` of a chunk of `quads`: elements k .. k + count - 1.
void PanelLayout::packQuad(int64_t k, int64_t count,
                           const RowFields *const *rows, int64_t quads,
                           int64_t quad, uint8_t *chunk) const {
  auto put = [&](const std::vector<int64_t> &planes,
                 const std::vector<uint8_t> RowFields::*codes, uint8_t flip) {
    uint8_t bytes[kVectorBytes] = {};
    for (int64_t lane = 0; lane < kLanes; ++lane)
      for (int64_t j = 0; rows[lane] && j < count; ++j)
        bytes[lane * 4 + j] = (rows[lane]->*codes)[k + j] ^ flip;
    putQuad(planes, quads, quad, bytes, chunk);
  };
  if (scheme_.signs)
    put({1}, &RowFields::signs, 0);
  chunk += signBytes(quads);
  if (!scheme_.isVector())
    return put(planes_, &RowFields::codes, packedCode(0));
  int64_t length = scheme_.entryLength;
  if (k % length != 0)
    return;
  uint16_t indices[kLanes] = {};
  for (int64_t lane = 0; lane < kLanes; ++lane)
    if (rows[lane])
      indices[lane] = rows[lane]->indices[k / length];
  putIndices(planes_, entriesOf(quads, length), quad * 4 / length, indices,
             chunk);
}

void PanelLayout::packUnit(int64_t k, int64_t length,
                           const RowFields *const *rows, uint8_t *out) const {
  int64_t quads = unitQuads(length), quad = 0;
  int64_t lastChunk = quads / kChunkQuads;
  for (int64_t start = 0; start < length; start += group_)
    for (int64_t i = start; i < std::min(start + group_, length);
         i += 4, ++quad) {
      int64_t count = std::min<int64_t>(4, std::min(start + group_, length) - i);
      int64_t chunk = quad / kChunkQuads;
      int64_t chunkQuads =
          chunk < lastChunk ? kChunkQuads : quads - lastChunk * kChunkQuads;
      packQuad(k + i, count, rows, chunkQuads, quad % kChunkQuads,
               out + chunk * chunkBytes(kChunkQuads));
    }
  packFields(unitFields(length), k, rows, out + codeBytes(length));
}

void PanelLayout::packSequence(int64_t depth, int64_t k, int64_t length,
                               const RowFields *const *rows,
                               uint8_t *out) const {
  int64_t full = blockLength(depth);
  while (length > 0) {
    int64_t part = std::min(full, length);
    if (depth == lastDepth_) {
      packUnit(k, part, rows, out);
    } else {
      packFields(fields(depth), k, rows, out);
      packSequence(depth + 1, k, part, rows, out + fieldBytes(depth));
    }
    out += blockBytes(depth, part);
    k += part;
    length -= part;
  }
}

static void putFloat(float value, FieldType::Kind type, uint8_t *to) {
  if (type == FieldType::F32) {
    std::memcpy(to, &value, 4);
    return;
  }
  // Exact: the value came from this type.
  uint16_t bits = type == FieldType::F16 ? toF16(value) : toBF16(value);
  std::memcpy(to, &bits, 2);
}

int64_t PanelLayout::floatOffset(int64_t k, int64_t lane) const {
  if (!hasPairs())
    return (k * kLanes + lane) * floatBytes();
  int64_t place = kPairOrder[k % 4];
  return k / 4 * 2 * kVectorBytes + place / 2 * kVectorBytes + lane * 4 +
         place % 2 * 2;
}

void PanelLayout::packPanel(const RowFields *const *rows,
                            uint8_t *panel) const {
  std::memset(panel, 0, panelBytes());
  if (scheme_.isFloat()) {
    for (int64_t lane = 0; lane < kLanes; ++lane)
      for (int64_t k = 0; rows[lane] && k < columns_; ++k)
        putFloat(rows[lane]->reals[k], scheme_.floatType,
                 panel + floatOffset(k, lane));
    return;
  }
  packFields(rowFields_, 0, rows, panel);
  packSequence(0, 0, columns_, rows, panel + rowFieldBytes());
}

} // namespace lowbit
