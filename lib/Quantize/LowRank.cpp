//===- LowRank.cpp - What a few rows and columns can correct --------------===//

#include "lowbit/Quantize/LowRank.h"

#include "Products.h"
#include "lowbit/Quantize/Gptq.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace lowbit {

namespace {
/// The matrices of one call. A subspace is stored by its vectors:
/// [width][rows].
class Subspace {
public:
  Subspace(ThreadPool &pool, const float *e, int64_t rows, int64_t columns,
           const float *h)
      : pool(pool), e(e, rows, columns), h(h) {}

  /// Random signs: no vector is far from all of them.
  void start(int64_t count, uint64_t seed);
  /// vectors := vectors (E H E^T), orthonormal again.
  void turn();
  /// Turns the vectors into the Ritz vectors, the largest first.
  void rotateToRitz();
  /// The first `count` vectors times E: [count x columns].
  std::vector<float> timesError(int64_t count) const;
  const std::vector<float> &vectors() const { return q; }

private:
  std::vector<float> project() const; ///< Q E H E^T
  void orthonormalize();

  ThreadPool &pool;
  MatrixView e;
  const float *h;
  int64_t width = 0;
  std::vector<float> q;
};
} // namespace

void Subspace::start(int64_t count, uint64_t seed) {
  width = count;
  q.resize(size_t(width * e.rows));
  for (float &value : q) {
    seed = seed * 6364136223846793005 + 1442695040888963407; // Knuth's MMIX
    value = seed >> 63 ? 1.0f : -1.0f;
  }
  orthonormalize();
}

/// Gram and Schmidt, twice: the second pass removes what rounding left.
void Subspace::orthonormalize() {
  std::vector<std::vector<double>> basis;
  for (int64_t i = 0; i < width; ++i) {
    float *stored = &q[size_t(i * e.rows)];
    std::vector<double> vector(stored, stored + e.rows);
    for (int pass = 0; pass < 2; ++pass)
      for (const std::vector<double> &other : basis) {
        double dot = std::inner_product(vector.begin(), vector.end(),
                                        other.begin(), 0.0);
        for (size_t k = 0; k < vector.size(); ++k)
          vector[k] -= dot * other[k];
      }
    double norm = std::sqrt(
        std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0));
    // A direction that E does not have: what is left of it is rounding.
    double inverse = norm > 1e-30 ? 1 / norm : 0;
    for (double &value : vector)
      value *= inverse;
    std::copy(vector.begin(), vector.end(), stored);
    basis.push_back(std::move(vector));
  }
}

std::vector<float> Subspace::timesError(int64_t count) const {
  std::vector<float> product(size_t(count * e.columns));
  addProduct(pool, 1, {q.data(), count, e.rows}, e, product.data(), e.columns);
  return product;
}

std::vector<float> Subspace::project() const {
  std::vector<float> p = timesError(width);
  if (h) {
    std::vector<float> weighted(p.size());
    addProduct(pool, 1, {p.data(), width, e.columns}, {h, e.columns, e.columns},
               weighted.data(), e.columns);
    p = std::move(weighted);
  }
  std::vector<float> result(q.size());
  addProduct(pool, 1, {p.data(), width, e.columns}, e.transposed(),
             result.data(), e.rows);
  return result;
}

void Subspace::turn() {
  q = project();
  orthonormalize();
}

