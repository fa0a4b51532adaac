//===- Importers.h - Model files to lm functions ----------------*- C++ -*-===//

#ifndef LOWBIT_IMPORT_IMPORTERS_H
#define LOWBIT_IMPORT_IMPORTERS_H

#include "lowbit/Import/ModelSource.h"
#include "lowbit/Support/KVElement.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace lowbit {

struct ImportOptions {
  bool probeLayers = false; ///< keep each layer's output (lm.probe)
  KVElement kv = KVElement::F16;
  bool embedding = false; ///< of a decoder: hidden rows in place of logits
};

/// Builds the model's function
///
///   func.func @text(%tokens: tensor<?xi32>, %embeddings: tensor<?xDxf32>,
///                   %positions: tensor<?xi32>, %out_rows: tensor<?xi32>,
///                   %kv: !lm.kv<...>) -> (tensor<?xVxf32>, !lm.kv<...>)
///
/// with the module attribute `lm.model` = {architecture, context, heads,
/// layers, vocabulary, embedding}. An encoder, and a decoder whose embeddings
/// are wanted, takes two arguments more and gives pooled rows:
///
///   (.., %out_first: tensor<?xi32>, %token_types: tensor<?xi32>)
///     -> (tensor<?xCxf32>, !lm.kv<...>)
///
/// with `result` = "embedding" or "classes", `columns` = C and, where rows see
/// their whole sequence, `bidirectional` in `lm.model`. Matrices are
/// `!lowbit.tensor` of the source's own scheme (floats too), vectors
/// `tensor<Nxf32>`. Every tensor and key that the architecture needs is
/// checked; the error says which one and what to do.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importModel(const ModelSource &source, mlir::MLIRContext *context,
            const ImportOptions &options);

} // namespace lowbit

#endif // LOWBIT_IMPORT_IMPORTERS_H
