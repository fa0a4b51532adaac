//===- Products.h - Matrix products in f32 ----------------------*- C++ -*-===//
//
// One loop over tiles of 8 rows and 32 columns carries all of calibration. Why
// no library: Eigen chooses its vectors when it is compiled, so a compiler
// built for every x86-64 would run without AVX; OpenBLAS brings threads of its
// own, 30 MB and another way for results to differ between machines. What is
// needed here is one product and one triangle.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_QUANTIZE_PRODUCTS_H
#define LOWBIT_QUANTIZE_PRODUCTS_H

#include "lowbit/Quantize/ThreadPool.h"

#include <cstdint>
#include <vector>

namespace lowbit {

/// Columns of a panel: what one step of the inner loop multiplies.
constexpr int64_t kPanelColumns = 32;
/// Products that are summed in registers before they are added to memory.
constexpr int64_t kDepth = 256;

/// A matrix in memory of any strides, so that its transpose is one too.
struct MatrixView {
  const float *data;
  int64_t rows, columns;
  int64_t rowStride, columnStride = 1;

  MatrixView(const float *data, int64_t rows, int64_t columns,
             int64_t rowStride = 0, int64_t columnStride = 1)
      : data(data), rows(rows), columns(columns),
        rowStride(rowStride ? rowStride : columns), columnStride(columnStride) {
  }
  MatrixView transposed() const {
    return {data, columns, rows, columnStride, rowStride};
  }
  MatrixView part(int64_t row, int64_t column, int64_t rowCount,
                  int64_t columnCount) const {
    return {data + row * rowStride + column * columnStride, rowCount,
            columnCount, rowStride, columnStride};
  }
};

/// c += alpha * a b, with c [a.rows x b.columns] in rows of `stride`. Each
/// element is within (min(K, kDepth) + K / kDepth + 2) * 2^-24 * sum |terms| of
/// the exact sum.
void addProduct(ThreadPool &pool, float alpha, MatrixView a, MatrixView b,
                float *c, int64_t stride);

/// The lower triangle of c [K x K] += alpha * x^T x, with x [rows x K]; blocks
/// of 32 that the diagonal crosses are written whole. Same bound.
void addGram(ThreadPool &pool, float alpha, MatrixView x, float *c,
             int64_t stride);

/// Copies the lower triangle of c [n x n] over the upper.
void mirrorLower(float *c, int64_t n);

} // namespace lowbit

#endif // LOWBIT_QUANTIZE_PRODUCTS_H
