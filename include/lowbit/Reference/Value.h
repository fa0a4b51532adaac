//===- Value.h - What the reference evaluator computes with -----*- C++ -*-===//
//
// Plain data: reals kept as f64, indices, low-bit matrices taken apart, and the
// key/value store of a ragged batch. Nothing here knows MLIR.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_REFERENCE_VALUE_H
#define LOWBIT_REFERENCE_VALUE_H

#include "lowbit/Support/KVElement.h"
#include "lowbit/Support/Scheme.h"

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

namespace lowbit::reference {

/// A vector or a matrix, row-major.
template <typename T> struct Array {
  std::vector<int64_t> shape;
  std::vector<T> data;

  Array() = default;
  explicit Array(std::vector<int64_t> sizes) : shape(std::move(sizes)) {
    size_t count = 1;
    for (int64_t size : shape)
      count *= static_cast<size_t>(size);
    data.resize(count);
  }

  int64_t rows() const { return shape.front(); }
  int64_t columns() const { return shape.back(); }
  T *row(int64_t r) { return data.data() + r * columns(); }
  const T *row(int64_t r) const { return data.data() + r * columns(); }
};

/// A tensor of f32 in the IR. Kept in f64: a result is rounded only where its
/// op says so (docs/Numerics.md).
using Reals = Array<double>;
using Indices = Array<int32_t>;

/// A !lowbit.tensor.
struct LowBits {
  Scheme scheme;
  int64_t columns = 0;
  std::vector<RowFields> rows; ///< in stored order
  /// Stored element j is column permutation[j]; empty: column j.
  std::vector<int32_t> permutation = {};
};

/// Adjacent rows of the batch that belong to one sequence.
struct Run {
  int64_t firstRow = 0;
  int64_t count = 0;
};

/// Which rows belong to which sequence, and what they see of it.
struct Batch {
  std::vector<Run> runs; ///< cover the rows in order
  /// Row t sees the positions [0, visibleEnd[t]) of its own sequence.
  std::vector<int32_t> visibleEnd;

  int64_t rows() const { return static_cast<int64_t>(visibleEnd.size()); }
  /// Consecutive rows of one sequence that has `past` positions already.
  static Batch ofOneSequence(int64_t rows, int64_t past = 0);
};

/// A !lm.kv.
struct KVStore {
  /// Keys and values of one sequence, [positions][heads * dim].
  struct Sequence {
    std::vector<double> keys, values;
  };

  int64_t layers = 0, heads = 0, dim = 0;
  KVElement element = KVElement::F32; ///< what is appended is rounded to
  Batch batch; ///< run i appends to and reads sequence i
  std::vector<std::vector<Sequence>> sequences; ///< [layer][sequence]

  KVStore() = default;
  KVStore(int64_t layers, int64_t heads, int64_t dim, KVElement element,
          Batch batch);
  /// The same positions, for the next batch of the same sequences.
  KVStore withBatch(Batch next) const;
  int64_t width() const { return heads * dim; }
};

using Value = std::variant<Reals, Indices, LowBits, KVStore>;
using ValueRef = std::shared_ptr<const Value>;

template <typename T> ValueRef share(T value) {
  return std::make_shared<const Value>(std::move(value));
}

} // namespace lowbit::reference

#endif // LOWBIT_REFERENCE_VALUE_H
