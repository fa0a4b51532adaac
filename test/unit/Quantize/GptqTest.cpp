//===- GptqTest.cpp - Rounding that corrects itself -----------------------===//

#include "lowbit/Quantize/Gptq.h"

#include "RowSearch.h"
#include "Samples.h"
#include "lowbit/Quantize/RoundToNearest.h"

#include <algorithm>

using namespace lowbit;
using namespace lowbit::test;

using Matrix = std::vector<double>;

//===- The textbook -------------------------------------------------------===//

/// By Gauss and Jordan, of a positive definite matrix.
static Matrix inverse(Matrix a, size_t n) {
  Matrix b(n * n);
  for (size_t i = 0; i < n; ++i)
    b[i * n + i] = 1;
  for (size_t k = 0; k < n; ++k) {
    double pivot = a[k * n + k];
    for (size_t j = 0; j < n; ++j)
      a[k * n + j] /= pivot, b[k * n + j] /= pivot;
    for (size_t i = 0; i < n; ++i)
      if (double factor = a[i * n + k]; i != k && factor != 0)
        for (size_t j = 0; j < n; ++j) {
          a[i * n + j] -= factor * a[k * n + j];
          b[i * n + j] -= factor * b[k * n + j];
        }
  }
  return b;
}

/// Upper U with a = U^T U.
static Matrix upperCholesky(const Matrix &a, size_t n) {
  Matrix u(n * n);
  for (size_t i = 0; i < n; ++i)
    for (size_t j = i; j < n; ++j) {
      double sum = a[i * n + j];
      for (size_t k = 0; k < i; ++k)
        sum -= u[k * n + i] * u[k * n + j];
      u[i * n + j] = j == i ? std::sqrt(sum) : sum / u[i * n + i];
    }
  return u;
}

/// Algorithm 1 of the paper for one row, one column at a time: what is left of
/// each is taken out of all that follow, by the Cholesky factor of H^-1. Fields
/// are chosen when their group is reached.
static void textbook(const Scheme &scheme, const Matrix &u,
                     const std::vector<float> &diagonal, std::vector<double> w,
                     RowFields &row) {
  size_t n = w.size();
  int64_t group = elementsOf(scheme.innerGroup(), int64_t(n));
  RowSearch search(scheme);
  ElementRounder rounder(scheme);
  for (int64_t k = 0; k < int64_t(n); ++k) {
    if (k % group == 0) {
      int64_t count = std::min(group, int64_t(n) - k);
      std::vector<float> now(w.begin() + k, w.begin() + k + count);
      search.chooseInner(now.data(), diagonal.data() + k, k, count, row);
    }
    auto value = float(w[size_t(k)]);
    float rounded;
    rounder.round(groupTerms(scheme, row, k), &value, nullptr, k, 1, row,
                  &rounded);
    double error = (w[size_t(k)] - rounded) / u[size_t(k) * n + size_t(k)];
    for (size_t j = size_t(k); j < n; ++j)
      w[j] -= error * u[size_t(k) * n + j];
  }
}

//===- Runs ---------------------------------------------------------------===//

namespace {
struct Problem {
  int64_t rows, columns;
  std::vector<float> w, h;
  Matrix exact; ///< H in double

  Problem(int64_t rows, int64_t columns, unsigned stream, int64_t samples = 800)
      : rows(rows), columns(columns),
        w(heavyTailed(rows * columns, stream, 0.02f)) {
    setMoments(gram(activations(samples, columns, stream + 100), columns));
  }
  void setMoments(Matrix moments) {
    exact = std::move(moments);
    h = toFloat(exact);
  }
  std::vector<float> row(int64_t i) const {
    return {w.begin() + i * columns, w.begin() + (i + 1) * columns};
  }
};
} // namespace

