//===- char_map.h - SentencePiece's map of characters -----------*- C++ -*-===//
//
// `precompiled_charsmap` of a SentencePiece model: a double-array trie (Darts)
// whose values are places in a text of NUL-terminated replacements.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTRT_TOKENIZER_CHAR_MAP_H
#define QUANTRT_TOKENIZER_CHAR_MAP_H

#include "base/status.h"
#include "tokenizer/unicode_forms.h"

#include <string>
#include <string_view>
#include <vector>

namespace qrt {

/// Never changes once made.
class CharMap {
public:
  /// `bytes`: one number for each byte of the map.
  static Status create(const std::vector<int32_t> &bytes, CharMap &out);

  /// Replaces characters that go together, else single ones, as Hugging Face's
  /// tokenizers do.
  void apply(Points &points) const;

private:
  /// Where the shortest beginning of `text` that the map knows is replaced; or
  /// false.
  bool find(std::string_view text, std::string_view &replacement) const;

  std::vector<uint32_t> units_;
  std::string replacements_;
};

} // namespace qrt

#endif // QUANTRT_TOKENIZER_CHAR_MAP_H
