//===- MetadataPairs.cpp - Key-value pairs in GGUF's encoding -------------===//

#include "GGUFFile.h"

#include "llvm/Support/Endian.h"

#include <algorithm>

using llvm::StringRef;

namespace lowbit {

static std::string encoded(StringRef key, uint32_t value) {
  std::string bytes(8 + key.size() + 4 + 4, '\0');
  llvm::support::endian::write64le(&bytes[0], key.size());
  std::copy(key.begin(), key.end(), bytes.begin() + 8);
  llvm::support::endian::write32le(&bytes[8 + key.size()],
                                   uint32_t(gguf::ValueType::U32));
  llvm::support::endian::write32le(&bytes[12 + key.size()], value);
  return bytes;
}

llvm::Expected<std::string> setPair(StringRef metadata, StringRef key,
                                    uint32_t value) {
  // The pairs make a file without tensors.
  std::string whole = std::string("GGUF\3\0\0\0", 8) + std::string(8, '\0');
  whole += metadata;
  auto file = gguf::parseFile(whole, "the model's pairs");
  if (!file)
    return file.takeError();
  std::string result(8, '\0');
  bool isNew = true;
  for (const gguf::Pair &pair : file->pairs) {
    isNew &= pair.key != key;
    result += pair.key == key ? encoded(key, value) : pair.whole.str();
  }
  if (isNew)
    result += encoded(key, value);
  llvm::support::endian::write64le(&result[0], file->pairs.size() + isNew);
  return result;
}

} // namespace lowbit
