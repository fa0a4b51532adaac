//===- bench_options.h - Command line of quant-bench ------------*- C++ -*-===//

#ifndef TOOLS_QUANTBENCH_BENCH_OPTIONS_H
#define TOOLS_QUANTBENCH_BENCH_OPTIONS_H

#include "tools/common/model.h"

#include <string>
#include <vector>

namespace lowbit::tools {

struct BenchOptions {
  ModelOptions model;
  std::vector<int32_t> prompt{512};   ///< pp tests; 0: none
  std::vector<int32_t> generate{128}; ///< tg tests; 0: none
  std::vector<int32_t> depths{0};     ///< positions filled before a test
  std::vector<int32_t> batches{1};    ///< sequences of a tg test
  std::vector<int32_t> rows{1, 8, 512}; ///< of a linear layer
  std::vector<int32_t> threads;       ///< empty: the physical cores
  int32_t repetitions = 5;
  bool warmup = true;
  bool profile = false; ///< tell where the time goes
  std::string output = "md";
  std::string peak = "auto"; ///< "int8", "f32", ...
  std::string svg;           ///< a file for the roofline, or ""
};

Error parseBenchOptions(int argc, const char *const *argv,
                        BenchOptions &options, bool &helpShown);

} // namespace lowbit::tools

#endif // TOOLS_QUANTBENCH_BENCH_OPTIONS_H
