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

Status SpmBpe::create(const Metadata &metadata, const Vocabulary &vocabulary,
                      const AddedTokens &added, const SpmBpeRules &rules,
                      std::unique_ptr<TokenModel> &out) {
  std::unique_ptr<SpmBpe> model(new SpmBpe(vocabulary, added, rules));
  QRT_TRY(model->readBytes());
  if (rules.usesMerges) {
    model->merges_ = std::make_unique<MergeTable>();
    QRT_TRY(MergeTable::create(metadata, vocabulary, *model->merges_));
  }
  out = std::move(model);
  return Status();
}

Status SpmBpe::readBytes() {
  byteIds_.fill(-1);
  for (int32_t id = 0; id < vocabulary_.size(); ++id) {
    if (vocabulary_.score(id) != vocabulary_.score(id))
      return corrupt("tokenizer: the score of token " + std::to_string(id) +
                     " is not a number");
    if (vocabulary_.type(id) != Vocabulary::Byte) {
      if (!vocabulary_.isAdded(id))
        longest_ = std::max(longest_, vocabulary_.text(id).size());
      continue;
    }
    int byte = parseByteToken(vocabulary_.text(id));
    if (byte < 0)
      return corrupt("tokenizer: token " + std::to_string(id) +
                     " is a byte, but its text is '" +
                     std::string(vocabulary_.text(id).substr(0, 100)) +
                     "' in place of <0x00> to <0xFF>");
    byteIds_[byte] = id;
  }
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
  } else if (!symbols.empty() && rules_.unknownId >= 0 &&
             symbols.back().id == rules_.unknownId) {
    symbols.back().size += size;
  } else if (rules_.unknownId >= 0) {
    symbols.push_back({rules_.unknownId, begin, size, -1, -1});
  }
}

void SpmBpe::encode(std::string_view text, bool isFirst,
                    std::vector<int32_t> &ids) const {
  std::string escaped;
  bool hasSpace =
      text.substr(0, 1) == " " || text.substr(0, spaceMark.size()) == spaceMark;
  if (wantsSpace(rules_.spacePrefix, isFirst, hasSpace))
    escaped = spaceMark;
  escaped += AddedTokens::escape(text);
  text = escaped;
  if (merges_)
    return encodeEscaped(text, ids);
  // User-defined tokens out of spaces (Gemma's runs of 2 to 31) come to light
  // only now. Tokenizers with merges look for them in the text as it is.
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
  if (merges_)
    mergeByTable(text, symbols);
  else
    mergeByScore(text, symbols);
  for (const BpeSymbol &symbol : symbols)
    if (symbol.size != 0)
      ids.push_back(symbol.id);
}

void SpmBpe::mergeByTable(std::string_view text,
                          std::vector<BpeSymbol> &symbols) const {
  auto beginsWord = [&](const BpeSymbol &symbol) {
    return text.substr(symbol.begin, spaceMark.size()) == spaceMark;
  };
  mergeSymbols<uint32_t>(symbols,
                         [&](const BpeSymbol &left, const BpeSymbol &right,
                             uint32_t &rank, int32_t &id) {
                           return !(rules_.splitsSpaces && beginsWord(right)) &&
                                  merges_->find(left.id, right.id, rank, id);
                         });
}

void SpmBpe::mergeByScore(std::string_view text,
                          std::vector<BpeSymbol> &symbols) const {
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
