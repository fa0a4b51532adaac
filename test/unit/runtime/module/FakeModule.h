//===- FakeModule.h - Module files for tests --------------------*- C++ -*-===//
//
// Makes a module from FakeCode.c's machine code, byte by byte as format.h says,
// without the compiler. Every field may be changed before bytes() is called.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_TEST_UNIT_RUNTIME_MODULE_FAKEMODULE_H
#define LOWBIT_TEST_UNIT_RUNTIME_MODULE_FAKEMODULE_H

#include "base/hash.h"
#include "quantrt/abi.h"
#include "quantrt/format.h"

#include <cstdlib>
#include <cstring>
#include <elf.h>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>
#include <vector>

namespace qrt {

inline std::string readAll(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void writeAll(const std::string &path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), std::streamsize(bytes.size()));
}

/// A folder that lives as long as this object.
class TemporaryFolder {
public:
  TemporaryFolder() {
    const char *base = std::getenv("TMPDIR");
    path_ = std::string(base ? base : "/tmp") + "/quantrt-test-XXXXXX";
    if (!mkdtemp(path_.data()))
      std::abort();
  }
  ~TemporaryFolder() {
    const std::string command = "rm -rf '" + path_ + "'";
    if (std::system(command.c_str()) != 0)
      std::perror("rm");
  }
  std::string operator/(const std::string &name) const {
    return path_ + "/" + name;
  }

private:
  std::string path_;
};

class FakeModule {
public:
  static constexpr int32_t vocabulary = 37, maxRows = 8, embedding = 3;

  qrt_header header = {};
  std::vector<qrt_level_record> levels;
  std::vector<qrt_function_record> functions;
  std::vector<qrt_argument_record> arguments;
  std::vector<qrt_weight_record> weightRecords;
  std::vector<qrt_region_record> regions;
  std::string strings = std::string(1, '\0');
  std::string metadata; ///< pairs, without their number
  uint64_t metadataPairs = 0;
  std::string weights;
  std::string code;

  explicit FakeModule(const std::string &codePath = FAKE_CODE)
      : code(readAll(codePath)) {
    std::memcpy(header.magic, QRT_HEADER_MAGIC, sizeof header.magic);
    header.format_version = QRT_FORMAT_VERSION;
    header.abi_version = QRT_ABI_VERSION;
    header.producer = add("FakeModule");
    levels = {{1, 0, add("first"), 0}, {2, 0, add("second"), 0}};
    functions = {{add("text"), QRT_FUNCTION_TEXT, 0, 0, 0, 0, 4096, 0},
                 {add("scale"), QRT_FUNCTION_PLAIN, 0, 1, 1, 0, 64, 0}};
    arguments = {{add("x"), QRT_TYPE_F32, 1, 0, {4}},
                 {add("y"), QRT_TYPE_F32, 1, 0, {4}}};
    std::vector<float> head(vocabulary);
    for (int32_t v = 0; v < vocabulary; ++v)
      head[v] = weight(v);
    addWeight("head", head);
    addWeight("factors", {1, 10, 100, 1000});
    qrt_text_record &text = header.text;
    text.n_vocab = text.n_result = vocabulary;
    text.n_embd = embedding;
    text.n_layers = text.n_heads = text.n_kv_heads = text.head_dim = 1;
    text.max_rows = maxRows;
    text.max_context = 100;
    text.page_size = 4;
    text.page_bytes = 64;
    text.kv_bytes_per_position = 4;
    text.activations = 32;
  }

  static float weight(int32_t v) { return float((v * 7) % 11 - 5); }

  qrt_string add(const std::string &text) {
    const qrt_string offset = qrt_string(strings.size());
    strings += text + '\0';
    return offset;
  }

