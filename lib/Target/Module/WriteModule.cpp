//===- WriteModule.cpp - Writes a module file -----------------------------===//

#include "WriteWeights.h"

#include "llvm/Support/MemoryBuffer.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>
#include <elf.h>

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

namespace {

/// The linker's output with two more sections. Their offsets and sizes are
/// patched once the header is laid out.
struct CodeImage {
  std::string bytes;
  size_t headerSection = 0, weightsSection = 0; ///< offsets of Elf64_Shdr

  static llvm::Expected<CodeImage> read(llvm::StringRef path);
  void patch(const HeaderBuilder &header, uint64_t headerBytes);
};

} // namespace

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
  if (llvm::Error error =
          writeWeights(image, header, file, header.weightsOffset(), progress))
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