/// Eigenvectors of the symmetric a [n x n] by Jacobi's rotations, as rows; the
/// largest eigenvalue first.
static std::vector<double> eigenvectors(std::vector<double> a, size_t n) {
  std::vector<double> v(n * n);
  for (size_t i = 0; i < n; ++i)
    v[i * n + i] = 1;
  constexpr int kSweeps = 12; // convergence is quadratic
  for (int sweep = 0; sweep < kSweeps; ++sweep)
    for (size_t p = 0; p + 1 < n; ++p)
      for (size_t r = p + 1; r < n; ++r) {
        double off = a[p * n + r];
        if (off == 0)
          continue;
        double theta = (a[r * n + r] - a[p * n + p]) / (2 * off);
        double t = std::copysign(1 / (std::abs(theta) + std::hypot(theta, 1.0)),
                                 theta);
        double c = 1 / std::hypot(t, 1.0), s = t * c;
        for (size_t k = 0; k < n; ++k) {
          double x = a[k * n + p], y = a[k * n + r];
          a[k * n + p] = c * x - s * y;
          a[k * n + r] = s * x + c * y;
        }
        for (size_t k = 0; k < n; ++k) {
          double x = a[p * n + k], y = a[r * n + k];
          a[p * n + k] = c * x - s * y;
          a[r * n + k] = s * x + c * y;
          x = v[p * n + k], y = v[r * n + k];
          v[p * n + k] = c * x - s * y;
          v[r * n + k] = s * x + c * y;
        }
      }
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t(0));
  std::sort(order.begin(), order.end(), [&](size_t i, size_t j) {
    return a[i * n + i] != a[j * n + j] ? a[i * n + i] > a[j * n + j] : i < j;
  });
  std::vector<double> sorted;
  for (size_t i : order)
    sorted.insert(sorted.end(), &v[i * n], &v[i * n] + n);
  return sorted;
}

void Subspace::rotateToRitz() {
  std::vector<float> projected = project();
  auto n = size_t(width), length = size_t(e.rows);
  std::vector<double> small(n * n);
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < n; ++j) {
      double sum = 0;
      for (size_t k = 0; k < length; ++k)
        sum += double(q[i * length + k]) * projected[j * length + k];
      small[i * n + j] += sum / 2;
      small[j * n + i] += sum / 2;
    }
  std::vector<double> turnBy = eigenvectors(std::move(small), n);
  std::vector<float> rotated(q.size());
  for (size_t i = 0; i < n; ++i)
    for (size_t k = 0; k < length; ++k) {
      double sum = 0;
      for (size_t j = 0; j < n; ++j)
        sum += turnBy[i * n + j] * q[j * length + k];
      rotated[i * length + k] = float(sum);
    }
  q = std::move(rotated);
}

/// tr(E H E^T)
static double traceOf(ThreadPool &pool, const float *e, int64_t rows,
                      int64_t columns, const float *h) {
  std::vector<double> errors(static_cast<size_t>(rows));
  if (h)
    quadraticErrors(pool, e, rows, h, columns, errors.data());
  else
    for (int64_t i = 0; i < rows * columns; ++i)
      errors[size_t(i / columns)] += double(e[i]) * e[i];
  return std::accumulate(errors.begin(), errors.end(), 0.0);
}

LowRankFactors lowRankFactors(ThreadPool &pool, const float *e, int64_t rows,
                              int64_t columns, const float *h,
                              const LowRankOptions &options) {
  LowRankFactors factors;
  factors.plainError = factors.error = traceOf(pool, e, rows, columns, h);
  int64_t most = std::min(rows, columns);
  int64_t rank = std::clamp<int64_t>(options.rank, 0, most);
  factors.rank = rank;
  if (rank == 0)
    return factors;
  Subspace subspace(pool, e, rows, columns, h);
  subspace.start(
      std::min(rank + std::max<int64_t>(options.oversampling, 0), most),
      options.seed);
  for (int i = 0; i < std::max(options.turns, 1); ++i)
    subspace.turn();
  subspace.rotateToRitz();
  factors.left.resize(size_t(rows * rank));
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t i = 0; i < rank; ++i)
      factors.left[size_t(row * rank + i)] =
          subspace.vectors()[size_t(i * rows + row)];
  factors.right = subspace.timesError(rank);
  std::vector<float> left(e, e + rows * columns);
  addProduct(pool, -1, {factors.left.data(), rows, rank},
             {factors.right.data(), rank, columns}, left.data(), columns);
  factors.error = traceOf(pool, left.data(), rows, columns, h);
  return factors;
}

} // namespace lowbit
