//===- Onnx.h - ONNX graphs to functions ------------------------*- C++ -*-===//
//
// A graph of linear layers and what stands between them becomes a plain
// function; weights keep their codes, scales and zero points. What a node
// becomes is in docs/Formats.md.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_IMPORT_ONNX_H
#define LOWBIT_IMPORT_ONNX_H

#include "lowbit/Import/ModelSource.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace lowbit {

struct OnnxImport {
  std::unique_ptr<ModelSource>
      source; ///< weights, by their initializers' names
  /// Functions of lm and lowbit ops, as of the stage quantize: layers whose
  /// activations the graph rounds are lowbit ops already.
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

/// Reads a model and the files with external data in its folder.
///
///   func.func @forward(%input: tensor<RxDxf32>, ...) -> (tensor<RxEx32>, ...)
///
/// A tensor of the graph has its last dimension as columns, all others as rows.
/// Of its symbolic dimensions the last becomes `rows`, the others 1. With
/// several numbers of rows there is a function for each: `forward.rows8`.
/// An error is one line: the node, input or tensor, and what to do.
llvm::Expected<OnnxImport> importOnnx(llvm::StringRef path,
                                      mlir::MLIRContext *context,
                                      llvm::ArrayRef<int64_t> rows);
/// The same for a file's bytes, which must outlive the result; `path` is for
/// messages and for the folder.
llvm::Expected<OnnxImport> importOnnxBytes(llvm::StringRef bytes,
                                           llvm::StringRef path,
                                           mlir::MLIRContext *context,
                                           llvm::ArrayRef<int64_t> rows);

} // namespace lowbit

#endif // LOWBIT_IMPORT_ONNX_H
