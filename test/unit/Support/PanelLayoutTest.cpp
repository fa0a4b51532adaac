//===- PanelLayoutTest.cpp - Where the bits of a packed tensor are --------===//

#include "lowbit/Support/PanelLayout.h"

#include "lowbit/Support/BitFormat.h"
#include "lowbit/Support/Float.h"

#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <random>

using namespace lowbit;

namespace {

Scheme parse(const std::string &text) {
  Scheme scheme;
  std::string error;
  EXPECT_TRUE(Scheme::parse(text, scheme, error)) << text << ": " << error;
  EXPECT_EQ(scheme.check(), "") << text;
  return scheme;
}

class PanelLayoutTest : public testing::Test {
protected:
  PanelLayoutTest() {
    const char *text = std::getenv("LOWBIT_TEST_SEED");
    random.seed(text ? std::strtoull(text, nullptr, 10) : 1);
  }

  /// `count` rows of any codes and fields.
  std::vector<RowFields> rowsOf(const Scheme &scheme, int64_t columns,
                                int count) {
    std::vector<RowFields> rows(static_cast<size_t>(count));
    for (RowFields &row : rows) {
      row.resize(scheme, columns);
      for (uint8_t &code : row.codes)
        code = static_cast<uint8_t>(random() & ((1u << scheme.bits) - 1));
      for (uint16_t &index : row.indices)
        index = static_cast<uint16_t>(random() & ((1u << scheme.bits) - 1));
      for (uint8_t &sign : row.signs)
        sign = random() & 1;
      for (float &real : row.reals)
        real = static_cast<float>(int(random() % 256) - 128); // exact in bf16
      for (size_t level = 0; level < row.fields.size(); ++level)
        for (size_t i = 0; i < row.fields[level].size(); ++i)
          for (uint32_t &field : row.fields[level][i]) {
            int bits = scheme.levels[level].components[i].type.bits;
            field = uint32_t(random() & ((uint64_t(1) << bits) - 1));
          }
    }
    return rows;
  }

  std::vector<uint8_t> pack(const PanelLayout &layout,
                            const std::vector<RowFields> &rows) {
    const RowFields *lanes[PanelLayout::kLanes] = {};
    for (size_t i = 0; i < rows.size(); ++i)
      lanes[i] = &rows[i];
    // Bytes of before must not shine through.
    std::vector<uint8_t> panel(size_t(layout.panelBytes()) + 1, 0xaa);
    layout.packPanel(lanes, panel.data());
    EXPECT_EQ(panel.back(), 0xaa) << "wrote behind the panel";
    panel.pop_back();
    return panel;
  }

