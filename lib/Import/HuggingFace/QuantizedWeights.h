//===- QuantizedWeights.h - Checkpoints that are quantized ------*- C++ -*-===//
//
// X.weight of a quantized layer X is several tensors. [N, K] is its shape, b
// its bits, G its groups of columns (docs/Formats.md, section 4):
//
//   compressed-tensors  weight_packed i32 [N, K b / 32], weight_scale [N, G],
//     pack-quantized    weight_zero_point i32 [N b / 32, G], weight_shape
//     int-quantized     weight i8 [N, K], weight_scale [N, G]
//     the floats        CompressedFloats.cpp
//   GPTQ                qweight i32 [K b / 32, N], scales [G, N],
//                       qzeros i32 [G, N b / 32], g_idx i32 [K]
//   AWQ                 qweight i32 [K, N / 8], scales [G, N],
//                       qzeros i32 [G, N / 8]
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_IMPORT_HUGGINGFACE_QUANTIZEDWEIGHTS_H
#define LOWBIT_LIB_IMPORT_HUGGINGFACE_QUANTIZEDWEIGHTS_H

#include "PackedRows.h"
#include "Quantization.h"

namespace lowbit::huggingface {

/// The quantized layers of a checkpoint. A layer is quantized if its tensors
/// are: what the config ignores has a float weight.
class QuantizedWeights {
public:
  QuantizedWeights(const Checkpoint &checkpoint,
                   const Quantization &quantization, llvm::StringRef folder,
                   FormatList &formats, llvm::StringSet<> &used)
      : checkpoint(checkpoint), quantization(quantization), formats(formats),
        reader(checkpoint, folder, used) {}

  /// Whether X.weight, here `weight`, is quantized.
  bool has(llvm::StringRef weight) const;
  /// Fills `tensor`, but for its name; every size is checked.
  llvm::Error read(llvm::StringRef weight, SourceTensor &tensor);
  /// A tensor that a quantizer added and that says nothing: a bias of zeros
  /// (AutoGPTQ gives every layer one).
  bool isEmpty(const safetensors::Tensor &tensor) const;

private:
  const Checkpoint &checkpoint;
  const Quantization &quantization;
  FormatList &formats;
  TensorReader reader;
};

/// The readers of the methods. `layer` is X.
llvm::Expected<PackedRows> readPackQuantized(TensorReader &reader,
                                             llvm::StringRef layer,
                                             const QuantizedLayers &config);
llvm::Expected<PackedRows> readIntQuantized(TensorReader &reader,
                                            llvm::StringRef layer,
                                            const QuantizedLayers &config);
llvm::Expected<PackedRows> readFloat8(TensorReader &reader,
                                      llvm::StringRef layer,
                                      const QuantizedLayers &config);
llvm::Expected<PackedRows> readFloat4(TensorReader &reader,
                                      llvm::StringRef layer,
                                      const QuantizedLayers &config);
llvm::Expected<PackedRows> readGPTQ(TensorReader &reader, llvm::StringRef layer,
                                    const QuantizedLayers &config,
                                    bool zerosLessOne);
llvm::Expected<PackedRows> readAWQ(TensorReader &reader, llvm::StringRef layer,
                                   const QuantizedLayers &config);

/// Whether a layer is BitLinear: all of the blocks are, but those excluded.
bool isBitLinear(const TensorReader &reader, llvm::StringRef layer,
                 const BitNetLayers &config);
llvm::Error readBitLinear(TensorReader &reader, llvm::StringRef layer,
                          const BitNetLayers &config, FormatList &formats,
                          SourceTensor &tensor);

llvm::Error readTorchAO(TensorReader &reader, llvm::StringRef layer,
                        FormatList &formats, SourceTensor &tensor);
/// Parts of them. Scales [rows, groups] or, for blocks and tensors, fewer.
llvm::Error readScales(TensorReader &reader, const llvm::Twine &name,
                       llvm::ArrayRef<llvm::StringRef> types, PackedRows &rows);
/// The group of each column, if `name` is there: rows.order.
llvm::Error readOrder(TensorReader &reader, const llvm::Twine &name,
                      PackedRows &rows);

} // namespace lowbit::huggingface

#endif // LOWBIT_LIB_IMPORT_HUGGINGFACE_QUANTIZEDWEIGHTS_H
