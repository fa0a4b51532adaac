//===- CodeSweeps.cpp - Codes, one after another, to the best -------------===//

#include "CodeSweeps.h"

#include "Dispatch.h"
#include "ElementRounder.h"
#include "FieldChain.h"
#include "Products.h"

#include <algorithm>

namespace lowbit {

/// g -= change * row
LOWBIT_CLONES static void subtractRow(float *g, const float *row, float change,
                                      int64_t columns) {
  for (int64_t i = 0; i < columns; ++i)
    g[i] -= change * row[i];
}

namespace {
/// One row at work. `g` is e H, without lambda.
struct SweptRow {
  const float *w, *h, *diagonal;
  int64_t columns;
  float *values, *g;
  RowFields &fields;
};
} // namespace

/// Returns whether the code of column k has moved.
static bool moveCode(const SweptRow &row, int64_t k, const GroupTerms &terms,
                     ElementRounder &rounder) {
  double curvature = row.diagonal[k];
  double lambda = curvature - row.h[k * row.columns + k];
  double slope = row.g[k] + lambda * (double(row.w[k]) - double(row.values[k]));
  if (!(curvature > 0))
    return false;
  uint8_t oldCode = row.fields.codes[size_t(k)];
  uint8_t oldSign = row.fields.signs.empty() ? 0 : row.fields.signs[size_t(k)];
  auto target = float(row.values[k] + slope / curvature);
  float value;
  rounder.round(terms, &target, nullptr, k, 1, row.fields, &value);
  double change = double(value) - row.values[k];
  // What the error becomes; ties and rounding must not go in circles.
  if (change != 0 && change * (change * curvature - 2 * slope) <
                         -1e-6 * slope * slope / curvature) {
    row.values[k] = value;
    subtractRow(row.g, row.h + k * row.columns, float(change), row.columns);
    return true;
  }
  row.fields.codes[size_t(k)] = oldCode;
  if (!row.fields.signs.empty())
    row.fields.signs[size_t(k)] = oldSign;
  return false;
}

static void sweepRow(const Scheme &scheme, const SweptRow &row, int sweeps,
                     ElementRounder &rounder) {
  int64_t group = elementsOf(scheme.innerGroup(), row.columns);
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    bool hasMoved = false;
    for (int64_t first = 0; first < row.columns; first += group) {
      GroupTerms terms = groupTerms(scheme, row.fields, first);
      for (int64_t k = first; k < std::min(first + group, row.columns); ++k)
        hasMoved |= moveCode(row, k, terms, rounder);
    }
    if (!hasMoved)
      return;
  }
}

void sweepCodes(ThreadPool &pool, const Scheme &scheme, const float *w,
                int64_t columns, const float *h,
                const std::vector<float> &diagonal, int sweeps,
                std::vector<RowFields> &fields) {
  if (scheme.isFloat() || scheme.isVector() || sweeps <= 0)
    return;
  auto rows = int64_t(fields.size());
  std::vector<float> values(size_t(rows * columns)), e = values, g = values;
  pool.forEach(rows, [&](int64_t row) {
    float *at = values.data() + row * columns;
    dequantizeRow(scheme, fields[size_t(row)], columns, at);
    for (int64_t k = 0; k < columns; ++k)
      e[size_t(row * columns + k)] = w[row * columns + k] - at[k];
  });
  addProduct(pool, 1, {e.data(), rows, columns}, {h, columns, columns},
             g.data(), columns);
  constexpr int64_t kRowsOfTask = 8;
  pool.forEach((rows + kRowsOfTask - 1) / kRowsOfTask, [&](int64_t task) {
    ElementRounder rounder(scheme);
    int64_t last = std::min((task + 1) * kRowsOfTask, rows);
    for (int64_t row = task * kRowsOfTask; row < last; ++row)
      sweepRow(scheme,
               {w + row * columns, h, diagonal.data(), columns,
                values.data() + row * columns, g.data() + row * columns,
                fields[size_t(row)]},
               sweeps, rounder);
  });
}

} // namespace lowbit
