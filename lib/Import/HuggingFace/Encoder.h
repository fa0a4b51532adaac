//===- Encoder.h - Folders of sentence-transformers -------------*- C++ -*-===//

#ifndef LOWBIT_LIB_IMPORT_HUGGINGFACE_ENCODER_H
#define LOWBIT_LIB_IMPORT_HUGGINGFACE_ENCODER_H

#include "Config.h"

namespace lowbit::huggingface {

/// What modules.json and sentence_bert_config.json say: how rows are pooled
/// (ARCHITECTURE.pooling_type) and the longest sequence, special tokens
/// included (tokenizer.lowbit.max_tokens).
llvm::Error readSentenceFiles(llvm::StringRef folder, const Config &config,
                              KeyValueSource &source);

} // namespace lowbit::huggingface

#endif // LOWBIT_LIB_IMPORT_HUGGINGFACE_ENCODER_H
