//===- Calibrator.cpp - Text through a model's layers ---------------------===//

#include "Calibrator.h"

#include "Correction.h"
#include "Sequences.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LM/Transforms/Passes.h"
#include "dialects/LowBit/IR/LowBitDialect.h"
#include "lowbit/Import/Importers.h"
#include "lowbit/Quantize/RoundToNearest.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"

#include <thread>

using namespace mlir;

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

Calibrator::Calibrator(QuantizedSource &model,
                       const TransformedModel &transformed,
                       llvm::ArrayRef<TensorPlan> plan,
                       const QuantizeOptions &options)
    : model_(model), transformed_(transformed), options_(options),
      work_(options.workFolder), store_(options.workFolder), record_(store_),
      console_(options.quiet),
      pool_(options.threads > 0 ? options.threads
                                : int(std::thread::hardware_concurrency())) {
  for (const TensorPlan &tensor : plan)
    plan_[tensor.name] = &tensor;
}

llvm::Error Calibrator::run() {
  if (llvm::Error error = work_.open(options_, model_.base()))
    return error;
  if (llvm::Error error = compile())
    return error;
  console_.begin("calibrate");
  if (llvm::Error error = begin())
    return error;
  for (int64_t layer = work_.finishedLayers(); layer < layers_; ++layer) {
    console_.steps(layer, layers_, "layer");
    if (llvm::Error error = runLayer(layer))
      return error;
  }
  if (work_.finishedLayers() <= layers_)
    if (llvm::Error error = runHead())
      return error;
  states_->remove();
  return writeImportance();
}

//===- Code -------------------------------------------------------------===//

llvm::Error Calibrator::compile() {
  std::unique_ptr<MLIRContext> context = makeContext();
  auto floats = split(model_.base(), *context);
  if (!floats)
    return floats.takeError();
  // The base has the schemes of the source, `model_` those of the plan.
  auto quantized = split(model_, *context);
  if (!quantized)
    return quantized.takeError();
  CompileOptions exact = options_.compile;
  exact.activations = "f32";
  auto code = LayerCode::compile(std::move(*floats), model_.base(), exact,
                                 work_.path("floats.so"), options_.threads);
  if (!code)
    return code.takeError();
  floats_ = std::move(*code);
  code = LayerCode::compile(std::move(*quantized), model_, options_.compile,
                            work_.path("quantized.so"), options_.threads);
  if (!code)
    return code.takeError();
  quantized_ = std::move(*code);
  return llvm::Error::success();
}

/// Functions of the layers; notes how many there are and how tokens become
/// rows.
llvm::Expected<OwningOpRef<ModuleOp>>
Calibrator::split(const ModelSource &source, MLIRContext &context) {
  ImportOptions import;
  import.probeLayers = true;
  auto module = importModel(source, &context, import);
  if (!module)
    return module.takeError();
  if (llvm::Error error = prepareModel(**module, options_.recipe, source))
    return std::move(error);
  layers_ = 0;
  (*module)->walk([&](lm::ProbeOp) { ++layers_; });
  (*module)->walk([&](lm::EmbedOp embed) {
    scale_ = embed.getScale().convertToFloat();
    table_ = embed.getTable().getDefiningOp<lm::WeightOp>().getName().str();
  });
  (*module)->walk([&](func::FuncOp function) {
    if (function.getName() != "text")
      return;
    Value logits = function.front().getTerminator()->getOperand(0);
    auto product = logits.getDefiningOp<lm::LinearOp>();
    headIsProduct_ = product && !product.getBias();
  });
  PassManager pm(&context);
  lm::SplitLayersOptions split;
  split.rows = options_.recipe.calibration.length;
  pm.addPass(lm::createSplitLayers(split));
  if (failed(pm.run(**module)))
    return failure(source.path() + ": cannot be calibrated (see above)");
  return std::move(*module);
}

//===- Rows -------------------------------------------------------------===//

/// The first layer's rows, unless a run that was stopped has left those of a
/// later one.
llvm::Error Calibrator::begin() {
  auto sequences = readSequences(floats_->model(), options_.recipe.calibration);
  if (!sequences)
    return sequences.takeError();
  const SourceTensor &table = *model_.find(table_);
  calibrating_ = int64_t(sequences->calibrating.size());
  heldOut_ = int64_t(sequences->heldOut.size());
  states_ = std::make_unique<HiddenStates>(
      options_.workFolder, calibrating_ + 2 * heldOut_,
      options_.recipe.calibration.length, table.columns());
  positions_.resize(size_t(states_->length()));
  for (size_t i = 0; i < positions_.size(); ++i)
    positions_[i] = int32_t(i);
  if (work_.finishedLayers() > 0)
    return loadFactors();
  if (llvm::Error error = states_->open(1)) // writes what layer 0 reads
    return error;
  const SourceTensor &exact = *model_.base().find(table_);
  int64_t row = 0;
  for (auto [part, from] : {std::pair(&sequences->calibrating, &table),
                            {&sequences->heldOut, &table},
                            {&sequences->heldOut, &exact}})
    for (const std::vector<int32_t> &ids : *part)
      if (llvm::Error error = embed(*from, ids, row++))
        return error;
  return llvm::Error::success();
}

