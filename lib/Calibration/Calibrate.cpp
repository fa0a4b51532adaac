//===- Calibrate.cpp - Quantizes a model by a recipe ----------------------===//

#include "lowbit/Calibration/Calibrate.h"

#include "Calibrator.h"
#include "FiniteWeights.h"
#include "ModelTransform.h"
#include "QuantizedSource.h"
#include "TensorStore.h"

#include "lowbit/Quantize/RoundToNearest.h"

#include <mutex>

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// Rows rounded when somebody reads them.
static void roundLater(QuantizedSource &model, const TensorPlan &plan) {
  const SourceTensor *from = model.base().find(plan.name);
  Scheme scheme = plan.scheme;
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
        roundToNearest(scheme, values.data(), from->columns(), fields, options);
      });
}

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
  if (options.recipe.needsData() && options.recipe.calibration.path.empty())
    return failure("recipe " + options.recipe.name +
                   " looks at activations: give it a text "
                   "(calibration: text:, or --calibrate=FILE)");
  auto plan = planTensors(*source, options.recipe);
  if (!plan)
    return plan.takeError();
  if (llvm::Error error = checkFinite(*source, *plan, options.threads))
    return std::move(error);
  auto transformed = transformModel(std::move(source), options.recipe);
  if (!transformed)
    return transformed.takeError();
  auto model =
      std::make_unique<QuantizedSource>(std::move(transformed->source));
  for (const TensorPlan &tensor : *plan)
    roundLater(*model, tensor);
  if (options.recipe.needsData()) {
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
