//===- byte_bpe.h - Byte-level BPE ------------------------------*- C++ -*-===//

#ifndef QUANTRT_TOKENIZER_BYTE_BPE_H
#define QUANTRT_TOKENIZER_BYTE_BPE_H

#include "tokenizer/bpe_merge.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/token_model.h"
#include "tokenizer/vocabulary.h"

#include <array>
#include <memory>

namespace qrt {

class ByteBpe : public TokenModel {
public:
  /// Both references outlive the model.
  static Status create(const Metadata &metadata, const Vocabulary &vocabulary,
                       const PreTokenizer &preTokenizer,
                       std::unique_ptr<TokenModel> &out);

  void encode(std::string_view text, std::vector<int32_t> &ids) const override;
  void appendPiece(int32_t id, std::string &out) const override;

private:
  /// The rank is the index.
  struct Merge {
    int32_t left, right, result;
  };

  ByteBpe(const Vocabulary &vocabulary, const PreTokenizer &preTokenizer)
      : vocabulary_(vocabulary), preTokenizer_(preTokenizer) {}
  Status readMerges(const std::vector<std::string_view> &lines);
  size_t slotOf(int32_t left, int32_t right) const;
  /// Whether the two merge, how early and into what.
  bool find(int32_t left, int32_t right, uint32_t &rank, int32_t &result) const;
  void encodeWord(std::string_view word, std::vector<BpeSymbol> &symbols,
                  std::vector<int32_t> &ids) const;

  const Vocabulary &vocabulary_;
  const PreTokenizer &preTokenizer_;
  std::array<int32_t, 256> byteIds_; ///< -1 where the vocabulary has none
  std::vector<Merge> merges_;
  std::vector<int32_t> slots_; ///< ranks by hash of the pair, or -1
};

} // namespace qrt

#endif // QUANTRT_TOKENIZER_BYTE_BPE_H
