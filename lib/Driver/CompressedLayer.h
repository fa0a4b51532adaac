//===- CompressedLayer.h - A layer in compressed-tensors' words -*- C++ -*-===//
//
// The inverse of what lib/Import/HuggingFace reads: which schemes the library
// can say, and the tensors of a layer in them.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_DRIVER_COMPRESSEDLAYER_H
#define LOWBIT_LIB_DRIVER_COMPRESSEDLAYER_H

#include "lowbit/Target/Module.h"
#include "lowbit/Target/Safetensors.h"

#include "llvm/Support/JSON.h"

#include <optional>

namespace lowbit {

/// What an entry of config_groups says of weights.
struct CompressedScheme {
  const char *format = "pack-quantized";
  const char *strategy = "channel"; ///< group, tensor, tensor_group
  const char *scaleType = "F32";    ///< in safetensors' words
  int64_t group = 0;                ///< columns; 0: a row or the tensor
  unsigned bits = 8;
  bool isFloat = false, symmetric = true;

  bool isBytes() const { return bits == 8 && (isFloat || format[0] == 'i'); }
  llvm::json::Object weights() const;
};

/// nullopt: the library has no words for it. Groups must divide `columns`.
std::optional<CompressedScheme> compressedScheme(const Scheme &scheme,
                                                 int64_t columns);

/// The tensors of layer `name`, whose row r is row `rowOf(r)` of the image.
/// `image` must outlive them.
llvm::Expected<std::vector<SafetensorsTensor>>
compressLayer(const std::string &name, const CompressedScheme &scheme,
              const WeightImage &image, std::function<int64_t(int64_t)> rowOf);

} // namespace lowbit

#endif // LOWBIT_LIB_DRIVER_COMPRESSEDLAYER_H
