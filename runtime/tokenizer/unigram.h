//===- unigram.h - SentencePiece's unigram model ----------------*- C++ -*-===//

#ifndef QUANTRT_TOKENIZER_UNIGRAM_H
#define QUANTRT_TOKENIZER_UNIGRAM_H

#include "tokenizer/normalizer.h"
#include "tokenizer/token_model.h"
#include "tokenizer/vocabulary.h"

#include <array>
#include <memory>

namespace qrt {

/// A word becomes the tokens whose scores have the largest sum; spaces are
/// spelled as U+2581.
class Unigram : public TokenModel {
public:
  /// The vocabulary outlives the model.
  static Status create(const Metadata &metadata, const Vocabulary &vocabulary,
                       SpacePrefix prefix, int32_t unknownId,
                       std::unique_ptr<TokenModel> &out);

  void encode(std::string_view text, bool isFirst,
              std::vector<int32_t> &ids) const override;
  void appendPiece(int32_t id, std::string &out) const override;

private:
  explicit Unigram(const Vocabulary &vocabulary) : vocabulary_(vocabulary) {}
  void encodeWord(std::string word, bool isFirst,
                  std::vector<int32_t> &ids) const;
  void encodePart(std::string_view part, std::vector<int32_t> &ids) const;
  void appendUnknown(std::string_view text, std::vector<int32_t> &ids) const;

  const Vocabulary &vocabulary_;
  Normalizer normalizer_;
  WordSteps words_;
  SpacePrefix prefix_ = SpacePrefix::None;
  bool marksSpaces_ = true;
  bool splitsSpaces_ = true; ///< no token goes on behind its first space
  int32_t unknownId_ = -1;
  double unknownScore_ = 0;
  size_t longestToken_ = 0;            ///< bytes
  std::array<int32_t, 256> byteIds_{}; ///< -1 where there is none
};

} // namespace qrt

#endif // QUANTRT_TOKENIZER_UNIGRAM_H
