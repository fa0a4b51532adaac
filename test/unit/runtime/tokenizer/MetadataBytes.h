//===- MetadataBytes.h - Makes key-value pairs ------------------*- C++ -*-===//

#ifndef LOWBIT_TEST_UNIT_RUNTIME_TOKENIZER_METADATABYTES_H
#define LOWBIT_TEST_UNIT_RUNTIME_TOKENIZER_METADATABYTES_H

#include "base/metadata.h"

#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

namespace qrt {

/// Writes GGUF's encoding of key-value pairs.
class MetadataBytes {
public:
  MetadataBytes &string(const std::string &key, const std::string &value) {
    begin(key, Metadata::String);
    text(value);
    return *this;
  }
  MetadataBytes &boolean(const std::string &key, bool value) {
    begin(key, Metadata::Bool);
    pairs_ += static_cast<char>(value);
    return *this;
  }
  MetadataBytes &u32(const std::string &key, uint32_t value) {
    begin(key, Metadata::U32);
    raw(value);
    return *this;
  }
  template <typename T>
  MetadataBytes &scalar(const std::string &key, uint32_t type, T value) {
    begin(key, type);
    raw(value);
    return *this;
  }
  MetadataBytes &strings(const std::string &key,
                         const std::vector<std::string> &values) {
    beginArray(key, Metadata::String, values.size());
    for (const std::string &value : values)
      text(value);
    return *this;
  }
  MetadataBytes &integers(const std::string &key,
                          const std::vector<int32_t> &values) {
    beginArray(key, Metadata::I32, values.size());
    for (int32_t value : values)
      raw(value);
    return *this;
  }
  MetadataBytes &floats(const std::string &key,
                        const std::vector<float> &values) {
    beginArray(key, Metadata::F32, values.size());
    for (float value : values)
      raw(value);
    return *this;
  }
  /// Bytes of a value as they are.
  MetadataBytes &bytes(const std::string &key, uint32_t type,
                       const std::string &value) {
    begin(key, type);
    pairs_ += value;
    return *this;
  }

  std::string get() const {
    std::string out(sizeof(count_), '\0');
    std::memcpy(out.data(), &count_, sizeof(count_));
    return out + pairs_;
  }

private:
  void begin(const std::string &key, uint32_t type) {
    ++count_;
    text(key);
    raw(type);
  }
  void beginArray(const std::string &key, uint32_t type, uint64_t count) {
    begin(key, Metadata::Array);
    raw(type);
    raw(count);
  }
  void text(const std::string &value) {
    raw(static_cast<uint64_t>(value.size()));
    pairs_ += value;
  }
  template <typename T> void raw(T value) {
    pairs_.append(reinterpret_cast<const char *>(&value), sizeof(value));
  }

  uint64_t count_ = 0;
  std::string pairs_;
};

} // namespace qrt

#endif // LOWBIT_TEST_UNIT_RUNTIME_TOKENIZER_METADATABYTES_H
