//===- module_header.cpp - What a module says about its weights -----------===//

#include "tools/common/module_header.h"

#include "tools/common/files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <map>
#include <sys/stat.h>
#include <unistd.h>

using namespace lowbit::tools;

/// No header is larger: a vocabulary of a million tokens takes 40 MB.
static constexpr uint64_t maxHeaderBytes = UINT64_C(1) << 30;

static Error damaged(const std::string &path) {
  return Error("'" + path + "' is damaged or no module; compile it again");
}

static Error readAt(int fd, const std::string &path, uint64_t offset,
                    uint64_t bytes, void *out) {
  char *next = static_cast<char *>(out);
  while (bytes > 0) {
    ssize_t got = ::pread(fd, next, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return systemError("cannot read '" + path + "'", got ? errno : EIO);
    next += got;
    offset += static_cast<uint64_t>(got);
    bytes -= static_cast<uint64_t>(got);
  }
  return Error::success();
}

namespace {
/// A file read in pieces; every piece is checked against its size.
class Pieces {
public:
  Error open(const std::string &path) {
    path_ = path;
    file_.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status;
    if (!file_.valid() || ::fstat(file_.get(), &status) != 0)
      return systemError("cannot open '" + path + "'", errno);
    size_ = static_cast<uint64_t>(status.st_size);
    return Error::success();
  }
  Error damaged() const { return ::damaged(path_); }
  Error read(uint64_t offset, uint64_t bytes, void *out) const {
    if (offset > size_ || bytes > size_ - offset)
      return damaged();
    return readAt(file_.get(), path_, offset, bytes, out);
  }

private:
  std::string path_;
  FileDescriptor file_;
  uint64_t size_ = 0;
};
} // namespace

/// Finds the section that holds the header.
static Error findHeader(const Pieces &file, uint64_t &offset, uint64_t &bytes) {
  Elf64_Ehdr elf;
  TOOLS_TRY(file.read(0, sizeof elf, &elf));
  if (std::memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 ||
      elf.e_shentsize != sizeof(Elf64_Shdr) || elf.e_shstrndx >= elf.e_shnum)
    return file.damaged();
  std::vector<Elf64_Shdr> sections(elf.e_shnum);
  TOOLS_TRY(file.read(elf.e_shoff, elf.e_shnum * sizeof(Elf64_Shdr),
                      sections.data()));
  static constexpr char wanted[] = QRT_HEADER_SECTION;
  for (const Elf64_Shdr &section : sections) {
    char name[sizeof wanted];
    uint64_t at = sections[elf.e_shstrndx].sh_offset;
    if (section.sh_name > UINT64_MAX - at)
      return file.damaged();
    // The name of another section may end just before the end of the file.
    if (Error error = file.read(at + section.sh_name, sizeof name, name))
      continue;
    if (std::memcmp(name, wanted, sizeof wanted) != 0)
      continue;
    offset = section.sh_offset;
    bytes = section.sh_size;
    if (bytes < sizeof(qrt_header) || bytes > maxHeaderBytes)
      return file.damaged();
    return Error::success();
  }
  return file.damaged();
}

static bool tableFits(const qrt_table &table, uint64_t record, uint64_t bytes) {
  return table.offset <= bytes &&
         table.count <= (bytes - table.offset) / record;
}

/// The string at `offset` of the table; "" if it leads outside.
static std::string stringAt(const std::string &bytes, const qrt_table &strings,
                            qrt_string offset) {
  if (offset >= strings.count)
    return "";
  const char *begin = bytes.data() + strings.offset + offset;
  return std::string(begin, strnlen(begin, strings.count - offset));
}

/// The table's size has been checked.
static void readRegions(const std::string &bytes, const qrt_header &raw,
                        ModuleHeader &header) {
  for (uint64_t i = 0; i < raw.regions.count; ++i) {
    qrt_region_record record;
    std::memcpy(&record, bytes.data() + raw.regions.offset + i * sizeof record,
                sizeof record);
    header.regions.push_back(
        {stringAt(bytes, raw.strings, record.name), record.function,
         (record.flags & QRT_REGION_OUT) != 0, record.weight_bytes,
         record.row_weight_bytes, record.row_bytes, record.row_macs,
         record.kv_bytes_per_position});
  }
}

Error lowbit::tools::readModuleHeader(const std::string &path,
                                      ModuleHeader &header) {
  Pieces file;
  uint64_t offset = 0, size = 0;
  TOOLS_TRY(file.open(path));
  TOOLS_TRY(findHeader(file, offset, size));
  std::string bytes(size, '\0');
  TOOLS_TRY(file.read(offset, size, &bytes[0]));
  qrt_header raw;
  std::memcpy(&raw, bytes.data(), sizeof raw);
  if (std::memcmp(raw.magic, QRT_HEADER_MAGIC, sizeof raw.magic) != 0 ||
      raw.format_version != QRT_FORMAT_VERSION ||
      !tableFits(raw.weights, sizeof(qrt_weight_record), size) ||
      !tableFits(raw.regions, sizeof(qrt_region_record), size) ||
      !tableFits(raw.strings, 1, size))
    return file.damaged();
  header = ModuleHeader();
  header.text = raw.text;
  for (uint64_t i = 0; i < raw.weights.count; ++i) {
    qrt_weight_record record;
    std::memcpy(&record, bytes.data() + raw.weights.offset + i * sizeof record,
                sizeof record);
    header.weights.push_back({stringAt(bytes, raw.strings, record.name),
                              stringAt(bytes, raw.strings, record.scheme),
                              stringAt(bytes, raw.strings, record.source_type),
                              record.bytes, record.source_bytes, record.rows,
                              record.columns,
                              (record.use & QRT_WEIGHT_STREAMED) != 0,
                              (record.use & QRT_WEIGHT_GATHERED) != 0,
                              raw.weights_offset + record.offset});
  }
  readRegions(bytes, raw, header);
  return Error::success();
}

Error WeightReader::open(const std::string &path) {
  path_ = path;
  file_.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return file_.valid() ? Error::success()
                       : systemError("cannot open '" + path + "'", errno);
}

Error WeightReader::read(const ModuleHeader::Weight &weight, uint64_t offset,
                         uint64_t bytes, void *out) const {
  if (offset > weight.packedBytes || bytes > weight.packedBytes - offset ||
      weight.offset > UINT64_MAX / 2 - offset)
    return damaged(path_);
  return readAt(file_.get(), path_, weight.offset + offset, bytes, out);
}

std::string ModuleHeader::mainSourceType() const {
  std::map<std::string, uint64_t> bytes;
  for (const Weight &weight : weights)
    bytes[weight.sourceType] += weight.sourceBytes;
  auto most = std::max_element(
      bytes.begin(), bytes.end(),
      [](const auto &a, const auto &b) { return a.second < b.second; });
  return most == bytes.end() ? "" : most->first;
}

const ModuleHeader::Weight *ModuleHeader::mainWeight() const {
  std::string type = mainSourceType();
  for (const Weight &weight : weights)
    if (weight.sourceType == type)
      return &weight;
  return nullptr;
}

Traffic lowbit::tools::trafficPerToken(const ModuleHeader &header,
                                       int64_t tokens, int64_t rowsPerCall,
                                       int64_t sequences, int64_t depth) {
  Traffic total;
  if (tokens <= 0 || rowsPerCall <= 0 || sequences <= 0)
    return total;
  int64_t calls = (tokens + rowsPerCall - 1) / rowsPerCall;
  for (const ModuleHeader::Weight &weight : header.weights) {
    double reads =
        weight.streamed ? double(calls) / double(sequences) : 0; // for one
    if (weight.gathered && weight.rows > 0)
      reads += double(tokens) / double(weight.rows);
    total.source += reads * double(weight.sourceBytes);
    total.packed += reads * double(weight.packedBytes);
  }
  double positions = 0;
  for (int64_t call = 0; call < calls; ++call)
    positions += double(depth + std::min(tokens, (call + 1) * rowsPerCall));
  total.kv = positions * double(header.text.kv_bytes_per_position);
  total.source = (total.source + total.kv) / double(tokens);
  total.packed = (total.packed + total.kv) / double(tokens);
  total.kv /= double(tokens);
  return total;
}
