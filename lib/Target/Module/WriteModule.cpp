//===- WriteModule.cpp - Writes a module file -----------------------------===//

#include "HeaderBuilder.h"

#include "lowbit/Support/PanelLayout.h"

#include "llvm/Support/MemoryBuffer.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cerrno>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

namespace {

/// A file that is there whole or not at all.
class AtomicFile {
public:
  explicit AtomicFile(llvm::StringRef path)
      : path_(path.str()),
        temporary_(path_ + ".tmp." + std::to_string(getpid())) {}
  ~AtomicFile() {
    if (descriptor_ >= 0)
      ::close(descriptor_);
    if (!temporary_.empty())
      ::unlink(temporary_.c_str());
  }

  llvm::Error open() {
    struct stat existing;
    // The rename at the end would replace a device or a pipe by a file.
    if (::stat(path_.c_str(), &existing) == 0 && !S_ISREG(existing.st_mode)) {
      temporary_.clear();
      return failure("cannot write " + path_ +
                     ": it is no regular file; choose another name");
    }
    descriptor_ = ::open(temporary_.c_str(), O_CREAT | O_TRUNC | O_RDWR, 0644);
    if (descriptor_ < 0) {
      std::string name = std::move(temporary_);
      return systemError("cannot create " + name);
    }
    return llvm::Error::success();
  }

  llvm::Error write(const void *bytes, uint64_t size, uint64_t offset) {
    const char *from = static_cast<const char *>(bytes);
    while (size > 0) {
      ssize_t written = ::pwrite(descriptor_, from, size, offset);
      if (written < 0 && errno == EINTR)
        continue;
      if (written <= 0)
        return systemError("cannot write " + path_);
      from += written;
      offset += written;
      size -= written;
    }
    return llvm::Error::success();
  }

  llvm::Error commit() {
    if (::fsync(descriptor_) != 0)
      return systemError("cannot write " + path_);
    int closed = ::close(descriptor_);
    descriptor_ = -1;
    if (closed != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0)
      return systemError("cannot write " + path_);
    temporary_.clear();
    return llvm::Error::success();
  }

private:
  llvm::Error systemError(const std::string &what) {
    return failure(what + ": " + std::strerror(errno));
  }

  std::string path_, temporary_;
  int descriptor_ = -1;
};

/// Hashes a stream in chunks of QRT_HASH_CHUNK.
class ChunkHasher {
public:
  explicit ChunkHasher(HeaderBuilder &header) : header_(header) {
    XXH3_64bits_reset(&state_);
  }
  void feed(const char *bytes, uint64_t size) {
    while (size > 0) {
      uint64_t part = std::min<uint64_t>(size, QRT_HASH_CHUNK - filled_);
      XXH3_64bits_update(&state_, bytes, part);
      filled_ += part;
      bytes += part;
      size -= part;
      if (filled_ == QRT_HASH_CHUNK)
        flush();
    }
  }
  void flush() {
    if (filled_ == 0)
      return;
    header_.setChunkHash(chunk_++, XXH3_64bits_digest(&state_));
    XXH3_64bits_reset(&state_);
    filled_ = 0;
  }

private:
  HeaderBuilder &header_;
  XXH3_state_t state_;
  uint64_t filled_ = 0, chunk_ = 0;
};

} // namespace

/// The linker's output with two more sections. Their offsets and sizes are
/// patched once the header is laid out.
struct CodeImage {
  std::string bytes;
  size_t headerSection = 0, weightsSection = 0; ///< offsets of Elf64_Shdr

  static llvm::Expected<CodeImage> read(llvm::StringRef path);
  void patch(const HeaderBuilder &header, uint64_t headerBytes);
};

static void align(std::string &bytes, size_t alignment) {
  bytes.resize((bytes.size() + alignment - 1) / alignment * alignment, '\0');
}

llvm::Expected<CodeImage> CodeImage::read(llvm::StringRef path) {
  auto file = llvm::MemoryBuffer::getFile(path);
  if (!file)
    return failure("cannot read " + path + ": " + file.getError().message());
  CodeImage code;
  code.bytes = (*file)->getBuffer().str();
  Elf64_Ehdr elf;
  std::memcpy(&elf, code.bytes.data(), sizeof(elf));
  std::vector<Elf64_Shdr> sections(elf.e_shnum);
  std::memcpy(sections.data(), code.bytes.data() + elf.e_shoff,
              sections.size() * sizeof(Elf64_Shdr));
  Elf64_Shdr &names = sections[elf.e_shstrndx];
  std::string strings = code.bytes.substr(names.sh_offset, names.sh_size);
  for (const char *name : {QRT_HEADER_SECTION, QRT_WEIGHTS_SECTION}) {
    Elf64_Shdr section = {};
    section.sh_name = strings.size();
    section.sh_type = SHT_PROGBITS;
    section.sh_addralign = 64;
    sections.push_back(section);
    strings += name;
    strings += '\0';
  }
  Elf64_Shdr &newNames = sections[elf.e_shstrndx];
  align(code.bytes, 8);
  newNames.sh_offset = code.bytes.size();
  newNames.sh_size = strings.size();
  code.bytes += strings;
  align(code.bytes, 8);
  elf.e_shoff = code.bytes.size();
  elf.e_shnum = sections.size();
  code.bytes.append(reinterpret_cast<const char *>(sections.data()),
                    sections.size() * sizeof(Elf64_Shdr));
  code.weightsSection = code.bytes.size() - sizeof(Elf64_Shdr);
  code.headerSection = code.weightsSection - sizeof(Elf64_Shdr);
  std::memcpy(&code.bytes[0], &elf, sizeof(elf));
  align(code.bytes, 64);
  return code;
}

