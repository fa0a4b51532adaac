//===- GGUFBuilder.h - GGUF files for tests, right or wrong -----*- C++ -*-===//

#ifndef LOWBIT_TEST_UNIT_IMPORT_GGUFBUILDER_H
#define LOWBIT_TEST_UNIT_IMPORT_GGUFBUILDER_H

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace lowbit::test {

/// Appends what a GGUF file is made of, little-endian, and checks nothing.
class GGUFBuilder {
public:
  template <typename T> GGUFBuilder &put(T value) {
    char bytes[sizeof(T)];
    memcpy(bytes, &value, sizeof value); // tests run on little-endian machines
    text.append(bytes, sizeof bytes);
    return *this;
  }
  GGUFBuilder &string(const std::string &value) {
    put<uint64_t>(value.size());
    text += value;
    return *this;
  }
  GGUFBuilder &header(uint64_t tensors, uint64_t pairs, uint32_t version = 3) {
    text += "GGUF";
    return put(version).put(tensors).put(pairs);
  }
  /// A pair of a value type's number and a value of its width.
  template <typename T>
  GGUFBuilder &pair(const std::string &key, uint32_t type, T value) {
    return string(key).put(type).put(value);
  }
  GGUFBuilder &pair(const std::string &key, const std::string &value) {
    return string(key).put<uint32_t>(8).string(value);
  }
  /// The head of an array; its elements are put behind.
  GGUFBuilder &array(const std::string &key, uint32_t elementType,
                     uint64_t count) {
    return string(key).put<uint32_t>(9).put(elementType).put(count);
  }
  GGUFBuilder &tensor(const std::string &name,
                      const std::vector<uint64_t> &dimensions, uint32_t type,
                      uint64_t offset) {
    string(name).put(uint32_t(dimensions.size()));
    for (uint64_t dimension : dimensions)
      put(dimension);
    return put(type).put(offset);
  }
  GGUFBuilder &pad(size_t alignment = 32) {
    text.resize((text.size() + alignment - 1) / alignment * alignment);
    return *this;
  }
  GGUFBuilder &data(size_t bytes, char value = 0) {
    text.append(bytes, value);
    return *this;
  }

  std::string text;
};

} // namespace lowbit::test

#endif // LOWBIT_TEST_UNIT_IMPORT_GGUFBUILDER_H
