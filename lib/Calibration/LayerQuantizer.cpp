//===- LayerQuantizer.cpp - Matrices from what they are multiplied with ---===//

#include "LayerQuantizer.h"

#include "FiniteWeights.h"

#include "lowbit/Quantize/ColumnScales.h"
#include "lowbit/Quantize/Hqq.h"
#include "lowbit/Quantize/RoundToNearest.h"

#include <atomic>
#include <numeric>

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

namespace {
/// A matrix as reals, [rows][columns].
struct Matrix {
  int64_t rows = 0, columns = 0;
  std::vector<float> values;
  const float *row(int64_t i) const { return values.data() + i * columns; }
};
} // namespace

static llvm::Expected<Matrix> readMatrix(const SourceTensor &tensor,
                                         ThreadPool &pool) {
  Matrix matrix{tensor.rows(), tensor.columns(), {}};
  matrix.values.resize(size_t(matrix.rows * matrix.columns));
  std::atomic<int64_t> bad{-1};
  pool.forEach(matrix.rows, [&](int64_t i) {
    float *row = matrix.values.data() + i * matrix.columns;
    tensor.readReals(i, row);
    if (firstNonFinite(row, matrix.columns) >= 0)
      bad = i;
  });
  if (bad >= 0)
    return notFinite(tensor, bad);
  return matrix;
}

static std::vector<RowFields> round(const TensorPlan &plan,
                                    const Matrix &matrix,
                                    const RoundOptions &options,
                                    ThreadPool &pool) {
  std::vector<RowFields> rows(size_t(matrix.rows));
  TensorRange range;
  bool hasTensorFields = !plan.scheme.levels.empty() &&
                         plan.scheme.levels.front().group == Level::kTensor;
  if (hasTensorFields)
    for (int64_t i = 0; i < matrix.rows; ++i)
      range.add(matrix.row(i), matrix.columns);
  pool.forEach(matrix.rows, [&](int64_t i) {
    RowFields &row = rows[size_t(i)];
    row.resize(plan.scheme, matrix.columns);
    if (hasTensorFields)
      chooseTensorFields(plan.scheme, range, row);
    roundToNearest(plan.scheme, matrix.row(i), matrix.columns, row, options);
  });
  return rows;
}

static std::vector<RowFields> roundHqq(const TensorPlan &plan,
                                       const Matrix &matrix, ThreadPool &pool) {
  std::vector<RowFields> rows = round(plan, matrix, RoundOptions(), pool);
  pool.forEach(matrix.rows, [&](int64_t i) {
    hqq(plan.scheme, matrix.row(i), matrix.columns, rows[size_t(i)]);
  });
  return rows;
}

void InputStats::divideBy(ThreadPool &pool, llvm::ArrayRef<float> factors) {
  factors_ = factors;
  if (!moments.columns())
    return;
  (void)matrix(pool); // taken from the moments
  size_t size = factors.size();
  for (size_t i = 0; i < size; ++i)
    for (size_t j = 0; j < size; ++j)
      matrix_[i * size + j] /= factors[i] * factors[j];
}

std::vector<float> InputStats::importance() const {
  std::vector<float> result = columns.importance();
  for (size_t k = 0; k < factors_.size(); ++k)
    result[k] /= factors_[k] * factors_[k];
  return result;
}

llvm::ArrayRef<float> InputStats::matrix(ThreadPool &pool) {
  if (matrix_.empty())
    matrix_ = moments.take(pool);
  return matrix_;
}

llvm::Expected<const Gptq *> InputStats::gptq(ThreadPool &pool, int64_t unit) {
  if (gptq_)
    return gptq_.get();
  gptq_ = std::make_unique<Gptq>();
  std::string problem;
  if (!gptq_->prepare(pool, matrix(pool).data(), columns.columns(), unit,
                      problem))
    return failure(problem);
  return gptq_.get();
}

