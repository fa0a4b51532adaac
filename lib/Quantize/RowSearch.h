//===- RowSearch.h - Fields of a row by their weighted error ----*- C++ -*-===//

#ifndef LOWBIT_QUANTIZE_ROWSEARCH_H
#define LOWBIT_QUANTIZE_ROWSEARCH_H

#include "CellSearch.h"
#include "ElementRounder.h"
#include "FieldChain.h"

namespace lowbit {

/// Searches fields and codes that leave little of
///
///     sum_k weight[k] * (value[k] - dequantized[k])^2
///
/// A block (a group of the outermost level below the tensor) is a problem of
/// its own: the best real scale and minimum of each innermost group, outer
/// fields that hold them with the least loss, inner fields among the neighbours
/// of what is left, then outer fields by least squares for these codes, and so
/// on in turns. What is found replaces what was there if its error is smaller.
class RowSearch {
public:
  explicit RowSearch(const Scheme &scheme);

  /// Improves a row that was rounded before. Values are finite; `weights` may
  /// be null.
  void improve(const float *values, const float *weights, int64_t columns,
               RowFields &row);

  /// The fields of the innermost level for the group that begins at element
  /// `first` of the row and has these values, under its outer fields; those
  /// that it has stay unless others are better. Not its codes.
  void chooseInner(const float *values, const float *weights, int64_t first,
                   int64_t count, RowFields &row) {
    chooseInner(values, weights, first, count, row, nullptr);
  }

  /// The bits of an innermost group's fields; 0 where it has none.
  struct InnerFields {
    uint32_t scale = 0, offset = 0;
    bool operator==(const InnerFields &o) const {
      return scale == o.scale && offset == o.offset;
    }
  };
  InnerFields getInner(int64_t first, RowFields &row) const;
  void putInner(int64_t first, InnerFields fields, RowFields &row) const;
  /// The fields nearest to a scale and a minimum (or the zero point that it
  /// makes), under the outer ones.
  void setInner(int64_t first, double scale, double min, RowFields &row) const;

private:
  struct Choice {
    uint32_t scale = 0, offset = 0; ///< bits
    double error = std::numeric_limits<double>::infinity();
  };
  /// An innermost group: where its fields are, and the terms of outer levels.
  struct Group {
    int64_t first = 0;
    double scale = 1, min = 1; ///< products of outer fields
    Choice best;
    const CellSearch::Fit *known = nullptr; ///< the best real terms, if known
  };

  bool isInner(const FieldChain &chain) const {
    return !chain.empty() && chain.back().level + 1 == scheme.levels.size();
  }
  /// The chain whose fields shift the codes.
  const FieldChain &offsets() const {
    return !mins.empty() ? mins : !zeros.empty() ? zeros : deltas;
  }
  uint32_t *inner(const FieldChain &chain, int64_t first, RowFields &row) const;
  double outerProduct(const FieldChain &chain, int64_t first,
                      const RowFields &row) const;
  double scaleOf(const Group &group, uint32_t bits) const;
  double minOf(const Group &group, uint32_t bits) const;
  double zeroOf(uint32_t bits) const;
  void attempt(Group &group, uint32_t scaleBits, uint32_t offsetBits);
  void attemptScales(Group &group, double wanted, uint32_t offsetBits);
  void chooseScaleAlone(Group &group);
  void chooseMin(Group &group);
  void chooseZero(Group &group);
  void chooseDelta(Group &group);
  bool scaleMayBeNegative() const { return isSigned(scales.back().type); }

  void chooseInner(const float *values, const float *weights, int64_t first,
                   int64_t count, RowFields &row, const CellSearch::Fit *known);
  bool realTermsAreFixed() const;
  CellSearch::Fit fitReal();
  void improveBlock(const float *values, const float *weights, int64_t count,
                    RowFields &block);
  void chooseOuter(int64_t count, RowFields &block);
  void storeOuter(const FieldChain &chain, std::vector<double> targets,
                  const std::vector<double> &curvatures, int64_t count,
                  RowFields &block);
  bool refitOuter(const float *values, const float *weights, int64_t count,
                  RowFields &block);
  void refitLevel(size_t level, const float *values, const float *weights,
                  int64_t count, RowFields &block);
  void roundBlock(const float *values, const float *weights, int64_t count,
                  RowFields &block);
  double error(const float *values, const float *weights, int64_t count,
               const RowFields &block);

  const Scheme &scheme;
  FieldChain scales, mins, zeros, deltas;
  CellSearch cell;
  ElementRounder rounder;
  double minSign; ///< of a minimum in the sum
  std::vector<float> dequantized;
  std::vector<CellSearch::Fit> fits; ///< real terms of a block's groups
  std::vector<double> masses;        ///< their sums of weights
};

} // namespace lowbit

#endif // LOWBIT_QUANTIZE_ROWSEARCH_H
