//===- ModuleHeaderTest.cpp - What a module says about its weights --------===//

#include "tools/common/module_header.h"

#include "ToolsTest.h"

#include <cstring>
#include <elf.h>

using namespace lowbit::tools;

namespace {
/// A module without code: ELF header, section names, .qrt.header, sections.
class ModuleHeaderTest : public ToolsTest {
protected:
  static void append(std::string &bytes, const void *data, size_t count) {
    bytes.append(static_cast<const char *>(data), count);
  }
  static qrt_weight_record weight(uint64_t packed, uint64_t source,
                                  uint64_t rows, uint32_t use) {
    qrt_weight_record record{};
    record.bytes = packed;
    record.source_bytes = source;
    record.rows = rows;
    record.columns = 4;
    record.name = 1;
    record.scheme = 1;
    record.source_type = 3;
    record.use = use;
    return record;
  }
  std::string module() const {
    qrt_header header{};
    std::memcpy(header.magic, QRT_HEADER_MAGIC, 8);
    header.format_version = QRT_FORMAT_VERSION;
    header.text = text;
    header.weights = {sizeof header, weights.size()};
    header.regions = {sizeof header + weights.size() * sizeof weights[0],
                      regions.size()};
    header.strings = {header.regions.offset +
                          regions.size() * sizeof(qrt_region_record),
                      6};
    std::string section;
    append(section, &header, sizeof header);
    append(section, weights.data(), weights.size() * sizeof weights[0]);
    append(section, regions.data(), regions.size() * sizeof(qrt_region_record));
    append(section, "\0w\0T1\0", 6);

    static constexpr char names[] = "\0.names\0.qrt.header";
    Elf64_Ehdr elf{};
    std::memcpy(elf.e_ident, ELFMAG, SELFMAG);
    elf.e_shentsize = sizeof(Elf64_Shdr);
    elf.e_shnum = 3;
    elf.e_shstrndx = 1;
    Elf64_Shdr sections[3]{};
    sections[1].sh_name = 1;
    sections[1].sh_offset = sizeof elf;
    sections[1].sh_size = sizeof names;
    sections[2].sh_name = 8;
    sections[2].sh_offset = sizeof elf + sizeof names;
    sections[2].sh_size = section.size();
    elf.e_shoff = sections[2].sh_offset + section.size();
    std::string bytes;
    append(bytes, &elf, sizeof elf);
    append(bytes, names, sizeof names);
    bytes += section;
    append(bytes, sections, sizeof sections);
    return bytes;
  }

  qrt_text_record text{};
  std::vector<qrt_weight_record> weights;
  std::vector<qrt_region_record> regions;
};
} // namespace

TEST_F(ModuleHeaderTest, readsWeights) {
  text.n_probes = 7;
  weights = {weight(110, 100, 10, QRT_WEIGHT_STREAMED),
             weight(0, 40, 10, QRT_WEIGHT_STREAMED | QRT_WEIGHT_GATHERED)};
  ModuleHeader header;
  EXPECT_SUCCESS(readModuleHeader(write("m.so", module()), header));
  EXPECT_EQ(header.text.n_probes, 7u);
  ASSERT_EQ(header.weights.size(), 2u);
  EXPECT_EQ(header.weights[0].name, "w");
  EXPECT_EQ(header.weights[0].packedBytes, 110u);
  EXPECT_FALSE(header.weights[0].gathered);
  EXPECT_TRUE(header.weights[1].gathered);
  EXPECT_EQ(header.mainSourceType(), "T1");
}

TEST_F(ModuleHeaderTest, readsRegions) {
  regions = {{1, 5, 30, QRT_REGION_OUT, 100, 20, 300, 4000, 50},
             {3, 0, 0, 0, 0, 0, 0, 0, 0}};
  ModuleHeader header;
  EXPECT_SUCCESS(readModuleHeader(write("m.so", module()), header));
  ASSERT_EQ(header.regions.size(), 2u);
  const ModuleHeader::Region &region = header.regions[0];
  EXPECT_EQ(region.name, "w");
  EXPECT_EQ(region.function, 5u);
  EXPECT_TRUE(region.isOut);
  EXPECT_EQ(region.weightBytes, 100u);
  EXPECT_EQ(region.rowWeightBytes, 20u);
  EXPECT_EQ(region.rowBytes, 300u);
  EXPECT_EQ(region.rowMacs, 4000u);
  EXPECT_EQ(region.kvBytesPerPosition, 50u);
  EXPECT_EQ(header.regions[1].name, "T1");
  EXPECT_FALSE(header.regions[1].isOut);
}

TEST_F(ModuleHeaderTest, survivesEveryTruncationAndByte) {
  weights = {weight(110, 100, 10, QRT_WEIGHT_STREAMED)};
  regions = {{1, 0, 1, 0, 100, 0, 0, 0, 0}};
  std::string whole = module();
  ModuleHeader header;
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_TRUE(
        readModuleHeader(write("m.so", whole.substr(0, length)), header))
        << length;
  // Any answer will do, as long as there is one.
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string flipped = whole;
    flipped[i] = static_cast<char>(~flipped[i]);
    if (Error error = readModuleHeader(write("m.so", flipped), header))
      EXPECT_FALSE(error.message().empty());
  }
}

TEST_F(ModuleHeaderTest, trafficCountsReadsOfOneToken) {
  ModuleHeader header;
  header.text.kv_bytes_per_position = 8;
  header.weights = {{"a", "", "", 110, 100, 10, 4, true, false},
                    {"b", "", "", 50, 40, 10, 4, false, true},
                    {"c", "", "", 80, 80, 10, 4, true, true}};
  // Generating 4: 100 + 4 + (80 + 8), and the KV store of 1, 2, 3, 4 positions.
  Traffic one = trafficPerToken(header, 4, 1);
  EXPECT_DOUBLE_EQ(one.kv, 8 * 2.5);
  EXPECT_DOUBLE_EQ(one.source, 100 + 4 + 88 + one.kv);
  EXPECT_DOUBLE_EQ(one.packed, 110 + 5 + 88 + one.kv);
  // A prompt of 4 in calls of 3 and 1.
  Traffic many = trafficPerToken(header, 4, 3);
  EXPECT_DOUBLE_EQ(many.kv, 8 * (3 + 4) / 4.0);
  EXPECT_DOUBLE_EQ(many.source, 180 * 2 / 4.0 + 4 + 8 + many.kv);
  // The same behind 100 positions: each token or call reads those too.
  Traffic deep = trafficPerToken(header, 4, 1, 1, 100);
  EXPECT_DOUBLE_EQ(deep.kv, 8 * 102.5);
  EXPECT_DOUBLE_EQ(deep.source, 100 + 4 + 88 + deep.kv);
  EXPECT_DOUBLE_EQ(trafficPerToken(header, 4, 3, 1, 100).kv,
                   8 * (103 + 104) / 4.0);
  EXPECT_DOUBLE_EQ(trafficPerToken(header, 0, 1).source, 0);
}
