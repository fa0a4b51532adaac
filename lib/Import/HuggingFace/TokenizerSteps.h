//===- TokenizerSteps.h - What happens before merging -----------*- C++ -*-===//

#ifndef LOWBIT_LIB_IMPORT_HUGGINGFACE_TOKENIZERSTEPS_H
#define LOWBIT_LIB_IMPORT_HUGGINGFACE_TOKENIZERSTEPS_H

#include "lib/Import/KeyValueSource.h"

#include "llvm/Support/JSON.h"

namespace lowbit::huggingface {

/// The normalizer and the pre-tokenizer of a tokenizer.json in the words of
/// runtime/tokenizer: bytes spelled as characters and words by expressions
/// (GPT-2's way), or spaces spelled as U+2581 (SentencePiece's).
class TokenizerSteps {
public:
  /// Returns what is not supported, or "".
  std::string read(const llvm::json::Object &json);
  void set(KeyValueSource &source) const;

private:
  void fail(const llvm::Twine &message);
  void readNormalizer(const llvm::json::Object &normalizer);
  void readReplace(const llvm::json::Object &normalizer);
  void readPreTokenizer(const llvm::json::Object &step);
  void readSplit(const llvm::json::Object &step);
  void readMetaspace(const llvm::json::Object &step);
  void addExpression(std::string expression, llvm::StringRef behavior,
                     bool invert);
  void checkModel(const llvm::json::Object &model);

  std::string problem;
  std::vector<std::string> words;
  std::string spacePrefix; ///< "each", "missing", "first" or ""
  bool byteLevel = false;
  bool composes = false;
  bool ignoreMerges = false;
  bool marksSpaces = false; ///< U+2581 in place of spaces
  bool splitsSpaces = false;

  /// What tokenizer.ggml.pre says, or "" where GGUF has no name for it.
  llvm::StringRef nameOfWords() const;
};

} // namespace lowbit::huggingface

#endif // LOWBIT_LIB_IMPORT_HUGGINGFACE_TOKENIZERSTEPS_H
