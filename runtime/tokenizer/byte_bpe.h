//===- byte_bpe.h - Byte-level BPE ------------------------------*- C++ -*-===//

#ifndef QUANTRT_TOKENIZER_BYTE_BPE_H
#define QUANTRT_TOKENIZER_BYTE_BPE_H

#include "tokenizer/bpe_merge.h"
#include "tokenizer/merge_table.h"
#include "tokenizer/token_model.h"
#include "tokenizer/vocabulary.h"
#include "tokenizer/word_splitter.h"

#include <array>
#include <memory>

namespace qrt {

/// How text becomes words, and words tokens.
struct ByteBpeRules {
  WordSplitter words;
  bool composes = false;     ///< text is brought to NFC first
  bool ignoreMerges = false; ///< a word that is a token is not merged together
  SpacePrefix spacePrefix = SpacePrefix::None;
};

class ByteBpe : public TokenModel {
public:
  /// The vocabulary outlives the model.
  static Status create(const Metadata &metadata, const Vocabulary &vocabulary,
                       ByteBpeRules rules, std::unique_ptr<TokenModel> &out);

  void encode(std::string_view text, bool isFirst,
              std::vector<int32_t> &ids) const override;
  void appendPiece(int32_t id, std::string &out) const override;

private:
  ByteBpe(const Vocabulary &vocabulary, ByteBpeRules rules)
      : vocabulary_(vocabulary), rules_(std::move(rules)) {}
  void encodeWord(std::string_view word, std::vector<BpeSymbol> &symbols,
                  std::vector<int32_t> &ids) const;

  const Vocabulary &vocabulary_;
  ByteBpeRules rules_;
  std::array<int32_t, 256> byteIds_; ///< -1 where the vocabulary has none
  MergeTable merges_;
};

} // namespace qrt

#endif // QUANTRT_TOKENIZER_BYTE_BPE_H
