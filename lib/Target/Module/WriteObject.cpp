//===- WriteObject.cpp - Writes a module as a relocatable object ----------===//
//
// The relocatable object that lld has made of code and code table has a section
// of one byte for the header and another for the weights: what they really hold
// goes behind the end of the object, and their section headers are pointed at
// it. So the weights never pass through LLVM or lld.
//
//===----------------------------------------------------------------------===//

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

/// SHF_X86_64_LARGE, which elf.h lacks.
static constexpr uint64_t kLargeSection = 0x10000000;

static uint64_t alignUp(uint64_t value) {
  return (value + QRT_WEIGHTS_ALIGNMENT - 1) / QRT_WEIGHTS_ALIGNMENT *
         QRT_WEIGHTS_ALIGNMENT;
}

/// Gives the section `name` of an object other bytes of its file.
static llvm::Error placeSection(std::string &object, llvm::StringRef name,
                                uint64_t offset, uint64_t size) {
  Elf64_Ehdr elf;
  std::memcpy(&elf, object.data(), sizeof elf);
  std::vector<Elf64_Shdr> sections(elf.e_shnum);
  std::memcpy(sections.data(), object.data() + elf.e_shoff,
              sections.size() * sizeof(Elf64_Shdr));
  const char *names = object.data() + sections[elf.e_shstrndx].sh_offset;
  for (Elf64_Shdr &section : sections) {
    if (name != names + section.sh_name)
      continue;
    section.sh_offset = offset;
    section.sh_size = size;
    section.sh_addralign = QRT_WEIGHTS_ALIGNMENT;
    // Far from the code: its 32-bit distances need not reach across.
    section.sh_flags |= kLargeSection;
    std::memcpy(&object[elf.e_shoff], sections.data(),
                sections.size() * sizeof(Elf64_Shdr));
    return llvm::Error::success();
  }
  return failure("the linker has dropped the section " + name);
}

StaticSizes staticSizes(const ModuleImage &image) {
  HeaderBuilder header(image, 0);
  return {header.weightsOffset(), header.weightsBytes()};
}

llvm::Error writeObject(llvm::StringRef objectPath, const ModuleImage &image,
                        llvm::StringRef path, Progress progress) {
  auto linked = llvm::MemoryBuffer::getFile(objectPath);
  if (!linked)
    return failure("cannot read " + objectPath + ": " +
                   linked.getError().message());
  std::string object = (*linked)->getBuffer().str();
  // The layout of a module file without code, whose hash is that of nothing.
  HeaderBuilder header(image, 0);
  header.setCodeHash(XXH3_64bits(nullptr, 0));
  uint64_t headerOffset = alignUp(object.size());
  uint64_t weightsOffset = headerOffset + header.weightsOffset();
  if (llvm::Error error = placeSection(object, kStaticHeaderSection,
                                       headerOffset, header.weightsOffset()))
    return error;
  if (llvm::Error error = placeSection(object, kStaticWeightsSection,
                                       weightsOffset, header.weightsBytes()))
    return error;
  AtomicFile file(path);
  if (llvm::Error error = file.open())
    return error;
  if (llvm::Error error =
          writeWeights(image, header, file, weightsOffset, progress))
    return error;
  if (llvm::Error error = file.write(object.data(), object.size(), 0))
    return error;
  const std::string &bytes = header.finish();
  if (llvm::Error error = file.write(bytes.data(), bytes.size(), headerOffset))
    return error;
  return file.commit();
}

} // namespace lowbit
