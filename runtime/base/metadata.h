//===- metadata.h - Key-value pairs of a module -----------------*- C++ -*-===//
//
// A module carries the source model's own key-value pairs (tokenizer.*,
// general.*, ...) as bytes in GGUF v3's encoding: u64 n, then n pairs of string
// key, u32 type, value. A Metadata is a view: strings and arrays point into the
// bytes, so a vocabulary of 262144 tokens costs no copies.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTRT_BASE_METADATA_H
#define QUANTRT_BASE_METADATA_H

#include "base/status.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace qrt {

class Metadata {
public:
  /// GGUF value types.
  enum Type : uint32_t {
    U8, I8, U16, I16, U32, I32, F32, Bool, String, Array, U64, I64, F64
  };

  /// Checks every length against `bytes`, which must outlive this object.
  static Status parse(std::string_view bytes, Metadata &out);

  bool has(std::string_view key) const { return find(key) != nullptr; }
  std::optional<std::string_view> string(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  /// Any integer type, converted.
  std::optional<int64_t> integer(std::string_view key) const;
  /// F32 or F64.
  std::optional<double> real(std::string_view key) const;
  /// Arrays; empty if absent or of another element type.
  std::vector<std::string_view> strings(std::string_view key) const;
  std::vector<float> floats(std::string_view key) const;
  std::vector<int32_t> integers(std::string_view key) const;

private:
  struct Entry {
    std::string_view key;
    Type type;
    Type elementType;       ///< of an array
    uint64_t count;         ///< of an array, else 1
    std::string_view value; ///< the value's bytes, behind any array header
  };
  const Entry *find(std::string_view key) const;

  std::vector<Entry> entries_;
};

} // namespace qrt

#endif // QUANTRT_BASE_METADATA_H
