//===- CellSearch.h - Scale and minimum of one group ------------*- C++ -*-===//
//
// For values x under weights w, the S and M that leave little of
//
//     sum w (x - S (c - z) - M)^2
//
// when each c is the nearest to (x - M) / S + z. For given c the best S and M
// are those of least squares; which c, is searched: many starts, then c and
// (S, M) in turn. GGML's make_qx_quants and make_qkx3_quants are such searches
// too; here with more starts and with turns.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_QUANTIZE_CELLSEARCH_H
#define LOWBIT_QUANTIZE_CELLSEARCH_H

#include "CodeSet.h"
#include "EntrySet.h"

#include <limits>

namespace lowbit {

/// A weight per column, at least 0, finite.
inline double sanitizedWeight(float weight) {
  return weight > 0 && std::isfinite(weight) ? weight : 0;
}

class CellSearch {
public:
  explicit CellSearch(const Scheme &scheme);

  /// The group to search for. No weights, or none above 0: all alike.
  void load(const float *values, const float *weights, int64_t count);

  struct Fit {
    double scale = 0, min = 0;
    double error = std::numeric_limits<double>::infinity();
    double curvature = 0; ///< of the error in the scale: sum w (c - z)^2
  };
  /// The error of what is stored; its codes remain for the two below.
  Fit evaluate(double scale, double min, double zero);
  /// Least squares for the codes of the last evaluate().
  double bestScale(double min) const;
  double bestMin(double scale) const;

  /// The scale under a minimum and a zero point.
  Fit fitScale(double min, double zero, bool mayBeNegative);
  /// A scale >= 0 and a minimum in [minLow, minHigh].
  Fit fitBoth(double minLow, double minHigh);
  /// The minimum under a scale.
  Fit fitMin(double scale, double minLow, double minHigh);

  double lowest() const { return low; }
  double highest() const { return high; }
  double sumOfWeights() const { return sumW; }
  const CodeSet &codeSet() const { return codes; }
  /// c - z of the last evaluate(), one for each value.
  const double *lastCodes() const { return c.data(); }

private:
  struct Sums {
    double wc = 0, wcc = 0, wxc = 0;
  };
  void nearest(double scale, double min, double zero);
  void nearestScalar();
  double errorOf(double scale, double min) const;
  Fit fitted(double min) const;
  Fit fittedBoth(double minLow, double minHigh) const;
  void addScales(double reach, std::vector<double> &starts) const;

  const Scheme &scheme;
  CodeSet codes;
  EntrySet entries;
  bool hasEntries;                   ///< codes are entries of `entries`
  bool isEvenInteger;                ///< an integer code set with ties to even
  std::vector<double> edges, levels; ///< of small codebooks: see nearest()

  int64_t count = 0;
  std::vector<double> x, w, target, c; ///< whole vectors, zeros behind `count`
  double sumW = 0, sumWX = 0, sumWXX = 0, low = 0, high = 0, meanAbs = 0;
  Sums sums; ///< for `c`
};

} // namespace lowbit

#endif // LOWBIT_QUANTIZE_CELLSEARCH_H
