//===- Compile.h - Source, scheme and target to a module file ---*- C++ -*-===//

#ifndef LOWBIT_DRIVER_COMPILE_H
#define LOWBIT_DRIVER_COMPILE_H

#include "lowbit/Analysis/TargetInfo.h"
#include "lowbit/Import/ModelSource.h"
#include "lowbit/Pipelines/Pipelines.h"
#include "lowbit/Support/KVElement.h"
#include "lowbit/Target/Module.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace lowbit {

/// What quant-compile's --emit asks for.
enum class Emit {
  SharedObject,
  StaticObject,
  Assembly,
  LLVMIR,
  GGUF,
  CompressedTensors
};

struct CompileOptions {
  std::string input;  ///< .gguf, folder or .mlir; random weights: empty
  std::string shape;  ///< a random model's: a built-in name or a .json
  std::string linear; ///< random linear layers: "2048x8192"
  std::vector<int64_t> rows = {1}; ///< of their activations
  uint64_t fill = 0;  ///< bytes that the copies of such a layer take
  std::string output; ///< "-" or empty: standard output (IR, assembly)
  std::vector<const TargetInfo *> levels; ///< in ascending order
  std::string activations = "int8";       ///< or int8-pow2, bf16, ...
  KVElement kv = KVElement::F16;
  bool rotateHeads = false; ///< lm-rotate-heads; not together with `prepare`
  bool probeLayers = false;
  bool profile = false;       ///< count the time of each region
  std::string weights;        ///< .gguf or folder with the weights of a .mlir
  std::string scheme;         ///< to round tensors into, or of random ones
  std::string tensors = ".*"; ///< which: a regular expression
  std::optional<Stage> startFrom; ///< of a .mlir; else from its dialects
  Stage stopAfter = Stage::Module;
  Emit emit = Emit::SharedObject;
  std::string emitHeader; ///< C prototypes of plain functions
  std::string symbol;     ///< of a static object; "": STEM_module of output
  std::string tuning;     ///< a file of choices for kernels
  bool tune = false;      ///< measure them here first, into that file
  bool quiet = false;     ///< no progress, no summary
  /// Rows of one call of text; 0: 256, of a model that pools, whose sequences
  /// are each in one call, 512.
  int64_t maxRows = 0;
  bool embedding = false; ///< of a decoder: hidden rows in place of logits
  /// Changes a model behind the importer, before anything looks at it.
  std::function<llvm::Error(mlir::ModuleOp)> prepare;
};

/// Built-in values of `shape`.
std::vector<std::string> knownShapes();

/// Compiles; an error is one line. Diagnostics of IR go to standard error. With
/// a `source`, that takes the place of options.input, which names it.
llvm::Error compile(const CompileOptions &options,
                    const ModelSource *source = nullptr);

/// With all dialects of the compiler.
std::unique_ptr<mlir::MLIRContext> makeContext();

/// Compiles plain functions at the import stage to options.output, a module
/// without the bytes of its weights, which a program binds (qrt_bind_weight).
/// Gives their images, rows as `source` has them, which must outlive them; the
/// functions' schemes, not the source's, say what is packed. Of the options,
/// those of the back end count: levels, activations, quiet.
llvm::Expected<std::vector<WeightImage>>
compileUnbound(mlir::OwningOpRef<mlir::ModuleOp> module,
               const ModelSource &source, const CompileOptions &options);

} // namespace lowbit

#endif // LOWBIT_DRIVER_COMPILE_H
