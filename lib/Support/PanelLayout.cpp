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

static std::vector<FieldSlot>
placeFields(const std::vector<Component> &components) {
  std::vector<FieldSlot> slots;
  int64_t offset = 0;
  for (const Component &component : components) {
    bool small = component.type.isInteger() && component.type.bits <= 4;
    if (small && !slots.empty() && slots.back().shift == 0 &&
        slots.back().component.type.isInteger() &&
        slots.back().component.type.bits <= 4) {
      slots.push_back({component, slots.back().offset, 1, 4});
      continue;
    }
    int64_t bytes = component.type.bits <= 8    ? 1
                    : component.type.bits <= 16 ? 2
                                                : 4;
    slots.push_back({component, offset, bytes, 0});
    offset += bytes * PanelLayout::kLanes;
  }
  return slots;
}

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
  std::vector<Component> rowComponents;
  for (size_t i = 0; i < scheme.levels.size(); ++i) {
    const Level &level = scheme.levels[i];
    if (level.group <= 0) {
      rowComponents.insert(rowComponents.end(), level.components.begin(),
                           level.components.end());
      continue;
    }
    groupLevels_.push_back(i);
    fields_.push_back(placeFields(level.components));
    group_ = level.group;
  }
  rowFields_ = placeFields(rowComponents);
  lastDepth_ = groupLevels_.empty() ? 0 : groupLevels_.size() - 1;
  group_ = std::min(group_, columns);
  unit_ = unit > 0 ? unit : chooseUnit(scheme, columns);
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

int64_t PanelLayout::chooseUnit(const Scheme &scheme, int64_t columns) {
  int64_t group = scheme.innerGroup();
  if (scheme.isFloat() || group <= 0 || group >= columns ||
      ceilDiv(group, 4) > kChunkQuads)
    return 1;
  int64_t step = activationScaleGroups(scheme);
  int64_t most = columns / group;
  for (size_t i = 0; i + 1 < scheme.levels.size(); ++i)
    if (scheme.levels[i].group > 0)
      most = std::min(most, scheme.levels[i].group / group);
  int64_t quads = ceilDiv(group, 4);
  auto codeBytes = [&](int64_t unit) {
    int64_t bytes = 0;
    for (int64_t width : cutIntoPlanes(scheme.bits))
      bytes += ceilDiv(unit * quads * width, 8) * kVectorBytes;
    return bytes;
  };
  auto fits = [&](int64_t unit) {
    // Padding of the planes' last vectors: at most 4 % of the codes.
    return codeBytes(unit) * 100 <= unit * quads * scheme.bits * 8 * 104;
  };
  int64_t unit = step;
  while (!fits(unit) && unit * 2 <= most && unit * 2 * quads <= kChunkQuads)
    unit *= 2;
  // Whole cache lines of fields keep the code vectors aligned.
  int64_t fields = bytesOf(placeFields(scheme.levels.back().components));
  if ((unit * fields) % kVectorBytes != 0 &&
      (2 * unit * fields) % kVectorBytes == 0 && 2 * unit <= most &&
      2 * unit * quads <= kChunkQuads)
    unit *= 2;
  return std::max<int64_t>(unit, 1);
}

int64_t PanelLayout::blockLength(int64_t depth) const {
  if (depth < lastDepth_)
    return scheme_.levels[levelOf(depth)].group;
  return unit_ * group_;
}

const std::vector<FieldSlot> &PanelLayout::fields(int64_t depth) const {
  static const std::vector<FieldSlot> none;
  return fields_.empty() ? none : fields_[depth];
}

int64_t PanelLayout::fieldBytes(int64_t depth) const {
  return bytesOf(fields(depth));
}

int64_t PanelLayout::unitQuads(int64_t length) const {
  int64_t full = length / group_, rest = length % group_;
  return full * paddedGroup() / 4 + ceilDiv(rest, 4);
}

int64_t PanelLayout::chunkBytes(int64_t quads) const {
  if (scheme_.isFloat())
    return quads * 4 * floatBytes() * kLanes;
  int64_t bytes = 0;
  for (int64_t width : planes_)
    bytes += ceilDiv(quads * width, 8) * kVectorBytes;
  return bytes;
}

