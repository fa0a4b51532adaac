//===- Correction.cpp - What stands beside a rounded matrix ---------------===//

#include "Correction.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LM/Transforms/Passes.h"
#include "dialects/LowBit/IR/LowBitDialect.h"
#include "lowbit/Quantize/LowRank.h"
#include "lowbit/Quantize/RoundToNearest.h"

#include "mlir/Pass/PassManager.h"

#include <mutex>

using namespace mlir;

namespace lowbit {

static constexpr const char *kLeft = ".left", *kRight = ".right";

static Scheme bf16() { return Scheme::ofFloat(FieldType::BF16); }

static std::vector<RowFields> rowsOf(const std::vector<float> &values,
                                     int64_t rows, int64_t columns) {
  std::vector<RowFields> result(static_cast<size_t>(rows));
  for (int64_t i = 0; i < rows; ++i) {
    result[size_t(i)].resize(bf16(), columns);
    roundToNearest(bf16(), values.data() + i * columns, columns,
                   result[size_t(i)]);
  }
  return result;
}

Correction correctionOf(const TensorPlan &plan, const SourceTensor &tensor,
                        llvm::function_ref<void(int64_t, RowFields &)> rounded,
                        const float *h, ThreadPool &pool) {
  std::vector<float> error(size_t(plan.rows * plan.columns));
  pool.forEach(plan.rows, [&](int64_t i) {
    float *row = error.data() + i * plan.columns;
    tensor.readReals(i, row);
    RowFields fields;
    rounded(i, fields);
    std::vector<float> values(static_cast<size_t>(plan.columns));
    dequantizeRow(plan.scheme, fields, plan.columns, values.data());
    for (int64_t k = 0; k < plan.columns; ++k)
      row[k] -= values[size_t(k)];
  });
  LowRankOptions options;
  options.rank = plan.lowRank;
  LowRankFactors factors =
      lowRankFactors(pool, error.data(), plan.rows, plan.columns, h, options);
  return {rowsOf(factors.left, plan.rows, plan.lowRank),
          rowsOf(factors.right, plan.lowRank, plan.columns)};
}

llvm::Error storeCorrection(const TensorStore &store, const TensorPlan &plan,
                            const Correction &correction) {
  if (llvm::Error error =
          store.write(plan.name + kLeft, bf16(), plan.lowRank, correction.left))
    return error;
  return store.write(plan.name + kRight, bf16(), plan.columns,
                     correction.right);
}

namespace {
/// Rows of a tensor that is written before anybody reads it.
class LaterRows {
public:
  LaterRows(std::string folder, std::string name, int64_t rows, int64_t columns)
      : store_(std::move(folder)), name_(std::move(name)), rows_(rows),
        columns_(columns) {}

  void readRow(int64_t row, RowFields &fields) {
    if (std::shared_ptr<StoredTensor> stored = open())
      return stored->readRow(row, fields);
    // takeCorrection says so, before anything is written.
    fields.resize(bf16(), columns_);
  }

private:
  std::shared_ptr<StoredTensor> open() {
    std::lock_guard<std::mutex> lock(guard_);
    if (!stored_) {
      auto opened = store_.open(name_, bf16(), rows_, columns_);
      if (opened)
        stored_ = *opened;
      else
        llvm::consumeError(opened.takeError());
    }
    return stored_;
  }

  TensorStore store_;
  std::string name_;
  int64_t rows_, columns_;
  std::mutex guard_;
  std::shared_ptr<StoredTensor> stored_;
};
} // namespace

static void addLater(QuantizedSource &model, const std::string &folder,
                     const std::string &name, int64_t rows, int64_t columns) {
  auto later = std::make_shared<LaterRows>(folder, name, rows, columns);
  model.addTensor(
      name, bf16(), "BF16", rows, columns,
      [later](int64_t row, RowFields &fields) { later->readRow(row, fields); });
}

static void addNow(QuantizedSource &model, const std::string &name,
                   int64_t columns, std::vector<RowFields> rows) {
  auto kept = std::make_shared<std::vector<RowFields>>(std::move(rows));
  model.addTensor(name, bf16(), "BF16", int64_t(kept->size()), columns,
                  [kept](int64_t row, RowFields &fields) {
                    fields = (*kept)[size_t(row)];
                  });
}

void addCorrections(QuantizedSource &model, llvm::ArrayRef<TensorPlan> plan,
                    const std::string &folder, ThreadPool &pool) {
  for (const TensorPlan &tensor : plan) {
    std::string left = tensor.name + kLeft, right = tensor.name + kRight;
    if (tensor.lowRank == 0)
      continue;
    if (tensor.observed) {
      addLater(model, folder, left, tensor.rows, tensor.lowRank);
      addLater(model, folder, right, tensor.lowRank, tensor.columns);
      continue;
    }
    SourceTensor rounded = *model.find(tensor.name);
    Correction correction = correctionOf(
        tensor, *model.base().find(tensor.name),
        [&](int64_t row, RowFields &fields) { rounded.readRow(row, fields); },
        nullptr, pool);
    addNow(model, left, tensor.lowRank, std::move(correction.left));
    addNow(model, right, tensor.columns, std::move(correction.right));
  }
}

llvm::Error takeCorrection(QuantizedSource &model, const TensorPlan &plan,
                           const TensorStore &store) {
  if (plan.lowRank == 0)
    return llvm::Error::success();
  auto take = [&](const std::string &name, int64_t rows,
                  int64_t columns) -> llvm::Error {
    auto stored = store.open(name, bf16(), rows, columns);
    if (!stored)
      return stored.takeError();
    model.replace(name, bf16(), "BF16",
                  [rows = *stored](int64_t row, RowFields &fields) {
                    rows->readRow(row, fields);
                  });
    return llvm::Error::success();
  };
  if (llvm::Error error = take(plan.name + kLeft, plan.rows, plan.lowRank))
    return error;
  return take(plan.name + kRight, plan.lowRank, plan.columns);
}

/// The pass leaves its factors in floats; the source says what they are in.
static void takeTypes(ModuleOp module, const ModelSource &source) {
  module.walk([&](lm::WeightOp weight) {
    StringRef name = weight.getName();
    if (!name.ends_with(kLeft) && !name.ends_with(kRight))
      return;
    const SourceTensor *tensor = source.find(name);
    if (!tensor)
      return;
    auto shape = cast<ShapedType>(weight.getType()).getShape();
    weight.getResult().setType(TensorType::get(
        module.getContext(), shape,
        SchemeAttr::get(module.getContext(), tensor->format->scheme)));
  });
}

LogicalResult useCorrections(ModuleOp module, const ModelSource &source) {
  lm::AddLowRankOptions options;
  llvm::StringMap<bool> seen;
  llvm::SmallVector<std::string> ranks;
  module.walk([&](lm::WeightOp weight) {
    const SourceTensor *right = source.find((weight.getName() + kRight).str());
    if (right && seen.try_emplace(weight.getName(), true).second)
      ranks.push_back(
          (weight.getName() + "=" + llvm::Twine(right->rows())).str());
  });
  if (ranks.empty())
    return success();
  options.weights = std::move(ranks);
  PassManager pm(module.getContext());
  pm.addPass(lm::createAddLowRank(options));
  if (failed(pm.run(module)))
    return failure();
  takeTypes(module, source);
  return success();
}

} // namespace lowbit
