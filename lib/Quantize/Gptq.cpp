//===- Gptq.cpp - Rounding that corrects itself ---------------------------===//

#include "lowbit/Quantize/Gptq.h"

#include "CodeSweeps.h"
#include "Factor.h"
#include "Products.h"
#include "RowSearch.h"
#include "lowbit/Quantize/RoundToNearest.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace lowbit {

//===- Preparation --------------------------------------------------------===//

std::vector<int64_t> activationOrder(const float *h, int64_t columns,
                                     int64_t unit) {
  unit = std::max<int64_t>(unit, 1);
  int64_t whole = columns / unit;
  std::vector<double> power(size_t(whole), 0.0);
  for (int64_t k = 0; k < whole * unit; ++k)
    power[size_t(k / unit)] += h[k * columns + k];
  std::vector<int64_t> units(static_cast<size_t>(whole));
  std::iota(units.begin(), units.end(), int64_t(0));
  std::sort(units.begin(), units.end(), [&](int64_t a, int64_t b) {
    double left = power[size_t(a)], right = power[size_t(b)];
    return left != right ? left > right : a < b;
  });
  std::vector<int64_t> order;
  for (int64_t first : units)
    for (int64_t i = 0; i < unit; ++i)
      order.push_back(first * unit + i);
  for (int64_t k = whole * unit; k < columns; ++k)
    order.push_back(k); // a last vector that is shorter
  return order;
}

static bool checkMoments(const float *h, int64_t columns, std::string &error) {
  for (int64_t i = 0; i < columns; ++i) {
    int64_t bad = firstNonFinite(h + i * columns, columns);
    if (bad >= 0) {
      error = "the second moments of columns " + std::to_string(i) + " and " +
              std::to_string(bad) +
              " are not finite: the activations have a NaN or an infinity";
      return false;
    }
    if (h[i * columns + i] < 0) {
      error = "the second moment of column " + std::to_string(i) +
              " is negative, expected a sum of squares";
      return false;
    }
  }
  return true;
}

bool Gptq::prepare(ThreadPool &pool, const float *moments, int64_t columnCount,
                   int64_t unit, std::string &error) {
  if (!checkMoments(moments, columnCount, error))
    return false;
  h = moments;
  columns = columnCount;
  order.clear();
  if (options.activationOrder)
    order = activationOrder(h, columns, unit);
  double mean = 0;
  for (int64_t k = 0; k < columns; ++k)
    mean += double(h[k * columns + k]) / double(columns);
  if (!(mean > 0))
    mean = 1; // no activations at all: rounding to nearest
  usedDamping = std::max(options.damping, 0.0);
  auto at = [&](int64_t k) { return order.empty() ? k : order[size_t(k)]; };
  for (bool done = false; !done;) {
    double lambda = usedDamping * mean;
    factor.resize(size_t(columns) * size_t(columns));
    diagonal.resize(size_t(columns));
    pool.forEach(columns, [&](int64_t i) {
      const float *from = h + at(i) * columns;
      float *to = factor.data() + i * columns;
      for (int64_t j = 0; j <= i; ++j)
        to[j] = from[at(j)];
      // A column that nothing reached is far from the others: its error moves
      // none of them.
      double own = double(to[i]) + lambda;
      to[i] = float(own > 0 ? own : mean);
      diagonal[size_t(at(i))] = to[i];
    });
    done = factorFromLast(pool, factor.data(), columns,
                          std::max(0.01 * lambda, 1e-12 * mean));
    if (!done && usedDamping >= 1) {
      // Not a sum of x x^T at all.
      error = "the second moments are not positive semidefinite";
      return false;
    }
    if (!done)
      usedDamping = std::min(1.0, std::max(10 * usedDamping, 1e-4));
  }
  return true;
}

//===- Blocks of columns --------------------------------------------------===//

