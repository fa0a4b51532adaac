//===- spm_bpe.h - SentencePiece's BPE --------------------------*- C++ -*-===//
//
// There is no list of merges: two tokens merge if their texts together are a
// token, the one with the highest score first. Equal scores go by the rule with
// which Hugging Face turns such models into merges: longer left part, longer
// right part, smaller id.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTRT_TOKENIZER_SPM_BPE_H
#define QUANTRT_TOKENIZER_SPM_BPE_H

#include "tokenizer/added_tokens.h"
#include "tokenizer/bpe_merge.h"
#include "tokenizer/token_model.h"
#include "tokenizer/vocabulary.h"

#include <array>
#include <memory>

namespace qrt {

class SpmBpe : public TokenModel {
public:
  /// Both references outlive the model. `spacePrefix`: each stretch of text
  /// gets a space in front.
  static Status create(const Vocabulary &vocabulary, const AddedTokens &added,
                       int32_t unknownId, bool spacePrefix,
                       std::unique_ptr<TokenModel> &out);

  void encode(std::string_view text, std::vector<int32_t> &ids) const override;
  void appendPiece(int32_t id, std::string &out) const override;

private:
  SpmBpe(const Vocabulary &vocabulary, const AddedTokens &added,
         int32_t unknownId, bool spacePrefix)
      : vocabulary_(vocabulary), added_(added), unknownId_(unknownId),
        spacePrefix_(spacePrefix) {}
  /// Text with its spaces escaped and without user-defined tokens.
  void encodeEscaped(std::string_view text, std::vector<int32_t> &ids) const;
  /// A token that text may become, or -1.
  int32_t findPiece(std::string_view text) const;
  void addCharacter(std::string_view text, uint32_t begin, uint32_t size,
                    std::vector<BpeSymbol> &symbols) const;

  const Vocabulary &vocabulary_;
  const AddedTokens &added_;
  int32_t unknownId_;
  bool spacePrefix_;
  std::array<int32_t, 256> byteIds_; ///< -1 where the vocabulary has none
  size_t longest_ = 0;               ///< bytes of the longest normal token
};

} // namespace qrt

#endif // QUANTRT_TOKENIZER_SPM_BPE_H
