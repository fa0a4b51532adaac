//===- Config.h - config.json in the keys of GGUF ---------------*- C++ -*-===//

#ifndef LOWBIT_LIB_IMPORT_HUGGINGFACE_CONFIG_H
#define LOWBIT_LIB_IMPORT_HUGGINGFACE_CONFIG_H

#include "Families.h"
#include "Quantization.h"
#include "lib/Import/KeyValueSource.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/JSON.h"

namespace lowbit::huggingface {

/// What the tensors' names and shapes depend on.
struct Config {
  const Family *family = nullptr;
  int64_t layers = 0;
  int64_t embedding = 0;
  int64_t vocabulary = 0;
  int64_t headDim = 0;
  int64_t queryRows = 0, keyRows = 0; ///< heads times their length
  int64_t hidden = 0;                 ///< of the feed-forward part
  unsigned parts = 0;                 ///< bits of Part that the model has
  bool tied = false;                  ///< the head is the embedding's table
  int64_t skippedPositions = 0;       ///< rows of positions that no token has
  bool nested = false; ///< the language model of one that sees or hears, too
  /// Divisors of the rotary frequencies, or empty, and the tensor of GGUF that
  /// holds them.
  std::vector<float> ropeFactors;
  std::string ropeFactorsName;
  Quantization quantization;
  /// GGUF's key -> the key that it comes from, for messages.
  llvm::StringMap<std::string> theirKeys;
};

/// Sets general.architecture and all keys under it. Keys that config.json lacks
/// have the defaults of transformers' configuration classes; what no op here
/// computes is refused. Errors are one line with `path` in front.
llvm::Expected<Config> readConfig(const llvm::json::Object &object,
                                  llvm::StringRef path, KeyValueSource &source);

} // namespace lowbit::huggingface

#endif // LOWBIT_LIB_IMPORT_HUGGINGFACE_CONFIG_H
