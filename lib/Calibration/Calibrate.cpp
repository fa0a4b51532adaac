//===- Calibrate.cpp - Quantizes a model by a recipe ----------------------===//

#include "lowbit/Calibration/Calibrate.h"

#include "Calibrator.h"
#include "Correction.h"
#include "FiniteWeights.h"
#include "Importance.h"
#include "ModelTransform.h"
#include "Provenance.h"
#include "Quality.h"
#include "QuantizedSource.h"
#include "TensorStore.h"

#include "lowbit/Quantize/Hqq.h"
#include "lowbit/Quantize/RoundToNearest.h"

#include "llvm/Support/FormatVariadic.h"

#include <mutex>
#include <thread>

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// Rows rounded when somebody reads them.
static void roundLater(QuantizedSource &model, const TensorPlan &plan,
                       std::shared_ptr<const ColumnWeights> weights) {
  const SourceTensor *from = model.base().find(plan.name);
  Scheme scheme = plan.scheme;
  // Found when the first row is asked for: factors may come between.
  struct Range {
    std::once_flag once;
    TensorRange values;
  };
  RoundOptions options;
  options.search = plan.algorithm == Algorithm::Search;
  options.weights = weights->of(plan.name);
  bool isHqq = plan.algorithm == Algorithm::HQQ;
  auto range = std::make_shared<Range>();
  bool hasTensorFields =
      !scheme.levels.empty() && scheme.levels.front().group == Level::kTensor;
  model.replace(plan.name, scheme, plan.format,
                [=, keep = std::move(weights)](int64_t row, RowFields &fields) {
                  std::vector<float> values(size_t(from->columns()));
                  if (hasTensorFields)
                    std::call_once(range->once, [&] {
                      for (int64_t i = 0; i < from->rows(); ++i) {
                        from->readReals(i, values.data());
                        range->values.add(values.data(), from->columns());
                      }
                    });
                  from->readReals(row, values.data());
                  fields.resize(scheme, from->columns());
                  if (hasTensorFields)
                    chooseTensorFields(scheme, range->values, fields);
                  if (isHqq)
                    return hqq(scheme, values.data(), from->columns(), fields);
                  roundToNearest(scheme, values.data(), from->columns(), fields,
                                 options);
                });
}

/// Tensors that calibration has stored take the place of rounded ones.
static llvm::Error takeStored(QuantizedSource &model,
                              llvm::ArrayRef<TensorPlan> plan,
                              const std::string &folder) {
  TensorStore store(folder);
  for (const TensorPlan &tensor : plan) {
    if (!tensor.observed)
      continue;
    auto stored =
        store.open(tensor.name, tensor.scheme, tensor.rows, tensor.columns);
    if (!stored)
      return stored.takeError();
    model.replace(tensor.name, tensor.scheme, tensor.format,
                  [rows = *stored](int64_t row, RowFields &fields) {
                    rows->readRow(row, fields);
                  });
    if (llvm::Error error = takeCorrection(model, tensor, store))
      return error;
  }
  return llvm::Error::success();
}

/// What the module keeps of the measurement; nothing where there was none.
static llvm::Error addQuality(QuantizedSource &model,
                              const std::string &folder) {
  auto quality = storedQuality(TensorStore(folder));
  if (!quality)
    return quality.takeError();
  auto add = [&](const char *key, double value) {
    model.add(std::string("lowbit.quality.") + key,
              llvm::formatv("{0:f6}", value).str());
  };
  if (quality->tokens == 0)
    return llvm::Error::success();
  model.add("lowbit.quality.tokens", std::to_string(quality->tokens));
  add("sqnr_db", quality->sqnr);
  if (quality->hasHead) {
    add("kl", quality->divergence);
    add("same_top", quality->sameTop);
  }
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<ModelSource>>
quantizeModel(std::unique_ptr<ModelSource> source,
              const QuantizeOptions &options) {
  bool calibrates =
      options.recipe.needsData() || !options.outputImportance.empty();
  if (calibrates && options.recipe.calibration.path.empty())
    return failure("recipe " + options.recipe.name +
                   " looks at activations: give it a text "
                   "(calibration: text:, or --calibrate=FILE)");
  auto plan = planTensors(*source, options.recipe);
  if (!plan)
    return plan.takeError();
  if (llvm::Error error = checkFinite(*source, *plan, options.threads))
    return std::move(error);
  auto weights = ColumnWeights::open(options.recipe, *plan);
  if (!weights)
    return weights.takeError();
  ThreadPool pool(options.threads > 0
                      ? options.threads
                      : int(std::thread::hardware_concurrency()));
  std::string hash = sourceHash(*source, pool);
  auto transformed = transformModel(std::move(source), options.recipe);
  if (!transformed)
    return transformed.takeError();
  auto model =
      std::make_unique<QuantizedSource>(std::move(transformed->source));
  for (const TensorPlan &tensor : *plan)
    roundLater(*model, tensor, *weights);
  addCorrections(*model, *plan, options.workFolder, pool);
  if (calibrates) {
    if (llvm::Error error =
            Calibrator(*model, *transformed, *plan, options).run())
      return std::move(error);
    if (llvm::Error error = takeStored(*model, *plan, options.workFolder))
      return std::move(error);
  }
  model->add("lowbit.recipe", options.recipe.name);
  model->add("lowbit.recipe.text", recipeText(options.recipe));
  model->add("lowbit.source.hash", hash);
  if (calibrates)
    if (llvm::Error error = addQuality(*model, options.workFolder))
      return std::move(error);
  return std::move(model);
}

} // namespace lowbit
