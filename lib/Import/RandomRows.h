//===- RandomRows.h - Rows of a scheme by chance ----------------*- C++ -*-===//
//
// What a random model's tensors hold. A row depends on the seed and its number
// alone, so rows can be made in any order and by any thread, and none is kept.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_IMPORT_RANDOMROWS_H
#define LOWBIT_IMPORT_RANDOMROWS_H

#include "lowbit/Support/Scheme.h"

namespace lowbit {

/// Every code of the set equally often; fields such that the values have a
/// standard deviation of about `deviation` and a mean of about 0.
class RandomRows {
public:
  RandomRows(const Scheme &scheme, uint64_t seed, double deviation);

  /// Sizes and fills `fields`.
  void fill(int64_t row, int64_t columns, RowFields &fields) const;

private:
  class Stream;

  /// The values that codes stand for, each equally likely.
  std::vector<double> values() const;
  void fillCodes(Stream &random, std::vector<uint8_t> &codes) const;
  void fillVectors(Stream &random, RowFields &fields) const;
  void fillReals(Stream &random, std::vector<float> &reals) const;
  /// Fields of `role` on all levels: their products are about `product`.
  void fillRole(Component::Role role, double product, bool anySign,
                int64_t row, RowFields &fields) const;

  Scheme scheme;
  uint64_t seed;
  double deviation;
  double codeMean = 0, codeDeviation = 1;
};

} // namespace lowbit

#endif // LOWBIT_IMPORT_RANDOMROWS_H
