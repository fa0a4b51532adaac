//===- Calibrator.h - Text through a model's layers -------------*- C++ -*-===//
//
// One layer after another: its float code shows what its matrices are
// multiplied with, they are quantized, and its quantized code computes what
// the next layer reads.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CALIBRATION_CALIBRATOR_H
#define LOWBIT_LIB_CALIBRATION_CALIBRATOR_H

#include "HiddenStates.h"
#include "Importance.h"
#include "LayerCode.h"
#include "LayerQuantizer.h"
#include "ModelTransform.h"
#include "Quality.h"
#include "TensorStore.h"
#include "WorkFolder.h"

#include "lib/Driver/Console.h"

namespace lowbit {

class Calibrator {
public:
  /// `model` has the schemes of `plan`, its base those of the transformed
  /// source.
  Calibrator(QuantizedSource &model, const TransformedModel &transformed,
             llvm::ArrayRef<TensorPlan> plan, const QuantizeOptions &options);

  /// Leaves every matrix that needs data in the work folder's TensorStore, and
  /// the chosen factors in `transformed`.
  llvm::Error run();

private:
  using AllStats = std::vector<std::unique_ptr<InputStats>>;
  using Visit = llvm::function_ref<llvm::Error(
      int64_t sequence, llvm::ArrayRef<std::vector<float>> results)>;

  // Code.
  llvm::Error compile();
  llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
  split(const ModelSource &source, mlir::MLIRContext &context);

  // Rows.
  llvm::Error begin();
  llvm::Error loadFactors();
  llvm::Error loadFactorsOf(const std::string &function);
  llvm::Error embed(const SourceTensor &table, llvm::ArrayRef<int32_t> ids,
                    int64_t sequence);

  // A layer.
  llvm::Error runLayer(int64_t layer);
  llvm::Error runHead();
  llvm::Error observe(const std::string &function, bool hasRows);
  llvm::Error advance(const std::string &function);
  llvm::Error useStored(llvm::ArrayRef<std::string> weights);
  struct Range {
    int64_t first, count;
  };
  llvm::Error eachSequence(LayerCode &code, const std::string &function,
                           bool hasRows, Range range, Visit visit);

  // How well.
  llvm::Expected<std::vector<float>> endOf(LayerCode &code, Range range);
  llvm::Error measure();
  llvm::Expected<SourceTensor> quantizedTensor(const std::string &name);

  // Its matrices.
  bool needsData(llvm::StringRef weight) const;
  const std::string *factorsOf(llvm::ArrayRef<std::string> weights) const;
  std::unique_ptr<InputStats> statsOf(llvm::ArrayRef<std::string> weights,
                                      int64_t columns);
  llvm::Error record(const LayerSignature &signature, const AllStats &stats);
  llvm::Error writeImportance();
  llvm::Error chooseAllFactors(const LayerSignature &signature,
                               AllStats &stats);
  llvm::Expected<std::vector<float>> choose(llvm::ArrayRef<std::string> weights,
                                            InputStats &stats);
  llvm::Error quantize(const TensorPlan &plan, InputStats &stats);

  QuantizedSource &model_;
  const TransformedModel &transformed_;
  const QuantizeOptions &options_;
  WorkFolder work_;
  TensorStore store_;
  ImportanceRecord record_;
  Console console_;
  ThreadPool pool_;
  llvm::StringMap<const TensorPlan *> plan_; ///< by name
  /// The layers in floats, and with their quantized weights and activations.
  std::unique_ptr<LayerCode> floats_, quantized_;
  std::unique_ptr<HiddenStates> states_;
  std::vector<int32_t> positions_;
  int64_t layers_ = 0;
  /// The states hold sequences that calibrate, then those held out as the
  /// quantized layers leave them, then the same as the float layers do.
  int64_t calibrating_ = 0, heldOut_ = 0;
  bool headIsProduct_ = false; ///< logits are a product and nothing else
  float scale_ = 1;            ///< of the embedding's rows
  std::string table_;          ///< the embedding
};

} // namespace lowbit

#endif // LOWBIT_LIB_CALIBRATION_CALIBRATOR_H
