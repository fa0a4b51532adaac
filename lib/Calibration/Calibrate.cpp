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

#include <mutex>
#include <thread>

using namespace mlir;

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static llvm::Error runPasses(ModuleOp module, const Recipe &recipe) {
  PassManager pm(module.getContext());
  if (recipe.scale != Scaling::None)
    pm.addPass(lm::createScaleInputs());
  if (!recipe.rotate.empty()) {
    lm::RotateInputsOptions rotate;
    rotate.match = recipe.rotate;
    pm.addPass(lm::createRotateInputs(rotate));
    pm.addPass(lm::createFoldRotations());
  }
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

namespace {
/// A model with the weights that the recipe's passes compute, in floats.
struct Transformed {
  std::unique_ptr<ModelSource> model;
  std::shared_ptr<Factors> factors = std::make_shared<Factors>();
  llvm::StringMap<std::string> factorsOf; ///< their names, by weight
};
} // namespace

static llvm::Expected<Transformed>
transformModel(std::unique_ptr<ModelSource> source, const Recipe &recipe) {
  Transformed result;
  std::unique_ptr<MLIRContext> context = makeContext();
  auto module = importModel(*source, context.get(), ImportOptions());
  if (!module)
    return module.takeError();
  if (llvm::Error error = runPasses(**module, recipe))
    return std::move(error);
  result.factorsOf = factorsOfWeights(**module);
  auto model = std::make_unique<QuantizedSource>(std::move(source));
  if (failed(computeWeights(**module, *model, result.factors)))
    return failure("recipe " + recipe.name + ": cannot fold (see above)");
  result.model = std::move(model);
  return std::move(result);
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
  // Found when the first row is asked for: factors may come between.
  struct Range {
    std::once_flag once;
    TensorRange values;
  };
  RoundOptions options;
  options.search = plan.algorithm == Algorithm::Search;
  auto range = std::make_shared<Range>();
  bool hasTensorFields =
      !scheme.levels.empty() && scheme.levels.front().group == Level::kTensor;
  model.replace(
      plan.name, scheme, plan.format, [=](int64_t row, RowFields &fields) {
        thread_local std::vector<float> values;
        if (hasTensorFields)
          std::call_once(range->once, [&] {
            for (int64_t i = 0; i < from->rows(); ++i) {
              read(i, values);
              range->values.add(values.data(), from->columns());
            }
          });
        read(row, values);
        fields.resize(scheme, from->columns());
        if (hasTensorFields)
          chooseTensorFields(scheme, range->values, fields);
        roundToNearest(scheme, values.data(), from->columns(), fields, options);
      });
}

namespace {

class Calibrator {
public:
  Calibrator(QuantizedSource &model, const Transformed &transformed,
             llvm::ArrayRef<TensorPlan> plan, const QuantizeOptions &options)
      : model_(model), transformed_(transformed), options_(options),
        work_(options.workFolder), store_(options.workFolder),
        console_(options.quiet),
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
      return loadFactors();
    if (llvm::Error error = states_->open(1)) // writes what layer 0 reads
      return error;
    for (size_t i = 0; i < sequences->size(); ++i)
      if (llvm::Error error = embed(table, (*sequences)[i], int64_t(i)))
        return error;
    return llvm::Error::success();
  }

  /// Those of the layers that are finished.
  llvm::Error loadFactors() {
    for (int64_t layer = 0; layer < work_.finishedLayers(); ++layer)
      for (const auto &weights :
           floats_->signature("layer." + std::to_string(layer)).inputs)
        if (const std::string *name = factorsOf(weights)) {
          int64_t size = model_.find(weights.front())->columns();
          auto stored =
              store_.open(*name, Scheme::ofFloat(FieldType::F32), 1, size);
          if (!stored)
            return stored.takeError();
          RowFields row;
          (*stored)->readRow(0, row);
          transformed_.factors->set(*name, std::move(row.reals));
        }
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
    AllStats stats;
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
    if (llvm::Error error = chooseAllFactors(signature, stats))
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
    bool any = factorsOf(weights);
    bool moments = any && options_.recipe.scale == Scaling::AWQ;
    for (const std::string &weight : weights)
      if (needsData(weight)) {
        any = true;
        moments |= plan_[weight]->algorithm == Algorithm::GPTQ;
      }
    return any ? std::make_unique<InputStats>(columns, moments) : nullptr;
  }

  /// Name of the factors for an input, by the weights that read it; or null.
  const std::string *factorsOf(llvm::ArrayRef<std::string> weights) const {
    auto found = transformed_.factorsOf.find(weights.front());
    return found == transformed_.factorsOf.end() ? nullptr : &found->second;
  }

  using AllStats = std::vector<std::unique_ptr<InputStats>>;

  /// All of a layer before any is used: some divide weights of others.
  llvm::Error chooseAllFactors(const LayerSignature &signature,
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

  llvm::Expected<std::vector<float>> choose(llvm::ArrayRef<std::string> weights,
                                            InputStats &stats) {
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
  const Transformed &transformed_;
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
  auto model = std::make_unique<QuantizedSource>(std::move(transformed->model));
  for (const TensorPlan &tensor : *plan)
    roundLater(*model, tensor);
  if (options.recipe.needsData()) {
    if (options.recipe.calibration.path.empty())
      return failure("recipe " + options.recipe.name +
                     " looks at activations: give it a text "
                     "(calibration: text:, or --calibrate=FILE)");
    if (llvm::Error error =
            Calibrator(*model, *transformed, *plan, options).run())
      return std::move(error);
    if (llvm::Error error = takeStored(*model, *plan, options.workFolder))
      return std::move(error);
  }
  model->add("lowbit.recipe", options.recipe.name);
  return std::move(model);
}

} // namespace lowbit
