//===- FiniteWeights.cpp - No NaN among weights ---------------------------===//

#include "FiniteWeights.h"

#include "lowbit/Quantize/RoundToNearest.h"
#include "lowbit/Quantize/ThreadPool.h"

#include "llvm/ADT/StringSet.h"

#include <atomic>
#include <thread>

namespace lowbit {

llvm::Error notFinite(const SourceTensor &tensor, int64_t row) {
  std::string way = tensor.rows() > 1
                        ? ", or leave the tensor out with scheme: keep"
                        : std::string();
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 "tensor '" + tensor.name + "' row " +
                                     llvm::Twine(row) +
                                     " holds NaN or infinity: the checkpoint "
                                     "is damaged" +
                                     way);
}

/// -1: none.
static int64_t firstBadRow(const SourceTensor &tensor, ThreadPool &pool) {
  std::atomic<int64_t> bad{tensor.rows()};
  pool.forEach(tensor.rows(), [&](int64_t row) {
    thread_local std::vector<float> values;
    values.resize(size_t(tensor.columns()));
    tensor.readReals(row, values.data());
    if (firstNonFinite(values.data(), tensor.columns()) < 0)
      return;
    int64_t known = bad;
    while (row < known && !bad.compare_exchange_weak(known, row))
      ;
  });
  return bad == tensor.rows() ? -1 : int64_t(bad);
}

llvm::Error checkFinite(const ModelSource &source,
                        llvm::ArrayRef<TensorPlan> plan, int threads) {
  ThreadPool pool(threads > 0 ? threads
                              : int(std::thread::hardware_concurrency()));
  llvm::StringSet<> planned;
  for (const TensorPlan &tensor : plan)
    planned.insert(tensor.name);
  for (const SourceTensor &tensor : source.tensors()) {
    if (tensor.rows() > 1 && !planned.contains(tensor.name))
      continue;
    int64_t row = firstBadRow(tensor, pool);
    if (row >= 0)
      return notFinite(tensor, row);
  }
  return llvm::Error::success();
}

} // namespace lowbit
