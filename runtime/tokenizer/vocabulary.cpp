//===- vocabulary.cpp - The tokens of a model -----------------------------===//

#include "tokenizer/vocabulary.h"

#include "base/hash.h"

#include <algorithm>
#include <functional>
#include <limits>

namespace qrt {

int parseByteToken(std::string_view text) {
  if (text.size() != 6 || text.substr(0, 3) != "<0x" || text[5] != '>')
    return -1;
  int value = 0;
  for (char c : text.substr(3, 2)) {
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                       : -1;
    if (digit < 0)
      return -1;
    value = value * 16 + digit;
  }
  return value;
}

static Status wrongLength(const char *key, size_t length, size_t tokens) {
  return corrupt("tokenizer: " + std::string(key) + " has " +
                 std::to_string(length) + " entries for " +
                 std::to_string(tokens) + " tokens");
}

Status Vocabulary::create(const Metadata &metadata, Vocabulary &out) {
  Vocabulary vocabulary;
  QRT_TRY(vocabulary.setTexts(metadata.strings("tokenizer.ggml.tokens")));
  QRT_TRY(vocabulary.setTypes(metadata));
  vocabulary.scores_ = metadata.floats("tokenizer.ggml.scores");
  size_t count = vocabulary.tokens_.size();
  if (!vocabulary.scores_.empty() && vocabulary.scores_.size() != count)
    return wrongLength("tokenizer.ggml.scores", vocabulary.scores_.size(),
                       count);
  vocabulary.buildTable();
  out = std::move(vocabulary);
  return Status();
}

Status Vocabulary::setTexts(const std::vector<std::string_view> &texts) {
  if (texts.empty())
    return corrupt("tokenizer: the metadata has no tokens "
                   "(tokenizer.ggml.tokens)");
  // Half of int32's range leaves room for a hash table of twice the size.
  if (texts.size() > std::numeric_limits<int32_t>::max() / 2)
    return corrupt("tokenizer: too many tokens (" +
                   std::to_string(texts.size()) + ")");
  std::less<const char *> before;
  const char *first = texts[0].data(), *last = first;
  for (std::string_view text : texts) {
    first = before(text.data(), first) ? text.data() : first;
    const char *end = text.data() + text.size();
    last = before(last, end) ? end : last;
  }
  if (static_cast<uint64_t>(last - first) >
      std::numeric_limits<uint32_t>::max())
    return corrupt("tokenizer: the tokens' texts exceed 4 GiB");
  base_ = first;
  tokens_.reserve(texts.size());
  for (std::string_view text : texts)
    tokens_.push_back({static_cast<uint32_t>(text.data() - base_),
                       static_cast<uint32_t>(text.size())});
  return Status();
}

Status Vocabulary::setTypes(const Metadata &metadata) {
  std::vector<int32_t> types = metadata.integers("tokenizer.ggml.token_type");
  if (!types.empty() && types.size() != tokens_.size())
    return wrongLength("tokenizer.ggml.token_type", types.size(),
                       tokens_.size());
  types_.assign(tokens_.size(), Normal);
  for (size_t i = 0; i < types.size(); ++i) {
    // 0 is "undefined": llama.cpp, too, takes such tokens as they are.
    if (types[i] < 0 || types[i] > Byte)
      return corrupt("tokenizer: token " + std::to_string(i) +
                     " has the unknown type " + std::to_string(types[i]));
    types_[i] = types[i] == 0 ? Normal : static_cast<Type>(types[i]);
  }
  return Status();
}

void Vocabulary::buildTable() {
  size_t slots = 16;
  while (slots < 2 * tokens_.size())
    slots *= 2;
  slots_.assign(slots, -1);
  for (int32_t id = 0; id < size(); ++id) {
    size_t slot = hash64(text(id)) & (slots - 1);
    while (slots_[slot] >= 0 && text(slots_[slot]) != text(id))
      slot = (slot + 1) & (slots - 1);
    slots_[slot] = id;
  }
}

int32_t Vocabulary::find(std::string_view wanted) const {
  size_t mask = slots_.size() - 1;
  size_t slot = hash64(wanted) & mask;
  while (slots_[slot] >= 0 && text(slots_[slot]) != wanted)
    slot = (slot + 1) & mask;
  return slots_[slot];
}

} // namespace qrt
