//===- ModelProbe.cpp - A model with some weights replaced ----------------===//

#include "ModelProbe.h"

#include "Sequences.h"

#include "lib/Driver/Weights.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LM/Transforms/Passes.h"
#include "dialects/LowBit/IR/LowBitDialect.h"
#include "lowbit/Import/Importers.h"
#include "lowbit/Support/Softmax.h"

#include "mlir/Pass/PassManager.h"

#include "llvm/Support/FileSystem.h"

#include <thread>

using namespace mlir;

namespace lowbit {

// A tensor is measured on 4 x 128 tokens, a choice for all of them on 16 x 128
// others; half of them are scored, as by llama-perplexity. Of two tensors the
// same tokens are compared, so that few of them tell the tensors apart.
static constexpr int64_t kLength = 128, kProbes = 4, kChecks = 16;

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

ModelProbe::ModelProbe(const ModelSource &source, const std::string &folder,
                       int threads)
    : source_(source), folder_(folder),
      pool_(threads > 0 ? threads : int(std::thread::hardware_concurrency())) {}

//===- Code ---------------------------------------------------------------===//

namespace {
/// What splitting a model tells of it.
struct SplitModel {
  OwningOpRef<ModuleOp> functions;
  int64_t layers = 0;
  float scale = 1;
  std::string table;
};
} // namespace

static llvm::Expected<SplitModel> splitModel(const ModelSource &source,
                                             MLIRContext &context,
                                             int64_t length, int64_t scored,
                                             bool inFloats) {
  ImportOptions import;
  import.probeLayers = true;
  auto module = importModel(source, &context, import);
  if (!module)
    return module.takeError();
  SplitModel split;
  (*module)->walk([&](lm::ProbeOp) { ++split.layers; });
  (*module)->walk([&](lm::EmbedOp embed) {
    split.scale = embed.getScale().convertToFloat();
    split.table =
        embed.getTable().getDefiningOp<lm::WeightOp>().getName().str();
  });
  if (inFloats)
    overrideSchemes(**module, Scheme::ofFloat(FieldType::F32), ".*");
  PassManager pm(&context);
  lm::SplitLayersOptions options;
  options.rows = length;
  options.scored = scored;
  pm.addPass(lm::createSplitLayers(options));
  if (failed(pm.run(**module)))
    return failure(source.path() + ": cannot be calibrated (see above)");
  split.functions = std::move(*module);
  return split;
}

llvm::Expected<std::unique_ptr<ModelProbe>>
ModelProbe::open(const ModelSource &source, const CompileOptions &options,
                 const CalibrationText &text, const std::string &folder,
                 int threads) {
  std::unique_ptr<ModelProbe> probe(new ModelProbe(source, folder, threads));
  probe->length_ = std::min(kLength, text.length);
  probe->scored_ = probe->length_ / 2;
  std::unique_ptr<MLIRContext> context = makeContext();
  CompileOptions exact = options;
  exact.activations = "f32";
  for (bool inFloats : {false, true}) {
    auto split =
        splitModel(source, *context, probe->length_, probe->scored_, inFloats);
    if (!split)
      return split.takeError();
    probe->layers_ = split->layers;
    probe->scale_ = split->scale;
    probe->table_ = split->table;
    auto code = LayerCode::compile(
        std::move(split->functions), source, exact,
        folder + (inFloats ? "/floats.so" : "/original.so"), threads);
    if (!code)
      return code.takeError();
    (inFloats ? probe->floats_ : probe->original_) = std::move(*code);
  }
  probe->width_ = source.find(probe->table_)->columns();
  probe->vocabulary_ = probe->original_->signature("logits").widths.front();

  CalibrationText pieces = text;
  pieces.length = probe->length_;
  pieces.sequences = kProbes + kChecks;
  auto sequences = readSequences(probe->original_->model(), pieces);
  if (!sequences)
    return sequences.takeError();
  probe->sequences_ = std::move(sequences->calibrating);
  // From all over the text. One alone is both.
  int64_t count = int64_t(probe->sequences_.size());
  for (int64_t i = 0; i < count; ++i)
    (i % (1 + kChecks / kProbes) ? probe->checks_ : probe->probes_)
        .push_back(i);
  if (probe->checks_.empty())
    probe->checks_ = probe->probes_;
  for (int64_t i = 0; i < probe->length_; ++i)
    probe->positions_.push_back(int32_t(i));
  return std::move(probe);
}

std::string ModelProbe::layerName(int64_t layer) const {
  return "layer." + std::to_string(layer);
}

//===- The original -------------------------------------------------------===//

llvm::Error ModelProbe::run(bool wantsMoments, Observe observe,
                            llvm::function_ref<void(int64_t)> progress) {
  if (llvm::Error error = original_->bindAll())
    return error;
  std::vector<Rows> states;
  for (size_t i = 0; i < sequences_.size(); ++i)
    states.push_back(embed(int64_t(i), {}));
  auto keep = [&] {
    states_.emplace_back();
    for (int64_t probe : probes_)
      states_.back().push_back(states[size_t(probe)]);
  };
  for (int64_t layer = 0; layer < layers_; ++layer) {
    progress(layer);
    keep();
    if (llvm::Error error = observeLayer(layerName(layer), /*hasRows=*/true,
                                         wantsMoments, observe, states))
      return error;
  }
  progress(layers_);
  keep();
  if (llvm::Error error = observeLayer("head", /*hasRows=*/false, wantsMoments,
                                       observe, states))
    return error;
  return keepReference(states);
}

/// All sequences through a layer of the original; `states` becomes what is
/// behind it, but for the head, whose rows nobody reads.
llvm::Error ModelProbe::observeLayer(const std::string &function, bool hasRows,
                                     bool wantsMoments, Observe observe,
                                     std::vector<Rows> &states) {
  const LayerSignature &signature = original_->signature(function);
  std::vector<std::unique_ptr<InputStats>> stats;
  for (size_t i = 0; i < signature.inputs.size(); ++i)
    stats.push_back(std::make_unique<InputStats>(
        signature.widths[i + (hasRows ? 1 : 0)], wantsMoments));
  std::vector<Rows> inputs;
  for (Rows &rows : states) {
    if (llvm::Error error =
            runLayer(*original_, function, hasRows, rows, inputs))
      return error;
    for (size_t i = 0; i < stats.size(); ++i)
      stats[i]->add(pool_, inputs[i].data(), length_);
  }
  for (size_t i = 0; i < stats.size(); ++i)
    if (llvm::Error error = observe(signature.inputs[i], *stats[i]))
      return error;
  return llvm::Error::success();
}

llvm::Error ModelProbe::keepReference(const std::vector<Rows> &states) {
  reference_ = std::make_unique<HiddenStates>(
      folder_, int64_t(sequences_.size()), scored_, vocabulary_);
  if (llvm::Error error = reference_->open(1)) // writes what layer 0 reads
    return error;
  for (size_t i = 0; i < states.size(); ++i) {
    auto logits = logitsOf(*original_, states[i]);
    if (!logits)
      return logits.takeError();
    if (llvm::Error error = reference_->write(int64_t(i), logits->data()))
      return error;
  }
  return reference_->open(0);
}

void ModelProbe::remove() {
  if (reference_)
    reference_->remove();
  for (const char *file : {"/floats.so", "/original.so"})
    llvm::sys::fs::remove(folder_ + file);
}

//===- A change -----------------------------------------------------------===//

llvm::Expected<PredictionChange>
ModelProbe::measure(const Replacements &changed, bool onChecks) {
  int64_t first = onChecks ? 0 : firstChanged(changed);
  const std::vector<int64_t> &sequences = onChecks ? checks_ : probes_;
  std::vector<Rows> states;
  for (size_t i = 0; i < sequences.size(); ++i)
    states.push_back(first == 0 ? embed(sequences[i], changed)
                                : states_[size_t(first)][i]);
  std::vector<Rows> inputs;
  for (int64_t layer = first; layer < layers_; ++layer) {
    auto code = codeOf(layerName(layer), changed);
    if (!code)
      return code.takeError();
    for (Rows &rows : states)
      if (llvm::Error error = runLayer(**code, layerName(layer),
                                       /*hasRows=*/true, rows, inputs))
        return std::move(error);
  }
  auto code = codeOf("logits", changed);
  if (!code)
    return code.takeError();
  PredictionChange change;
  for (size_t i = 0; i < sequences.size(); ++i)
    if (llvm::Error error = score(**code, sequences[i], states[i], change))
      return std::move(error);
  change.kl /= double(change.tokens);
  change.lnRatio /= double(change.tokens);
  return change;
}

ModelProbe::Rows ModelProbe::embed(int64_t sequence,
                                   const Replacements &changed) const {
  const SourceTensor &table = *source_.find(table_);
  auto replaced = changed.find(table_);
  Rows rows(size_t(length_ * width_));
  for (int64_t t = 0; t < length_; ++t) {
    int32_t id = sequences_[size_t(sequence)][size_t(t)];
    float *row = rows.data() + t * width_;
    if (replaced == changed.end())
      table.readReals(id, row);
    else
      replaced->second(id, row);
    for (int64_t k = 0; k < width_; ++k)
      row[k] *= scale_;
  }
  return rows;
}

bool ModelProbe::reads(llvm::StringRef function,
                       const Replacements &changed) const {
  return llvm::any_of(
      original_->signature(function).weights,
      [&](const std::string &weight) { return changed.count(weight); });
}

int64_t ModelProbe::firstChanged(const Replacements &changed) const {
  int64_t layer = 0;
  while (layer < layers_ && !changed.count(table_) &&
         !reads(layerName(layer), changed))
    ++layer;
  return layer;
}

/// The original's, unless the function reads a changed weight.
llvm::Expected<LayerCode *> ModelProbe::codeOf(const std::string &function,
                                               const Replacements &changed) {
  if (!reads(function, changed))
    return original_.get();
  replaceWeights(function, changed);
  if (llvm::Error error = floats_->bind(function))
    return std::move(error);
  return floats_.get();
}

void ModelProbe::replaceWeights(const std::string &function,
                                const Replacements &changed) {
  for (const std::string &weight : floats_->signature(function).weights) {
    const SourceTensor &tensor = *source_.find(weight);
    if (tensor.rows() == 1) // a vector, which no budget changes
      continue;
    auto found = changed.find(weight);
    ReadReals read = found != changed.end()
                         ? found->second
                         : [&tensor](int64_t row, float *values) {
                             tensor.readReals(row, values);
                           };
    floats_->replaceRows(weight,
                         [read, &tensor](int64_t row, RowFields &fields) {
                           fields.reals.resize(size_t(tensor.columns()));
                           read(row, fields.reals.data());
                         });
  }
}

/// `rows` becomes the layer's result, `inputs` what its matrices have read.
llvm::Error ModelProbe::runLayer(LayerCode &code, const std::string &function,
                                 bool hasRows, Rows &rows,
                                 std::vector<Rows> &inputs) {
  const LayerSignature &signature = code.signature(function);
  Rows result(rows.size());
  inputs.resize(signature.inputs.size());
  std::vector<void *> arguments{rows.data()};
  if (hasRows) {
    arguments.push_back(positions_.data());
    arguments.push_back(result.data());
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    int64_t width = signature.widths[i + (hasRows ? 1 : 0)];
    inputs[i].resize(size_t(length_ * width));
    arguments.push_back(inputs[i].data());
  }
  if (llvm::Error error = code.call(function, arguments))
    return error;
  if (hasRows)
    rows = std::move(result);
  return llvm::Error::success();
}

/// Of the rows that are scored: the last ones that a token follows.
llvm::Expected<ModelProbe::Rows> ModelProbe::logitsOf(LayerCode &code,
                                                      const Rows &rows) {
  Rows logits(size_t(scored_ * vocabulary_));
  int64_t first = length_ - 1 - scored_;
  std::vector<float> scored(rows.begin() + first * width_, rows.end() - width_);
  if (llvm::Error error = code.call("logits", {scored.data(), logits.data()}))
    return std::move(error);
  return logits;
}

llvm::Error ModelProbe::score(LayerCode &code, int64_t sequence,
                              const Rows &rows, PredictionChange &change) {
  auto logits = logitsOf(code, rows);
  if (!logits)
    return logits.takeError();
  Rows original(logits->size());
  if (llvm::Error error = reference_->read(sequence, original.data()))
    return error;
  const std::vector<int32_t> &ids = sequences_[size_t(sequence)];
  int64_t first = length_ - 1 - scored_;
  size_t n = size_t(vocabulary_);
  std::vector<double> kl(static_cast<size_t>(scored_)), ratio(kl.size());
  pool_.forEach(scored_, [&](int64_t i) {
    const float *base = original.data() + i * vocabulary_;
    const float *row = logits->data() + i * vocabulary_;
    double sumBase = logSumExp(base, n), sum = logSumExp(row, n);
    size_t next = size_t(ids[size_t(first + i + 1)]);
    kl[size_t(i)] = std::max(0.0, expectedDifference(base, row, n, sumBase) -
                                      sumBase + sum);
    ratio[size_t(i)] =
        (sum - double(row[next])) - (sumBase - double(base[next]));
  });
  for (size_t i = 0; i < kl.size(); ++i) {
    change.kl += kl[i];
    change.lnRatio += ratio[i];
  }
  change.tokens += scored_;
  if (std::isfinite(change.kl))
    return llvm::Error::success();
  return failure("the model's logits hold NaN or infinity on the calibration "
                 "text");
}

} // namespace lowbit
