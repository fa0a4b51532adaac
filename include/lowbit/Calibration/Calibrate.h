//===- Calibrate.h - Quantizes a model by a recipe --------------*- C++ -*-===//
//
// Text streams through the model's compiled layers, one after another: the
// activations in front of a layer's matrices are observed, the matrices
// quantized, and the layer, now with its quantized weights and activations,
// computes what the next one reads. Memory holds one layer; the rows of the
// sequences are in files.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_CALIBRATION_CALIBRATE_H
#define LOWBIT_CALIBRATION_CALIBRATE_H

#include "lowbit/Calibration/Recipe.h"
#include "lowbit/Driver/Compile.h"

namespace lowbit {

/// What becomes of one matrix.
struct TensorPlan {
  std::string name;
  Scheme scheme;
  std::string format; ///< what people call the scheme
  Algorithm algorithm = Algorithm::Nearest;
  int64_t rows = 0, columns = 0;
  uint64_t sourceBytes = 0;
  int64_t lowRank = 0;   ///< of the correction beside it; 0: none
  bool observed = false; ///< quantized when a text has shown its input

  uint64_t bytes() const; ///< in the scheme, and of the correction
};

/// The matrices of `source` that the recipe changes, in the model's order. A
/// rule that matches nothing is an error.
llvm::Expected<std::vector<TensorPlan>> planTensors(const ModelSource &source,
                                                    const Recipe &recipe);

/// The recipe's passes over an imported model: the weights that they compute
/// are those of `source`, by name, in the schemes that it has them in.
llvm::Error prepareModel(mlir::ModuleOp module, const Recipe &recipe,
                         const ModelSource &source);

struct QuantizeOptions {
  Recipe recipe;
  CompileOptions compile;       ///< activations, keys and values, levels
  std::string workFolder;       ///< of files that a stopped run goes on from
  std::string outputImportance; ///< an imatrix file to write, or ""
  int threads = 0;              ///< 0: all cores
  bool quiet = false;
};

/// The model with its matrices quantized; it holds `source`.
llvm::Expected<std::unique_ptr<ModelSource>>
quantizeModel(std::unique_ptr<ModelSource> source,
              const QuantizeOptions &options);

} // namespace lowbit

#endif // LOWBIT_CALIBRATION_CALIBRATE_H
