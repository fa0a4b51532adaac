//===- FakeRuntime.h - A model of known behaviour ---------------*- C++ -*-===//
//
// Implements quantrt.h for tests of the tools. Tokens 0..255 are bytes, 256 is
// BOS, 257 EOS, 258 the text "<|turn|>". Logits depend on the last two tokens
// and the position, so that a wrong history shows.
//
//===----------------------------------------------------------------------===//

#ifndef TEST_UNIT_TOOLS_FAKERUNTIME_H
#define TEST_UNIT_TOOLS_FAKERUNTIME_H

#include "quantrt/quantrt.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fake {

constexpr int32_t vocabulary = 259, bos = 256, eos = 257, turn = 258;
constexpr int32_t width = 4, probes = 2;

struct Config {
  int32_t addBos = 1;
  int32_t maxContext = 128;
  int32_t maxRows = 16;
  bool chatTemplate = true;
  /// Ids to be chosen one after the other; then EOS.
  std::vector<int32_t> script;
  /// Names; all but "text" turn a tensor of 2 x 3 into its negation.
  std::vector<std::string> functions = {"text", "negate"};
  /// Moves the logits and the probes, as rounded weights would.
  float noise = 0;
  /// Microseconds that a row takes.
  int32_t rowMicroseconds = 0;
};
/// Read by qrt_load and qrt_sampler_create.
extern Config config;

/// Counts what the tools did.
struct Counters {
  int sessions = 0;
  int64_t rows = 0;
  int64_t visited = 0;
  /// What samplers were told of tokens that they had not chosen.
  std::vector<int32_t> accepted;
  std::vector<int32_t> batches; ///< sizes
  std::vector<int32_t> calls;   ///< functions
  int resets = 0;               ///< of regions
};
extern Counters counters;

/// The model's logit of token `v` where `ids` [0, row] are in the context.
float logit(const std::vector<int32_t> &ids, size_t row, int32_t v,
            float noise = 0);

} // namespace fake

#endif // TEST_UNIT_TOOLS_FAKERUNTIME_H