  std::mt19937_64 random;
};

//===- By hand ------------------------------------------------------------===//

// The formula of #pack.layout: u4, group 32, unit 1.
TEST_F(PanelLayoutTest, FourBitsInGroupsOf32) {
  Scheme scheme = parse("u4, group 32 scale f16");
  PanelLayout layout(scheme, 96, 1);
  ASSERT_EQ(layout.panelBytes(), 3 * (256 + 32));
  std::vector<RowFields> rows = rowsOf(scheme, 96, 16);
  std::vector<uint8_t> panel = pack(layout, rows);
  for (int row = 0; row < 16; ++row)
    for (int k = 0; k < 96; ++k) {
      int unit = k / 32, i = k % 32;
      int byte = unit * 288 + (i / 8) * 64 + row * 4 + i % 4;
      int shift = 4 * ((i / 4) % 2);
      ASSERT_EQ(panel[size_t(byte)] >> shift & 15, rows[size_t(row)].codes[k])
          << row << ", " << k;
    }
  for (int row = 0; row < 16; ++row)
    for (int unit = 0; unit < 3; ++unit) {
      uint16_t scale;
      std::memcpy(&scale, &panel[size_t(unit * 288 + 256 + row * 2)], 2);
      ASSERT_EQ(scale, rows[size_t(row)].fields[0][0][size_t(unit)]);
    }
}

// 5 bits are planes of 4 and 1; the group of 6 elements is padded to two quads.
TEST_F(PanelLayoutTest, PlanesAndPaddedGroups) {
  Scheme scheme = parse("u5, group 6 scale f32");
  PanelLayout layout(scheme, 9, 1);
  EXPECT_EQ(layout.planes(), (std::vector<int64_t>{4, 1}));
  EXPECT_EQ(layout.paddedGroup(), 8);
  // The group: 2 quads in one vector of each plane; the tail of 3: one quad.
  ASSERT_EQ(layout.panelBytes(), 2 * (64 + 64 + 16 * 4));
  std::vector<RowFields> rows = rowsOf(scheme, 9, 3);
  std::vector<uint8_t> panel = pack(layout, rows);
  for (int row = 0; row < 3; ++row)
    for (int k = 0; k < 9; ++k) {
      int start = k / 6 * 192, i = k % 6, quad = i / 4;
      size_t byte = size_t(start + row * 4 + i % 4);
      int low = panel[byte] >> (4 * quad) & 15;
      int high = panel[byte + 64] >> quad & 1;
      ASSERT_EQ(low | high << 4, rows[size_t(row)].codes[k])
          << row << ", " << k;
    }
}

TEST_F(PanelLayoutTest, SignedCodesAreNeverNegative) {
  PanelLayout layout(parse("s8, row scale f32"), 4);
  EXPECT_EQ(layout.packedCode(0x80), 0);
  EXPECT_EQ(layout.packedCode(0), 128);
  EXPECT_EQ(layout.packedCode(127), 255);
  EXPECT_EQ(PanelLayout(parse("s3, row scale f32"), 4).packedCode(4), 0);
}

// Two components of 4 bits share the bytes of their lanes.
TEST_F(PanelLayoutTest, SmallFieldsShareBytes) {
  PanelLayout layout(
      parse("u2, group 64 scale f16 min f16, group 16 scale u4 min u4"), 64);
  std::vector<FieldSlot> slots = layout.groupFields(64, 1);
  ASSERT_EQ(slots.size(), 2u);
  EXPECT_EQ(slots[0].offset, 16); // behind those of group 0
  EXPECT_EQ(slots[1].offset, 16);
  EXPECT_EQ(slots[0].shift, 0);
  EXPECT_EQ(slots[1].shift, 4);
  EXPECT_EQ(layout.fieldBytes(0), 64);
}

// 4 bits for each group of 16, one for each of 8: three bytes of a row hold
// those of 64 elements. Groups of 16 end inside the unit, so it has their
// scales.
TEST_F(PanelLayoutTest, FieldsOfLevelsInsideAUnit) {
  Scheme scheme = parse("u4, group 64 scale f16, group 16 scale u4, group 8 "
                        "delta 0.5");
  PanelLayout layout(scheme, 64, 8);
  EXPECT_EQ(layout.lastDepth(), 1);
  EXPECT_EQ(layout.fieldBytes(0), 32);
  std::vector<FieldSlot> all = layout.unitFields(64);
  EXPECT_EQ(all.size(), 4u + 8u);
  EXPECT_EQ(layout.blockBytes(1, 64), 64 * 8 + 3 * 16);
  std::vector<FieldSlot> slots = layout.groupFields(64, 5);
  ASSERT_EQ(slots.size(), 2u);
  EXPECT_EQ(slots[0].component.role, Component::Scale);
  EXPECT_EQ(slots[0].group, 2);
  EXPECT_EQ(slots[0].offset, 16);
  EXPECT_EQ(slots[1].component.role, Component::Delta);
  EXPECT_EQ(slots[1].group, 5);
  EXPECT_EQ(slots[1].offset, 32);
  EXPECT_EQ(slots[1].shift, 5);
}

/// A codebook of `bits` bits, `values` of an entry; the entries do not matter
/// for a place.
std::string codebook(int bits, int values, const char *signs = "") {
  return "u" + std::to_string(bits) + " codebook " + std::to_string(values) +
         " x" + std::string((size_t(1) << bits) * size_t(values), '1') + signs;
}

// A chunk of 32 elements: signs as a plane of bits, then the low bytes of the 8
// indices of each row, then their ninth bits.
TEST_F(PanelLayoutTest, IndicesAndSigns) {
  Scheme scheme = parse(codebook(9, 4, " signs") + ", group 32 scale f16");
  PanelLayout layout(scheme, 96, 1);
  EXPECT_EQ(layout.planes(), (std::vector<int64_t>{8, 1}));
  ASSERT_EQ(layout.panelBytes(), 3 * (64 + 8 * 16 + 16 + 32));
  std::vector<RowFields> rows = rowsOf(scheme, 96, 16);
  std::vector<uint8_t> panel = pack(layout, rows);
  for (int row = 0; row < 16; ++row)
    for (int k = 0; k < 96; ++k) {
      int unit = k / 32 * 240, i = k % 32;
      int sign = panel[size_t(unit + row * 4 + i % 4)] >> (i / 4) & 1;
      ASSERT_EQ(sign, rows[size_t(row)].signs[size_t(k)]);
      int low = panel[size_t(unit + 64 + i / 4 * 16 + row)];
      int high = panel[size_t(unit + 64 + 128 + row)] >> (i / 4) & 1;
      ASSERT_EQ(low | high << 8, rows[size_t(row)].indices[size_t(k / 4)]);
    }
}

TEST_F(PanelLayoutTest, FloatsLieByColumns) {
  for (const char *type : {"f32", "f16"}) {
    Scheme scheme = parse(type);
    PanelLayout layout(scheme, 7);
    int64_t bytes = scheme.bits / 8;
    ASSERT_EQ(layout.panelBytes(), 7 * 16 * bytes) << type;
    std::vector<RowFields> rows = rowsOf(scheme, 7, 16);
    std::vector<uint8_t> panel = pack(layout, rows);
    FieldType field{scheme.floatType, uint8_t(scheme.bits), 0};
    for (int row = 0; row < 16; ++row)
      for (int k = 0; k < 7; ++k) {
        uint32_t bits = 0;
        std::memcpy(&bits, &panel[size_t((k * 16 + row) * bytes)],
                    size_t(bytes));
        ASSERT_EQ(fieldValue(field, bits), rows[size_t(row)].reals[k]) << type;
      }
  }
}

// bf16: quads of two vectors, whose lanes hold elements 0 and 2, 1 and 3; what
// pads the last quad is zero.
TEST_F(PanelLayoutTest, Bf16LiesInPairs) {
  Scheme scheme = parse("bf16");
  PanelLayout layout(scheme, 7);
  ASSERT_EQ(layout.panelBytes(), 8 * 16 * 2);
  std::vector<RowFields> rows = rowsOf(scheme, 7, 16);
  std::vector<uint8_t> panel = pack(layout, rows);
  const size_t places[4] = {0, 64, 2, 66}; // bytes in a quad's two vectors
  for (size_t row = 0; row < 16; ++row)
    for (size_t k = 0; k < 8; ++k) {
      uint16_t bits = 0;
      std::memcpy(&bits, &panel[k / 4 * 128 + places[k % 4] + row * 4], 2);
      ASSERT_EQ(fromBF16(bits), k < 7 ? rows[row].reals[k] : 0) << row << k;
    }
}

//===- By walking ---------------------------------------------------------===//

/// Takes a panel apart, top down, as the header's grammar reads.
class Walk {
public:
  Walk(const PanelLayout &layout, const std::vector<uint8_t> &panel,
       std::vector<RowFields> &rows)
      : layout(layout), panel(panel), rows(rows) {
    for (size_t i = 0; i < layout.scheme().levels.size(); ++i)
      if (layout.scheme().levels[i].group > 0)
        groupLevels.push_back(i);
  }