static GptqResult run(const Problem &problem, const Scheme &scheme,
                      GptqOptions options = {}, int threads = 2) {
  ThreadPool pool(threads);
  Gptq gptq(options);
  std::string error;
  GptqResult result;
  EXPECT_TRUE(gptq.prepare(pool, problem.h.data(), problem.columns,
                           scheme.entryLength, error))
      << error;
  EXPECT_TRUE(gptq.quantize(pool, scheme, problem.w.data(), problem.rows,
                            result, error))
      << error;
  return result;
}

/// e H e^T in double.
static double exactError(const Problem &problem, const Scheme &scheme,
                         int64_t i, const RowFields &fields) {
  std::vector<float> values(static_cast<size_t>(problem.columns));
  dequantizeRow(scheme, fields, problem.columns, values.data());
  std::vector<double> e(values.size());
  for (size_t k = 0; k < e.size(); ++k)
    e[k] = double(problem.w[size_t(i * problem.columns) + k]) - values[k];
  return quadratic(problem.exact, e);
}

static RowFields roundedRow(const Problem &problem, const Scheme &scheme,
                            int64_t i, const RoundOptions &options = {}) {
  RowFields fields;
  fields.resize(scheme, problem.columns);
  TensorRange range;
  range.add(problem.w.data(), int64_t(problem.w.size()));
  chooseTensorFields(scheme, range, fields);
  roundToNearest(scheme, problem.row(i).data(), problem.columns, fields,
                 options);
  return fields;
}

static double sum(const std::vector<double> &values) {
  double total = 0;
  for (double value : values)
    total += value;
  return total;
}

//===- Tests --------------------------------------------------------------===//

static const char *const kSchemes[] = {
    "u4 offset 8, group 32 scale f16",
    "s4, row scale f16",
    "u3, group 48 scale f16 min f16",
    "u4, group 200 scale f16 zero u4",
    "u2, group 64 scale f16 neg_min f16, group 16 scale u4 neg_min u4",
    "u3 offset 4, group 64 scale f16, group 16 scale u6 offset 32",
    "ternary, tensor scale f32",
    ("u4 codebook [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 0.0, -0.5, -1.0, "
     "-1.5, -2.0, -3.0, -4.0, -6.0], group 32 scale e8m0"),
    "u3 codebook 4 x1234e7a10110f00e43d2119b0101ff78, group 32 scale f16",
    "u2 codebook 4 xf0f1010f11f0ff11, group 16 scale f16, group 8 delta 0.125",
    "sign, group 64 scale f16 min f16"};

// Codes and fields are those of the paper's algorithm, but where f32 and double
// fall on different sides of a tie, after which a row goes its own way.
TEST(GptqTest, equals_the_textbook) {
  for (const char *text :
       {"u4 offset 8, group 32 scale f16", "s4, row scale f16",
        "u3, group 48 scale f16 min f16", "u4, group 160 scale f16 zero u4",
        "u4, group 64 scale f16 neg_min f16, group 16 scale u6 neg_min u6"}) {
    Scheme scheme = test::scheme(text);
    Problem problem(24, 333, 1);
    GptqOptions options;
    options.blockColumns = 64;
    options.sweeps = 0;
    GptqResult result = run(problem, scheme, options);
    size_t n = size_t(problem.columns);
    double mean = 0;
    for (size_t k = 0; k < n; ++k)
      mean += problem.exact[k * n + k] / double(n);
    Matrix damped = problem.exact;
    std::vector<float> diagonal(n);
    for (size_t k = 0; k < n; ++k)
      diagonal[k] = float(damped[k * n + k] += options.damping * mean);
    Matrix u = upperCholesky(inverse(damped, n), n);
    RoundOptions search;
    search.search = true;
    search.weights = diagonal.data();
    int64_t equal = 0;
    double foundSum = 0, expectedSum = 0;
    for (int64_t i = 0; i < problem.rows; ++i) {
      RowFields expected = roundedRow(problem, scheme, i, search);
      std::vector<float> w = problem.row(i);
      textbook(scheme, u, diagonal, {w.begin(), w.end()}, expected);
      const RowFields &found = result.rows[size_t(i)];
      equal += found.codes == expected.codes && found.fields == expected.fields;
      foundSum += exactError(problem, scheme, i, found);
      expectedSum += exactError(problem, scheme, i, expected);
    }
    EXPECT_NEAR(foundSum, expectedSum, 0.05 * expectedSum) << text;
    EXPECT_GE(equal, problem.rows * 3 / 4) << text;
    EXPECT_EQ(result.roundedRows, 0) << text;
  }
}

