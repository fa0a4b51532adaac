//===- Quantization.h - quantization_config of config.json ------*- C++ -*-===//

#ifndef LOWBIT_LIB_IMPORT_HUGGINGFACE_QUANTIZATION_H
#define LOWBIT_LIB_IMPORT_HUGGINGFACE_QUANTIZATION_H

#include "lowbit/Support/Scheme.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

namespace lowbit::huggingface {

/// What the config says of the codes of some of the layers.
struct QuantizedLayers {
  std::string name;            ///< of a config group, for messages
  int64_t bits = 0;            ///< of a code: 2..8
  int64_t group = Level::kRow; ///< columns that share a scale, or kTensor
  bool symmetric = true;       ///< says that there are no zero points
  /// Where its codes are: in words of 32 bits, integers of a byte, floats of a
  /// byte (E4M3) or of half a byte (E2M1) with scales of E4M3 or of E8M0.
  enum Storage { Words, Bytes, Float8, NvFloat4, MxFloat4 };
  Storage storage = Words;
  int64_t blockRows = 1; ///< rows that share the scales
  const char *scaleName = "weight_scale";
  /// Classes, names of layers or expressions of Python: only names are read.
  std::vector<std::string> targets;
};

/// Which layers are BitLinear, and what their tensors hold.
struct BitNetLayers {
  /// Weights are floats, rounded in every forward pass (AutoBitLinear, online).
  bool online = false;
  /// Ternary weights are multiplied by weight_scale (AutoBitLinear, offline)
  /// rather than divided by it (BitLinear).
  bool multiplies = false;
  /// Layers that are not, by the beginnings or ends of their names.
  std::vector<std::string> excluded;

  bool contains(llvm::StringRef layer) const;
};

struct Quantization {
  enum Method { None, CompressedTensors, GPTQ, AWQ, BitNet, FP8, TorchAO };
  Method method = None;
  /// compressed-tensors may have several, the others have one.
  std::vector<QuantizedLayers> layers;
  bool zerosLessOne = false; ///< GPTQ's first format stores zero points minus 1
  BitNetLayers bitnet;
};

/// Reads quant_method bitnet.
llvm::Expected<BitNetLayers> readBitNetLayers(const llvm::json::Object &object,
                                              llvm::StringRef path);

/// Reads the object `quantization_config`; the file is `path`. What no reader
/// here understands is refused in one line that names the key.
llvm::Expected<Quantization> readQuantization(const llvm::json::Object &object,
                                              llvm::StringRef path);

} // namespace lowbit::huggingface

#endif // LOWBIT_LIB_IMPORT_HUGGINGFACE_QUANTIZATION_H