/// Those that the finished functions have chosen.
llvm::Error Calibrator::loadFactors() {
  int64_t finished = work_.finishedLayers();
  for (int64_t layer = 0; layer < std::min(finished, layers_); ++layer)
    if (llvm::Error error = loadFactorsOf("layer." + std::to_string(layer)))
      return error;
  return finished > layers_ ? loadFactorsOf("head") : llvm::Error::success();
}

llvm::Error Calibrator::loadFactorsOf(const std::string &function) {
  Scheme f32 = Scheme::ofFloat(FieldType::F32);
  for (const auto &weights : floats_->signature(function).inputs)
    if (const std::string *name = factorsOf(weights)) {
      int64_t size = model_.find(weights.front())->columns();
      auto stored = store_.open(*name, f32, 1, size);
      if (!stored)
        return stored.takeError();
      RowFields row;
      (*stored)->readRow(0, row);
      transformed_.factors->set(*name, std::move(row.reals));
    }
  return llvm::Error::success();
}

llvm::Error Calibrator::embed(const SourceTensor &table,
                              llvm::ArrayRef<int32_t> ids, int64_t sequence) {
  std::vector<float> rows(size_t(states_->floats()));
  for (size_t t = 0; t < ids.size(); ++t) {
    float *row = rows.data() + int64_t(t) * states_->width();
    table.readReals(ids[t], row);
    for (int64_t k = 0; k < table.columns(); ++k)
      row[k] *= scale_;
  }
  return states_->write(sequence, rows.data());
}

//===- A layer ----------------------------------------------------------===//

llvm::Error Calibrator::runLayer(int64_t layer) {
  std::string name = "layer." + std::to_string(layer);
  if (llvm::Error error = states_->open(layer))
    return error;
  if (llvm::Error error = observe(name, /*hasRows=*/true))
    return error;
  if (llvm::Error error = advance(name))
    return error;
  return work_.finish(layer + 1);
}

llvm::Error Calibrator::runHead() {
  if (llvm::Error error = states_->open(layers_))
    return error;
  if (llvm::Error error = observe("head", /*hasRows=*/false))
    return error;
  if (llvm::Error error = measure())
    return error;
  return work_.finish(layers_ + 1); // nothing reads the states any more
}

bool Calibrator::needsData(llvm::StringRef weight) const {
  const TensorPlan *plan = plan_.lookup(weight);
  return plan && plan->observed;
}

/// Runs the float layer over all sequences, looks at what its matrices read,
/// and quantizes them.
llvm::Error Calibrator::observe(const std::string &function, bool hasRows) {
  const LayerSignature &signature = floats_->signature(function);
  AllStats stats;
  for (size_t i = 0; i < signature.inputs.size(); ++i)
    stats.push_back(
        statsOf(signature.inputs[i], signature.widths[i + (hasRows ? 1 : 0)]));
  if (llvm::all_of(stats, [](auto &each) { return !each; }))
    return llvm::Error::success();
  if (llvm::Error error = floats_->bind(function))
    return error;
  auto look = [&](int64_t, llvm::ArrayRef<std::vector<float>> results) {
    for (size_t i = 0; i < stats.size(); ++i)
      if (stats[i])
        stats[i]->add(pool_, results[i + (hasRows ? 1 : 0)].data(),
                      states_->length());
    return llvm::Error::success();
  };
  if (llvm::Error error =
          eachSequence(*floats_, function, hasRows, {0, calibrating_}, look))
    return error;
  if (llvm::Error error = record(signature, stats))
    return error;
  if (llvm::Error error = chooseAllFactors(signature, stats))
    return error;
  for (size_t i = 0; i < stats.size(); ++i)
    for (const std::string &weight : signature.inputs[i])
      if (needsData(weight))
        if (llvm::Error error = quantize(*plan_[weight], *stats[i]))
          return error;
  return llvm::Error::success();
}

