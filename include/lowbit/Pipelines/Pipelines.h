//===- Pipelines.h - The stages of the compiler -----------------*- C++ -*-===//

#ifndef LOWBIT_PIPELINES_PIPELINES_H
#define LOWBIT_PIPELINES_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace lowbit {

/// What a module has reached. Each stage ends with a pass that verifies its
/// contract (docs/Stages.md).
enum class Stage {
  Import,   ///< lm, weights of the source's own schemes
  Quantize, ///< lm + lowbit: linear layers say what their activations are
  Pack,     ///< pack: every code has a place
  Loops,    ///< vector, scf, memref, rt: no tensor, no allocation
  Target,   ///< llvm
  Module    ///< the file
};

std::optional<Stage> parseStage(llvm::StringRef name);
llvm::StringRef stageName(Stage stage);

struct PipelineOptions {
  std::string activations = "int8"; ///< or int8-pow2, bf16, ...
  std::string level = "avx512vnni"; ///< of Loops and Target
  int64_t maxRows = 256;            ///< rows of one call of text
};

/// Adds the passes that lead from the stage before to `stage`.
void buildStage(Stage stage, mlir::OpPassManager &pm,
                const PipelineOptions &options);

/// Registers `import-pipeline`, `quantize-pipeline`, ... for quant-opt.
void registerPipelines();

} // namespace lowbit

#endif // LOWBIT_PIPELINES_PIPELINES_H
