//===- Calibration.h - Statistics of activations ----------------*- C++ -*-===//
//
// Observers: they see activations (or weights) a few rows at a time, in any
// pieces, and keep what an algorithm needs of them. Rows are tokens, columns
// the K inputs of a matrix product; all pointers are [rows x K], row-major.
// Histograms are in Histogram.h.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_QUANTIZE_CALIBRATION_H
#define LOWBIT_QUANTIZE_CALIBRATION_H

#include "lowbit/Quantize/ThreadPool.h"

#include <cstdint>
#include <vector>

namespace lowbit {

/// What is known of each column. Values that are not finite are counted and
/// otherwise left out.
class ColumnStats {
public:
  explicit ColumnStats(int64_t columns);

  void add(const float *x, int64_t rows);
  /// As if the rows that `other` has seen had come here. Same columns.
  void merge(const ColumnStats &other);

  int64_t columns() const { return int64_t(squares.size()); }
  int64_t rows() const { return count; }
  int64_t nonFinite() const { return bad; }

  /// sum x^2 of each column, in double. Divided by rows() it is the importance
  /// of llama.cpp's imatrix: the weight of a column in the error of a scale.
  const std::vector<double> &sumSquares() const { return squares; }
  /// mean x^2 as weights of columns; all 1 before the first row.
  std::vector<float> importance() const;
  /// max |x| (SmoothQuant, Xiao et al. 2022, arXiv:2211.10438).
  const std::vector<float> &absMax() const { return largest; }
  /// mean |x| (AWQ, Lin et al. 2023, arXiv:2306.00978).
  std::vector<float> meanAbs() const;

private:
  std::vector<double> squares, sums; ///< sums of |x|
  std::vector<float> largest;
  int64_t count = 0, bad = 0;
};

/// H = sum x x^T over all rows x [K], in f32: GPTQ's Hessian but for its factor
/// 2 (Frantar et al. 2022, arXiv:2210.17323). Rows are collected to blocks of
/// 256, whose products are summed in registers and then added, so that
///
///     |H'[i][j] - H[i][j]| <= (256 + rows / 256 + 2) * 2^-24 * sum |x_i x_j|
///
/// and the sum of magnitudes is at most sqrt(H[i][i] H[j][j]). A NaN or an
/// infinity in x is one in H: see ColumnStats::nonFinite.
///
/// Memory: 4 K^2 bytes, and 1024 K for the block at work.
class SecondMoments {
public:
  explicit SecondMoments(int64_t columns);

  void add(ThreadPool &pool, const float *x, int64_t rows);

  int64_t columns() const { return width; }
  int64_t rows() const { return count; }
  /// [K x K], symmetric; valid until the next add(). Not divided by rows().
  const float *matrix(ThreadPool &pool);
  /// The same, handed over; nothing may be added behind it.
  std::vector<float> take(ThreadPool &pool);

private:
  void addBlock(ThreadPool &pool, const float *x, int64_t rows);

  int64_t width;
  int64_t count = 0;
  std::vector<float> moments; ///< lower triangle, whole after matrix()
  std::vector<float> block;   ///< rows that wait
};

} // namespace lowbit

#endif // LOWBIT_QUANTIZE_CALIBRATION_H