/// Keeps what an imatrix file has of the inputs.
llvm::Error Calibrator::record(const LayerSignature &signature,
                               const AllStats &stats) {
  if (options_.outputImportance.empty())
    return llvm::Error::success();
  for (size_t i = 0; i < stats.size(); ++i)
    for (const std::string &weight : signature.inputs[i])
      if (llvm::Error error = record_.add(weight, stats[i]->columns))
        return error;
  return llvm::Error::success();
}

/// What all layers and the head have recorded, in this run or one before.
llvm::Error Calibrator::writeImportance() {
  if (options_.outputImportance.empty())
    return llvm::Error::success();
  std::vector<MatrixInput> inputs;
  auto collect = [&](const std::string &function, size_t results) {
    const LayerSignature &signature = floats_->signature(function);
    for (size_t i = 0; i < signature.inputs.size(); ++i)
      for (const std::string &weight : signature.inputs[i])
        inputs.push_back({weight, signature.widths[i + results]});
  };
  for (int64_t layer = 0; layer < layers_; ++layer)
    collect("layer." + std::to_string(layer), 1);
  collect("head", 0);
  return record_.write(inputs, options_.recipe.calibration, calibrating_,
                       options_.outputImportance);
}

/// Null where no reader needs any.
std::unique_ptr<InputStats>
Calibrator::statsOf(llvm::ArrayRef<std::string> weights, int64_t columns) {
  bool any = factorsOf(weights) || !options_.outputImportance.empty();
  bool moments = factorsOf(weights) && options_.recipe.scale == Scaling::AWQ;
  for (const std::string &weight : weights)
    if (needsData(weight)) {
      any = true;
      moments |= plan_[weight]->algorithm == Algorithm::GPTQ ||
                 plan_[weight]->lowRank > 0;
    }
  return any ? std::make_unique<InputStats>(columns, moments) : nullptr;
}

/// Name of the factors for an input, by the weights that read it; or null.
const std::string *
Calibrator::factorsOf(llvm::ArrayRef<std::string> weights) const {
  auto found = transformed_.factorsOf.find(weights.front());
  return found == transformed_.factorsOf.end() ? nullptr : &found->second;
}

/// All of a layer before any is used: some divide weights of others.
llvm::Error Calibrator::chooseAllFactors(const LayerSignature &signature,
                                         AllStats &stats) {
  std::vector<std::vector<float>> chosen(stats.size());
  for (size_t i = 0; i < stats.size(); ++i)
    if (factorsOf(signature.inputs[i])) {
      auto factors = choose(signature.inputs[i], *stats[i]);
      if (!factors)
        return factors.takeError();
      chosen[i] = std::move(*factors);
    }
  for (size_t i = 0; i < stats.size(); ++i)
    if (const std::string *name = factorsOf(signature.inputs[i])) {
      RowFields row;
      row.reals = chosen[i];
      Scheme f32 = Scheme::ofFloat(FieldType::F32);
      if (llvm::Error error =
              store_.write(*name, f32, int64_t(chosen[i].size()), row))
        return error;
      stats[i]->divideBy(pool_, chosen[i]);
      transformed_.factors->set(*name, std::move(chosen[i]));
    }
  return llvm::Error::success();
}

llvm::Expected<std::vector<float>>
Calibrator::choose(llvm::ArrayRef<std::string> weights, InputStats &stats) {
  std::vector<const TensorPlan *> plans;
  std::vector<const SourceTensor *> tensors;
  for (const std::string &weight : weights)
    if (const TensorPlan *plan = plan_.lookup(weight)) {
      plans.push_back(plan);
      tensors.push_back(model_.base().find(weight));
    }
  if (plans.empty()) // nothing is rounded
    return std::vector<float>(size_t(stats.columns.columns()), 1.0f);
  return chooseFactors(options_.recipe, plans, tensors, stats, pool_);
}

llvm::Error Calibrator::quantize(const TensorPlan &plan, InputStats &stats) {
  auto rows =
      quantizeMatrix(plan, *model_.base().find(plan.name), stats, pool_);
  if (!rows)
    return rows.takeError();
  if (llvm::Error error =
          store_.write(plan.name, plan.scheme, plan.columns, *rows))
    return error;
  if (plan.lowRank == 0)
    return llvm::Error::success();
  auto row = [&](int64_t i, RowFields &fields) { fields = (*rows)[size_t(i)]; };
  return storeCorrection(store_, plan,
                         correctionOf(plan, *model_.base().find(plan.name), row,
                                      stats.matrix(pool_).data(), pool_));
}