  void addWeight(const std::string &name, const std::vector<float> &values) {
    weights.resize((weights.size() + 63) / 64 * 64);
    qrt_weight_record record = {};
    record.offset = weights.size();
    record.bytes = record.source_bytes = values.size() * sizeof(float);
    record.rows = 1;
    record.columns = values.size();
    record.name = add(name);
    record.scheme = add("f32");
    record.source_type = add("F32");
    record.use = QRT_WEIGHT_STREAMED;
    weightRecords.push_back(record);
    weights.append(reinterpret_cast<const char *>(values.data()), record.bytes);
  }

  void addRegion(const std::string &name, uint32_t function = 0) {
    qrt_region_record record = {};
    record.name = add(name);
    record.function = function;
    regions.push_back(record);
  }

  void addMetadata(const std::string &key, const std::string &value) {
    appendString(key);
    append(metadata, uint32_t(8));
    appendString(value);
    ++metadataPairs;
  }
  void addMetadata(const std::string &key, uint32_t value) {
    appendString(key);
    append(metadata, uint32_t(4));
    append(metadata, value);
    ++metadataPairs;
  }
  void addMetadata(const std::string &key,
                   const std::vector<std::string> &values) {
    appendArrayHead(key, 8, values.size());
    for (const std::string &value : values)
      appendString(value);
  }
  void addMetadata(const std::string &key, const std::vector<int32_t> &values) {
    appendArrayHead(key, 5, values.size());
    for (int32_t value : values)
      append(metadata, value);
  }

  /// The file. Hashes are right, whatever was changed before.
  std::string bytes() const {
    std::string file = code;
    const uint64_t sections = appendSections(file);
    const uint64_t codeBytes = file.size();
    const std::string tables = headerBehind(codeBytes);
    patchSection(file, sections, codeBytes, tables.size());
    patchSection(file, sections + sizeof(Elf64_Shdr), codeBytes + tables.size(),
                 weights.size());
    file += tables + weights;
    rehash(file, codeBytes);
    return file;
  }

  /// A module in this program: FakeCode.c is linked into it.
  struct Static {
    std::string memory; ///< header and weights, with room to align them
    qrt_static_module module;
  };
  void makeStatic(Static &made) const {
    std::string parts = headerBehind(0);
    const uint64_t headerBytes = parts.size();
    parts += weights;
    rehash(parts, 0);
    made.memory.assign(parts.size() + 64, '\0');
    char *const begin =
        made.memory.data() +
        -reinterpret_cast<uintptr_t>(made.memory.data()) % 64;
    std::memcpy(begin, parts.data(), parts.size());
    made.module = {QRT_ABI_VERSION, sizeof(qrt_static_module),
                   "fake_module",   fakeCodeTable(),
                   begin,           headerBytes,
                   begin + headerBytes, weights.size()};
  }

  static const qrt_code_table *fakeCodeTable() {
    extern const char table[] __asm__(QRT_CODE_TABLE_SYMBOL);
    return reinterpret_cast<const qrt_code_table *>(table);
  }

  /// Header and tables as they stand behind `codeBytes` of code; no hashes.
  std::string headerBehind(uint64_t codeBytes) const {
    qrt_header head = header;
    std::string tables(sizeof head, '\0');
    head.levels = appendTable(tables, levels);
    head.functions = appendTable(tables, functions);
    head.arguments = appendTable(tables, arguments);
    head.weights = appendTable(tables, weightRecords);
    std::vector<uint64_t> hashes;
    for (size_t at = 0; at < weights.size(); at += QRT_HASH_CHUNK)
      hashes.push_back(
          hash64(std::string_view(weights).substr(at, QRT_HASH_CHUNK)));
    head.hashes = appendTable(tables, hashes);
    head.regions = appendTable(tables, regions);
    std::string pairs;
    append(pairs, metadataPairs);
    pairs += metadata;
    head.metadata = appendTable(tables, pairs);
    head.strings = appendTable(tables, strings);

    head.code_bytes = codeBytes;
    head.weights_offset =
        (codeBytes + tables.size() + QRT_WEIGHTS_ALIGNMENT - 1) /
        QRT_WEIGHTS_ALIGNMENT * QRT_WEIGHTS_ALIGNMENT;
    head.header_bytes = head.weights_offset - head.code_bytes;
    head.weights_bytes = weights.size();
    std::memcpy(tables.data(), &head, sizeof head);
    tables.resize(head.header_bytes);
    return tables;
  }

