//===- Gptq.h - Rounding that corrects itself -------------------*- C++ -*-===//
//
// Finds codes and fields for a matrix W [N x K] that leave little of
//
//     sum over rows of  e H e^T,     e = w - dequantized,  H = sum x x^T,
//
// the squared error of the outputs over the activations x that H was collected
// from (SecondMoments). Columns are rounded one after another; what rounding
// one leaves is made good, as far as H allows, by the columns that follow
// (Frantar et al. 2022, "GPTQ", arXiv:2210.17323).
//
// With H + lambda I = R R^T, R upper triangular, column k is rounded at
//
//     t[k] = w[k] + (sum_{j<k} e[j] R[j][k]) / R[k][k]
//
// which gives the same codes as GPTQ's updates by the Cholesky factor of H^-1
// (Chee et al. 2023, "QuIP", arXiv:2307.13304, theorem 6), without an inverse
// and with products of matrices for all but the columns of one block.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_QUANTIZE_GPTQ_H
#define LOWBIT_QUANTIZE_GPTQ_H

#include "lowbit/Quantize/ThreadPool.h"
#include "lowbit/Support/Scheme.h"

#include <string>
#include <vector>

namespace lowbit {

struct GptqOptions {
  /// lambda / mean of H's diagonal; raised tenfold, at most to 1, while H +
  /// lambda I cannot be factored.
  double damping = 0.01;
  /// Columns in descending order of H[k][k]. Groups stay those of the stored
  /// order, so their fields are chosen before ("static groups"). For a
  /// `permuted` tensor, whose groups follow the order, permute the columns of W
  /// and H by activationOrder() and leave this false.
  bool activationOrder = false;
  /// Columns that a pass over the errors so far serves.
  int64_t blockColumns = 128;
  /// Sweeps of coordinate descent over the codes behind the last column
  /// (Behdin et al. 2023, "QuantEase", arXiv:2309.01885): each code in turn
  /// becomes the best there is while the others and all fields stay. Not for
  /// codebooks of vectors.
  int sweeps = 2;
};

/// What the matrix has become. Errors are e H e^T of each row, in the units of
/// H, without lambda.
struct GptqResult {
  std::vector<RowFields> rows;        ///< [N]
  std::vector<double> errors;         ///< [N]
  std::vector<double> roundingErrors; ///< [N], of roundToNearest
  int64_t roundedRows = 0; ///< that rounding (plain, or searched with weights
                           ///< H[k][k]) served better, and which have it
};

/// Columns in descending order of H[k][k], `unit` of them at a time (a scheme's
/// entryLength), equals in their order. h is [columns x columns].
std::vector<int64_t> activationOrder(const float *h, int64_t columns,
                                     int64_t unit = 1);

/// One H and the matrices that it is for (such as q, k and v).
class Gptq {
public:
  explicit Gptq(GptqOptions options = {}) : options(options) {}

  /// Factors H [columns x columns], symmetric, which must live as long as this.
  /// Columns that no activation reached (H[k][k] = 0) are rounded to nearest.
  /// `unit` as above; only activationOrder asks for it. False, with one line in
  /// `error`, if H has a number that is not finite or a diagonal below 0. Takes
  /// K^3 / 3 multiplications and 4 K^2 bytes.
  bool prepare(ThreadPool &pool, const float *h, int64_t columns, int64_t unit,
               std::string &error);

  /// Quantizes w [rows x columns]. Fields are chosen when their group is
  /// reached, from the weights as corrected so far, under the weights
  /// H[k][k]; outer levels of nested fields before, from w. Each row keeps the
  /// best of this, roundToNearest and its search, so no row's e H e^T is above
  /// what rounding leaves (but for f32: by 2^-18 of it). False, with one line
  /// in `error`, if w has a number that is not finite.
  ///
  /// Takes 4 rows K^2 multiplications, and about 0.3 us for an element.
  bool quantize(ThreadPool &pool, const Scheme &scheme, const float *w,
                int64_t rows, GptqResult &result, std::string &error) const;

  /// The damping that was used.
  double damping() const { return usedDamping; }

private:
  friend class GptqChunk;

  GptqOptions options;
  int64_t columns = 0;
  const float *h = nullptr;
  std::vector<int64_t> order;  ///< of columns; empty: as they are
  std::vector<float> factor;   ///< L of the ordered H, R = L^T
  std::vector<float> diagonal; ///< H[k][k], with lambda
  double usedDamping = 0;
};

/// errors[row] = e H e^T for the rows of e [rows x columns], H [columns x
/// columns]. Products in f32, their sum in double: within about
/// 2^-24 sqrt(columns) sum |terms|.
void quadraticErrors(ThreadPool &pool, const float *e, int64_t rows,
                     const float *h, int64_t columns, double *errors);

} // namespace lowbit

#endif // LOWBIT_QUANTIZE_GPTQ_H