namespace {
/// Columns [begin, end) in the order of work: whole groups, or a part of one.
struct Block {
  int64_t begin, end;
  bool isWhole;
  int64_t groupEnd; ///< of a group that begins here and has several blocks
};
} // namespace

static std::vector<Block> blocksOf(int64_t columns, int64_t group,
                                   int64_t blockColumns) {
  constexpr int64_t kLongestEntry = 8;
  blockColumns =
      std::max(blockColumns / kLongestEntry * kLongestEntry, kLongestEntry);
  std::vector<Block> blocks;
  if (group <= blockColumns) {
    int64_t size = blockColumns / group * group;
    for (int64_t k = 0; k < columns; k += size)
      blocks.push_back({k, std::min(k + size, columns), true, 0});
    return blocks;
  }
  for (int64_t start = 0; start < columns; start += group) {
    int64_t groupEnd = std::min(start + group, columns);
    for (int64_t k = start; k < groupEnd; k += blockColumns)
      blocks.push_back({k, std::min(k + blockColumns, groupEnd), false,
                        k == start ? groupEnd : 0});
  }
  return blocks;
}

/// R of columns [begin, end), contiguous: r[j][k] at [j * size + k].
static std::vector<float> diagonalBlock(const std::vector<float> &factor,
                                        int64_t columns, int64_t begin,
                                        int64_t end) {
  int64_t size = end - begin;
  std::vector<float> r(size_t(size * size));
  for (int64_t k = 0; k < size; ++k)
    for (int64_t j = 0; j <= k; ++j)
      r[size_t(j * size + k)] =
          factor[size_t((begin + k) * columns + begin + j)];
  return r;
}

/// v := u with u R = v, over `count` columns from `first` of the triangle: by
/// how much columns that are still free correct the errors behind v.
static void solveCorrections(const float *r, int64_t size, int64_t first,
                             int64_t count, float *v) {
  for (int64_t j = 0; j < count; ++j) {
    const float *row = r + (first + j) * size + first;
    v[j] /= row[j];
    for (int64_t k = j + 1; k < count; ++k)
      v[k] -= v[j] * row[k];
  }
}

//===- A chunk of rows ----------------------------------------------------===//

/// Rows that go through the columns together.
class GptqChunk {
public:
  GptqChunk(const Gptq &gptq, ThreadPool &pool, const Scheme &scheme,
            const float *w, int64_t rows)
      : gptq(gptq), pool(pool), scheme(scheme), w(w), rows(rows),
        columns(gptq.columns), isOrdered(!gptq.order.empty()),
        group(elementsOf(scheme.innerGroup(), columns)),
        errors(size_t(rows * columns)) {}

  /// Corrects `fields`, which hold the rows as rounded with search.
  void run(std::vector<RowFields> &fields);

private:
  int64_t columnAt(int64_t k) const {
    return isOrdered ? gptq.order[size_t(k)] : k;
  }
  std::vector<float> correctionsFor(int64_t begin, int64_t end);
  void runRow(int64_t row, const Block &block, const std::vector<float> &r,
              float *v, RowSearch &search, ElementRounder &rounder,
              RowFields &fields);
  void chooseFields(int64_t row, int64_t column, int64_t count,
                    const float *corrections, RowSearch &search,
                    RowFields &fields);

  const Gptq &gptq;
  ThreadPool &pool;
  const Scheme &scheme;
  const float *w;
  int64_t rows, columns;
  bool isOrdered;
  int64_t group;
  std::vector<float> errors; ///< [rows x columns], in the order of work
};

/// E[:, :begin] R[:begin, begin:end], [rows x (end - begin)].
std::vector<float> GptqChunk::correctionsFor(int64_t begin, int64_t end) {
  std::vector<float> v(size_t(rows * (end - begin)));
  MatrixView e(errors.data(), rows, begin, columns);
  MatrixView r(gptq.factor.data() + begin * columns, end - begin, begin,
               columns);
  if (begin > 0)
    addProduct(pool, 1, e, r.transposed(), v.data(), end - begin);
  return v;
}

