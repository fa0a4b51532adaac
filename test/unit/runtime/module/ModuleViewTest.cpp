//===- ModuleViewTest.cpp - Tests of module/module_view.h -----------------===//

#include "FakeModule.h"
#include "module/module_view.h"
#include "module/weights.h"

#include <gtest/gtest.h>

using namespace qrt;

namespace {

Status parse(std::string_view file) {
  ModuleView view;
  return ModuleView::parse(file, "m.so", view);
}

/// All that a load with QRT_VERIFY=always checks without running code.
Status checkAll(std::string_view file) {
  ModuleView view;
  QRT_TRY(ModuleView::parse(file, "m.so", view));
  return verifyWeights(view, "m.so",
                       [](const std::function<void()> &job) { job(); });
}

/// One clear line about the file.
void expectRefusal(const Status &status, const std::string &what) {
  EXPECT_TRUE(status.code() == QRT_CORRUPT || status.code() == QRT_UNSUPPORTED)
      << what << ": " << status.code();
  EXPECT_EQ(status.message().substr(0, 4), "m.so") << what;
  EXPECT_EQ(status.message().find('\n'), std::string::npos) << what;
}

TEST(ModuleViewTest, ReadsTables) {
  FakeModule fake;
  const std::string file = fake.bytes();
  ModuleView view;
  const Status status = ModuleView::parse(file, "m.so", view);
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_EQ(view.levels.size, 2u);
  EXPECT_STREQ(view.string(view.levels[1].name), "second");
  EXPECT_EQ(view.find("text"), 0);
  EXPECT_EQ(view.find("scale"), 1);
  EXPECT_EQ(view.find("none"), -1);
  EXPECT_EQ(view.textFunction(), view.functions.begin());
  EXPECT_EQ(view.arguments.size, 2u);
  ASSERT_EQ(view.weightRecords.size, 2u);
  EXPECT_STREQ(view.string(view.weightRecords[1].name), "factors");
  EXPECT_EQ(view.weights, fake.weights);
  EXPECT_EQ(view.hashes.size, 1u);
  EXPECT_TRUE(checkAll(file).ok());
}

TEST(ModuleViewTest, WeightsMayBeEmpty) {
  FakeModule fake;
  fake.weights.clear();
  fake.weightRecords.clear();
  const std::string file = fake.bytes();
  const Status status = checkAll(file);
  EXPECT_TRUE(status.ok()) << status.message();
  expectRefusal(parse(std::string_view(file).substr(0, file.size() - 1)),
                "one byte less");
}

TEST(ModuleViewTest, RefusesEveryTruncation) {
  const std::string file = FakeModule().bytes();
  for (size_t length = 0; length < file.size(); ++length)
    expectRefusal(parse(std::string_view(file).substr(0, length)),
                  "length " + std::to_string(length));
}

TEST(ModuleViewTest, RefusesTrailingBytes) {
  expectRefusal(parse(FakeModule().bytes() + "x"), "one byte more");
}

TEST(ModuleViewTest, RefusesEveryFlippedByte) {
  std::string file = FakeModule().bytes();
  for (size_t i = 0; i < file.size(); ++i) {
    const char flip = char(1 << (i % 8));
    file[i] ^= flip;
    expectRefusal(checkAll(file), "byte " + std::to_string(i));
    file[i] ^= flip;
  }
  EXPECT_TRUE(checkAll(file).ok());
}

TEST(ModuleViewTest, SaysWhatIsNoModule) {
  EXPECT_EQ(parse("GGUF and more").message(),
            "m.so is not a lowbit module (no ELF file): make one with "
            "quant-compile");
  EXPECT_NE(parse(readAll(FAKE_CODE)).message().find("no section .qrt.header"),
            std::string::npos);
}

TEST(ModuleViewTest, NamesVersionsOfOtherModules) {
  FakeModule fake;
  fake.header.format_version = 9;
  Status status = parse(fake.bytes());
  EXPECT_EQ(status.code(), QRT_UNSUPPORTED);
  EXPECT_EQ(status.message(),
            "m.so: its format has version 9, this runtime reads 3: compile it "
            "again, or update the runtime");
  fake = FakeModule();
  fake.header.abi_version = 7;
  status = parse(fake.bytes());
  EXPECT_EQ(status.code(), QRT_UNSUPPORTED);
  EXPECT_NE(status.message().find("ABI version 7"), std::string::npos);
}

TEST(ModuleViewTest, RefusesAnotherMachine) {
  FakeModule fake;
  Elf64_Ehdr elf;
  std::memcpy(&elf, fake.code.data(), sizeof elf);
  elf.e_machine = EM_RISCV;
  std::memcpy(fake.code.data(), &elf, sizeof elf);
  EXPECT_EQ(parse(fake.bytes()).code(), QRT_UNSUPPORTED);
}

using Edit = std::function<void(FakeModule &)>;

/// Files whose hashes agree, but whose tables lie.
TEST(ModuleViewTest, RefusesLyingRecords) {
  const std::vector<std::pair<const char *, Edit>> edits = {
      {"string", [](FakeModule &m) { m.levels[0].name = 1u << 20; }},
      {"producer", [](FakeModule &m) { m.header.producer = ~0u; }},
      {"unterminated", [](FakeModule &m) { m.strings += "x"; }},
      {"no strings", [](FakeModule &m) { m.strings.clear(); }},
      {"no levels", [](FakeModule &m) { m.levels.clear(); }},
      {"no functions", [](FakeModule &m) { m.functions.clear(); }},
      {"kind", [](FakeModule &m) { m.functions[1].kind = 5; }},
      {"inputs", [](FakeModule &m) { m.functions[1].n_inputs = 3; }},
      {"first", [](FakeModule &m) { m.functions[1].first_argument = ~0u; }},
      {"wrapping", [](FakeModule &m) { m.functions[1].n_outputs = ~0u; }},
      {"scratch", [](FakeModule &m) { m.functions[0].scratch_bytes = ~0ull; }},
      {"rank", [](FakeModule &m) { m.arguments[0].rank = 7; }},
      {"type", [](FakeModule &m) { m.arguments[0].type = 99; }},
      {"dims",
       [](FakeModule &m) {
         m.arguments[0].rank = 2;
         m.arguments[0].dims[0] = m.arguments[0].dims[1] = 1ull << 40;
       }},
      {"weight behind",
       [](FakeModule &m) { m.weightRecords[1].offset = 1u << 30; }},
      {"weight long",
       [](FakeModule &m) { m.weightRecords[1].bytes = ~0ull - 63; }},
      {"weight unaligned",
       [](FakeModule &m) { m.weightRecords[1].offset = 4; }},
      {"weight shape", [](FakeModule &m) { m.weightRecords[1].rows = ~0ull; }},
      {"region's name", [](FakeModule &m) {
         m.addRegion("r");
         m.regions[0].name = ~0u;
       }},
      {"region's function", [](FakeModule &m) { m.addRegion("r", 2); }},
      {"vocabulary", [](FakeModule &m) { m.header.text.n_vocab = 0; }},
      {"rows", [](FakeModule &m) { m.header.text.max_rows = 1u << 30; }},
      {"page size", [](FakeModule &m) { m.header.text.page_size = 0; }},
      {"page bytes",
       [](FakeModule &m) { m.header.text.page_bytes = 1ull << 60; }},
      {"context", [](FakeModule &m) { m.header.text.max_context = ~0u; }},
      {"kv type", [](FakeModule &m) { m.header.text.kv_type = 9; }},
      {"probes", [](FakeModule &m) { m.header.text.n_probes = ~0u; }},
  };
  for (const auto &[name, edit] : edits) {
    FakeModule fake;
    edit(fake);
    expectRefusal(parse(fake.bytes()), name);
  }
}

/// Tables and sizes in the file's header, each set to values that overflow.
TEST(ModuleViewTest, RefusesLyingTables) {
  const std::string file = FakeModule().bytes();
  ModuleView view;
  ASSERT_TRUE(ModuleView::parse(file, "m.so", view).ok());
  const uint64_t base = view.header.code_bytes;
  for (size_t field = offsetof(qrt_header, levels);
       field < offsetof(qrt_header, text); field += 8)
    for (uint64_t value : {~0ull, 1ull << 63, ~0ull / 64, 1ull << 32, 3ull}) {
      std::string edited = file;
      std::memcpy(&edited[base + field], &value, sizeof value);
      FakeModule::rehash(edited, base);
      // Some values shorten a table and are fine; none may read out of bounds.
      ModuleView other;
      const Status status = ModuleView::parse(edited, "m.so", other);
      if (!status.ok())
        expectRefusal(status, "field " + std::to_string(field));
    }
}

/// Every 4-byte word of the ELF part, with the hashes made to agree.
TEST(ModuleViewTest, SurvivesLyingElf) {
  const std::string file = FakeModule().bytes();
  ModuleView view;
  ASSERT_TRUE(ModuleView::parse(file, "m.so", view).ok());
  const uint64_t base = view.header.code_bytes;
  for (size_t at = 0; at + 4 <= base; at += 4)
    for (uint32_t value : {~0u, 1u << 31, 0u}) {
      std::string edited = file;
      std::memcpy(&edited[at], &value, sizeof value);
      FakeModule::rehash(edited, base);
      const Status status = parse(edited);
      if (!status.ok())
        expectRefusal(status, "word at " + std::to_string(at));
    }
}

} // namespace