int64_t PanelLayout::codeBytes(int64_t length) const {
  if (scheme_.isFloat())
    return length * floatBytes() * kLanes;
  int64_t quads = unitQuads(length);
  int64_t rest = quads % kChunkQuads;
  return quads / kChunkQuads * chunkBytes(kChunkQuads) +
         (rest ? chunkBytes(rest) : 0);
}

int64_t PanelLayout::blockBytes(int64_t depth, int64_t length) const {
  if (depth < lastDepth_)
    return fieldBytes(depth) + sequenceBytes(depth + 1, length);
  return codeBytes(length) + ceilDiv(length, group_) * fieldBytes(depth);
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

void PanelLayout::packFields(const std::vector<FieldSlot> &slots, int64_t level,
                             int64_t group, const RowFields *const *rows,
                             uint8_t *out) const {
  for (size_t c = 0; c < slots.size(); ++c)
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      if (!rows[lane])
        continue;
      uint32_t bits = rows[lane]->fields[level][c][group];
      const FieldSlot &slot = slots[c];
      uint8_t *to = out + slot.offset + lane * slot.bytes;
      bits <<= slot.shift;
      for (int64_t b = 0; b < slot.bytes; ++b)
        to[b] |= static_cast<uint8_t>(bits >> (8 * b));
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

void PanelLayout::packUnit(int64_t k, int64_t length,
                           const RowFields *const *rows, uint8_t *out) const {
  int64_t quads = unitQuads(length), quad = 0;
  int64_t lastChunk = quads / kChunkQuads;
  uint8_t flip =
      scheme_.kind == CodeKind::Signed ? 1u << (scheme_.bits - 1) : 0;
  for (int64_t start = 0; start < length; start += group_)
    for (int64_t i = start; i < std::min(start + group_, length);
         i += 4, ++quad) {
      int64_t count = std::min<int64_t>(4, std::min(start + group_, length) - i);
      uint8_t codes[kVectorBytes] = {};
      for (int64_t lane = 0; lane < kLanes; ++lane)
        for (int64_t j = 0; rows[lane] && j < count; ++j)
          codes[lane * 4 + j] = rows[lane]->codes[k + i + j] ^ flip;
      int64_t chunk = quad / kChunkQuads;
      int64_t chunkQuads =
          chunk < lastChunk ? kChunkQuads : quads - lastChunk * kChunkQuads;
      putQuad(planes_, chunkQuads, quad % kChunkQuads, codes,
              out + chunk * chunkBytes(kChunkQuads));
    }
  if (groupLevels_.empty())
    return;
  uint8_t *to = out + codeBytes(length);
  for (int64_t g = 0; g * group_ < length; ++g, to += fieldBytes(lastDepth_))
    packFields(fields(lastDepth_), levelOf(lastDepth_), k / group_ + g, rows,
               to);
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
      int64_t level = levelOf(depth);
      packFields(fields(depth), level, k / scheme_.levels[level].group, rows,
                 out);
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

void PanelLayout::packPanel(const RowFields *const *rows,
                            uint8_t *panel) const {
  std::memset(panel, 0, panelBytes());
  if (scheme_.isFloat()) {
    for (int64_t lane = 0; lane < kLanes; ++lane)
      for (int64_t k = 0; rows[lane] && k < columns_; ++k)
        putFloat(rows[lane]->reals[k], scheme_.floatType,
                 panel + (k * kLanes + lane) * floatBytes());
    return;
  }
  // The slots of all row levels are one list; each level knows its own part.
  size_t slot = 0;
  for (size_t level = 0; level < scheme_.levels.size(); ++level) {
    if (scheme_.levels[level].group > 0)
      continue;
    size_t count = scheme_.levels[level].components.size();
    packFields({rowFields_.begin() + slot, rowFields_.begin() + slot + count},
               level, 0, rows, panel);
    slot += count;
  }
  packSequence(0, 0, columns_, rows, panel + rowFieldBytes());
}

} // namespace lowbit
