//===- ColumnScales.cpp - Factors between activations and weights ---------===//

#include "lowbit/Quantize/ColumnScales.h"

#include "FieldChain.h"
#include "Products.h"
#include "lowbit/Quantize/Gptq.h"

#include <algorithm>
#include <cmath>

namespace lowbit {

//===- SmoothQuant --------------------------------------------------------===//

std::vector<float> columnMaxima(const std::vector<ScaledMatrix> &matrices,
                                int64_t columns) {
  std::vector<float> maxima(static_cast<size_t>(columns));
  for (const ScaledMatrix &matrix : matrices)
    for (int64_t i = 0; i < matrix.rows * columns; ++i) {
      float &largest = maxima[size_t(i % columns)];
      largest = std::max(largest, std::abs(matrix.w[i]));
    }
  return maxima;
}

std::vector<float> smoothScales(const std::vector<float> &activationMax,
                                const std::vector<float> &weightMax,
                                double alpha) {
  size_t count = std::min(activationMax.size(), weightMax.size());
  std::vector<float> scales(count, 1.0f);
  for (size_t k = 0; k < count; ++k) {
    double x = activationMax[k], w = weightMax[k];
    if (x > 0 && w > 0 && std::isfinite(x) && std::isfinite(w))
      scales[k] = float(
          std::clamp(std::pow(x, alpha) / std::pow(w, 1 - alpha), 1e-5, 1e5));
  }
  return scales;
}

//===- Rounding -----------------------------------------------------------===//

namespace {
/// The rows of a matrix that errors are taken over, and their own scheme.
struct Sample {
  std::vector<float> w; ///< [rows x columns]
  int64_t rows;
  const Scheme *scheme;
};
} // namespace

/// What is left of each row's values when `from` is rounded: e[k] = w[k] -
/// round(from)[k] / scales[k].
static void leaveErrors(ThreadPool &pool, const Scheme &scheme, const float *w,
                        const float *from, int64_t rows, int64_t columns,
                        const float *scales, RoundOptions options, float *e) {
  options.weights = nullptr;
  TensorRange range;
  range.add(from, rows * columns);
  RowFields tensorFields;
  tensorFields.resize(scheme, columns);
  chooseTensorFields(scheme, range, tensorFields);
  pool.forEach(rows, [&](int64_t row) {
    RowFields fields = tensorFields;
    float *left = e + row * columns;
    roundToNearest(scheme, from + row * columns, columns, fields, options);
    dequantizeRow(scheme, fields, columns, left);
    for (int64_t k = 0; k < columns; ++k)
      left[k] = w[row * columns + k] - (scales ? left[k] / scales[k] : left[k]);
  });
}

static double errorWithScales(ThreadPool &pool, const Sample &sample,
                              const float *h, int64_t columns,
                              const std::vector<float> &scales,
                              const RoundOptions &options) {
  std::vector<float> scaled = sample.w, e(sample.w.size());
  for (size_t i = 0; i < scaled.size(); ++i)
    scaled[i] *= scales[i % size_t(columns)];
  leaveErrors(pool, *sample.scheme, sample.w.data(), scaled.data(), sample.rows,
              columns, scales.data(), options, e.data());
  std::vector<double> errors(size_t(sample.rows));
  quadraticErrors(pool, e.data(), sample.rows, h, columns, errors.data());
  double sum = 0;
  for (double error : errors)
    sum += error;
  return sum;
}

//===- AWQ's scales -------------------------------------------------------===//

static Sample sampleOf(const ScaledMatrix &matrix, int64_t columns,
                       int64_t rows) {
  rows = rows > 0 ? std::min(rows, matrix.rows) : matrix.rows;
  Sample sample{{}, rows, matrix.scheme};
  for (int64_t i = 0; i < rows; ++i) {
    const float *row = matrix.w + i * matrix.rows / rows * columns;
    sample.w.insert(sample.w.end(), row, row + columns);
  }
  return sample;
}

/// Mean of |w| / (largest |w| of its group), of each column.
static std::vector<double> relativeMeans(const std::vector<Sample> &samples,
                                         int64_t columns) {
  std::vector<double> means(static_cast<size_t>(columns));
  double rows = 0;
  for (const Sample &sample : samples) {
    int64_t group = elementsOf(sample.scheme->innerGroup(), columns);
    rows += double(sample.rows);
    for (int64_t row = 0; row < sample.rows; ++row)
      for (int64_t first = 0; first < columns; first += group) {
        const float *values = &sample.w[size_t(row * columns + first)];
        int64_t count = std::min(group, columns - first);
        float largest = 0;
        for (int64_t i = 0; i < count; ++i)
          largest = std::max(largest, std::abs(values[i]));
        for (int64_t i = 0; i < count && largest > 0; ++i)
          means[size_t(first + i)] += std::abs(values[i]) / double(largest);
      }
  }
  for (double &mean : means)
    mean /= std::max(rows, 1.0);
  return means;
}

/// Empty where the exponents make no finite scales.
static std::vector<float> scalesFor(const std::vector<float> &meanAbs,
                                    const std::vector<double> *weightMeans,
                                    double alpha) {
  std::vector<double> raw;
  double least = std::numeric_limits<double>::infinity(), largest = 0;
  for (size_t k = 0; k < meanAbs.size(); ++k) {
    double scale = std::pow(std::max<double>(meanAbs[k], 0), alpha);
    if (weightMeans)
      scale /= std::pow((*weightMeans)[k], 1 - alpha) + 1e-4;
    scale = std::max(scale, 1e-4);
    raw.push_back(scale);
    least = std::min(least, scale);
    largest = std::max(largest, scale);
  }
  double middle = std::sqrt(least * largest);
  std::vector<float> scales;
  for (double scale : raw) {
    scales.push_back(float(scale / middle));
    if (!std::isfinite(scales.back()) || !(scales.back() > 0))
      return {};
  }
  return scales;
}

AwqResult awqScales(ThreadPool &pool, const std::vector<ScaledMatrix> &matrices,
                    const float *h, int64_t columns,
                    const std::vector<float> &meanAbs,
                    const AwqOptions &options) {
  std::vector<Sample> samples;
  for (const ScaledMatrix &matrix : matrices)
    samples.push_back(sampleOf(matrix, columns, options.sampleRows));
  std::vector<double> weightMeans = relativeMeans(samples, columns);
  auto errorOf = [&](const std::vector<float> &scales) {
    double sum = 0;
    for (const Sample &sample : samples)
      sum +=
          errorWithScales(pool, sample, h, columns, scales, options.rounding);
    return sum;
  };

  AwqResult result;
  result.scales.assign(size_t(columns), 1.0f);
  result.error = result.plainError = errorOf(result.scales);
  int steps = std::max(options.gridSteps, 1);
  for (int withWeights = 0; withWeights <= int(options.withWeights);
       ++withWeights)
    for (int i = withWeights ? 0 : 1; i <= steps; ++i) {
      double alpha = double(i) / steps;
      std::vector<float> scales =
          scalesFor(meanAbs, withWeights ? &weightMeans : nullptr, alpha);
      if (scales.size() != size_t(columns))
        continue;
      double error = errorOf(scales);
      if (error < result.error)
        result = {std::move(scales), alpha, error, result.plainError};
    }
  return result;
}

//===- AWQ's clip points --------------------------------------------------===//

/// errors[row * groups + g] = e H e^T over the columns of group g alone.
static void groupErrors(ThreadPool &pool, const std::vector<float> &e,
                        int64_t rows, const float *h, int64_t columns,
                        int64_t group, std::vector<double> &errors) {
  int64_t groups = (columns + group - 1) / group;
  std::vector<float> products(size_t(rows * group));
  for (int64_t g = 0; g < groups; ++g) {
    int64_t first = g * group, count = std::min(group, columns - first);
    std::fill(products.begin(), products.end(), 0.0f);
    addProduct(pool, 1,
               MatrixView(e.data(), rows, columns).part(0, first, rows, count),
               MatrixView(h, columns, columns).part(first, first, count, count),
               products.data(), group);
    for (int64_t row = 0; row < rows; ++row) {
      double sum = 0;
      for (int64_t i = 0; i < count; ++i)
        sum += double(e[size_t(row * columns + first + i)]) *
               products[size_t(row * group + i)];
      errors[size_t(row * groups + g)] = sum;
    }
  }
}

/// Limits the values of one group to a share of its range around 0.
static void clipGroup(const float *values, int64_t count, double share,
                      float *clipped) {
  float low = 0, high = 0;
  for (int64_t i = 0; i < count; ++i) {
    low = std::min(low, values[i]);
    high = std::max(high, values[i]);
  }
  low = float(low * share);
  high = float(high * share);
  for (int64_t i = 0; i < count; ++i)
    clipped[i] = std::clamp(values[i], low, high);
}

double awqClip(ThreadPool &pool, const ScaledMatrix &matrix, const float *h,
               int64_t columns, const AwqOptions &options, float *clipped) {
  const Scheme &scheme = *matrix.scheme;
  int64_t rows = matrix.rows, group = elementsOf(scheme.innerGroup(), columns),
          groups = (columns + group - 1) / group;
  size_t size = size_t(rows * columns), cells = size_t(rows * groups);
  std::vector<float> trial(size), e(size);
  std::vector<double> errors(cells), least(cells), shares(cells, 1.0);
  auto clipTo = [&](auto shareOf, float *to) {
    pool.forEach(rows, [&](int64_t row) {
      for (int64_t g = 0; g < groups; ++g) {
        int64_t at = row * columns + g * group;
        clipGroup(matrix.w + at, std::min(group, columns - g * group),
                  shareOf(size_t(row * groups + g)), to + at);
      }
    });
  };
  auto leave = [&](const float *from) {
    leaveErrors(pool, scheme, matrix.w, from, rows, columns, nullptr,
                options.rounding, e.data());
  };

  std::vector<double> whole(static_cast<size_t>(rows)), plain = whole;
  leave(matrix.w);
  quadraticErrors(pool, e.data(), rows, h, columns, plain.data());
  groupErrors(pool, e, rows, h, columns, group, least);
  int steps = std::max(options.clipSteps, 1);
  for (int i = 1; i <= steps; ++i) {
    double share = 1 - (1 - options.leastClip) * i / steps;
    clipTo([&](size_t) { return share; }, trial.data());
    leave(trial.data());
    groupErrors(pool, e, rows, h, columns, group, errors);
    for (size_t cell = 0; cell < cells; ++cell)
      if (errors[cell] < least[cell]) {
        least[cell] = errors[cell];
        shares[cell] = share;
      }
  }
  clipTo([&](size_t cell) { return shares[cell]; }, clipped);
  leave(clipped);
  quadraticErrors(pool, e.data(), rows, h, columns, whole.data());
  double sum = 0;
  for (int64_t row = 0; row < rows; ++row) {
    if (!(whole[size_t(row)] < plain[size_t(row)]))
      std::copy_n(matrix.w + row * columns, columns, clipped + row * columns);
    sum += std::min(whole[size_t(row)], plain[size_t(row)]);
  }
  return sum;
}

} // namespace lowbit
