//===- RandomWeights.h - Schemes and weights by chance ----------*- C++ -*-===//

#ifndef LOWBIT_TEST_UNIT_CODEGEN_RANDOMWEIGHTS_H
#define LOWBIT_TEST_UNIT_CODEGEN_RANDOMWEIGHTS_H

#include "lowbit/Reference/LowBit.h"

#include <random>
#include <string>
#include <vector>

namespace lowbit::test {

using reference::LowBits;
using reference::Reals;

/// LOWBIT_TEST_SEED, or 1.
uint64_t testSeed();

/// A scheme from its text; a mistake in it is a failure of the test.
Scheme schemeOf(const std::string &text);

/// The schemes of GGUF's formats that we read, floats included.
std::vector<Scheme> fileSchemes();

class Random;

/// The code of a scheme: entries of integers up to `most`, both ends in the
/// first two.
std::string vectorCodes(int bits, int length, int64_t most, bool signs,
                        Random &random);

class Random {
public:
  explicit Random(uint64_t stream) : engine_(testSeed() * 1000003 + stream) {}

  /// In [low, high].
  int64_t between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(engine_() %
                                      static_cast<uint64_t>(high - low + 1));
  }
  bool oneIn(int64_t n) { return between(1, n) == 1; }
  template <class T> const T &pick(const std::vector<T> &list) {
    return list[static_cast<size_t>(between(0, int64_t(list.size()) - 1))];
  }
  float normal() { return normal_(engine_); }

  /// Any code set, any nesting of levels that (S1) to (S9) allow.
  Scheme scheme();
  /// Any codes, in some rows the extreme ones only, under any fields of
  /// moderate size, negative scales and zeros among them.
  LowBits weights(const Scheme &scheme, int64_t rows, int64_t columns);
  std::vector<int32_t> permutation(int64_t columns);
  Reals reals(int64_t rows, int64_t columns);

private:
  std::string codeText();
  std::string fieldText(bool isScale, bool hasOuterFloat);
  uint32_t fieldOf(const Component &component);

  std::mt19937_64 engine_;
  std::normal_distribution<float> normal_;
};

} // namespace lowbit::test

#endif // LOWBIT_TEST_UNIT_CODEGEN_RANDOMWEIGHTS_H