// Nothing corrects anything: the same bits as the search with equal weights.
// Nested fields are chosen once more under their outer ones, for the better.
TEST(GptqTest, identity_gives_rounding) {
  for (const char *text : kSchemes) {
    Scheme scheme = test::scheme(text);
    constexpr int64_t kColumns = 137;
    Problem problem(5, kColumns, 2);
    Matrix identity(size_t(kColumns * kColumns));
    for (size_t k = 0; k < kColumns; ++k)
      identity[k * (kColumns + 1)] = 1;
    problem.setMoments(identity);
    GptqResult result = run(problem, scheme);
    std::vector<float> damped(kColumns, float(1 + 0.01));
    RoundOptions search;
    search.search = true;
    search.weights = damped.data();
    bool isNested = scheme.levels.size() > 1;
    for (int64_t i = 0; i < problem.rows; ++i) {
      RowFields expected = roundedRow(problem, scheme, i, search);
      const RowFields &found = result.rows[size_t(i)];
      EXPECT_LE(exactError(problem, scheme, i, found),
                exactError(problem, scheme, i, expected) * (1 + 1e-5))
          << text;
      if (isNested)
        continue;
      EXPECT_EQ(found.codes, expected.codes) << text;
      EXPECT_EQ(found.indices, expected.indices) << text;
      EXPECT_EQ(found.fields, expected.fields) << text;
    }
  }
}

TEST(GptqTest, never_worse_than_rounding_and_as_reported) {
  for (const char *text : kSchemes)
    for (bool ordered : {false, true})
      for (int64_t columns : {1, 7, 131, 300}) {
        Scheme scheme = test::scheme(text);
        Problem problem(9, columns, 3);
        GptqOptions options;
        options.activationOrder = ordered;
        GptqResult result = run(problem, scheme, options);
        ASSERT_EQ(result.rows.size(), 9u);
        for (int64_t i = 0; i < problem.rows; ++i) {
          double found = exactError(problem, scheme, i, result.rows[size_t(i)]);
          double rounded =
              exactError(problem, scheme, i, roundedRow(problem, scheme, i));
          EXPECT_LE(found, rounded * (1 + 0x1p-18) + 1e-12)
              << text << ", " << columns << " columns, row " << i;
          EXPECT_NEAR(result.errors[size_t(i)], found, 1e-4 * rounded + 1e-9);
          EXPECT_NEAR(result.roundingErrors[size_t(i)], rounded,
                      1e-4 * rounded + 1e-9);
        }
      }
}

TEST(GptqTest, far_better_on_correlated_activations) {
  for (const char *text :
       {"u4 offset 8, group 32 scale f16", "s4, row scale f16",
        "u3, group 48 scale f16 min f16",
        "u3 offset 4, group 64 scale f16, group 16 scale u6 offset 32",
        "u3 codebook 4 x1234e7a10110f00e43d2119b0101ff78, group 32 scale "
        "f16"})
    for (bool ordered : {false, true}) {
      Problem problem(32, 384, 4);
      GptqOptions options;
      options.activationOrder = ordered;
      GptqResult result = run(problem, test::scheme(text), options);
      EXPECT_LT(sum(result.errors), 0.6 * sum(result.roundingErrors)) << text;
    }
  // A scale that is fixed leaves what is clipped.
  Problem problem(32, 384, 4);
  GptqResult result = run(problem, test::scheme("ternary, tensor scale f32"));
  EXPECT_LT(sum(result.errors), 0.85 * sum(result.roundingErrors));
}

