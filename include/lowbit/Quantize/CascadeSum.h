//===- CascadeSum.h - A sum of f32 in a fixed order -------------*- C++ -*-===//
//
// The order in which PyTorch's CPU kernel adds contiguous f32 in one thread
// (aten/native/cpu/SumKernel.cpp): 8 lanes in 4 rows, cascades of partial sums,
// then the vectors and the elements that are left. A mean that is off by one
// unit of the last place turns into two where it is inverted twice, so a system
// with bit-exact scales needs the order, too.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_QUANTIZE_CASCADESUM_H
#define LOWBIT_QUANTIZE_CASCADESUM_H

#include <cstdint>

namespace lowbit {

class CascadeSum {
public:
  /// Of `count` numbers, which add() gets one by one.
  explicit CascadeSum(int64_t count = 0) : count(count) {
    int64_t rows = count / kRow;
    int log2 = 0;
    while ((int64_t(1) << log2) < rows)
      ++log2;
    power = log2 / kLevels > 4 ? log2 / kLevels : 4;
  }

  void add(float value) {
    int64_t vectors = count / kLanes, rows = count / kRow;
    if (index < rows * kRow) {
      float &lane = levels[0][index % kRow];
      lane += value;
      if (++index % kRow == 0)
        rowEnds(index / kRow);
      if (index == rows * kRow)
        foldLevels();
      return;
    }
    if (index < vectors * kLanes)
      levels[0][index % kLanes] += value;
    else
      rest += value;
    ++index;
  }

  float sum() const {
    float total = rest;
    for (int lane = 0; lane < kLanes; ++lane) {
      float partial = levels[0][lane];
      for (int row = 1; row < kRow / kLanes; ++row)
        partial += levels[0][row * kLanes + lane];
      total += partial;
    }
    return total;
  }

private:
  static constexpr int kLanes = 8, kRow = 32, kLevels = 4;

  void fold(int level) {
    for (int i = 0; i < kRow; ++i) {
      levels[level][i] += levels[level - 1][i];
      levels[level - 1][i] = 0;
    }
  }
  /// Behind every 2^power rows, and 2^(2 power), ... the sums move up a level.
  void rowEnds(int64_t rows) {
    int64_t step = int64_t(1) << power;
    if (rows % step)
      return;
    for (int level = 1; level < kLevels; ++level) {
      fold(level);
      if (rows & (step - 1) << (level * power))
        return;
    }
  }
  void foldLevels() {
    for (int level = 1; level < kLevels; ++level)
      for (int i = 0; i < kRow; ++i)
        levels[0][i] += levels[level][i];
  }

  int64_t count, index = 0;
  int power;
  float levels[kLevels][kRow] = {};
  float rest = 0;
};

} // namespace lowbit

#endif // LOWBIT_QUANTIZE_CASCADESUM_H
