//===- FolderBuilder.h - Hugging Face folders for tests ---------*- C++ -*-===//

#ifndef LOWBIT_TEST_UNIT_IMPORT_HUGGINGFACE_FOLDERBUILDER_H
#define LOWBIT_TEST_UNIT_IMPORT_HUGGINGFACE_FOLDERBUILDER_H

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <cstring>
#include <fstream>
#include <string>
#include <vector>

namespace lowbit::test {

/// The bytes of a safetensors file: a header as it is given, then `data`.
inline std::string safetensorsBytes(const std::string &header,
                                    const std::string &data) {
  uint64_t length = header.size();
  std::string bytes(8, '\0');
  memcpy(bytes.data(), &length, 8); // tests run on little-endian machines
  return bytes + header + data;
}

/// Tensors of one file, row after row.
class SafetensorsBuilder {
public:
  /// Elements of `type`, in bytes as they are.
  SafetensorsBuilder &add(const std::string &name, const std::string &type,
                          const std::vector<int64_t> &shape,
                          const std::string &bytes) {
    std::string dimensions;
    for (int64_t size : shape)
      dimensions += (dimensions.empty() ? "" : ",") + std::to_string(size);
    header_ += (header_.empty() ? "" : ",") + ("\"" + name + "\"") +
               ":{\"dtype\":\"" + type + "\",\"shape\":[" + dimensions +
               "],\"data_offsets\":[" + std::to_string(data_.size()) + "," +
               std::to_string(data_.size() + bytes.size()) + "]}";
    data_ += bytes;
    return *this;
  }
  /// f32 elements first, first + 1, ...
  SafetensorsBuilder &count(const std::string &name,
                            const std::vector<int64_t> &shape,
                            float first = 0) {
    int64_t elements = 1;
    for (int64_t size : shape)
      elements *= size;
    std::string bytes(size_t(elements) * 4, '\0');
    for (int64_t i = 0; i < elements; ++i) {
      float value = first + float(i);
      memcpy(&bytes[size_t(i) * 4], &value, 4);
    }
    return add(name, "F32", shape, bytes);
  }
  std::string bytes() const {
    return safetensorsBytes("{" + header_ + "}", data_);
  }

private:
  std::string header_, data_;
};

/// A folder that goes with the object.
class Folder {
public:
  Folder() { llvm::sys::fs::createUniqueDirectory("lowbit-folder", path_); }
  ~Folder() { llvm::sys::fs::remove_directories(path_); }
  Folder(const Folder &) = delete;

  std::string path() const { return path_.str().str(); }
  std::string file(const std::string &name) const {
    return path() + "/" + name;
  }
  void write(const std::string &name, const std::string &text) const {
    std::ofstream(file(name), std::ios::binary) << text;
  }

private:
  llvm::SmallString<128> path_;
};

} // namespace lowbit::test

#endif // LOWBIT_TEST_UNIT_IMPORT_HUGGINGFACE_FOLDERBUILDER_H
