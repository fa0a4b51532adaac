//===- KernelCost.cpp - Time of a matrix product on this machine ----------===//

#include "KernelCost.h"

#include "quantrt/quantrt.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"

#include <chrono>
#include <cmath>

namespace lowbit {

/// Of a round; and how many of them there are. What else the machine does makes
/// a round longer, never shorter.
static constexpr double kRoundSeconds = 0.02;
static constexpr int kRounds = 5;

static double now() {
  auto time = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(time).count();
}

static llvm::Error runtimeError() {
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 qrt_last_error());
}

/// Seconds of every copy in turn, so many times.
static llvm::Expected<double> timeOf(qrt_model *model, int64_t times, void *x,
                                     void *y) {
  void *arguments[] = {x, y};
  double begin = now();
  for (int64_t i = 0; i < times; ++i)
    for (int32_t copy = 0; copy < qrt_function_count(model); ++copy)
      if (qrt_call(model, copy, arguments) != QRT_OK)
        return runtimeError();
  return now() - begin;
}

static llvm::Expected<double> measureModule(qrt_model *model, int64_t rows,
                                            int64_t columns) {
  std::vector<float> x(static_cast<size_t>(columns)),
      y(static_cast<size_t>(rows));
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = float(std::sin(0.7 * double(i))); // no period that a group has
  int64_t times = 1;
  double least = INFINITY;
  for (int round = 0; round <= kRounds; ++round) {
    auto seconds = timeOf(model, times, x.data(), y.data());
    if (!seconds)
      return seconds;
    if (round == 0) { // also brings the weights into memory
      times = int64_t(std::ceil(kRoundSeconds / std::max(*seconds, 1e-6)));
      continue;
    }
    least = std::min(least, *seconds / double(times));
  }
  return least * 1e6 / qrt_function_count(model);
}

llvm::Expected<double> measureProduct(int64_t rows, int64_t columns,
                                      const std::string &scheme,
                                      const std::string &activations,
                                      uint64_t fill, const std::string &folder,
                                      int threads) {
  CompileOptions options;
  options.linear = std::to_string(columns) + "x" + std::to_string(rows);
  options.scheme = scheme;
  options.activations = activations;
  options.fill = fill;
  options.levels = {hostTarget()};
  options.output = folder + "/product.so";
  options.quiet = true;
  llvm::scope_exit clean([&] { llvm::sys::fs::remove(options.output); });
  if (llvm::Error error = compile(options))
    return std::move(error);
  qrt_load_options load = {};
  load.threads = threads;
  load.verify = "never"; // its weights are random
  qrt_model *model = nullptr;
  if (qrt_load(options.output.c_str(), &load, &model) != QRT_OK)
    return runtimeError();
  llvm::scope_exit unload([&] { qrt_unload(model); });
  return measureModule(model, rows, columns);
}

} // namespace lowbit
