//===- RandomSource.h - Models of random weights ----------------*- C++ -*-===//
//
// Speed does not depend on what a model has learnt. A random model has the
// network, the sizes and the bits of a real one, but needs no download; its
// rows are made when they are packed, so memory does not grow with the model.
// It has no tokenizer.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_IMPORT_RANDOMSOURCE_H
#define LOWBIT_IMPORT_RANDOMSOURCE_H

#include "lowbit/Import/ModelSource.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace lowbit {

/// What the matrices are in.
struct WeightFormat {
  std::string name; ///< of a file format ("Q4_0"), or any words for people
  Scheme scheme;
};

/// Names of the built-in shapes: "llama-3.2-1b", ...
std::vector<std::string> knownShapes();

/// A model of the architecture and sizes of `shape`: a built-in name or a JSON
/// file with the keys of a Hugging Face config.json. All matrices, embedding
/// and head among them, are in `format`; vectors are f32. The same weights each
/// time.
llvm::Expected<std::unique_ptr<ModelSource>>
openRandomModel(llvm::StringRef shape, const WeightFormat &format);

/// Linear layers of one shape, for measurements of a single one.
struct LayerShape {
  int64_t inputs = 0, outputs = 0;
  std::vector<int64_t> rows; ///< of activations; functions for each
  uint64_t fill = 0; ///< so many copies that their source bytes are as many
};

/// "2048x8192": inputs x outputs.
llvm::Expected<LayerShape> parseLayerShape(llvm::StringRef text);

/// Weights "layer.0", "layer.1", ... of `shape.outputs` x `shape.inputs`.
std::unique_ptr<ModelSource> openRandomLayers(const LayerShape &shape,
                                              const WeightFormat &format);

/// Functions `rows8.copy3`: (tensor<8xINPUTSxf32>) -> tensor<8xOUTPUTSxf32>,
/// one for each number of rows and each layer of `source`.
mlir::OwningOpRef<mlir::ModuleOp> buildLayers(const LayerShape &shape,
                                              const ModelSource &source,
                                              mlir::MLIRContext *context);

} // namespace lowbit

#endif // LOWBIT_IMPORT_RANDOMSOURCE_H