// No single code could be better while the others stay.
TEST(GptqTest, sweeps_end_where_no_code_alone_gains) {
  for (const char *text :
       {"u4 offset 8, group 32 scale f16", "u3, group 48 scale f16 min f16",
        "u2 codebook [0.0, 1.0, 3.0, 6.0] signs, row scale f32"}) {
    Scheme scheme = test::scheme(text);
    Problem problem(6, 100, 11);
    GptqOptions without, with;
    without.sweeps = 0;
    with.sweeps = 100;
    GptqResult before = run(problem, scheme, without),
               after = run(problem, scheme, with);
    EXPECT_LT(sum(after.errors), 0.99 * sum(before.errors)) << text;
    double lambda = 0;
    for (size_t k = 0; k < 100; ++k)
      lambda += 0.01 * problem.exact[k * 101] / 100;
    for (size_t i = 0; i < 6; ++i) {
      RowFields row = after.rows[i];
      std::vector<float> values(100);
      dequantizeRow(scheme, row, 100, values.data());
      std::vector<double> e(100);
      for (size_t k = 0; k < 100; ++k)
        e[k] = double(problem.w[i * 100 + k]) - values[k];
      for (size_t k = 0; k < 100; ++k) {
        double slope = lambda * e[k];
        for (size_t j = 0; j < 100; ++j)
          slope += e[j] * problem.exact[j * 100 + k];
        double curvature = problem.exact[k * 101] + lambda;
        uint8_t kept = row.codes[k];
        for (unsigned code = 0; code < 1u << scheme.bits; ++code) {
          row.codes[k] = uint8_t(code);
          std::vector<float> other(100);
          dequantizeRow(scheme, row, 100, other.data());
          double change = double(other[k]) - values[k];
          EXPECT_GE(change * (change * curvature - 2 * slope),
                    -1e-3 * curvature * change * change - 1e-9)
              << text << " row " << i << ", column " << k;
        }
        row.codes[k] = kept;
      }
    }
  }
}

TEST(GptqTest, ordered_groups_are_static) {
  Scheme scheme = test::scheme("u4, group 32 scale f16 min f16");
  Problem problem(6, 160, 5);
  GptqOptions options;
  options.activationOrder = true;
  GptqResult result = run(problem, scheme, options);
  double mean = 0;
  for (size_t k = 0; k < 160; ++k)
    mean += problem.h[k * 161] / 160.0;
  std::vector<float> diagonal;
  for (size_t k = 0; k < 160; ++k)
    diagonal.push_back(float(problem.h[k * 161] + 0.01 * mean));
  RoundOptions search;
  search.search = true;
  search.weights = diagonal.data();
  for (int64_t i = 0; i < problem.rows; ++i)
    EXPECT_EQ(result.rows[size_t(i)].fields,
              roundedRow(problem, scheme, i, search).fields);
}

TEST(GptqTest, order_is_descending_in_units) {
  std::vector<float> h(25);
  for (size_t k = 0; k < 5; ++k)
    h[k * 6] = std::vector<float>{1, 3, 3, 2, 9}[k];
  EXPECT_EQ(activationOrder(h.data(), 5),
            (std::vector<int64_t>{4, 1, 2, 3, 0}));
  EXPECT_EQ(activationOrder(h.data(), 5, 2),
            (std::vector<int64_t>{2, 3, 0, 1, 4}));
}