  /// The bytes that were read: all of them.
  int64_t read() {
    int64_t at = rowFields();
    return sequence(0, 0, layout.columns(), at);
  }

private:
  int64_t rowFields() {
    size_t slot = 0;
    for (size_t level = 0; level < layout.scheme().levels.size(); ++level)
      if (layout.scheme().levels[level].group <= 0)
        for (size_t c = 0; c < layout.scheme().levels[level].components.size();
             ++c)
          field(layout.rowFields()[slot++], 0, level, c, 0);
    return layout.rowFieldBytes();
  }

  void field(const FieldSlot &slot, int64_t at, size_t level, size_t component,
             int64_t group) {
    for (size_t lane = 0; lane < rows.size(); ++lane) {
      uint32_t word = 0;
      std::memcpy(&word,
                  &panel[size_t(at + slot.offset) + lane * size_t(slot.bytes)],
                  size_t(slot.bytes));
      uint64_t mask = (uint64_t(1) << slot.component.type.bits) - 1;
      rows[lane].fields[level][component][size_t(group)] =
          uint32_t(word >> slot.shift & mask);
    }
  }

  void fields(int64_t depth, int64_t at, int64_t group) {
    const std::vector<FieldSlot> &slots = layout.fields(depth);
    for (size_t c = 0; c < slots.size(); ++c)
      field(slots[c], at, groupLevels[size_t(depth)], c, group);
  }

