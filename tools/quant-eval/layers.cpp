//===- layers.cpp - Outputs of a model's layers ---------------------------===//

#include "tools/quant-eval/layers.h"

#include "quantrt/format.h"
#include "tools/common/module_header.h"

#include <cstdio>

using namespace lowbit::tools;

Error LayerWriter::open(const std::string &path, int64_t rows, int32_t probes,
                        int32_t width) {
  ids_ = archive_.declare("ids", QRT_TYPE_I32, {rows});
  sequences_ = archive_.declare("sequence", QRT_TYPE_I32, {rows});
  positions_ = archive_.declare("position", QRT_TYPE_I32, {rows});
  width_ = static_cast<size_t>(width);
  layers_.clear();
  for (int32_t i = 0; i < probes; ++i) {
    char name[24];
    std::snprintf(name, sizeof name, "layer_%03d", i);
    layers_.push_back(archive_.declare(name, QRT_TYPE_F32, {rows, width}));
  }
  return archive_.open(path);
}

Error LayerWriter::add(int32_t id, int32_t position, const float *probes) {
  if (!probes)
    return Error("the runtime gave no probes for a module that has some");
  TOOLS_TRY(archive_.append(ids_, &id, sizeof id));
  TOOLS_TRY(archive_.append(sequences_, &sequence_, sizeof sequence_));
  TOOLS_TRY(archive_.append(positions_, &position, sizeof position));
  for (size_t layer = 0; layer < layers_.size(); ++layer)
    TOOLS_TRY(archive_.append(layers_[layer], probes + layer * width_,
                              width_ * sizeof(float)));
  return Error::success();
}

Error lowbit::tools::countProbes(const std::string &module, int32_t &probes) {
  ModuleHeader header;
  TOOLS_TRY(readModuleHeader(module, header));
  probes = static_cast<int32_t>(header.text.n_probes);
  if (probes > 0)
    return Error::success();
  return Error("'" + module +
               "' has no probes; compile it with quant-compile "
               "--probe=layers");
}
