//===- Value.cpp - What the reference evaluator computes with -------------===//

#include "lowbit/Reference/Value.h"

namespace lowbit::reference {

Batch Batch::ofOneSequence(int64_t rows, int64_t past) {
  Batch batch;
  batch.runs.push_back({0, rows});
  for (int64_t t = 0; t < rows; ++t)
    batch.visibleEnd.push_back(static_cast<int32_t>(past + t + 1));
  return batch;
}

KVStore::KVStore(int64_t layers, int64_t heads, int64_t dim,
                 KVElement element, Batch batch)
    : layers(layers), heads(heads), dim(dim), element(element),
      batch(std::move(batch)) {
  sequences.assign(static_cast<size_t>(layers),
                   std::vector<Sequence>(this->batch.runs.size()));
}

KVStore KVStore::withBatch(Batch next) const {
  KVStore store = *this;
  store.batch = std::move(next);
  for (std::vector<Sequence> &layer : store.sequences)
    layer.resize(store.batch.runs.size());
  return store;
}

} // namespace lowbit::reference