/// Fields of the group at `column` from its weights with corrections u.
void GptqChunk::chooseFields(int64_t row, int64_t column, int64_t count,
                             const float *corrections, RowSearch &search,
                             RowFields &fields) {
  std::vector<float> corrected(w + row * columns + column,
                               w + row * columns + column + count);
  for (int64_t i = 0; i < count; ++i)
    corrected[size_t(i)] += corrections[i];
  search.chooseInner(corrected.data(), gptq.diagonal.data() + column, column,
                     count, fields);
}

/// The columns of a block of one row; v [size] are what errors before the block
/// ask of them.
void GptqChunk::runRow(int64_t row, const Block &block,
                       const std::vector<float> &r, float *v, RowSearch &search,
                       ElementRounder &rounder, RowFields &fields) {
  int64_t size = block.end - block.begin, unit = scheme.entryLength;
  float u[8], rounded[8];
  std::vector<float> corrections;
  for (int64_t k = 0; k < size;) {
    int64_t column = columnAt(block.begin + k);
    if (!isOrdered && block.isWhole && column % group == 0) {
      corrections.assign(v + k, v + std::min(k + group, size));
      solveCorrections(r.data(), size, k, int64_t(corrections.size()),
                       corrections.data());
      chooseFields(row, column, int64_t(corrections.size()), corrections.data(),
                   search, fields);
    }
    int64_t count = std::min(unit, std::min(columns - column, size - k));
    std::copy_n(v + k, count, u);
    solveCorrections(r.data(), size, k, count, u);
    const float *weight = w + row * columns + column;
    for (int64_t i = 0; i < count; ++i)
      u[i] += weight[i];
    rounder.round(groupTerms(scheme, fields, column), u,
                  gptq.diagonal.data() + column, column, count, fields,
                  rounded);
    for (int64_t i = 0; i < count; ++i) {
      float error = weight[i] - rounded[i];
      errors[size_t(row * columns + block.begin + k + i)] = error;
      const float *factors = r.data() + (k + i) * size;
      for (int64_t j = k + count; j < size; ++j)
        v[j] += error * factors[j];
    }
    k += count;
  }
}

void GptqChunk::run(std::vector<RowFields> &fields) {
  constexpr int64_t kRowsOfTask = 8;
  int64_t tasks = (rows + kRowsOfTask - 1) / kRowsOfTask;
  for (const Block &block :
       blocksOf(columns, group, gptq.options.blockColumns)) {
    int64_t size = block.end - block.begin;
    std::vector<float> r =
        diagonalBlock(gptq.factor, columns, block.begin, block.end);
    bool isLong = block.groupEnd && !isOrdered;
    std::vector<float> groupR, groupV;
    if (isLong) {
      if (block.begin > 0) // else nothing is to be corrected yet
        groupR =
            diagonalBlock(gptq.factor, columns, block.begin, block.groupEnd);
      groupV = correctionsFor(block.begin, block.groupEnd);
    }
    std::vector<float> v = correctionsFor(block.begin, block.end);
    pool.forEach(tasks, [&](int64_t task) {
      RowSearch search(scheme);
      ElementRounder rounder(scheme);
      int64_t last = std::min((task + 1) * kRowsOfTask, rows);
      for (int64_t row = task * kRowsOfTask; row < last; ++row) {
        int64_t length = block.groupEnd - block.begin;
        if (isLong) {
          float *u = groupV.data() + row * length;
          if (block.begin > 0)
            solveCorrections(groupR.data(), length, 0, length, u);
          chooseFields(row, block.begin, length, u, search,
                       fields[size_t(row)]);
        }
        runRow(row, block, r, v.data() + row * size, search, rounder,
               fields[size_t(row)]);
      }
    });
  }
}

//===- Errors -------------------------------------------------------------===//

