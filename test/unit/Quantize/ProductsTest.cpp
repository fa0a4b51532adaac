//===- ProductsTest.cpp - Matrix products in f32 --------------------------===//

#include "Products.h"

#include "Samples.h"

#include <algorithm>

using namespace lowbit;
using namespace lowbit::test;

namespace {
struct Shape {
  int64_t rows, depth, columns;
};
} // namespace

static const Shape kShapes[] = {{1, 1, 1},     {8, 256, 32},   {3, 5, 7},
                                {65, 257, 33}, {130, 600, 70}, {9, 0, 4}};

static double bound(int64_t depth, double magnitudes) {
  return (double(std::min(depth, kDepth)) + double(depth) / kDepth + 2) *
             0x1p-24 * magnitudes +
         1e-30;
}

/// a [rows x depth] and b [depth x columns], each stored as it is or
/// transposed, against sums in double.
static void expectProduct(Shape shape, bool aTurned, bool bTurned) {
  std::vector<float> a = gaussian(shape.rows * shape.depth, 1),
                     b = gaussian(shape.depth * shape.columns, 2),
                     c = gaussian(shape.rows * shape.columns, 3), before = c;
  MatrixView aView =
      aTurned ? MatrixView(a.data(), shape.depth, shape.rows).transposed()
              : MatrixView(a.data(), shape.rows, shape.depth);
  MatrixView bView =
      bTurned ? MatrixView(b.data(), shape.columns, shape.depth).transposed()
              : MatrixView(b.data(), shape.depth, shape.columns);
  ThreadPool pool(3);
  addProduct(pool, -0.5f, aView, bView, c.data(), shape.columns);
  for (int64_t i = 0; i < shape.rows; ++i)
    for (int64_t j = 0; j < shape.columns; ++j) {
      double sum = before[size_t(i * shape.columns + j)],
             magnitudes = std::abs(sum);
      for (int64_t k = 0; k < shape.depth; ++k) {
        double term =
            -0.5 *
            double(
                a[size_t(aTurned ? k * shape.rows + i : i * shape.depth + k)]) *
            b[size_t(bTurned ? j * shape.depth + k : k * shape.columns + j)];
        sum += term;
        magnitudes += std::abs(term);
      }
      ASSERT_NEAR(c[size_t(i * shape.columns + j)], sum,
                  bound(shape.depth, magnitudes))
          << i << ", " << j;
    }
}

TEST(ProductsTest, product_of_any_shape_and_stride) {
  for (Shape shape : kShapes)
    for (bool aTurned : {false, true})
      for (bool bTurned : {false, true})
        expectProduct(shape, aTurned, bTurned);
}

TEST(ProductsTest, gram_is_symmetric_and_within_its_bound) {
  for (Shape shape : kShapes) {
    int64_t rows = shape.depth, columns = shape.columns;
    std::vector<float> x = gaussian(rows * columns, 4);
    std::vector<float> c(size_t(columns * columns));
    ThreadPool pool(2);
    addGram(pool, 1, {x.data(), rows, columns}, c.data(), columns);
    mirrorLower(c.data(), columns);
    std::vector<double> exact = gram(x, columns);
    for (int64_t i = 0; i < columns; ++i)
      for (int64_t j = 0; j < columns; ++j) {
        double reach = std::sqrt(exact[size_t(i * columns + i)] *
                                 exact[size_t(j * columns + j)]);
        ASSERT_NEAR(c[size_t(i * columns + j)], exact[size_t(i * columns + j)],
                    bound(rows, reach));
        ASSERT_EQ(c[size_t(i * columns + j)], c[size_t(j * columns + i)]);
      }
  }
}

TEST(ProductsTest, threads_do_not_change_bits) {
  std::vector<float> a = gaussian(200 * 300, 5);
  std::vector<float> sums[2];
  for (int threads : {1, 4}) {
    ThreadPool pool(threads);
    std::vector<float> &c = sums[threads / 4];
    c.assign(200 * 200, 0);
    MatrixView view(a.data(), 200, 300);
    addProduct(pool, 1, view, view.transposed(), c.data(), 200);
  }
  EXPECT_EQ(sums[0], sums[1]);
}
