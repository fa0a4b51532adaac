//===- KernelModule.h - Compile functions and call them ---------*- C++ -*-===//
//
// The whole way of a kernel: the text of functions and weights of any codes and
// fields, through the compiler's stages to a module file, loaded by the runtime
// at every level that this CPU has. Weights are given taken apart, so that they
// may hold what no rounding would choose.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_TEST_UNIT_CODEGEN_KERNELMODULE_H
#define LOWBIT_TEST_UNIT_CODEGEN_KERNELMODULE_H

#include "lowbit/Analysis/TargetInfo.h"
#include "lowbit/Reference/LowBit.h"
#include "lowbit/Target/Module.h"

#include "quantrt/quantrt.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lowbit::test {

using reference::Indices;
using reference::LowBits;
using reference::Reals;

/// Levels of the compiler that this CPU has.
std::vector<const TargetInfo *> levelsOfThisCpu();

/// A level of a test's module: the levels whose loops and whose instructions
/// its code has.
struct TestLevel {
  TestLevel(const TargetInfo &target)
      : target(target), loops(target.level), instructions(target.level) {}
  TargetInfo target;
  std::string loops, instructions;
  bool onlyForTiles = false; ///< left out of a module without pack.tile_dot
};

/// Output of a function at one level.
struct LevelResult {
  std::string level;
  std::vector<float> values;
};

class KernelModule {
public:
  static constexpr int64_t kMaxRows = 48; ///< of one call of `text`

  KernelModule() = default;
  KernelModule(const KernelModule &) = delete;
  ~KernelModule();

  /// IR of functions; `lm.weight NAME` finds what `weight` added.
  void text(const std::string &functions) { text_ += functions + "\n"; }
  /// A permuted one, and its permutation as the weight NAME.permutation.
  void weight(const std::string &name, const LowBits &weight);
  void table(const std::string &name, const Reals &weight);
  /// Attributes of `text`, where there is one.
  void model(int64_t vocabulary, int64_t embedding);

  /// Compiles for all levels of this CPU, and for those of AMX where it can be
  /// emulated, and loads each; for those of AArch64
  /// too, where they can be emulated. A failure is one of the test.
  void build(const std::string &activations = "int8");

  /// The scheme of the activations that meet a weight; none: reals.
  std::optional<Scheme> activations(const std::string &weight) const;

  /// Calls a plain function with 1 and with 2 threads, whose bits must agree;
  /// once at the emulated levels.
  std::vector<LevelResult> call(const std::string &function,
                                const std::vector<const void *> &inputs,
                                int64_t outputs);
  /// A new session with `past` tokens of id 0: appends `rows` more and gives
  /// their results, `outputs` numbers in all. Positions count from 0.
  std::vector<LevelResult> decode(int32_t rows, int64_t outputs,
                                  int32_t past = 0);

private:
  struct Loaded {
    std::string level;
    qrt_model *model;
  };
  std::string compile(const std::string &activations,
                      llvm::ArrayRef<TestLevel> levels,
                      const std::string &path);
  template <class Run>
  std::vector<LevelResult> atEveryLevel(int64_t outputs, Run run);

  std::string text_, attributes_;
  std::vector<WeightImage> weights_;
  std::map<std::string, Scheme> activations_;
  std::vector<Loaded> loaded_;
  std::vector<std::string> compiled_; ///< levels of the last module
  std::string emulated_; ///< a module file for AArch64, or none
};

/// `!lowbit.tensor<NxK, #lowbit.scheme<...>>`.
std::string typeOf(int64_t rows, int64_t columns, const Scheme &scheme);
std::string typeOf(const LowBits &weight);
/// The lines that define %w as what `KernelModule::weight` was given.
std::string declarationOf(const std::string &name, const LowBits &weight);

/// What a kernel is given: the f32 of a matrix.
std::vector<float> floats(const Reals &reals);

} // namespace lowbit::test

#endif // LOWBIT_TEST_UNIT_CODEGEN_KERNELMODULE_H
