//===- word_piece.h - WordPiece ---------------------------------*- C++ -*-===//

#ifndef QUANTRT_TOKENIZER_WORD_PIECE_H
#define QUANTRT_TOKENIZER_WORD_PIECE_H

#include "tokenizer/normalizer.h"
#include "tokenizer/token_model.h"
#include "tokenizer/vocabulary.h"

#include <memory>

namespace qrt {

/// Words become the longest token that they begin with, then the longest that
/// goes on, and so forth; a word for which that fails is unknown as a whole.
/// Tokens that begin a word have U+2581 in front, as in GGUF.
class WordPiece : public TokenModel {
public:
  /// The vocabulary outlives the model. `unknownId`: -1 if there is none.
  static Status create(const Metadata &metadata, const Vocabulary &vocabulary,
                       int32_t unknownId, std::unique_ptr<TokenModel> &out);

  void encode(std::string_view text, bool isFirst,
              std::vector<int32_t> &ids) const override;
  void appendPiece(int32_t id, std::string &out) const override;

private:
  explicit WordPiece(const Vocabulary &vocabulary) : vocabulary_(vocabulary) {}
  void encodeWord(const Points &points, size_t begin, size_t end,
                  std::vector<int32_t> &ids) const;

  const Vocabulary &vocabulary_;
  Normalizer normalizer_;
  WordSteps words_;
  int32_t unknownId_ = -1;
  size_t longestWord_ = 100; ///< characters
  size_t longestToken_ = 0;  ///< bytes
};

} // namespace qrt

#endif // QUANTRT_TOKENIZER_WORD_PIECE_H
