//===- Attention.cpp - Attention and the key/value store, in f64 ----------===//

#include "lowbit/Reference/LM.h"
#include "lowbit/Reference/LowBit.h"
#include "lowbit/Support/Float.h"

#include <algorithm>
#include <cmath>

namespace lowbit::reference {

namespace {
/// Keys and values of `heads` heads, [position][heads * dim].
struct Positions {
  const double *keys, *values;
  int64_t heads, dim;

  const double *key(int64_t position, int64_t head) const {
    return keys + (position * heads + head) * dim;
  }
  const double *value(int64_t position, int64_t head) const {
    return values + (position * heads + head) * dim;
  }
};
} // namespace

/// One query head over the positions [begin, end).
static void attendHead(const double *q, const Positions &positions,
                       int64_t head, int64_t begin, int64_t end, double scale,
                       double *result) {
  std::vector<double> weights;
  for (int64_t p = begin; p < end; ++p) {
    double score = 0;
    for (int64_t d = 0; d < positions.dim; ++d)
      score += q[d] * positions.key(p, head)[d];
    weights.push_back(scale * score);
  }
  double largest = *std::max_element(weights.begin(), weights.end());
  double sum = 0;
  for (double &weight : weights)
    sum += weight = std::exp(weight - largest);
  std::fill_n(result, positions.dim, 0.0);
  for (int64_t p = begin; p < end; ++p)
    for (int64_t d = 0; d < positions.dim; ++d)
      result[d] += weights[static_cast<size_t>(p - begin)] / sum *
                   positions.value(p, head)[d];
}

/// Every head of a row of queries.
static void attendRow(const double *q, int64_t queryHeads,
                      const Positions &positions, int64_t begin, int64_t end,
                      double scale, double *result) {
  for (int64_t h = 0; h < queryHeads; ++h)
    attendHead(q + h * positions.dim, positions,
               h * positions.heads / queryHeads, begin, end, scale,
               result + h * positions.dim);
}

Reals attention(const Reals &q, const Reals &k, const Reals &v, int64_t headDim,
                double scale, bool masked, std::optional<int64_t> window) {
  Reals result({q.rows(), q.columns()});
  Positions positions{k.row(0), v.row(0), k.columns() / headDim, headDim};
  for (int64_t t = 0; t < q.rows(); ++t) {
    int64_t end = masked ? t + 1 : k.rows();
    int64_t begin = window ? std::max<int64_t>(0, end - *window) : 0;
    attendRow(q.row(t), q.columns() / headDim, positions, begin, end, scale,
              result.row(t));
  }
  return result;
}

//===- What the store keeps -----------------------------------------------===//

/// The codes of a head times their scales: the quantizing of N2 or N9, and a
/// product that is not rounded.
static std::vector<double> quantizedHead(const double *x, int64_t dim,
                                         const KVCodes &as) {
  Reals head({1, dim});
  std::copy_n(x, dim, head.data.begin());
  LowBits low = quantize(head, as.scheme, nullptr,
                         as.quantizer ? &*as.quantizer : nullptr);
  const Level &level = as.scheme.levels[0];
  int64_t group = level.group > 0 ? level.group : dim;
  std::vector<double> kept;
  for (int64_t d = 0; d < dim; ++d) {
    double scale = fieldValue(level.components[0].type,
                              low.rows[0].fields[0][0][size_t(d / group)]);
    kept.push_back(scale * as.scheme.codeValue(low.rows[0].codes[size_t(d)]));
  }
  return kept;
}

static double rounded(KVElement element, double x) {
  auto narrow = static_cast<float>(x);
  switch (element) {
  case KVElement::F16:
    return fromF16(toF16(narrow));
  case KVElement::BF16:
    return fromBF16(toBF16(narrow));
  default:
    return narrow;
  }
}

/// All heads of a position.
static void appendRow(const KVStore &store, const double *x,
                      std::vector<double> &kept) {
  std::optional<KVCodes> codes = kvCodes(store.element);
  for (int64_t first = 0; first < store.width(); first += store.dim)
    if (codes)
      for (double value : quantizedHead(x + first, store.dim, *codes))
        kept.push_back(value);
    else
      for (int64_t d = first; d < first + store.dim; ++d)
        kept.push_back(rounded(store.element, x[d]));
}

KVStore kvAppend(KVStore store, const Reals &keys, const Reals &values,
                 int64_t layer) {
  for (size_t i = 0; i < store.batch.runs.size(); ++i) {
    const Run &run = store.batch.runs[i];
    KVStore::Sequence &sequence =
        store.sequences[static_cast<size_t>(layer)][i];
    for (int64_t t = run.firstRow; t < run.firstRow + run.count; ++t) {
      appendRow(store, keys.row(t), sequence.keys);
      appendRow(store, values.row(t), sequence.values);
    }
  }
  return store;
}

bool attentionIsDefined(const KVStore &store, int64_t layer) {
  for (size_t i = 0; i < store.batch.runs.size(); ++i) {
    const Run &run = store.batch.runs[i];
    auto positions = static_cast<int64_t>(
        store.sequences[static_cast<size_t>(layer)][i].keys.size());
    for (int64_t t = run.firstRow; t < run.firstRow + run.count; ++t) {
      int64_t end = store.batch.visibleEnd[static_cast<size_t>(t)];
      if (end < 1 || end * store.width() > positions)
        return false;
    }
  }
  return true;
}

Reals cachedAttention(const Reals &q, const KVStore &store, int64_t layer,
                      double scale, std::optional<int64_t> window) {
  Reals result({q.rows(), q.columns()});
  for (size_t i = 0; i < store.batch.runs.size(); ++i) {
    const Run &run = store.batch.runs[i];
    const KVStore::Sequence &sequence =
        store.sequences[static_cast<size_t>(layer)][i];
    Positions positions{sequence.keys.data(), sequence.values.data(),
                        store.heads, store.dim};
    for (int64_t t = run.firstRow; t < run.firstRow + run.count; ++t) {
      int64_t end = store.batch.visibleEnd[static_cast<size_t>(t)];
      int64_t begin = window ? std::max<int64_t>(0, end - *window) : 0;
      attendRow(q.row(t), q.columns() / store.dim, positions, begin, end, scale,
                result.row(t));
    }
  }
  return result;
}

} // namespace lowbit::reference
