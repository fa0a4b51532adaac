//===- metadata.cpp - Key-value pairs of a module -------------------------===//

#include "base/metadata.h"

#include <algorithm>
#include <cstring>

namespace qrt {

namespace {

/// GGUF allows arrays of arrays; no known key goes deeper than two.
constexpr int maxArrayDepth = 4;

/// Bytes of one value of a fixed-size type, 0 for strings and arrays.
size_t fixedSize(uint32_t type) {
  switch (type) {
  case Metadata::U8:
  case Metadata::I8:
  case Metadata::Bool:
    return 1;
  case Metadata::U16:
  case Metadata::I16:
    return 2;
  case Metadata::U32:
  case Metadata::I32:
  case Metadata::F32:
    return 4;
  case Metadata::U64:
  case Metadata::I64:
  case Metadata::F64:
    return 8;
  default:
    return 0;
  }
}

template <typename T> T load(const char *bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

/// Walks the bytes; every step fails rather than leaves them.
class Cursor {
public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}

  size_t position() const { return position_; }
  size_t left() const { return bytes_.size() - position_; }
  const char *here() const { return bytes_.data() + position_; }

  template <typename T> bool read(T &value) {
    if (left() < sizeof(T))
      return false;
    value = load<T>(here());
    position_ += sizeof(T);
    return true;
  }

  bool skip(uint64_t count) {
    if (count > left())
      return false;
    position_ += count;
    return true;
  }

  bool readString(std::string_view &out) {
    uint64_t length = 0;
    if (!read(length) || length > left())
      return false;
    out = std::string_view(here(), length);
    position_ += length;
    return true;
  }

  /// Steps over `count` values of `type`.
  bool skipValues(uint32_t type, uint64_t count, int depth) {
    if (size_t size = fixedSize(type))
      return count <= left() / size && skip(count * size);
    if (type == Metadata::String) {
      std::string_view ignored;
      for (uint64_t i = 0; i < count; ++i)
        if (!readString(ignored))
          return false;
      return true;
    }
    if (type != Metadata::Array || depth == 0)
      return false;
    for (uint64_t i = 0; i < count; ++i) {
      uint32_t inner = 0;
      uint64_t innerCount = 0;
      if (!read(inner) || !read(innerCount) ||
          !skipValues(inner, innerCount, depth - 1))
        return false;
    }
    return true;
  }

private:
  std::string_view bytes_;
  size_t position_ = 0;
};

int64_t loadInteger(Metadata::Type type, const char *bytes) {
  switch (type) {
  case Metadata::U8:
    return load<uint8_t>(bytes);
  case Metadata::I8:
    return load<int8_t>(bytes);
  case Metadata::U16:
    return load<uint16_t>(bytes);
  case Metadata::I16:
    return load<int16_t>(bytes);
  case Metadata::U32:
    return load<uint32_t>(bytes);
  case Metadata::I32:
    return load<int32_t>(bytes);
  default:
    return load<int64_t>(bytes);
  }
}

bool isInteger(Metadata::Type type) {
  return fixedSize(type) != 0 && type != Metadata::F32 &&
         type != Metadata::F64 && type != Metadata::Bool;
}

/// A key for a message: short and of one line.
std::string shown(std::string_view key) {
  std::string text(key.substr(0, 100));
  for (char &c : text)
    if (static_cast<uint8_t>(c) < 0x20 || c == 0x7F)
      c = ' ';
  return text;
}

Status damaged(const char *what, std::string_view key, size_t offset) {
  return corrupt("metadata: " + std::string(what) + " of key '" + shown(key) +
                 "' at byte " + std::to_string(offset));
}

} // namespace

Status Metadata::parse(std::string_view bytes, Metadata &out) {
  Cursor cursor(bytes);
  uint64_t count = 0;
  // The smallest pair: an empty key, a type and one byte.
  constexpr uint64_t minPair = 8 + 4 + 1;
  if (!cursor.read(count) || count > cursor.left() / minPair)
    return corrupt("metadata: the number of keys does not fit into " +
                   std::to_string(bytes.size()) + " bytes");

  std::vector<Entry> entries;
  for (uint64_t i = 0; i < count; ++i) {
    Entry entry{};
    size_t start = cursor.position();
    if (!cursor.readString(entry.key))
      return corrupt("metadata: key " + std::to_string(i) +
                     " leaves the bytes at byte " + std::to_string(start));
    uint32_t type = 0;
    if (!cursor.read(type) || type > F64)
      return damaged("unknown type", entry.key, start);
    entry.type = entry.elementType = static_cast<Type>(type);
    entry.count = 1;
    if (type == Array) {
      uint32_t element = 0;
      if (!cursor.read(element) || element > F64 || !cursor.read(entry.count))
        return damaged("bad array header", entry.key, start);
      entry.elementType = static_cast<Type>(element);
    }
    const char *value = cursor.here();
    size_t before = cursor.position();
    if (!cursor.skipValues(entry.elementType, entry.count, maxArrayDepth))
      return damaged("value leaves the bytes", entry.key, start);
    entry.value = std::string_view(value, cursor.position() - before);
    entries.push_back(entry);
  }

  std::vector<std::string_view> keys;
  for (const Entry &entry : entries)
    keys.push_back(entry.key);
  std::sort(keys.begin(), keys.end());
  auto twice = std::adjacent_find(keys.begin(), keys.end());
  if (twice != keys.end())
    return corrupt("metadata: key '" + shown(*twice) + "' appears twice");
  out.entries_ = std::move(entries);
  return Status();
}

const Metadata::Entry *Metadata::find(std::string_view key) const {
  for (const Entry &entry : entries_)
    if (entry.key == key)
      return &entry;
  return nullptr;
}

std::optional<std::string_view> Metadata::string(std::string_view key) const {
  const Entry *entry = find(key);
  if (!entry || entry->type != String)
    return std::nullopt;
  return entry->value.substr(sizeof(uint64_t));
}

std::optional<bool> Metadata::boolean(std::string_view key) const {
  const Entry *entry = find(key);
  if (!entry || entry->type != Bool)
    return std::nullopt;
  return entry->value[0] != 0;
}

std::optional<int64_t> Metadata::integer(std::string_view key) const {
  const Entry *entry = find(key);
  if (!entry || !isInteger(entry->type))
    return std::nullopt;
  return loadInteger(entry->type, entry->value.data());
}

std::optional<double> Metadata::real(std::string_view key) const {
  const Entry *entry = find(key);
  if (entry && entry->type == F32)
    return load<float>(entry->value.data());
  if (entry && entry->type == F64)
    return load<double>(entry->value.data());
  return std::nullopt;
}

std::vector<std::string_view> Metadata::strings(std::string_view key) const {
  std::vector<std::string_view> values;
  const Entry *entry = find(key);
  if (!entry || entry->type != Array || entry->elementType != String)
    return values;
  values.reserve(entry->count);
  Cursor cursor(entry->value);
  std::string_view value;
  for (uint64_t i = 0; i < entry->count && cursor.readString(value); ++i)
    values.push_back(value);
  return values;
}

std::vector<float> Metadata::floats(std::string_view key) const {
  std::vector<float> values;
  const Entry *entry = find(key);
  if (!entry || entry->type != Array || entry->elementType != F32)
    return values;
  values.resize(entry->count);
  if (!values.empty())
    std::memcpy(values.data(), entry->value.data(), entry->value.size());
  return values;
}

std::vector<int32_t> Metadata::integers(std::string_view key) const {
  std::vector<int32_t> values;
  const Entry *entry = find(key);
  if (!entry || entry->type != Array || !isInteger(entry->elementType))
    return values;
  values.reserve(entry->count);
  size_t size = fixedSize(entry->elementType);
  for (uint64_t i = 0; i < entry->count; ++i)
    values.push_back(static_cast<int32_t>(
        loadInteger(entry->elementType, entry->value.data() + i * size)));
  return values;
}

} // namespace qrt
