//===- WordSteps.h - Text to words, for models of words ---------*- C++ -*-===//
//
// The normalizer and the pre-tokenizer of WordPiece and Unigram models as lists
// of words that runtime/tokenizer/normalizer.h knows:
//
//   normalizers  clean, chinese, nfc, nfd, nfkc, nfkd, strip_nonspacing,
//                strip_marks, lowercase, strip_left, strip_right, nmt,
//                precompiled, and with texts spelled in hexadecimal
//                replace:FROM:TO, prepend:TEXT, squeeze:TO (of two spaces and
//                more)
//   splits       spaces, punctuation, words, digits, digit
//
// Metaspace, the last step of a Unigram model, has keys of its own
// (tokenizer.lowbit.space_prefix, .mark_spaces, .split_spaces).
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_IMPORT_HUGGINGFACE_WORDSTEPS_H
#define LOWBIT_LIB_IMPORT_HUGGINGFACE_WORDSTEPS_H

#include "lib/Import/KeyValueSource.h"

#include "llvm/Support/JSON.h"

namespace lowbit::huggingface {

class WordSteps {
public:
  /// Returns what is not supported, or "". `marks`: of a model that may spell
  /// spaces as U+2581.
  std::string read(const llvm::json::Object &json, bool marks);
  void set(KeyValueSource &source) const;

private:
  void fail(const llvm::Twine &message);
  void readNormalizer(const llvm::json::Object &normalizer);
  void readBert(const llvm::json::Object &normalizer);
  void readStrip(const llvm::json::Object &normalizer);
  void readReplace(const llvm::json::Object &normalizer);
  void readPrecompiled(const llvm::json::Object &normalizer);
  void readPreTokenizer(const llvm::json::Object &step);
  void readMetaspace(const llvm::json::Object &step);

  std::string problem;
  std::vector<std::string> normalizers, splits;
  std::vector<int32_t> characterMap; ///< bytes of "precompiled"
  std::string spacePrefix;           ///< "missing", "first" or ""
  bool mayMark = false, marksSpaces = false, splitsSpaces = false;
};

} // namespace lowbit::huggingface

#endif // LOWBIT_LIB_IMPORT_HUGGINGFACE_WORDSTEPS_H