void quadraticErrors(ThreadPool &pool, const float *e, int64_t rows,
                     const float *h, int64_t columns, double *errors) {
  std::vector<float> products(size_t(rows * columns));
  addProduct(pool, 1, {e, rows, columns}, {h, columns, columns},
             products.data(), columns);
  pool.forEach(rows, [&](int64_t row) {
    const float *left = e + row * columns,
                *right = products.data() + row * columns;
    double sum = 0;
    for (int64_t k = 0; k < columns; ++k)
      sum += double(left[k]) * right[k];
    errors[row] = sum;
  });
}

/// e H e^T of rows as they are stored.
static std::vector<double> errorsOf(ThreadPool &pool, const Scheme &scheme,
                                    const float *w, int64_t columns,
                                    const float *h,
                                    const std::vector<RowFields> &fields) {
  int64_t rows = int64_t(fields.size());
  std::vector<float> e(size_t(rows * columns));
  pool.forEach(rows, [&](int64_t row) {
    float *left = e.data() + row * columns;
    dequantizeRow(scheme, fields[size_t(row)], columns, left);
    for (int64_t k = 0; k < columns; ++k)
      left[k] = w[row * columns + k] - left[k];
  });
  std::vector<double> errors(static_cast<size_t>(rows));
  quadraticErrors(pool, e.data(), rows, h, columns, errors.data());
  return errors;
}

//===- Matrices -----------------------------------------------------------===//

static std::vector<RowFields> roundRows(ThreadPool &pool, const Scheme &scheme,
                                        const float *w, int64_t rows,
                                        int64_t columns,
                                        const RowFields &tensorFields,
                                        const RoundOptions &options) {
  std::vector<RowFields> fields(size_t(rows), tensorFields);
  pool.forEach(rows, [&](int64_t row) {
    roundToNearest(scheme, w + row * columns, columns, fields[size_t(row)],
                   options);
  });
  return fields;
}

bool Gptq::quantize(ThreadPool &pool, const Scheme &scheme, const float *w,
                    int64_t rows, GptqResult &result,
                    std::string &error) const {
  int64_t bad = firstNonFinite(w, rows * columns);
  if (bad >= 0) {
    error = "the weight at row " + std::to_string(bad / columns) + ", column " +
            std::to_string(bad % columns) + " is not finite";
    return false;
  }
  TensorRange range;
  range.add(w, rows * columns);
  RowFields tensorFields;
  tensorFields.resize(scheme, columns);
  chooseTensorFields(scheme, range, tensorFields);

  RoundOptions search;
  search.search = true;
  search.weights = diagonal.data();
  result = {};
  // Enough rows for products to be efficient on all threads, few enough that
  // their errors stay in a few megabytes.
  int64_t chunkRows = std::max<int64_t>(256, 128 * pool.size());
  for (int64_t first = 0; first < rows; first += chunkRows) {
    int64_t count = std::min(chunkRows, rows - first);
    const float *part = w + first * columns;
    std::vector<RowFields> tried[3];
    std::vector<double> errors[3];
    tried[0] = roundRows(pool, scheme, part, count, columns, tensorFields, {});
    tried[1] =
        roundRows(pool, scheme, part, count, columns, tensorFields, search);
    tried[2] = tried[1];
    if (!scheme.isFloat()) {
      GptqChunk(*this, pool, scheme, part, count).run(tried[2]);
      sweepCodes(pool, scheme, part, columns, h, diagonal, options.sweeps,
                 tried[2]);
    }
    for (int i = 0; i < 3; ++i)
      errors[i] = errorsOf(pool, scheme, part, columns, h, tried[i]);
    for (size_t row = 0; row < size_t(count); ++row) {
      int best = 2;
      for (int i : {1, 0}) // NaN never wins
        if (errors[i][row] < errors[best][row])
          best = i;
      result.rows.push_back(std::move(tried[best][row]));
      result.errors.push_back(errors[best][row]);
      result.roundingErrors.push_back(errors[0][row]);
      result.roundedRows += best != 2;
    }
  }
  return true;
}

} // namespace lowbit
