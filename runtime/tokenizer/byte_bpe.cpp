//===- byte_bpe.cpp - Byte-level BPE --------------------------------------===//

#include "tokenizer/byte_bpe.h"

#include "tokenizer/byte_level.h"

#include <limits>

namespace qrt {

Status ByteBpe::create(const Metadata &metadata, const Vocabulary &vocabulary,
                       const PreTokenizer &preTokenizer,
                       std::unique_ptr<TokenModel> &out) {
  std::unique_ptr<ByteBpe> model(new ByteBpe(vocabulary, preTokenizer));
  std::string spelled;
  for (int byte = 0; byte < 256; ++byte) {
    spelled.clear();
    appendUtf8(spellByte(static_cast<uint8_t>(byte)), spelled);
    model->byteIds_[byte] = vocabulary.find(spelled);
  }
  if (!metadata.has("tokenizer.ggml.merges"))
    return corrupt("tokenizer: the metadata has no merges "
                   "(tokenizer.ggml.merges)");
  QRT_TRY(model->readMerges(metadata.strings("tokenizer.ggml.merges")));
  out = std::move(model);
  return Status();
}

static Status badMerge(size_t rank, std::string_view line, const char *what) {
  return corrupt("tokenizer: merge " + std::to_string(rank) + " '" +
                 std::string(line.substr(0, 100)) + "' " + what);
}

Status ByteBpe::readMerges(const std::vector<std::string_view> &lines) {
  if (lines.size() > std::numeric_limits<int32_t>::max() / 4)
    return corrupt("tokenizer: too many merges (" +
                   std::to_string(lines.size()) + ")");
  size_t slots = 16;
  // A third of the slots stay free; a miss then takes 5 probes on average.
  while (slots * 2 < lines.size() * 3)
    slots *= 2;
  slots_.assign(slots, -1);
  merges_.reserve(lines.size());
  std::string joined;
  for (std::string_view line : lines) {
    size_t rank = merges_.size();
    // A space is never part of a byte-level token.
    size_t space = line.find(' ', 1);
    if (space == std::string_view::npos)
      return badMerge(rank, line, "is not a pair of tokens");
    std::string_view left = line.substr(0, space),
                     right = line.substr(space + 1);
    joined.assign(left).append(right);
    Merge merge{vocabulary_.find(left), vocabulary_.find(right),
                vocabulary_.find(joined)};
    if (merge.left < 0 || merge.right < 0 || merge.result < 0)
      return badMerge(rank, line, "names a token that the vocabulary lacks");
    merges_.push_back(merge);
    // The last of equal pairs counts, as in Hugging Face's tokenizers.
    slots_[slotOf(merge.left, merge.right)] = static_cast<int32_t>(rank);
  }
  return Status();
}

size_t ByteBpe::slotOf(int32_t left, int32_t right) const {
  uint64_t key =
      static_cast<uint64_t>(left) << 32 | static_cast<uint32_t>(right);
  size_t mask = slots_.size() - 1;
  // Fibonacci hashing; the odd factor is 2^64 over the golden ratio.
  size_t slot = (key * 0x9E3779B97F4A7C15u >> 32) & mask;
  while (slots_[slot] >= 0 && (merges_[slots_[slot]].left != left ||
                               merges_[slots_[slot]].right != right))
    slot = (slot + 1) & mask;
  return slot;
}

bool ByteBpe::find(int32_t left, int32_t right, uint32_t &rank,
                   int32_t &result) const {
  int32_t found = slots_[slotOf(left, right)];
  if (found < 0)
    return false;
  rank = static_cast<uint32_t>(found);
  result = merges_[found].result;
  return true;
}

void ByteBpe::encodeWord(std::string_view word, std::vector<BpeSymbol> &symbols,
                         std::vector<int32_t> &ids) const {
  if (preTokenizer_.ignoreMerges) {
    std::string spelled;
    appendSpelled(word, spelled);
    int32_t id = vocabulary_.find(spelled);
    if (id >= 0 && !vocabulary_.isAdded(id)) {
      ids.push_back(id);
      return;
    }
  }
  symbols.clear();
  for (size_t i = 0; i < word.size(); ++i) {
    int32_t id = byteIds_[static_cast<uint8_t>(word[i])];
    // A byte that the vocabulary cannot spell is left out, as Hugging Face's
    // tokenizers do it.
    if (id >= 0)
      symbols.push_back({id, static_cast<uint32_t>(i), 1, -1, -1});
  }
  linkSymbols(symbols);
  mergeSymbols<uint32_t>(
      symbols,
      [&](const BpeSymbol &left, const BpeSymbol &right, uint32_t &rank,
          int32_t &id) { return find(left.id, right.id, rank, id); });
  for (const BpeSymbol &symbol : symbols)
    if (symbol.size != 0)
      ids.push_back(symbol.id);
}

void ByteBpe::encode(std::string_view text, std::vector<int32_t> &ids) const {
  std::string composed;
  if (preTokenizer_.composes && composeNfc(text, composed))
    text = composed;
  std::vector<Character> characters;
  decodeCharacters(text, characters);
  std::vector<uint32_t> ends;
  preTokenizer_.split(characters, ends);
  std::vector<BpeSymbol> symbols;
  size_t begin = 0;
  for (uint32_t end : ends) {
    size_t first = characters[begin].offset, last = characters[end].offset;
    encodeWord(text.substr(first, last - first), symbols, ids);
    begin = end;
  }
}

void ByteBpe::appendPiece(int32_t id, std::string &out) const {
  appendUnspelled(vocabulary_.text(id), out);
}

} // namespace qrt
