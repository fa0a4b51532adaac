//===- random.h - Reproducible random numbers -------------------*- C++ -*-===//

#ifndef QUANTRT_SAMPLE_RANDOM_H
#define QUANTRT_SAMPLE_RANDOM_H

#include <cstdint>

namespace qrt {

/// xoshiro256** (Blackman and Vigna 2018), its state filled by SplitMix64 from
/// the seed. Spelled out because the standard's distributions differ between
/// libraries: a seed must give the same tokens everywhere.
class Random {
public:
  explicit Random(uint64_t seed) {
    for (uint64_t &word : state_) {
      seed += 0x9e3779b97f4a7c15;
      uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
      z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
      word = z ^ (z >> 31);
    }
  }

  uint64_t next() {
    const uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  /// A multiple of 2^-53 in [0, 1).
  double uniform() { return double(next() >> 11) * 0x1p-53; }

private:
  static uint64_t rotate(uint64_t x, int by) {
    return (x << by) | (x >> (64 - by));
  }

  uint64_t state_[4];
};

} // namespace qrt

#endif // QUANTRT_SAMPLE_RANDOM_H
