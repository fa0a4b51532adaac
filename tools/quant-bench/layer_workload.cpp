//===- layer_workload.cpp - Single layers ---------------------------------===//

#include "tools/quant-bench/workloads.h"

#include <algorithm>
#include <cmath>

using namespace lowbit::tools;

/// A sample is at least so long.
static constexpr double sampleSeconds = 0.1;

Error LayerWorkload::find(const BenchTest &test, Layer &layer) {
  std::string stem = "rows" + std::to_string(test.tokens) + ".copy";
  int32_t most = test.tokens < manyRows ? qrt_function_count(model_) : 1;
  for (int32_t copy = 0; copy < most; ++copy) {
    int32_t function =
        qrt_function_find(model_, (stem + std::to_string(copy)).c_str());
    if (function < 0)
      break;
    layer.functions.push_back(function);
  }
  if (layer.functions.empty())
    return Error("the module has no function " + stem + "0");
  auto elements = [&](int32_t index, std::vector<float> &memory) {
    qrt_tensor_info info;
    TOOLS_TRY(check(
        qrt_function_argument(model_, layer.functions[0], index, &info)));
    memory.resize(std::max(memory.size(),
                           static_cast<size_t>(info.dims[0] * info.dims[1])));
    return Error::success();
  };
  TOOLS_TRY(elements(0, inputs_));
  return elements(1, outputs_);
}

Error LayerWorkload::prepare(const std::vector<BenchTest> &tests) {
  for (const BenchTest &test : tests)
    TOOLS_TRY(find(test, layers_[{test.tokens, test.threads}]));
  // Waves of no period that a group could have.
  for (size_t i = 0; i < inputs_.size(); ++i)
    inputs_[i] = static_cast<float>(std::sin(0.7 * double(i)));
  return Error::success();
}

Error LayerWorkload::call(const Layer &layer, int64_t calls, double &time) {
  void *arguments[] = {inputs_.data(), outputs_.data()};
  double begin = seconds();
  qrt_reset_regions(model_);
  for (int64_t i = 0; i < calls; ++i) {
    size_t copy = static_cast<size_t>(i) % layer.functions.size();
    TOOLS_TRY(check(qrt_call(model_, layer.functions[copy], arguments)));
  }
  time = seconds() - begin;
  return Error::success();
}

Error LayerWorkload::run(const BenchTest &test, double &units, double &time) {
  Layer &layer = layers_[{test.tokens, test.threads}];
  if (layer.calls == 0) {
    // Every copy once: also brings the weights into memory.
    int64_t once = static_cast<int64_t>(layer.functions.size());
    TOOLS_TRY(call(layer, once, time));
    TOOLS_TRY(call(layer, once, time));
    double rounds = std::ceil(sampleSeconds / std::max(time, 1e-6));
    layer.calls = once * static_cast<int64_t>(std::max(rounds, 1.0));
  }
  TOOLS_TRY(call(layer, layer.calls, time));
  units = double(layer.calls);
  return Error::success();
}
