//===- spm_bpe.cpp - SentencePiece's BPE ----------------------------------===//

#include "tokenizer/spm_bpe.h"

#include "tokenizer/unicode.h"

namespace qrt {

namespace {

constexpr std::string_view spaceMark = "\xE2\x96\x81";

/// How early a pair merges.
struct MergeKey {
  float score;
  uint32_t leftSize, rightSize; ///< characters
  int32_t id;

  bool operator<(const MergeKey &other) const {
    if (score != other.score)
      return score > other.score;
    if (leftSize != other.leftSize)
      return leftSize > other.leftSize;
    if (rightSize != other.rightSize)
      return rightSize > other.rightSize;
    return id < other.id;
  }
};

} // namespace

Status SpmBpe::create(const Vocabulary &vocabulary, const AddedTokens &added,
                      int32_t unknownId, bool spacePrefix,
                      std::unique_ptr<TokenModel> &out) {
  std::unique_ptr<SpmBpe> model(
      new SpmBpe(vocabulary, added, unknownId, spacePrefix));
  model->byteIds_.fill(-1);
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    if (vocabulary.score(id) != vocabulary.score(id))
      return corrupt("tokenizer: the score of token " + std::to_string(id) +
                     " is not a number");
    if (vocabulary.type(id) != Vocabulary::Byte) {
      if (!vocabulary.isAdded(id))
        model->longest_ = std::max(model->longest_, vocabulary.text(id).size());
      continue;
    }
    int byte = parseByteToken(vocabulary.text(id));
    if (byte < 0)
      return corrupt("tokenizer: token " + std::to_string(id) +
                     " is a byte, but its text is '" +
                     std::string(vocabulary.text(id).substr(0, 100)) +
                     "' in place of <0x00> to <0xFF>");
    model->byteIds_[byte] = id;
  }
  out = std::move(model);
  return Status();
}

int32_t SpmBpe::findPiece(std::string_view text) const {
  if (text.size() > longest_)
    return -1;
  int32_t id = vocabulary_.find(text);
  bool usable = id >= 0 && !vocabulary_.isAdded(id) &&
                vocabulary_.type(id) != Vocabulary::Byte;
  return usable ? id : -1;
}

/// One character: its token, else its bytes' tokens, else the unknown token,
/// one for a run of such characters.
void SpmBpe::addCharacter(std::string_view text, uint32_t begin, uint32_t size,
                          std::vector<BpeSymbol> &symbols) const {
  std::string_view bytes = text.substr(begin, size);
  int32_t id = findPiece(bytes);
  if (id >= 0) {
    symbols.push_back({id, begin, size, -1, -1});
    return;
  }
  bool known = true;
  for (char c : bytes)
    known = known && byteIds_[static_cast<uint8_t>(c)] >= 0;
  if (known) {
    for (uint32_t i = 0; i < size; ++i)
      symbols.push_back(
          {byteIds_[static_cast<uint8_t>(bytes[i])], begin + i, 1, -1, -1});
  } else if (!symbols.empty() && unknownId_ >= 0 &&
             symbols.back().id == unknownId_) {
    symbols.back().size += size;
  } else if (unknownId_ >= 0) {
    symbols.push_back({unknownId_, begin, size, -1, -1});
  }
}

void SpmBpe::encode(std::string_view text, std::vector<int32_t> &ids) const {
  std::string escaped;
  if (spacePrefix_)
    escaped = spaceMark;
  escaped += AddedTokens::escape(text);
  text = escaped;
  // User-defined tokens out of spaces (Gemma's runs of 2 to 31) come to light
  // only now.
  size_t begin = 0;
  for (size_t i = 0; i < text.size();) {
    AddedTokens::Match match = added_.at(text, i, false);
    if (match.length == 0) {
      ++i;
      continue;
    }
    encodeEscaped(text.substr(begin, i - begin), ids);
    ids.push_back(match.id);
    begin = i += match.length;
  }
  encodeEscaped(text.substr(begin), ids);
}

void SpmBpe::encodeEscaped(std::string_view text,
                           std::vector<int32_t> &ids) const {
  std::vector<BpeSymbol> symbols;
  symbols.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    uint32_t value = 0;
    size_t length = decodeUtf8(text, i, value);
    length = length ? length : 1;
    addCharacter(text, static_cast<uint32_t>(i), static_cast<uint32_t>(length),
                 symbols);
    i += length;
  }
  linkSymbols(symbols);
  // Only tokens that stand for their own text merge: bytes and the unknown
  // token do not.
  auto merges = [&](const BpeSymbol &symbol) {
    return vocabulary_.text(symbol.id) ==
           text.substr(symbol.begin, symbol.size);
  };
  auto pair = [&](const BpeSymbol &left, const BpeSymbol &right, MergeKey &key,
                  int32_t &id) {
    if (left.size + right.size > longest_ || !merges(left) || !merges(right))
      return false;
    id = findPiece(text.substr(left.begin, left.size + right.size));
    if (id < 0)
      return false;
    auto characters = [&](const BpeSymbol &symbol) {
      return static_cast<uint32_t>(
          countCharacters(text.substr(symbol.begin, symbol.size)));
    };
    key = {vocabulary_.score(id), characters(left), characters(right), id};
    return true;
  };
  mergeSymbols<MergeKey>(symbols, pair);
  for (const BpeSymbol &symbol : symbols)
    if (symbol.size != 0)
      ids.push_back(symbol.id);
}

void SpmBpe::appendPiece(int32_t id, std::string &out) const {
  std::string_view text = vocabulary_.text(id);
  if (vocabulary_.type(id) == Vocabulary::Byte) {
    out += static_cast<char>(parseByteToken(text));
    return;
  }
  for (size_t i = 0; i < text.size();) {
    bool space = text.substr(i, spaceMark.size()) == spaceMark;
    out += space ? ' ' : text[i];
    i += space ? spaceMark.size() : 1;
  }
}

} // namespace qrt
