//===- npy.h - NumPy's array files ------------------------------*- C++ -*-===//
//
// .npy: a magic number, a Python dictionary as text, the elements. Read in
// versions 1 to 3, little-endian and C order only; written in version 1.
// .npz: a zip archive of .npy files, here stored without compression, so that
// every element's place is known before the first one is written.
//
//===----------------------------------------------------------------------===//

#ifndef TOOLS_COMMON_NPY_H
#define TOOLS_COMMON_NPY_H

#include "tools/common/error.h"
#include "tools/common/files.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lowbit::tools {

/// Element types, numbered as QRT_TYPE_* of quantrt/format.h.
size_t elementBytes(int32_t type);
/// "float32", ...
const char *elementName(int32_t type);

struct NpyHeader {
  int32_t type = 0;
  std::vector<int64_t> shape;
  size_t dataOffset = 0; ///< in the file

  uint64_t elements() const;
  uint64_t dataBytes() const { return elements() * elementBytes(type); }
};

/// Reads a header from the beginning of a file of `fileBytes` bytes; `name` is
/// for messages. `type` is -1 for what the runtime has no type for.
Error parseNpyHeader(std::string_view bytes, uint64_t fileBytes,
                     const std::string &name, NpyHeader &header);
/// A complete header, padded so that the data are 64-byte aligned.
std::string formatNpyHeader(int32_t type, const std::vector<int64_t> &shape);

struct NpyArray {
  NpyHeader header;
  std::string data;
};
Error readNpy(const std::string &path, NpyArray &array);
Error writeNpy(const std::string &path, int32_t type,
               const std::vector<int64_t> &shape, const void *data);

/// Writes an archive whose arrays are all known beforehand and are filled in
/// parallel, each from its first element to its last.
class NpzWriter {
public:
  /// Declares an array; all of them before open(). Returns its number.
  size_t declare(std::string name, int32_t type, std::vector<int64_t> shape);
  Error open(const std::string &path);
  Error append(size_t array, const void *data, size_t bytes);
  /// Every array must be full.
  Error commit();

private:
  struct Entry {
    std::string name; ///< with ".npy"
    std::string npyHeader;
    uint64_t dataBytes;
    uint64_t offset;   ///< of the local header
    uint64_t position; ///< where the next bytes go
    uint32_t crc;
    uint64_t bytes() const { return npyHeader.size() + dataBytes; }
  };
  std::string localHeader(const Entry &entry) const;
  std::string directoryRecord(const Entry &entry) const;

  std::vector<Entry> entries_;
  uint64_t directoryOffset_ = 0;
  OutputFile file_;
};

/// The checksum of zip, continued from `crc` (0 at the beginning).
uint32_t crc32(uint32_t crc, const void *data, size_t bytes);

} // namespace lowbit::tools

#endif // TOOLS_COMMON_NPY_H