  /// Every level from the last depth on, its groups in turn.
  int64_t unitFields(int64_t k, int64_t length, int64_t at) {
    std::vector<FieldSlot> slots = layout.unitFields(length);
    size_t next = 0;
    int64_t end = 0;
    for (size_t i = size_t(layout.lastDepth()); i < groupLevels.size(); ++i) {
      size_t level = groupLevels[i];
      int64_t group = layout.scheme().levels[level].group;
      for (int64_t first = 0; first < length; first += group)
        for (size_t c = 0; c < layout.scheme().levels[level].components.size();
             ++c) {
          field(slots[next], at, level, c, (k + first) / group);
          end = std::max(end, slots[next].offset + 16 * slots[next].bytes);
          ++next;
        }
    }
    EXPECT_EQ(next, slots.size());
    return at + end;
  }

  int64_t sequence(int64_t depth, int64_t k, int64_t length, int64_t at) {
    for (int64_t part; length > 0; k += part, length -= part) {
      part = std::min(length, layout.blockLength(depth));
      if (depth == layout.lastDepth()) {
        at = unit(k, part, at);
        continue;
      }
      const Level &level = layout.scheme().levels[groupLevels[size_t(depth)]];
      fields(depth, at, k / level.group);
      at = sequence(depth + 1, k, part, at + layout.fieldBytes(depth));
    }
    return at;
  }

  int64_t unit(int64_t k, int64_t length, int64_t at) {
    int64_t group = layout.group(), quads = 0;
    // (quad, element) of the unit, groups padded to whole quads.
    std::vector<std::pair<int64_t, int64_t>> places;
    for (int64_t first = 0; first < length; first += group) {
      int64_t count = std::min(group, length - first);
      for (int64_t i = 0; i < count; ++i)
        places.push_back({quads + i / 4, i % 4});
      quads += (count + 3) / 4;
    }
    for (int64_t i = 0; i < length; ++i)
      for (size_t lane = 0; lane < rows.size(); ++lane)
        element(rows[lane], int64_t(lane), k + i, at, quads,
                places[size_t(i)].first, places[size_t(i)].second);
    while (quads > 0) { // chunks
      at += chunkBytes(std::min<int64_t>(quads, 32));
      quads -= 32;
    }
    return unitFields(k, length, at);
  }

  int64_t signBytes(int64_t quads) const {
    return layout.scheme().signs ? (quads + 7) / 8 * 64 : 0;
  }

  /// Of a plane of the codes of `quads` quads.
  int64_t planeBytes(int64_t width, int64_t quads) const {
    int64_t length = layout.scheme().entryLength;
    if (length == 1)
      return (quads * width + 7) / 8 * 64;
    int64_t entries = (4 * quads + length - 1) / length;
    return (entries * width + 7) / 8 * 16;
  }

  int64_t chunkBytes(int64_t quads) const {
    int64_t bytes = signBytes(quads);
    for (int64_t width : layout.planes())
      bytes += planeBytes(width, quads);
    return bytes;
  }

  /// Byte `j` of quad `quad` of a unit of `quads`.
  void element(RowFields &row, int64_t lane, int64_t k, int64_t at,
               int64_t quads, int64_t quad, int64_t j) const {
    const Scheme &scheme = layout.scheme();
    at += quad / 32 * chunkBytes(32);
    int64_t here = std::min<int64_t>(32, quads - quad / 32 * 32);
    quad %= 32;
    if (scheme.signs)
      row.signs[size_t(k)] =
          uint8_t(bits(at + quad / 8 * 64 + lane * 4 + j, quad % 8, 1));
    at += signBytes(here);
    unsigned value = 0;
    int64_t bit = 0;
    for (int64_t width : layout.planes()) {
      int64_t per = 8 / width;
      int64_t entry = quad * 4 / scheme.entryLength;
      value |=
          scheme.isVector()
              ? bits(at + entry / per * 16 + lane, entry % per * width, width)
                    << bit
              : bits(at + quad / per * 64 + lane * 4 + j, quad % per * width,
                     width)
                    << bit;
      bit += width;
      at += planeBytes(width, here);
    }
    // Undoes the flip of the sign bit; it is its own inverse.
    if (scheme.isVector())
      row.indices[size_t(k / scheme.entryLength)] = uint16_t(value);
    else
      row.codes[size_t(k)] = layout.packedCode(uint8_t(value));
  }