static llvm::Error checkStats(const InputStats &stats,
                              const std::string &weight) {
  if (!stats.columns.nonFinite())
    return llvm::Error::success();
  return failure("what '" + weight +
                 "' is multiplied with holds NaN or infinity: the model "
                 "overflows on the calibration text");
}

llvm::Expected<std::vector<float>>
chooseFactors(const Recipe &recipe, llvm::ArrayRef<const TensorPlan *> plans,
              llvm::ArrayRef<const SourceTensor *> tensors, InputStats &stats,
              ThreadPool &pool) {
  if (llvm::Error error = checkStats(stats, plans.front()->name))
    return std::move(error);
  std::vector<Matrix> matrices;
  std::vector<ScaledMatrix> scaled;
  for (const SourceTensor *tensor : tensors) {
    auto matrix = readMatrix(*tensor, pool);
    if (!matrix)
      return matrix.takeError();
    matrices.push_back(std::move(*matrix));
  }
  for (auto [matrix, plan] : llvm::zip_equal(matrices, plans))
    scaled.push_back({matrix.values.data(), matrix.rows, &plan->scheme});
  int64_t columns = stats.columns.columns();
  if (recipe.scale == Scaling::SmoothQuant)
    return smoothScales(stats.columns.absMax(), columnMaxima(scaled, columns),
                        recipe.alpha);
  // An eighth of the rows tells the exponents apart as well as all do.
  AwqOptions options;
  options.sampleRows = std::max<int64_t>(64, matrices.front().rows / 8);
  return awqScales(pool, scaled, stats.matrix(pool).data(), columns,
                   stats.columns.meanAbs(), options)
      .scales;
}

/// sum_k weight[k] (value[k] - rounded[k])^2 of all rows.
static double weightedError(const TensorPlan &plan, const Matrix &matrix,
                            llvm::ArrayRef<RowFields> rows,
                            llvm::ArrayRef<float> weights, ThreadPool &pool) {
  std::vector<double> errors(rows.size());
  pool.forEach(matrix.rows, [&](int64_t i) {
    thread_local std::vector<float> rounded;
    rounded.resize(size_t(matrix.columns));
    dequantizeRow(plan.scheme, rows[size_t(i)], matrix.columns, rounded.data());
    double sum = 0;
    for (int64_t k = 0; k < matrix.columns; ++k) {
      double e = double(matrix.row(i)[k]) - double(rounded[size_t(k)]);
      sum += double(weights[size_t(k)]) * e * e;
    }
    errors[size_t(i)] = sum;
  });
  return std::accumulate(errors.begin(), errors.end(), 0.0);
}

llvm::Expected<std::vector<RowFields>>
quantizeMatrix(const TensorPlan &plan, const SourceTensor &tensor,
               InputStats &stats, ThreadPool &pool, double *error) {
  if (llvm::Error error = checkStats(stats, plan.name))
    return std::move(error);
  auto matrix = readMatrix(tensor, pool);
  if (!matrix)
    return matrix.takeError();
  if (plan.algorithm == Algorithm::GPTQ) {
    auto gptq = stats.gptq(pool, plan.scheme.entryLength);
    if (!gptq)
      return gptq.takeError();
    GptqResult result;
    std::string problem;
    if (!(*gptq)->quantize(pool, plan.scheme, matrix->values.data(),
                           matrix->rows, result, problem))
      return failure("tensor '" + plan.name + "': " + problem);
    if (error)
      *error = std::accumulate(result.errors.begin(), result.errors.end(), 0.0);
    return std::move(result.rows);
  }
  RoundOptions options;
  options.search = plan.algorithm == Algorithm::Search;
  std::vector<float> importance = stats.importance();
  options.weights = importance.data();
  std::vector<RowFields> rows = plan.algorithm == Algorithm::HQQ
                                    ? roundHqq(plan, *matrix, pool)
                                    : round(plan, *matrix, options, pool);
  if (error)
    *error = weightedError(plan, *matrix, rows, importance, pool);
  return rows;
}

} // namespace lowbit