  /// Makes the hashes of code and header agree with an edited file.
  static void rehash(std::string &file, uint64_t codeBytes) {
    qrt_header head;
    std::memcpy(&head, file.data() + codeBytes, sizeof head);
    const std::string_view all(file);
    head.code_hash = hash64(all.substr(0, codeBytes));
    std::memcpy(file.data() + codeBytes, &head, sizeof head);
    constexpr size_t behind = offsetof(qrt_header, header_hash) + 8;
    head.header_hash =
        hash64(all.substr(codeBytes + behind, head.header_bytes - behind));
    std::memcpy(file.data() + codeBytes, &head, sizeof head);
  }

private:
  template <typename T> static void append(std::string &to, T value) {
    to.append(reinterpret_cast<const char *>(&value), sizeof value);
  }
  void appendString(const std::string &text) {
    append(metadata, uint64_t(text.size()));
    metadata += text;
  }
  void appendArrayHead(const std::string &key, uint32_t type, uint64_t count) {
    appendString(key);
    append(metadata, uint32_t(9));
    append(metadata, type);
    append(metadata, count);
    ++metadataPairs;
  }

  template <typename Records>
  static qrt_table appendTable(std::string &tables, const Records &records) {
    tables.resize((tables.size() + 7) / 8 * 8);
    const qrt_table table = {tables.size(), records.size()};
    tables.append(reinterpret_cast<const char *>(records.data()),
                  records.size() * sizeof(records[0]));
    return table;
  }

  /// Appends a table of section names and one of sections with two more of
  /// them; returns where the first of the two lies.
  static uint64_t appendSections(std::string &file) {
    Elf64_Ehdr elf;
    std::memcpy(&elf, file.data(), sizeof elf);
    std::vector<Elf64_Shdr> sections(elf.e_shnum);
    std::memcpy(sections.data(), file.data() + elf.e_shoff,
                sections.size() * sizeof(Elf64_Shdr));
    Elf64_Shdr &names = sections[elf.e_shstrndx];
    std::string text = file.substr(names.sh_offset, names.sh_size);
    Elf64_Shdr section = {};
    section.sh_type = SHT_PROGBITS;
    section.sh_addralign = 1;
    for (const char *name : {QRT_HEADER_SECTION, QRT_WEIGHTS_SECTION}) {
      section.sh_name = uint32_t(text.size());
      text += name + std::string(1, '\0');
      sections.push_back(section);
    }
    file.resize((file.size() + 7) / 8 * 8);
    sections[elf.e_shstrndx].sh_offset = file.size();
    sections[elf.e_shstrndx].sh_size = text.size();
    file += text;
    file.resize((file.size() + 7) / 8 * 8);
    elf.e_shoff = file.size();
    elf.e_shnum = uint16_t(sections.size());
    file.append(reinterpret_cast<const char *>(sections.data()),
                sections.size() * sizeof(Elf64_Shdr));
    file.resize((file.size() + 63) / 64 * 64);
    std::memcpy(file.data(), &elf, sizeof elf);
    return elf.e_shoff + (sections.size() - 2) * sizeof(Elf64_Shdr);
  }

  static void patchSection(std::string &file, uint64_t at, uint64_t offset,
                           uint64_t bytes) {
    Elf64_Shdr section;
    std::memcpy(&section, file.data() + at, sizeof section);
    section.sh_offset = offset;
    section.sh_size = bytes;
    std::memcpy(file.data() + at, &section, sizeof section);
  }
};

} // namespace qrt

#endif // LOWBIT_TEST_UNIT_RUNTIME_MODULE_FAKEMODULE_H
