//===- workloads.h - Whole models and single layers -------------*- C++ -*-===//

#ifndef TOOLS_QUANTBENCH_WORKLOADS_H
#define TOOLS_QUANTBENCH_WORKLOADS_H

#include "tools/quant-bench/measure.h"

#include <map>

namespace lowbit::tools {

/// Reads prompts and generates, in one sequence or several at once. Tests of
/// one depth share sessions, which are filled before the first.
class ModelWorkload : public Workload {
public:
  explicit ModelWorkload(qrt_model *model)
      : model_(model), info_(modelInfo(model)) {}

  Error prepare(const std::vector<BenchTest> &tests) override;
  Error run(const BenchTest &test, double &units, double &time) override;

private:
  /// Sessions that hold `depth` tokens between the tests.
  struct Context {
    std::vector<SessionHandle> sessions;
    std::vector<qrt_session *> handles;
    int32_t tokens = 0, sequences = 1; ///< of the largest test
  };
  Error check(const BenchTest &test) const;
  void chooseIds(size_t count);
  Error fill(int32_t depth, Context &context);
  Error generate(const BenchTest &test, const Context &context);

  qrt_model *model_;
  qrt_model_info info_;
  std::map<int32_t, Context> contexts_; ///< by depth
  std::vector<int32_t> ids_;
  std::vector<float> logits_;
};

/// Calls the functions `rowsM.copyC` of quant-compile --linear. Few rows take
/// the layer's copies in turn, so that weights come from memory; many take one.
class LayerWorkload : public Workload {
public:
  explicit LayerWorkload(qrt_model *model) : model_(model) {}

  Error prepare(const std::vector<BenchTest> &tests) override;
  Error run(const BenchTest &test, double &units, double &time) override;

  /// From so many rows on arithmetic, not memory, decides: one copy will do.
  static constexpr int32_t manyRows = 64;

private:
  struct Layer {
    std::vector<int32_t> functions; ///< one for each copy in use
    int64_t calls = 0;              ///< of a sample; 0: not known yet
  };
  Error find(const BenchTest &test, Layer &layer);
  Error call(const Layer &layer, int64_t calls, double &time);

  qrt_model *model_;
  std::map<std::pair<int32_t, int32_t>, Layer> layers_; ///< rows, threads
  std::vector<float> inputs_, outputs_;
};

} // namespace lowbit::tools

#endif // TOOLS_QUANTBENCH_WORKLOADS_H
