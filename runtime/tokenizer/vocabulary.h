//===- vocabulary.h - The tokens of a model ---------------------*- C++ -*-===//
//
// Texts stay in the metadata's bytes; a token costs 13 bytes here and its share
// of the hash table (Gemma: 262144 tokens, 5.3 MB).
//
//===----------------------------------------------------------------------===//

#ifndef QUANTRT_TOKENIZER_VOCABULARY_H
#define QUANTRT_TOKENIZER_VOCABULARY_H

#include "base/metadata.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace qrt {

class Vocabulary {
public:
  /// GGUF's token types.
  enum Type : uint8_t {
    Normal = 1,
    Unknown,
    Control,
    UserDefined,
    Unused,
    Byte
  };

  static Status create(const Metadata &metadata, Vocabulary &out);

  int32_t size() const { return static_cast<int32_t>(tokens_.size()); }
  bool contains(int32_t id) const { return id >= 0 && id < size(); }
  /// These take an id of the vocabulary.
  std::string_view text(int32_t id) const {
    return {base_ + tokens_[id].offset, tokens_[id].length};
  }
  Type type(int32_t id) const { return types_[id]; }
  float score(int32_t id) const { return scores_.empty() ? 0 : scores_[id]; }
  /// Added tokens are found in the text before it is split.
  bool isAdded(int32_t id) const {
    return types_[id] == Control || types_[id] == UserDefined ||
           types_[id] == Unknown;
  }

  /// The token with this text (the last one, if several have it), or -1.
  int32_t find(std::string_view text) const;

private:
  struct Token {
    uint32_t offset, length; ///< from base_
  };
  Status setTexts(const std::vector<std::string_view> &texts);
  Status setTypes(const Metadata &metadata);
  void buildTable();

  const char *base_ = nullptr;
  std::vector<Token> tokens_;
  std::vector<Type> types_;
  std::vector<float> scores_;
  std::vector<int32_t> slots_; ///< ids by hash of the text, or -1
};

/// The byte of "<0x41>", or -1.
int parseByteToken(std::string_view text);

} // namespace qrt

#endif // QUANTRT_TOKENIZER_VOCABULARY_H
