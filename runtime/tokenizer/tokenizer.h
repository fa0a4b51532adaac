//===- tokenizer.h - Text to ids and back -----------------------*- C++ -*-===//
//
// Reads the tokenizer.ggml.* keys of a model, and those of tokenizer.lowbit.*
// (lib/Import/HuggingFace/Tokenizer.h), which say what GGUF cannot. Ids equal
// those of Hugging Face's tokenizers for the same model.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTRT_TOKENIZER_TOKENIZER_H
#define QUANTRT_TOKENIZER_TOKENIZER_H

#include "tokenizer/added_tokens.h"
#include "tokenizer/byte_bpe.h"
#include "tokenizer/token_model.h"
#include "tokenizer/vocabulary.h"

#include <memory>

namespace qrt {

/// Never changes once made: threads may share it.
class Tokenizer {
public:
  /// The metadata's bytes must outlive the tokenizer (the object need not).
  static Status create(const Metadata &metadata,
                       std::unique_ptr<Tokenizer> &out);

  /// Appends to `ids`. `addSpecial`: BOS and EOS where the model wants them;
  /// `parseSpecial`: control tokens spelled in the text become their ids.
  /// (User-defined tokens always do.) Text may be any bytes.
  Status encode(std::string_view text, bool addSpecial, bool parseSpecial,
                std::vector<int32_t> &ids) const;

  /// Appends the text of a whole sequence; a space that encode put in front is
  /// taken off. Control tokens give nothing unless `special` is set; ids out of
  /// range give nothing. Bytes may be invalid UTF-8: see Utf8Stream.
  void decode(const std::vector<int32_t> &ids, bool special,
              std::string &out) const;
  /// Appends one token's bytes, by the same rules but for the first space.
  void appendPiece(int32_t id, bool special, std::string &out) const;
  std::string piece(int32_t id) const;

  int32_t vocabSize() const { return vocabulary_.size(); }
  int32_t bosId() const { return bosId_; } ///< or -1
  int32_t eosId() const { return eosId_; } ///< or -1
  bool addBos() const { return addBos_; }
  bool addEos() const { return addEos_; }
  /// EOS, EOT and the control tokens known to end a turn.
  bool isEnd(int32_t id) const;
  /// Control and unknown tokens, which stand for no text.
  bool isControl(int32_t id) const;

private:
  Tokenizer() = default;
  /// These let bad_alloc through.
  static Status createUnguarded(const Metadata &metadata,
                                std::unique_ptr<Tokenizer> &out);
  void encodeUnguarded(std::string_view text, bool addSpecial,
                       bool parseSpecial, std::vector<int32_t> &ids) const;
  Status readWords(const Metadata &metadata, ByteBpeRules &rules);
  Status createBytePairs(const Metadata &metadata);
  Status createWordPiece(const Metadata &metadata);
  Status createUnigram(const Metadata &metadata);
  Status createSentencePiece(const Metadata &metadata);
  Status readIds(const Metadata &metadata);
  void findEnds(const Metadata &metadata);
  bool stripsAfter(int32_t id) const;

  Vocabulary vocabulary_;
  std::unique_ptr<AddedTokens> added_;
  std::unique_ptr<TokenModel> model_;
  std::vector<int32_t> ends_; ///< sorted
  int32_t bosId_ = -1, eosId_ = -1, unknownId_ = -1;
  bool addBos_ = false, addEos_ = false;
  bool sentencePiece_ = false; ///< else byte-level BPE
  bool stripsPrefix_ = false;  ///< decode takes off a first space
  bool controlsStrip_ = false; ///< control tokens swallow spaces behind them
};

} // namespace qrt

#endif // QUANTRT_TOKENIZER_TOKENIZER_H
