//===- spm_bpe.h - SentencePiece's BPE --------------------------*- C++ -*-===//
//
// Such a model has no list of merges: two tokens merge if their texts together
// are a token, the one with the highest score first. Equal scores go by the
// rule with which Hugging Face turns such models into merges: longer left part,
// longer right part, smaller id. A model that has the list goes by it.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTRT_TOKENIZER_SPM_BPE_H
#define QUANTRT_TOKENIZER_SPM_BPE_H

#include "tokenizer/added_tokens.h"
#include "tokenizer/bpe_merge.h"
#include "tokenizer/merge_table.h"
#include "tokenizer/token_model.h"
#include "tokenizer/vocabulary.h"

#include <array>
#include <memory>

namespace qrt {

struct SpmBpeRules {
  int32_t unknownId = -1;
  SpacePrefix spacePrefix = SpacePrefix::None;
  bool usesMerges = false;   ///< by the list, not by score
  bool splitsSpaces = false; ///< no token goes on behind its first space
};

class SpmBpe : public TokenModel {
public:
  /// Both references outlive the model.
  static Status create(const Metadata &metadata, const Vocabulary &vocabulary,
                       const AddedTokens &added, const SpmBpeRules &rules,
                       std::unique_ptr<TokenModel> &out);

  void encode(std::string_view text, bool isFirst,
              std::vector<int32_t> &ids) const override;
  void appendPiece(int32_t id, std::string &out) const override;

private:
  SpmBpe(const Vocabulary &vocabulary, const AddedTokens &added,
         const SpmBpeRules &rules)
      : vocabulary_(vocabulary), added_(added), rules_(rules) {}
  Status readBytes();
  void mergeByScore(std::string_view text,
                    std::vector<BpeSymbol> &symbols) const;
  void mergeByTable(std::string_view text,
                    std::vector<BpeSymbol> &symbols) const;
  /// Text with its spaces escaped and without user-defined tokens.
  void encodeEscaped(std::string_view text, std::vector<int32_t> &ids) const;
  /// A token that text may become, or -1.
  int32_t findPiece(std::string_view text) const;
  void addCharacter(std::string_view text, uint32_t begin, uint32_t size,
                    std::vector<BpeSymbol> &symbols) const;

  const Vocabulary &vocabulary_;
  const AddedTokens &added_;
  SpmBpeRules rules_;
  std::unique_ptr<MergeTable> merges_; ///< null: by score
  std::array<int32_t, 256> byteIds_;   ///< -1 where the vocabulary has none
  size_t longest_ = 0;                 ///< bytes of the longest normal token
};

} // namespace qrt

#endif // QUANTRT_TOKENIZER_SPM_BPE_H