/// What the next layer reads, from the quantized one.
llvm::Error Calibrator::advance(const std::string &function) {
  if (llvm::Error error = useStored(quantized_->signature(function).weights))
    return error;
  if (llvm::Error error = quantized_->bind(function))
    return error;
  auto keep = [&](int64_t sequence,
                  llvm::ArrayRef<std::vector<float>> results) {
    return states_->write(sequence, results[0].data());
  };
  if (llvm::Error error = eachSequence(*quantized_, function, /*hasRows=*/true,
                                       {0, calibrating_ + heldOut_}, keep))
    return error;
  if (heldOut_ == 0)
    return llvm::Error::success();
  if (llvm::Error error = floats_->bind(function))
    return error;
  return eachSequence(*floats_, function, /*hasRows=*/true,
                      {calibrating_ + heldOut_, heldOut_}, keep);
}

//===- How well -----------------------------------------------------------===//

/// Of a function of the head: what its first matrix reads, for some sequences.
llvm::Expected<std::vector<float>> Calibrator::endOf(LayerCode &code,
                                                     Range range) {
  std::vector<float> rows;
  if (llvm::Error error = code.bind("head"))
    return std::move(error);
  auto append = [&](int64_t, llvm::ArrayRef<std::vector<float>> results) {
    rows.insert(rows.end(), results[0].begin(), results[0].end());
    return llvm::Error::success();
  };
  if (llvm::Error error =
          eachSequence(code, "head", /*hasRows=*/false, range, append))
    return std::move(error);
  return rows;
}

/// Compares the two ends of the held out sequences; keeps what it finds, as a
/// run that was stopped behind this has no states left.
llvm::Error Calibrator::measure() {
  const LayerSignature &signature = floats_->signature("head");
  Quality quality;
  if (heldOut_ > 0 && signature.inputs.size() == 1) {
    auto exact = endOf(*floats_, {calibrating_ + heldOut_, heldOut_});
    if (!exact)
      return exact.takeError();
    if (llvm::Error error = useStored(quantized_->signature("head").weights))
      return error;
    auto rounded = endOf(*quantized_, {calibrating_, heldOut_});
    if (!rounded)
      return rounded.takeError();
    const std::string &name = signature.inputs[0][0];
    auto head = quantizedTensor(name);
    if (!head)
      return head.takeError();
    const TensorPlan *plan = plan_.lookup(name);
    bool isKnown = headIsProduct_ && signature.inputs[0].size() == 1 &&
                   !(plan && plan->lowRank);
    quality = compareEnds(pool_, *exact, *rounded, signature.widths[0],
                          isKnown ? model_.base().find(name) : nullptr,
                          isKnown ? &*head : nullptr);
  }
  return storeQuality(store_, quality);
}

/// A matrix of the model with the rows that it has by now.
llvm::Expected<SourceTensor>
Calibrator::quantizedTensor(const std::string &name) {
  SourceTensor tensor = *model_.find(name);
  if (!needsData(name))
    return tensor;
  const TensorPlan &plan = *plan_[name];
  auto stored = store_.open(name, plan.scheme, plan.rows, plan.columns);
  if (!stored)
    return stored.takeError();
  tensor.generate = [rows = *stored](int64_t row, RowFields &fields) {
    rows->readRow(row, fields);
  };
  return tensor;
}

llvm::Error Calibrator::useStored(llvm::ArrayRef<std::string> weights) {
  for (const std::string &weight : weights) {
    if (!needsData(weight))
      continue;
    const TensorPlan &plan = *plan_[weight];
    auto stored = store_.open(plan.name, plan.scheme, plan.rows, plan.columns);
    if (!stored)
      return stored.takeError();
    quantized_->replaceRows(plan.name,
                            [tensor = *stored](int64_t row, RowFields &fields) {
                              tensor->readRow(row, fields);
                            });
  }
  return llvm::Error::success();
}

/// Calls a function on every sequence. A layer reads positions too.
llvm::Error Calibrator::eachSequence(LayerCode &code,
                                     const std::string &function, bool hasRows,
                                     Range range, Visit visit) {
  std::vector<float> x(size_t(states_->floats()));
  std::vector<std::vector<float>> results;
  for (int64_t width : code.signature(function).widths)
    results.emplace_back(size_t(states_->length() * width));
  std::vector<void *> arguments{x.data()};
  if (hasRows)
    arguments.push_back(positions_.data());
  for (std::vector<float> &result : results)
    arguments.push_back(result.data());
  for (int64_t i = range.first; i < range.first + range.count; ++i) {
    if (llvm::Error error = states_->read(i, x.data()))
      return error;
    if (llvm::Error error = code.call(function, arguments))
      return error;
    if (llvm::Error error = visit(i, results))
      return error;
  }
  return llvm::Error::success();
}

} // namespace lowbit
