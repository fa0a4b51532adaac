//===- ModelProbe.h - A model with some weights replaced --------*- C++ -*-===//
//
// How far a model's predictions move if some of its matrices are others. The
// network is compiled twice, layer by layer and in floats: with the weights as
// the source has them, all of which stay bound, and with matrices of f32, of
// which the layer at work is. What the first one computes in front of each
// layer is kept, so that a change is followed from its layer on.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CALIBRATION_MODELPROBE_H
#define LOWBIT_LIB_CALIBRATION_MODELPROBE_H

#include "HiddenStates.h"
#include "LayerCode.h"
#include "LayerQuantizer.h"

namespace lowbit {

/// Of the tokens that were scored.
struct PredictionChange {
  double kl = 0;      ///< mean KL(original || changed), nats
  double lnRatio = 0; ///< ln(perplexity / the original's)
  int64_t tokens = 0;
};

class ModelProbe {
public:
  /// Values of row `row` of a matrix; one thread at a time.
  using ReadReals = std::function<void(int64_t row, float *values)>;
  using Replacements = llvm::StringMap<ReadReals>;
  /// Called by the first pass, behind each layer: the matrices that met an
  /// input, and what was seen of it.
  using Observe = llvm::function_ref<llvm::Error(
      llvm::ArrayRef<std::string> weights, InputStats &stats)>;

  /// Compiles into `folder`. `source` outlives it.
  static llvm::Expected<std::unique_ptr<ModelProbe>>
  open(const ModelSource &source, const CompileOptions &options,
       const CalibrationText &text, const std::string &folder, int threads);

  int64_t layers() const { return layers_; }
  /// The original over all sequences; must be called once, before measure().
  /// Moments are what GPTQ needs.
  llvm::Error run(bool wantsMoments, Observe observe,
                  llvm::function_ref<void(int64_t layer)> progress);

  /// With these matrices in place of the source's. Some sequences measure
  /// single tensors, others check what was chosen with them.
  llvm::Expected<PredictionChange> measure(const Replacements &changed,
                                           bool onChecks);
  int64_t scoredTokens(bool onChecks) const {
    return scored_ * int64_t((onChecks ? checks_ : probes_).size());
  }
  /// Removes what it has written.
  void remove();

private:
  ModelProbe(const ModelSource &source, const std::string &folder, int threads);

  using Rows = std::vector<float>; ///< [length][width]

  // The first pass.
  llvm::Error observeLayer(const std::string &function, bool hasRows,
                           bool wantsMoments, Observe observe,
                           std::vector<Rows> &states);
  llvm::Error keepReference(const std::vector<Rows> &states);

  // A change.
  Rows embed(int64_t sequence, const Replacements &changed) const;
  std::string layerName(int64_t layer) const;
  bool reads(llvm::StringRef function, const Replacements &changed) const;
  int64_t firstChanged(const Replacements &changed) const;
  llvm::Expected<LayerCode *> codeOf(const std::string &function,
                                     const Replacements &changed);
  void replaceWeights(const std::string &function, const Replacements &changed);
  llvm::Error runLayer(LayerCode &code, const std::string &function,
                       bool hasRows, Rows &rows, std::vector<Rows> &inputs);
  llvm::Error score(LayerCode &code, int64_t sequence, const Rows &rows,
                    PredictionChange &change);
  llvm::Expected<Rows> logitsOf(LayerCode &code, const Rows &rows);

  const ModelSource &source_;
  std::string folder_;
  ThreadPool pool_;
  std::unique_ptr<LayerCode> original_, floats_;
  std::vector<std::vector<int32_t>> sequences_;
  std::vector<int64_t> probes_, checks_; ///< of them
  std::vector<int32_t> positions_;
  int64_t layers_ = 0, length_ = 0, scored_ = 0, width_ = 0, vocabulary_ = 0;
  float scale_ = 1;   ///< of the embedding's rows
  std::string table_; ///< the embedding
  /// states_[layer][probe]: what the original has in front of it.
  std::vector<std::vector<Rows>> states_;
  std::unique_ptr<HiddenStates> reference_; ///< logits of each sequence
};

} // namespace lowbit

#endif // LOWBIT_LIB_CALIBRATION_MODELPROBE_H