void CodeImage::patch(const HeaderBuilder &header, uint64_t headerBytes) {
  auto set = [&](size_t at, uint64_t offset, uint64_t size) {
    Elf64_Shdr section;
    std::memcpy(&section, &bytes[at], sizeof(section));
    section.sh_offset = offset;
    section.sh_size = size;
    std::memcpy(&bytes[at], &section, sizeof(section));
  };
  set(headerSection, bytes.size(), headerBytes);
  set(weightsSection, header.weightsOffset(), header.weightsBytes());
}

//===- Weights ------------------------------------------------------------===//

/// Packs panels [first, last) of a weight.
static void packPanels(const WeightImage &weight, const PanelLayout &layout,
                       int64_t first, int64_t last, char *out) {
  constexpr int64_t kLanes = PanelLayout::kLanes;
  std::vector<RowFields> rows(kLanes);
  for (RowFields &row : rows)
    row.resize(weight.scheme, weight.columns);
  for (int64_t panel = first; panel < last; ++panel) {
    const RowFields *lanes[kLanes] = {};
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      int64_t row = panel * kLanes + lane;
      if (row >= weight.rows)
        break;
      weight.readRow(row, rows[lane]);
      lanes[lane] = &rows[lane];
    }
    layout.packPanel(lanes, reinterpret_cast<uint8_t *>(out) +
                                (panel - first) * layout.panelBytes());
  }
}

static void packWeight(const WeightImage &weight, std::string &out) {
  if (!weight.indices.empty()) {
    std::memcpy(&out[0], weight.indices.data(),
                weight.indices.size() * sizeof(int32_t));
    return;
  }
  if (weight.isVector) {
    RowFields fields;
    fields.reals.resize(weight.columns);
    weight.readRow(0, fields);
    std::memcpy(&out[0], fields.reals.data(), weight.columns * sizeof(float));
    return;
  }
  PanelLayout layout(weight.scheme, weight.columns, weight.unit);
  int64_t panels = layout.panels(weight.rows);
  int64_t workers =
      std::clamp<int64_t>(std::thread::hardware_concurrency(), 1, panels);
  std::vector<std::thread> threads;
  for (int64_t w = 0; w < workers; ++w)
    threads.emplace_back([&, w] {
      int64_t first = panels * w / workers, last = panels * (w + 1) / workers;
      packPanels(weight, layout, first, last,
                 &out[first * layout.panelBytes()]);
    });
  for (std::thread &thread : threads)
    thread.join();
}

static llvm::Error writeWeights(const ModuleImage &image, HeaderBuilder &header,
                                AtomicFile &file, Progress progress) {
  ChunkHasher hasher(header);
  for (size_t i = 0; i < image.weights.size(); ++i) {
    uint64_t begin = header.weightOffset(i);
    uint64_t end = i + 1 < image.weights.size() ? header.weightOffset(i + 1)
                                                : header.weightsBytes();
    std::string bytes(end - begin, '\0');
    packWeight(image.weights[i], bytes);
    hasher.feed(bytes.data(), bytes.size());
    if (llvm::Error error = file.write(bytes.data(), bytes.size(),
                                       header.weightsOffset() + begin))
      return error;
    if (progress)
      progress(end, header.weightsBytes());
  }
  hasher.flush();
  return llvm::Error::success();
}

llvm::Error writeModule(llvm::StringRef codePath, const ModuleImage &image,
                        llvm::StringRef path, Progress progress) {
  auto code = CodeImage::read(codePath);
  if (!code)
    return code.takeError();
  HeaderBuilder header(image, code->bytes.size());
  code->patch(header, header.weightsOffset() - code->bytes.size());
  header.setCodeHash(XXH3_64bits(code->bytes.data(), code->bytes.size()));
  AtomicFile file(path);
  if (llvm::Error error = file.open())
    return error;
  if (llvm::Error error = writeWeights(image, header, file, progress))
    return error;
  if (llvm::Error error = file.write(code->bytes.data(), code->bytes.size(), 0))
    return error;
  const std::string &bytes = header.finish();
  if (llvm::Error error =
          file.write(bytes.data(), bytes.size(), code->bytes.size()))
    return error;
  return file.commit();
}

} // namespace lowbit
