//===- Families.h - Model families of transformers --------------*- C++ -*-===//
//
// What is the same in all checkpoints of a family, as data: the names of its
// tensors and GGUF's names for them, and the defaults of its configuration
// class. A family of the same network as a known one is a row more.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_IMPORT_HUGGINGFACE_FAMILIES_H
#define LOWBIT_LIB_IMPORT_HUGGINGFACE_FAMILIES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace lowbit::huggingface {

/// Parts that some models have, as bits.
enum Part : unsigned {
  Basic = 1,            ///< what every model has
  SeparateMatrices = 2, ///< of queries, keys, values; of gate and up
  FusedMatrices = 4,    ///< qkv_proj and gate_up_proj
  InputBiases = 8,      ///< of queries, keys and values
  OutputBias = 16,      ///< of the attention's output
  FeedForwardBiases = 32,
  HeadNorms = 64,        ///< of each head of queries and keys
  InnerNorms = 128,      ///< one norm in front of the feed-forward part
  SandwichNorms = 256,   ///< a norm in front of each part and one behind it
  SeparateHead = 512,    ///< lm_head
  Encoder = 1024,        ///< what every encoder has, in place of Basic
  TokenTypes = 2048,     ///< a table of two rows or more
  Pooler = 4096,         ///< a classifier of one matrix behind a pooler
  DenseClassifier = 8192, ///< a classifier of two matrices
  SubNorms = 16384        ///< in front of o_proj and down_proj
};

/// The rows of a tensor that become one of GGUF's. Positions: those behind the
/// ones that no token has.
enum class Rows { All, Queries, Keys, Values, Gate, Up, Positions };

struct TensorRule {
  Part part;
  const char *theirs; ///< behind "model.layers.N." in a layer
  const char *ours;   ///< behind "blk.N." in a layer
  Rows rows = Rows::All;
};

/// Which layers see sliding_window positions only.
enum class Windows {
  None,       ///< transformers does not read the key
  EveryLayer, ///< where there is a window
  LastLayers, ///< from max_window_layers on
  Unrotated,  ///< the layers without rotary positions
  Periodic    ///< all but each sliding_window_pattern-th
};

struct Family {
  const char *modelType;    ///< model_type of config.json
  const char *architecture; ///< general.architecture of GGUF
  unsigned parts;           ///< that its models have whatever their config says
  /// Biases that its models have if attention_bias or mlp_bias says so.
  unsigned optionalParts;
  Windows windows;
  /// The values that are known, with spaces between; of several, the
  /// architecture reads ARCHITECTURE.feed_forward.activation.
  const char *activationKey, *activations;
  bool gainsLessOne; ///< norms store their gain minus 1
  /// GGUF has elements of a head that rotate together side by side.
  bool rotatesPairs;
  /// Keys that config.json may lack: the defaults of the configuration class
  /// (transformers 5.23), but for sizes that every file has.
  const char *defaults;
};

/// nullptr if there is no such family.
const Family *findFamily(llvm::StringRef modelType);
/// "llama, mistral, ...".
std::string familyNames();

bool isEncoder(const Family &family);

llvm::ArrayRef<TensorRule> layerRules();
llvm::ArrayRef<TensorRule> modelRules();

} // namespace lowbit::huggingface

#endif // LOWBIT_LIB_IMPORT_HUGGINGFACE_FAMILIES_H