// Columns that no activation reached are rounded as ever, the others as if
// they were not there.
TEST(GptqTest, dead_columns) {
  Scheme scheme = test::scheme("s4, row scale f16");
  Problem problem(4, 90, 6);
  for (size_t k = 0; k < 90; ++k)
    for (size_t dead : {0, 13, 89})
      problem.exact[k * 90 + dead] = problem.exact[dead * 90 + k] = 0;
  problem.setMoments(problem.exact);
  for (double damping : {0.01, 0.0}) {
    GptqOptions options;
    options.damping = damping;
    GptqResult result = run(problem, scheme, options);
    for (int64_t i = 0; i < 4; ++i) {
      const RowFields &row = result.rows[size_t(i)];
      double scale = groupTerms(scheme, row, 0).scale;
      for (size_t dead : {0, 13, 89}) {
        double target = std::clamp(problem.row(i)[dead] / scale, -7.0, 7.0);
        EXPECT_NEAR(elementValue(scheme, row, int64_t(dead)), target,
                    0.5 + 1e-6);
      }
    }
    EXPECT_LT(sum(result.errors), sum(result.roundingErrors));
  }
}

TEST(GptqTest, no_activations_is_rounding) {
  Scheme scheme = test::scheme("u4, group 32 scale f16 min f16");
  Problem problem(3, 70, 7);
  problem.setMoments(Matrix(70 * 70));
  GptqResult result = run(problem, scheme);
  for (int64_t i = 0; i < 3; ++i)
    EXPECT_EQ(result.errors[size_t(i)], 0);
}

// Fewer rows than columns: H is singular, and damping 0 is raised.
TEST(GptqTest, singular_moments) {
  Problem problem(8, 120, 8, 20);
  for (double damping : {0.0, 0.01}) {
    GptqOptions options;
    options.damping = damping;
    ThreadPool pool(1);
    Gptq gptq(options);
    std::string error;
    ASSERT_TRUE(gptq.prepare(pool, problem.h.data(), 120, 1, error)) << error;
    EXPECT_GE(gptq.damping(), damping);
    EXPECT_GT(gptq.damping(), 0);
    GptqResult result =
        run(problem, test::scheme("s4, group 40 scale f16"), options);
    EXPECT_LT(sum(result.errors), 0.2 * sum(result.roundingErrors));
  }
}

TEST(GptqTest, bad_numbers_are_named) {
  ThreadPool pool(1);
  Problem problem(2, 3, 9);
  Scheme scheme = test::scheme("s4, row scale f16");
  Gptq gptq;
  std::string error;
  problem.w[4] = NAN;
  ASSERT_TRUE(gptq.prepare(pool, problem.h.data(), 3, 1, error));
  GptqResult result;
  EXPECT_FALSE(gptq.quantize(pool, scheme, problem.w.data(), 2, result, error));
  EXPECT_EQ(error, "the weight at row 1, column 1 is not finite");
  problem.h[5] = INFINITY;
  EXPECT_FALSE(gptq.prepare(pool, problem.h.data(), 3, 1, error));
  EXPECT_EQ(error, "the second moments of columns 1 and 2 are not finite: the "
                   "activations have a NaN or an infinity");
  problem.h[5] = 0;
  problem.h[8] = -1;
  EXPECT_FALSE(gptq.prepare(pool, problem.h.data(), 3, 1, error));
  EXPECT_EQ(error, "the second moment of column 2 is negative, expected a sum "
                   "of squares");
  std::vector<float> indefinite = {1, 5, 5, 1};
  EXPECT_FALSE(gptq.prepare(pool, indefinite.data(), 2, 1, error));
  EXPECT_EQ(error, "the second moments are not positive semidefinite");
}

TEST(GptqTest, threads_do_not_change_bits) {
  Problem problem(300, 96, 10);
  Scheme scheme = test::scheme("u4, group 32 scale f16 min f16");
  GptqResult one = run(problem, scheme, {}, 1),
             four = run(problem, scheme, {}, 4);
  EXPECT_EQ(one.errors, four.errors);
  for (size_t i = 0; i < 300; ++i) {
    EXPECT_EQ(one.rows[i].codes, four.rows[i].codes);
    EXPECT_EQ(one.rows[i].fields, four.rows[i].fields);
  }
}
