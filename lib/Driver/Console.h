//===- Console.h - What the compiler says while it works --------*- C++ -*-===//

#ifndef LOWBIT_LIB_DRIVER_CONSOLE_H
#define LOWBIT_LIB_DRIVER_CONSOLE_H

#include "lowbit/Target/Module.h"

#include <chrono>
#include <string>
#include <vector>

namespace lowbit {

/// Progress and summary on standard error; a bar only on a terminal.
class Console {
public:
  explicit Console(bool quiet);

  void begin(llvm::StringRef stage);
  void note(const std::string &text);
  void progress(uint64_t done, uint64_t total);
  /// The same in steps of some kind ("layer").
  void steps(int64_t done, int64_t total, llvm::StringRef kind);
  /// Tensors by scheme, bits per weight, sizes, time by stage.
  void summary(const ModuleImage &image, const std::string &path);
  /// The same of a file that holds the weights in their source bytes.
  void exported(const std::vector<WeightImage> &weights,
                const std::string &path);

private:
  using Clock = std::chrono::steady_clock;
  void end();
  /// A bar with `part` of it filled, and the time that is left.
  void draw(double part, const std::string &done);
  void report(const std::vector<WeightImage> &weights, bool arePacked,
              const std::string &path);

  bool quiet_, terminal_;
  Clock::time_point start_, lastDraw_;
  std::string stage_;
  std::vector<std::pair<std::string, double>> times_;
  std::vector<std::string> notes_;
};

} // namespace lowbit

#endif // LOWBIT_LIB_DRIVER_CONSOLE_H
