//===- LayerCode.h - A model's layers as compiled functions -----*- C++ -*-===//
//
// The functions of lm-split-layers, compiled once; weights are packed into
// memory for the layer that runs and let go behind it.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CALIBRATION_LAYERCODE_H
#define LOWBIT_LIB_CALIBRATION_LAYERCODE_H

#include "lowbit/Driver/Compile.h"

#include "quantrt/quantrt.h"
#include "llvm/ADT/StringMap.h"

#include <functional>

namespace lowbit {

/// What a function takes and gives.
struct LayerSignature {
  std::vector<std::string> weights; ///< that it reads
  /// Of each result behind the first (of `head`: of each): the weights that it
  /// is multiplied with.
  std::vector<std::vector<std::string>> inputs;
  std::vector<int64_t> widths; ///< columns of all results
};

class LayerCode {
public:
  /// Compiles `functions`, which are plain ones at the import stage, to `path`
  /// and loads it with `threads` workers (0: all cores).
  static llvm::Expected<std::unique_ptr<LayerCode>>
  compile(mlir::OwningOpRef<mlir::ModuleOp> functions,
          const ModelSource &source, CompileOptions options,
          const std::string &path, int threads);
  ~LayerCode();
  LayerCode(const LayerCode &) = delete;
  LayerCode &operator=(const LayerCode &) = delete;

  qrt_model *model() { return model_; }
  const LayerSignature &signature(llvm::StringRef function) const {
    return signatures_.find(function)->second;
  }

  /// Rows of weight `name` come from here and not from the source.
  void replaceRows(llvm::StringRef name,
                   std::function<void(int64_t, RowFields &)> readRow);
  /// Packs and binds the weights of `function`; those bound before are let go.
  llvm::Error bind(llvm::StringRef function);
  /// Packs and binds all weights, which stay.
  llvm::Error bindAll();
  /// `arguments`: those of the function, inputs first.
  llvm::Error call(llvm::StringRef function, llvm::ArrayRef<void *> arguments);

private:
  LayerCode() = default;
  llvm::Error bindWeight(llvm::StringRef name);

  qrt_model *model_ = nullptr;
  llvm::StringMap<LayerSignature> signatures_;
  llvm::StringMap<WeightImage> images_;
  llvm::StringMap<std::string> bound_;
};

} // namespace lowbit

#endif // LOWBIT_LIB_CALIBRATION_LAYERCODE_H
