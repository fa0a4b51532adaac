//===- Importance.cpp - Importance matrices of a model --------------------===//

#include "Importance.h"

#include "llvm/ADT/STLExtras.h"

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// llama-imatrix leaves the head out unless told.
static bool mayBeMissing(llvm::StringRef matrix) {
  return !matrix.starts_with("blk.");
}

static llvm::Error checkEntry(const ImportanceEntry &entry,
                              const TensorPlan &plan, llvm::StringRef path) {
  if (entry.matrices() == 1 && entry.columns() == plan.columns)
    return llvm::Error::success();
  return failure(
      path + ": '" + plan.name + "' has " + llvm::Twine(entry.matrices()) +
      " x " + llvm::Twine(entry.columns()) +
      " numbers, but the model's matrix has " + llvm::Twine(plan.columns) +
      " columns: give a file that was made with this model");
}

llvm::Expected<std::shared_ptr<ColumnWeights>>
ColumnWeights::open(const Recipe &recipe, llvm::ArrayRef<TensorPlan> plan) {
  auto result = std::make_shared<ColumnWeights>();
  if (recipe.importance.empty())
    return result;
  auto matrix = openImportance(recipe.importance);
  if (!matrix)
    return matrix.takeError();
  for (const TensorPlan &tensor : plan) {
    if (tensor.algorithm != Algorithm::Search)
      continue;
    const ImportanceEntry *entry = matrix->find(tensor.name);
    if (!entry && mayBeMissing(tensor.name))
      continue;
    if (!entry)
      return failure(recipe.importance + ": has no entry '" + tensor.name +
                     "': give a file that was made with this model");
    if (llvm::Error error = checkEntry(*entry, tensor, recipe.importance))
      return std::move(error);
    result->weights_[tensor.name] = entry->meanSquares();
  }
  return result;
}

const float *ColumnWeights::of(llvm::StringRef name) const {
  auto found = weights_.find(name);
  return found == weights_.end() ? nullptr : found->second.data();
}

static std::string recordOf(llvm::StringRef matrix) {
  return (matrix + ".importance").str();
}

static Scheme f32() { return Scheme::ofFloat(FieldType::F32); }

/// The sums, and behind them the rows that are in them.
llvm::Error ImportanceRecord::add(llvm::StringRef matrix,
                                  const ColumnStats &stats) const {
  RowFields row;
  row.reals.assign(stats.sumSquares().begin(), stats.sumSquares().end());
  row.reals.push_back(float(stats.rows()));
  return store_.write(recordOf(matrix), f32(), stats.columns() + 1, row);
}

llvm::Error ImportanceRecord::write(llvm::ArrayRef<MatrixInput> inputs,
                                    const CalibrationText &text,
                                    int64_t sequences,
                                    llvm::StringRef path) const {
  ImportanceMatrix matrix;
  matrix.datasets = {text.path};
  matrix.chunks = uint32_t(sequences);
  matrix.chunkSize = uint32_t(text.length);
  for (const MatrixInput &input : inputs) {
    auto stored =
        store_.open(recordOf(input.name), f32(), 1, input.columns + 1);
    if (!stored)
      return stored.takeError();
    RowFields row;
    (*stored)->readRow(0, row);
    float rows = row.reals.back();
    row.reals.pop_back();
    matrix.entries.push_back({input.name, std::move(row.reals), {rows}});
  }
  llvm::sort(matrix.entries,
             [](const ImportanceEntry &a, const ImportanceEntry &b) {
               return a.name < b.name;
             });
  return writeImportance(matrix, ImportanceLayout::GGUF, path);
}

} // namespace lowbit
