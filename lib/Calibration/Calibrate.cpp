//===- Calibrate.cpp - Quantizes a model by a recipe ----------------------===//

#include "lowbit/Calibration/Calibrate.h"

#include "HiddenStates.h"
#include "LayerCode.h"
#include "LayerQuantizer.h"
#include "QuantizedSource.h"
#include "Sequences.h"
#include "TensorStore.h"
#include "WeightExpressions.h"
#include "WorkFolder.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LM/Transforms/Passes.h"
#include "dialects/LowBit/IR/LowBitDialect.h"
#include "lib/Driver/Console.h"
#include "lowbit/Import/Importers.h"
#include "lowbit/Quantize/RoundToNearest.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringMap.h"

#include <thread>

using namespace mlir;

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static llvm::Error runPasses(ModuleOp module, const Recipe &recipe) {
  if (recipe.rotate.empty())
    return llvm::Error::success();
  PassManager pm(module.getContext());
  lm::RotateInputsOptions rotate;
  rotate.match = recipe.rotate;
  pm.addPass(lm::createRotateInputs(rotate));
  pm.addPass(lm::createFoldRotations());
  if (failed(pm.run(module)))
    return failure("recipe " + recipe.name + ": its passes failed (see above)");
  return llvm::Error::success();
}

llvm::Error prepareModel(ModuleOp module, const Recipe &recipe,
                         const ModelSource &source) {
  if (llvm::Error error = runPasses(module, recipe))
    return error;
  if (failed(useComputedWeights(module, source)))
    return failure("recipe " + recipe.name + ": cannot fold (see above)");
  return llvm::Error::success();
}

/// The model with the weights that the recipe's passes compute, in floats.
static llvm::Expected<std::unique_ptr<ModelSource>>
transformModel(std::unique_ptr<ModelSource> source, const Recipe &recipe) {
  if (recipe.rotate.empty())
    return std::move(source);
  std::unique_ptr<MLIRContext> context = makeContext();
  auto module = importModel(*source, context.get(), ImportOptions());
  if (!module)
    return module.takeError();
  if (llvm::Error error = runPasses(**module, recipe))
    return std::move(error);
  auto model = std::make_unique<QuantizedSource>(std::move(source));
  if (failed(computeWeights(**module, *model)))
    return failure("recipe " + recipe.name + ": cannot fold (see above)");
  return std::move(model);
}

/// Rows rounded when somebody reads them.
static void roundLater(QuantizedSource &model, const TensorPlan &plan) {
  const SourceTensor *from = model.base().find(plan.name);
  Scheme scheme = plan.scheme;
  auto read = [from](int64_t row, std::vector<float> &values) {
    RowFields fields;
    fields.resize(from->format->scheme, from->columns());
    from->readRow(row, fields);
    values.resize(size_t(from->columns()));
    dequantizeRow(from->format->scheme, fields, from->columns(), values.data());
  };
  TensorRange range;
  if (!scheme.levels.empty() && scheme.levels.front().group == Level::kTensor) {
    std::vector<float> values;
    for (int64_t row = 0; row < from->rows(); ++row) {
      read(row, values);
      range.add(values.data(), from->columns());
    }
  }
  model.replace(plan.name, scheme, plan.format,
                [scheme, range, read](int64_t row, RowFields &fields) {
                  thread_local std::vector<float> values;
                  read(row, values);
                  fields.resize(scheme, int64_t(values.size()));
                  if (range.count)
                    chooseTensorFields(scheme, range, fields);
                  roundToNearest(scheme, values.data(), int64_t(values.size()),
                                 fields);
                });
}

namespace {

class Calibrator {
public:
  Calibrator(QuantizedSource &model, llvm::ArrayRef<TensorPlan> plan,
             const QuantizeOptions &options)
      : model_(model), options_(options), work_(options.workFolder),
        store_(options.workFolder), console_(options.quiet),
        pool_(options.threads > 0 ? options.threads
                                  : int(std::thread::hardware_concurrency())) {
    for (const TensorPlan &tensor : plan)
      plan_[tensor.name] = &tensor;
  }

  llvm::Error run() {
    if (llvm::Error error = work_.open(options_.recipe, model_.base()))
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
    if (llvm::Error error = runHead())
      return error;
    states_->remove();
    return llvm::Error::success();
  }

private:
  //===- Code -------------------------------------------------------------===//

