//===- Tokenizer.h - tokenizer.json in the keys of GGUF ---------*- C++ -*-===//
//
// GGUF names a tokenizer's expressions and normalizers after models; a
// tokenizer.json holds them itself. What GGUF cannot say has keys of our own,
// which runtime/tokenizer reads:
//
//   tokenizer.lowbit.words           expressions of words, applied in turn
//   tokenizer.lowbit.compose         text is brought to NFC first
//   tokenizer.lowbit.ignore_merges   a word that is a token is not merged
//   tokenizer.lowbit.space_prefix    when text gets a space in front: "each"
//                                    stretch between added tokens, each that
//                                    has none ("missing"), or the "first" one
//   tokenizer.lowbit.use_merges      tokens merge by the list, not by score
//   tokenizer.lowbit.split_spaces    no token goes on behind its first space
//   tokenizer.lowbit.strip_left,
//   tokenizer.lowbit.strip_right     added tokens that swallow spaces
//   tokenizer.lowbit.end_token_ids   end a generation besides EOS
//   tokenizer.lowbit.normalizers     what is done to text, in turn
//   (WordSteps.h) tokenizer.lowbit.splits          how it becomes words
//   tokenizer.lowbit.longest_word    longer ones are unknown (WordPiece)
//   tokenizer.lowbit.max_tokens      of a sequence; more are cut off
//   (Encoder.h)
//
// Added tokens are looked for in the text as it is written. Hugging Face does
// that for those with `normalized` false; where a normalizer puts a space in
// front (the first llama files), it finds others behind a space only.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_IMPORT_HUGGINGFACE_TOKENIZER_H
#define LOWBIT_LIB_IMPORT_HUGGINGFACE_TOKENIZER_H

#include "lib/Import/KeyValueSource.h"

#include "llvm/Support/JSON.h"

namespace lowbit::huggingface {

/// Sets tokenizer.* from tokenizer.json, tokenizer_config.json,
/// generation_config.json and the chat template's file, with a token for each
/// of `vocabulary` rows. A folder without tokenizer.json has no tokenizer; one
/// whose tokenizer the runtime could not repeat exactly is refused.
llvm::Error readTokenizer(llvm::StringRef folder,
                          const llvm::json::Object &config, int64_t vocabulary,
                          KeyValueSource &source);

} // namespace lowbit::huggingface

#endif // LOWBIT_LIB_IMPORT_HUGGINGFACE_TOKENIZER_H
