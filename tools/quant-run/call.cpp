//===- call.cpp - Functions on .npy files ---------------------------------===//

#include "tools/quant-run/call.h"

#include "tools/common/npy.h"

#include <algorithm>
#include <cstdio>

using namespace lowbit::tools;

/// "float32[8, 784]"
static std::string describe(int32_t type, const std::vector<int64_t> &shape) {
  std::string text = std::string(elementName(type)) + "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

static Error findFunction(const qrt_model *model, const std::string &name,
                          int32_t &function) {
  function = qrt_function_find(model, name.c_str());
  if (function >= 0)
    return Error::success();
  std::string known;
  for (int32_t i = 0; i < qrt_function_count(model); ++i)
    known += (i ? ", " : "") + std::string(qrt_function_name(model, i));
  return Error("the module has no function '" + name + "'; it has: " + known);
}

static Error checkCount(const std::string &function, const char *what,
                        const char *option, int32_t expected, size_t given) {
  if (given == static_cast<size_t>(expected))
    return Error::success();
  return Error("'" + function + "' has " + std::to_string(expected) + " " +
               what + (expected == 1 ? "" : "s") + ", but " +
               std::to_string(given) + " " + (given == 1 ? "was" : "were") +
               " given with " + option);
}

static Error readInput(const std::string &path, const std::string &name,
                       int32_t type, const std::vector<int64_t> &shape,
                       std::string &data) {
  NpyArray array;
  TOOLS_TRY(readNpy(path, array));
  if (array.header.type != type || array.header.shape != shape)
    return Error("input '" + name + "' is " + describe(type, shape) +
                 ", but '" + path + "' holds " +
                 describe(array.header.type, array.header.shape));
  data = std::move(array.data);
  return Error::success();
}

Error lowbit::tools::runCall(qrt_model *model, const RunOptions &options) {
  int32_t function = -1;
  TOOLS_TRY(findFunction(model, options.call, function));
  int32_t inputs = qrt_function_inputs(model, function);
  int32_t outputs = qrt_function_outputs(model, function);
  TOOLS_TRY(checkCount(options.call, "input", "--input", inputs,
                       options.inputs.size()));
  TOOLS_TRY(checkCount(options.call, "output", "--output", outputs,
                       options.outputs.size()));

  std::vector<qrt_tensor_info> infos(static_cast<size_t>(inputs + outputs));
  std::vector<std::string> buffers(infos.size());
  std::vector<std::vector<int64_t>> shapes(infos.size());
  std::vector<void *> arguments(infos.size());
  for (size_t i = 0; i < infos.size(); ++i) {
    qrt_tensor_info &info = infos[i];
    TOOLS_TRY(check(qrt_function_argument(model, function,
                                          static_cast<int32_t>(i), &info)));
    shapes[i].assign(info.dims, info.dims + std::clamp(info.rank, 0, 6));
    std::string name = info.name ? info.name : std::to_string(i);
    uint64_t bytes = elementBytes(info.type);
    for (int64_t dim : shapes[i])
      bytes *= static_cast<uint64_t>(dim);
    if (i < options.inputs.size())
      TOOLS_TRY(
          readInput(options.inputs[i], name, info.type, shapes[i], buffers[i]));
    else
      buffers[i].resize(bytes);
    arguments[i] = &buffers[i][0];
  }
  TOOLS_TRY(check(qrt_call(model, function, arguments.data())));
  for (size_t i = options.inputs.size(); i < infos.size(); ++i) {
    const std::string &path = options.outputs[i - options.inputs.size()];
    TOOLS_TRY(writeNpy(path, infos[i].type, shapes[i], buffers[i].data()));
    std::fprintf(stderr, "%s: %s\n", path.c_str(),
                 describe(infos[i].type, shapes[i]).c_str());
  }
  return Error::success();
}
