//===- KeyValueSource.cpp - Sources whose pairs are made ------------------===//

#include "KeyValueSource.h"

#include "GGUFFile.h"

#include "llvm/Support/Endian.h"

using llvm::StringRef;

namespace lowbit {

using gguf::ValueType;

const KeyValueSource::Value *KeyValueSource::value(StringRef key) const {
  auto found = pairs.find(std::string_view(key.data(), key.size()));
  return found == pairs.end() ? nullptr : &found->second;
}

template <typename T> const T *KeyValueSource::valueOf(StringRef key) const {
  const Value *found = value(key);
  return found ? std::get_if<T>(found) : nullptr;
}

std::optional<StringRef> KeyValueSource::string(StringRef key) const {
  if (const auto *text = valueOf<std::string>(key))
    return StringRef(*text);
  return std::nullopt;
}

std::optional<int64_t> KeyValueSource::integer(StringRef key) const {
  if (const auto *number = valueOf<int64_t>(key))
    return *number;
  return std::nullopt;
}

std::optional<double> KeyValueSource::real(StringRef key) const {
  if (const auto *number = valueOf<double>(key))
    return *number;
  if (std::optional<int64_t> whole = integer(key))
    return static_cast<double>(*whole);
  return std::nullopt;
}

std::optional<bool> KeyValueSource::boolean(StringRef key) const {
  if (const auto *flag = valueOf<bool>(key))
    return *flag;
  return std::nullopt;
}

std::vector<int64_t> KeyValueSource::integers(StringRef key) const {
  if (const auto *list = valueOf<std::vector<int32_t>>(key))
    return {list->begin(), list->end()};
  if (const auto *list = valueOf<std::vector<bool>>(key))
    return {list->begin(), list->end()};
  return {};
}

std::vector<double> KeyValueSource::reals(StringRef key) const {
  if (const auto *list = valueOf<std::vector<float>>(key))
    return {list->begin(), list->end()};
  std::vector<int64_t> list = integers(key);
  return {list.begin(), list.end()};
}

std::optional<uint64_t> KeyValueSource::arrayLength(StringRef key) const {
  if (const auto *list = valueOf<std::vector<std::string>>(key))
    return list->size();
  if (const auto *list = valueOf<std::vector<int32_t>>(key))
    return list->size();
  if (const auto *list = valueOf<std::vector<float>>(key))
    return list->size();
  if (const auto *list = valueOf<std::vector<bool>>(key))
    return list->size();
  return std::nullopt;
}

//===- GGUF's encoding ----------------------------------------------------===//

namespace {

/// Appends a value behind its key: type, then bytes (lib/Import/GGUFFile.h).
class Encoder {
public:
  explicit Encoder(std::string &text) : text(text) {}

  void put(StringRef string) {
    number<uint64_t>(string.size());
    text += string;
  }
  template <typename T> void number(T value) {
    char bytes[sizeof(T)];
    llvm::support::endian::write<T>(bytes, value, llvm::endianness::little);
    text.append(bytes, sizeof bytes);
  }

  void operator()(const std::string &value) {
    type(ValueType::String);
    put(value);
  }
  // u32 and f32 where GGUF's readers expect them.
  void operator()(int64_t value) {
    bool fits = value >= 0 && value <= int64_t(UINT32_MAX);
    type(fits ? ValueType::U32 : ValueType::I64);
    if (fits)
      number(static_cast<uint32_t>(value));
    else
      number(value);
  }
  void operator()(double value) {
    type(ValueType::F32);
    number(static_cast<float>(value));
  }
  void operator()(bool value) {
    type(ValueType::Bool);
    text += value ? '\1' : '\0';
  }
  void operator()(const std::vector<std::string> &list) {
    array(ValueType::String, list.size());
    for (const std::string &value : list)
      put(value);
  }
  void operator()(const std::vector<int32_t> &list) {
    array(ValueType::I32, list.size());
    for (int32_t value : list)
      number(value);
  }
  void operator()(const std::vector<float> &list) {
    array(ValueType::F32, list.size());
    for (float value : list)
      number(value);
  }
  void operator()(const std::vector<bool> &list) {
    array(ValueType::Bool, list.size());
    for (bool value : list)
      text += value ? '\1' : '\0';
  }

private:
  void type(ValueType type) { number(static_cast<uint32_t>(type)); }
  void array(ValueType element, uint64_t count) {
    type(ValueType::Array);
    type(element);
    number(count);
  }

  std::string &text;
};

} // namespace

std::string KeyValueSource::metadataBytes() const {
  std::string text;
  Encoder encoder(text);
  encoder.number<uint64_t>(pairs.size());
  for (const auto &[key, value] : pairs) {
    encoder.put(key);
    std::visit(encoder, value);
  }
  return text;
}

} // namespace lowbit