  unsigned bits(int64_t byte, int64_t first, int64_t count) const {
    return panel[size_t(byte)] >> first & ((1u << count) - 1);
  }

  const PanelLayout &layout;
  const std::vector<uint8_t> &panel;
  std::vector<RowFields> &rows;
  std::vector<size_t> groupLevels;
};

const char *const kLevels[] = {
    "row scale f32",
    "row scale f32 min f16",
    "tensor scale f32, row scale u4 , group 24 scale u4",
    "group 32 scale f16",
    "group 32 scale f16 min f16",
    "group 5 scale bf16 zero u3",
    "group 7 scale e4m3",
    "group 128 scale e8m0",
    "group 300 scale f32",
    "group 256 scale f16, group 16 scale s8",
    "group 256 scale f16 neg_min f16, group 32 scale u6 neg_min u6",
    "group 256 scale f16 neg_min f16, group 16 scale u4 neg_min u4",
    "row scale f32, group 60 scale f16, group 20 scale u3, group 5 scale s12",
    "group 256 scale f16, group 16 scale u3, group 8 delta 0.125",
    "group 32 scale f16 delta 0.5",
    "group 96 scale f16, group 24 scale u5 delta 1",
    "row scale f32, group 48 scale u4, group 24 scale u2, group 4 scale u3",
};

static bool isSame(const RowFields &a, const RowFields &b) {
  return a.codes == b.codes && a.reals == b.reals && a.indices == b.indices &&
         a.signs == b.signs && a.fields == b.fields;
}

TEST_F(PanelLayoutTest, FloatsAreUnpacked) {
  for (const char *text : {"f32", "f16", "bf16"})
    for (int64_t columns : {1, 7, 64, 129}) {
      Scheme scheme = parse(text);
      PanelLayout layout(scheme, columns);
      std::vector<RowFields> rows = rowsOf(scheme, columns, 16), unpacked(16);
      layout.unpackPanel(pack(layout, rows).data(), unpacked.data());
      for (size_t row = 0; row < 16; ++row)
        ASSERT_TRUE(isSame(unpacked[row], rows[row])) << text << columns;
    }
}

TEST_F(PanelLayoutTest, EverythingIsFound) {
  for (const char *levels : kLevels)
    for (const std::string &codes :
         {std::string("u1"), std::string("s2"), std::string("u3 offset 4"),
          std::string("u4"), std::string("s5"), std::string("u6"),
          std::string("u7"), std::string("s8"), std::string("ternary"),
          std::string("sign"), codebook(3, 1, " signs"), codebook(8, 8),
          codebook(11, 8), codebook(10, 8, " signs"), codebook(5, 4),
          codebook(9, 4, " signs")}) {
      std::string text = codes + ", " + levels;
      Scheme scheme;
      std::string error;
      ASSERT_TRUE(Scheme::parse(text, scheme, error)) << text << error;
      if (!scheme.check().empty())
        continue;
      for (int64_t columns : {1, 31, 100, 256, int(1 + random() % 1000)}) {
        PanelLayout layout(scheme, columns);
        int count = 1 + int(random() % 16);
        std::vector<RowFields> rows = rowsOf(scheme, columns, count);
        std::vector<uint8_t> panel = pack(layout, rows);
        std::vector<RowFields> got(rows.size());
        for (RowFields &row : got)
          row.resize(scheme, columns);
        int64_t end = Walk(layout, panel, got).read();
        ASSERT_EQ(end, layout.panelBytes()) << text << ", " << columns;
        for (int row = 0; row < count; ++row) {
          ASSERT_EQ(got[size_t(row)].codes, rows[size_t(row)].codes)
              << text << ", K = " << columns << ", row " << row;
          ASSERT_EQ(got[size_t(row)].indices, rows[size_t(row)].indices)
              << text << ", K = " << columns << ", row " << row;
          ASSERT_EQ(got[size_t(row)].signs, rows[size_t(row)].signs)
              << text << ", K = " << columns << ", row " << row;
          ASSERT_EQ(got[size_t(row)].fields, rows[size_t(row)].fields)
              << text << ", K = " << columns << ", row " << row;
        }
        std::vector<RowFields> unpacked(16);
        layout.unpackPanel(panel.data(), unpacked.data());
        unpacked.resize(rows.size());
        for (size_t row = 0; row < rows.size(); ++row)
          ASSERT_TRUE(isSame(unpacked[row], rows[row]))
              << text << ", K = " << columns << ", row " << row;
      }
    }
}

//===- Sizes --------------------------------------------------------------===//

// What a token reads: packed bytes stay close to those of the source. Base 3
// has 5 codes in a byte there and 4 here. With grids the file leaves out every
// eighth sign and the last bit of odd scales.
TEST_F(PanelLayoutTest, PackedBytesOfFileFormats) {
  for (uint32_t type = 0; type < 256; ++type) {
    const BitFormat *format = findBitFormat(type);
    if (!format)
      continue;
    double most = std::string(format->name) == "TQ1_0" ? 1.25
                  : format->scheme.isVector()          ? 1.18
                                                       : 1.05;
    for (int64_t columns : {576, 640, 1536, 2048, 2304, 8192}) {
      if (columns % format->blockLength != 0)
        continue;
      PanelLayout layout(format->scheme, columns);
      double source = double(16 * format->rowBytes(columns));
      EXPECT_LE(double(layout.panelBytes()), most * source)
          << format->name << ", K = " << columns;
    }
  }
}

// The shapes of the small formats of GGUF with codebooks of vectors.
TEST_F(PanelLayoutTest, PackedBytesOfVectors) {
  const std::string super = ", group 256 scale f16, ";
  for (const std::string &text :
       {codebook(11, 8) + super + "group 32 scale u3 delta 0.125",
        codebook(11, 8) + super + "group 32 scale u4 delta 0.125",
        codebook(11, 8) + super + "group 16 scale u3, group 8 delta 0.125",
        codebook(8, 8, " signs") + super + "group 32 scale u4",
        codebook(9, 8, " signs") + super + "group 16 scale u4",
        codebook(10, 8, " signs") + super + "group 16 scale u4",
        codebook(8, 4, " signs") + super + "group 32 scale u4",
        codebook(9, 4, " signs") + super + "group 32 scale u4"}) {
    Scheme scheme = parse(text);
    for (int64_t columns : {768, 1536, 2048, 8192}) {
      PanelLayout layout(scheme, columns);
      double source = 2 * double(columns) * scheme.bitsPerWeight(columns);
      EXPECT_LE(double(layout.panelBytes()), 1.05 * source)
          << text.substr(text.find(',')) << ", K = " << columns;
    }
  }
}

TEST_F(PanelLayoutTest, RowsOfActivations) {
  RowsLayout rows{100, 8, 24, 2, false, {8, 128}};
  EXPECT_EQ(rows.groups(), 5);
  EXPECT_EQ(rows.scales(), 3);
  EXPECT_EQ(rows.scalesOffset(), 128); // 5 groups of 24 codes
  EXPECT_EQ(rows.biasOffset(0), 192);
  EXPECT_EQ(rows.biasOffsetOf(128), 256);
  EXPECT_EQ(rows.sumsOffset(), 320);
  EXPECT_EQ(rows.rowBytes(), 384);
  rows.hasSums = false;
  EXPECT_EQ(rows.rowBytes(), 320);
  RowsLayout signs{1100, 1, 512, 0};
  EXPECT_EQ(signs.groupBytes(), 64);
  EXPECT_EQ(signs.scalesOffset(), 192); // 3 groups of 16 words
  EXPECT_EQ(signs.sumsOffset(), 256);
  EXPECT_EQ(signs.rowBytes(), 320);
  EXPECT_EQ((RowsLayout{100, 1, 0, 0}.groupBytes()), 16);
  RowsLayout reals{6, 32, 0, 0};
  EXPECT_EQ(reals.paddedGroup(), 8);
  EXPECT_EQ(reals.scalesOffset(), 64);
  EXPECT_EQ(reals.sumsOffset(), 64);
  EXPECT_EQ(reals.rowBytes(), 128);
}

} // namespace
