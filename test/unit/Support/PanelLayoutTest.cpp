//===- PanelLayoutTest.cpp - Where the bits of a packed tensor are --------===//

#include "lowbit/Support/PanelLayout.h"

#include "lowbit/Support/BitFormat.h"

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

// Two components of at most 4 bits share the bytes of their lanes.
TEST_F(PanelLayoutTest, SmallFieldsShareBytes) {
  PanelLayout layout(
      parse("u2, group 64 scale f16 min f16, group 16 scale u4 min u4"), 64);
  ASSERT_EQ(layout.fields(1).size(), 2u);
  EXPECT_EQ(layout.fieldBytes(1), 16);
  EXPECT_EQ(layout.fields(1)[1].offset, layout.fields(1)[0].offset);
  EXPECT_EQ(layout.fields(1)[1].shift, 4);
  EXPECT_EQ(layout.fieldBytes(0), 64);
}

TEST_F(PanelLayoutTest, FloatsLieByColumns) {
  for (const char *type : {"f32", "f16", "bf16"}) {
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
        rows[lane].codes[size_t(k + i)] =
            code(at, quads, places[size_t(i)].first,
                 int64_t(lane) * 4 + places[size_t(i)].second);
    while (quads > 0) { // chunks
      at += chunkBytes(std::min<int64_t>(quads, 32));
      quads -= 32;
    }
    if (!groupLevels.empty())
      for (int64_t first = 0; first < length; first += group) {
        fields(layout.lastDepth(), at, (k + first) / group);
        at += layout.fieldBytes(layout.lastDepth());
      }
    return at;
  }

  int64_t chunkBytes(int64_t quads) const {
    int64_t bytes = 0;
    for (int64_t width : layout.planes())
      bytes += (quads * width + 7) / 8 * 64;
    return bytes;
  }

  uint8_t code(int64_t at, int64_t quads, int64_t quad, int64_t byte) const {
    at += quad / 32 * chunkBytes(32);
    int64_t here = std::min<int64_t>(32, quads - quad / 32 * 32);
    unsigned value = 0;
    int64_t bit = 0;
    for (int64_t width : layout.planes()) {
      int64_t in = quad % 32 * width; // bits of this plane before the quad
      unsigned part = panel[size_t(at + in / 8 * 64 + byte)] >> (in % 8);
      value |= (part & ((1u << width) - 1)) << bit;
      bit += width;
      at += (here * width + 7) / 8 * 64;
    }
    // Undoes the flip of the sign bit; it is its own inverse.
    return layout.packedCode(uint8_t(value));
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
};

TEST_F(PanelLayoutTest, EverythingIsFound) {
  for (const char *levels : kLevels)
    for (const char *codes : {"u1", "s2", "u3 offset 4", "u4", "s5", "u6", "u7",
                              "s8", "ternary", "sign"}) {
      std::string text = std::string(codes) + ", " + levels;
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
          ASSERT_EQ(got[size_t(row)].fields, rows[size_t(row)].fields)
              << text << ", K = " << columns << ", row " << row;
        }
      }
    }
}

//===- Sizes --------------------------------------------------------------===//

// What a token reads: packed bytes stay close to those of the source. Base 3
// has 5 codes in a byte there and 4 here.
TEST_F(PanelLayoutTest, PackedBytesOfFileFormats) {
  for (uint32_t type = 0; type < 256; ++type) {
    const BitFormat *format = findBitFormat(type);
    if (!format)
      continue;
    double most = std::string(format->name) == "TQ1_0" ? 1.25 : 1.05;
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

TEST_F(PanelLayoutTest, RowsOfActivations) {
  RowsLayout rows{100, 8, 24, 2};
  EXPECT_EQ(rows.groups(), 5);
  EXPECT_EQ(rows.scales(), 3);
  EXPECT_EQ(rows.scalesOffset(), 128); // 5 groups of 24 codes
  EXPECT_EQ(rows.negSumsOffset(), 192);
  EXPECT_EQ(rows.sumsOffset(), 256);
  EXPECT_EQ(rows.rowBytes(), 320);
  RowsLayout reals{6, 32, 0, 0};
  EXPECT_EQ(reals.paddedGroup(), 8);
  EXPECT_EQ(reals.scalesOffset(), 64);
  EXPECT_EQ(reals.sumsOffset(), 64);
  EXPECT_EQ(reals.rowBytes(), 128);
}

} // namespace