  llvm::Error compile() {
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
  llvm::Expected<OwningOpRef<ModuleOp>> split(const ModelSource &source,
                                              MLIRContext &context) {
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
  llvm::Error begin() {
    auto sequences =
        readSequences(floats_->model(), options_.recipe.calibration);
    if (!sequences)
      return sequences.takeError();
    const SourceTensor &table = *model_.find(table_);
    states_ = std::make_unique<HiddenStates>(
        options_.workFolder, sequences->size(),
        options_.recipe.calibration.length, table.columns());
    positions_.resize(size_t(states_->length()));
    for (size_t i = 0; i < positions_.size(); ++i)
      positions_[i] = int32_t(i);
    if (work_.finishedLayers() > 0)
      return llvm::Error::success();
    if (llvm::Error error = states_->open(1)) // writes what layer 0 reads
      return error;
    for (size_t i = 0; i < sequences->size(); ++i)
      if (llvm::Error error = embed(table, (*sequences)[i], int64_t(i)))
        return error;
    return llvm::Error::success();
  }

  llvm::Error embed(const SourceTensor &table, llvm::ArrayRef<int32_t> ids,
                    int64_t sequence) {
    RowFields fields;
    fields.resize(table.format->scheme, table.columns());
    std::vector<float> rows(size_t(states_->floats()));
    for (size_t t = 0; t < ids.size(); ++t) {
      float *row = rows.data() + int64_t(t) * states_->width();
      table.readRow(ids[t], fields);
      dequantizeRow(table.format->scheme, fields, table.columns(), row);
      for (int64_t k = 0; k < table.columns(); ++k)
        row[k] *= scale_;
    }
    return states_->write(sequence, rows.data());
  }

  //===- A layer ----------------------------------------------------------===//

  llvm::Error runLayer(int64_t layer) {
    std::string name = "layer." + std::to_string(layer);
    if (llvm::Error error = states_->open(layer))
      return error;
    if (llvm::Error error = observe(name, /*hasRows=*/true))
      return error;
    if (llvm::Error error = advance(name))
      return error;
    return work_.finish(layer + 1);
  }

  llvm::Error runHead() {
    if (llvm::Error error = states_->open(layers_))
      return error;
    return observe("head", /*hasRows=*/false);
  }

  bool needsData(llvm::StringRef weight) const {
    const TensorPlan *plan = plan_.lookup(weight);
    return plan && plan->algorithm != Algorithm::Nearest;
  }

  /// Runs the float layer over all sequences, looks at what its matrices read,
  /// and quantizes them.
  llvm::Error observe(const std::string &function, bool hasRows) {
    const LayerSignature &signature = floats_->signature(function);
    std::vector<std::unique_ptr<InputStats>> stats;
    for (size_t i = 0; i < signature.inputs.size(); ++i)
      stats.push_back(statsOf(signature.inputs[i],
                              signature.widths[i + (hasRows ? 1 : 0)]));
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
    if (llvm::Error error = eachSequence(*floats_, function, hasRows, look))
      return error;
    for (size_t i = 0; i < stats.size(); ++i)
      for (const std::string &weight : signature.inputs[i])
        if (needsData(weight))
          if (llvm::Error error = quantize(*plan_[weight], *stats[i]))
            return error;
    return llvm::Error::success();
  }

  /// Null where no reader needs any.
  std::unique_ptr<InputStats> statsOf(llvm::ArrayRef<std::string> weights,
                                      int64_t columns) {
    bool any = false, moments = false;
    for (const std::string &weight : weights)
      if (needsData(weight)) {
        any = true;
        moments |= plan_[weight]->algorithm == Algorithm::GPTQ;
      }
    return any ? std::make_unique<InputStats>(columns, moments) : nullptr;
  }

  llvm::Error quantize(const TensorPlan &plan, InputStats &stats) {
    auto rows =
        quantizeMatrix(plan, *model_.base().find(plan.name), stats, pool_);
    if (!rows)
      return rows.takeError();
    return store_.write(plan.name, plan.scheme, plan.columns, *rows);
  }

  /// What the next layer reads, from the quantized one.
  llvm::Error advance(const std::string &function) {
    if (llvm::Error error = useStored(quantized_->signature(function).weights))
      return error;
    if (llvm::Error error = quantized_->bind(function))
      return error;
    return eachSequence(
        *quantized_, function, /*hasRows=*/true,
        [&](int64_t sequence, llvm::ArrayRef<std::vector<float>> results) {
          return states_->write(sequence, results[0].data());
        });
  }

  llvm::Error useStored(llvm::ArrayRef<std::string> weights) {
    for (const std::string &weight : weights) {
      if (!needsData(weight))
        continue;
      const TensorPlan &plan = *plan_[weight];
      auto stored =
          store_.open(plan.name, plan.scheme, plan.rows, plan.columns);
      if (!stored)
        return stored.takeError();
      quantized_->replaceRows(
          plan.name, [tensor = *stored](int64_t row, RowFields &fields) {
            tensor->readRow(row, fields);
          });
    }
    return llvm::Error::success();
  }

  using Visit = llvm::function_ref<llvm::Error(
      int64_t sequence, llvm::ArrayRef<std::vector<float>> results)>;

  /// Calls a function on every sequence. A layer reads positions too.
  llvm::Error eachSequence(LayerCode &code, const std::string &function,
                           bool hasRows, Visit visit) {
    std::vector<float> x(size_t(states_->floats()));
    std::vector<std::vector<float>> results;
    for (int64_t width : code.signature(function).widths)
      results.emplace_back(size_t(states_->length() * width));
    std::vector<void *> arguments{x.data()};
    if (hasRows)
      arguments.push_back(positions_.data());
    for (std::vector<float> &result : results)
      arguments.push_back(result.data());
    for (int64_t i = 0; i < states_->sequences(); ++i) {
      if (llvm::Error error = states_->read(i, x.data()))
        return error;
      if (llvm::Error error = code.call(function, arguments))
        return error;
      if (llvm::Error error = visit(i, results))
        return error;
    }
    return llvm::Error::success();
  }

  QuantizedSource &model_;
  const QuantizeOptions &options_;
  WorkFolder work_;
  TensorStore store_;
  Console console_;
  ThreadPool pool_;
  llvm::StringMap<const TensorPlan *> plan_;
  std::unique_ptr<LayerCode> floats_, quantized_;
  std::unique_ptr<HiddenStates> states_;
  std::vector<int32_t> positions_;
  int64_t layers_ = 0;
  float scale_ = 1;
  std::string table_;
};

} // namespace

/// Tensors that calibration has stored take the place of rounded ones.
static llvm::Error takeStored(QuantizedSource &model,
                              llvm::ArrayRef<TensorPlan> plan,
                              const std::string &folder) {
  TensorStore store(folder);
  for (const TensorPlan &tensor : plan) {
    if (tensor.algorithm == Algorithm::Nearest)
      continue;
    auto stored =
        store.open(tensor.name, tensor.scheme, tensor.rows, tensor.columns);
    if (!stored)
      return stored.takeError();
    model.replace(tensor.name, tensor.scheme, tensor.format,
                  [rows = *stored](int64_t row, RowFields &fields) {
                    rows->readRow(row, fields);
                  });
  }
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<ModelSource>>
quantizeModel(std::unique_ptr<ModelSource> source,
              const QuantizeOptions &options) {
  auto plan = planTensors(*source, options.recipe);
  if (!plan)
    return plan.takeError();
  auto transformed = transformModel(std::move(source), options.recipe);
  if (!transformed)
    return transformed.takeError();
  auto model = std::make_unique<QuantizedSource>(std::move(*transformed));
  for (const TensorPlan &tensor : *plan)
    roundLater(*model, tensor);
  if (options.recipe.needsData()) {
    if (options.recipe.calibration.path.empty())
      return failure("recipe " + options.recipe.name +
                     " looks at activations: give it a text "
                     "(calibration: text:, or --calibrate=FILE)");
    if (llvm::Error error = Calibrator(*model, *plan, options).run())
      return std::move(error);
    if (llvm::Error error = takeStored(*model, *plan, options.workFolder))
      return std::move(error);
  }
  model->add("lowbit.recipe", options.recipe.name);
  return std::move(model);
}

} // namespace lowbit
