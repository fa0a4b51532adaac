//===- HeaderBuilder.h - The bytes of .qrt.header ---------------*- C++ -*-===//

#ifndef LOWBIT_LIB_TARGET_MODULE_HEADERBUILDER_H
#define LOWBIT_LIB_TARGET_MODULE_HEADERBUILDER_H

#include "lowbit/Target/Module.h"

#include "llvm/ADT/StringMap.h"

namespace lowbit {

/// Lays out the header region: qrt_header, tables, padding up to the weights.
/// Hashes are filled in when the bytes they cover exist.
class HeaderBuilder {
public:
  HeaderBuilder(const ModuleImage &image, uint64_t codeBytes);

  uint64_t weightsOffset() const { return header().weights_offset; }
  uint64_t weightsBytes() const { return header().weights_bytes; }
  /// Of weight i, behind weightsOffset().
  uint64_t weightOffset(size_t i) const { return weightOffsets_[i]; }

  void setCodeHash(uint64_t hash) { header().code_hash = hash; }
  void setChunkHash(uint64_t chunk, uint64_t hash);
  /// Computes the header's own hash; the bytes are then final.
  const std::string &finish();

private:
  qrt_header &header() { return *reinterpret_cast<qrt_header *>(&bytes_[0]); }
  const qrt_header &header() const {
    return *reinterpret_cast<const qrt_header *>(bytes_.data());
  }
  qrt_string intern(llvm::StringRef text);
  template <class Record>
  qrt_table append(const std::vector<Record> &records);
  qrt_table appendBytes(llvm::StringRef bytes, uint64_t count);
  void addFunctions();
  void addWeights();
  void addRegions();

  const ModuleImage &image_;
  std::string bytes_, strings_;
  llvm::StringMap<qrt_string> interned_;
  std::vector<uint64_t> weightOffsets_;
};

} // namespace lowbit

#endif // LOWBIT_LIB_TARGET_MODULE_HEADERBUILDER_H
