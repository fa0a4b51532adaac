//===- byte_bpe.cpp - Byte-level BPE --------------------------------------===//

#include "tokenizer/byte_bpe.h"

#include "tokenizer/byte_level.h"

namespace qrt {

Status ByteBpe::create(const Metadata &metadata, const Vocabulary &vocabulary,
                       ByteBpeRules rules, std::unique_ptr<TokenModel> &out) {
  std::unique_ptr<ByteBpe> model(new ByteBpe(vocabulary, std::move(rules)));
  std::string spelled;
  for (int byte = 0; byte < 256; ++byte) {
    spelled.clear();
    appendUtf8(spellByte(static_cast<uint8_t>(byte)), spelled);
    model->byteIds_[byte] = vocabulary.find(spelled);
  }
  QRT_TRY(MergeTable::create(metadata, vocabulary, model->merges_));
  out = std::move(model);
  return Status();
}

void ByteBpe::encodeWord(std::string_view word, std::vector<BpeSymbol> &symbols,
                         std::vector<int32_t> &ids) const {
  if (rules_.ignoreMerges) {
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
          int32_t &id) { return merges_.find(left.id, right.id, rank, id); });
  for (const BpeSymbol &symbol : symbols)
    if (symbol.size != 0)
      ids.push_back(symbol.id);
}

void ByteBpe::encode(std::string_view text, bool isFirst,
                     std::vector<int32_t> &ids) const {
  std::string composed, prefixed;
  if (rules_.composes && composeNfc(text, composed))
    text = composed;
  if (wantsSpace(rules_.spacePrefix, isFirst, text.substr(0, 1) == " ")) {
    prefixed = " " + std::string(text);
    text = prefixed;
  }
  std::vector<Character> characters;
  decodeCharacters(text, characters);
  std::vector<uint32_t> ends;
  rules_.words.split(characters, ends);
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
