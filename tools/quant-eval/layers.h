//===- layers.h - Outputs of a model's layers -------------------*- C++ -*-===//

#ifndef TOOLS_QUANTEVAL_LAYERS_H
#define TOOLS_QUANTEVAL_LAYERS_H

#include "tools/common/npy.h"

#include <cstdint>
#include <string>
#include <vector>

namespace lowbit::tools {

/// Writes probed rows into an .npz as they come: ids, sequence, position, and
/// layer_NNN for each probe. Nothing but the archive grows.
class LayerWriter {
public:
  /// `rows`: how many add() will bring.
  Error open(const std::string &path, int64_t rows, int32_t probes,
             int32_t width);
  void beginSequence(int32_t sequence) { sequence_ = sequence; }
  /// `probes`: [n_probes, width].
  Error add(int32_t id, int32_t position, const float *probes);
  Error commit() { return archive_.commit(); }

private:
  NpzWriter archive_;
  size_t ids_ = 0, sequences_ = 0, positions_ = 0;
  std::vector<size_t> layers_;
  size_t width_ = 0;
  int32_t sequence_ = 0;
};

/// Number of probes that the module has; an error says how to get some.
Error countProbes(const std::string &module, int32_t &probes);

} // namespace lowbit::tools

#endif // TOOLS_QUANTEVAL_LAYERS_H
