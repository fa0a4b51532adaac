//===- LM.h - The ops of the lm dialect, evaluated in f64 -------*- C++ -*-===//
//
// One function for each op, named as the op; formulas are in LMOps.td. Sizes
// are the caller's to check: the evaluator does so before each call.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_REFERENCE_LM_H
#define LOWBIT_REFERENCE_LM_H

#include "lowbit/Reference/Value.h"

#include <optional>

namespace lowbit::reference {

/// `embeddings` may be null where no token is -1.
Reals embed(const Indices &tokens, const Value &table, const Reals *embeddings,
            double scale);
Reals linear(const Reals &x, const Value &weight, const Reals *bias);
Reals rmsNorm(const Reals &x, const Reals &gain, double epsilon);
Reals layerNorm(const Reals &x, const Reals &gain, const Reals &bias,
                double epsilon);
Reals add(const Reals &lhs, const Reals &rhs);
/// Columns (or rows) times factors, or divided by them. A vector's elements are
/// its columns.
Reals scale(const Reals &x, const Reals &factors, bool alongRows, bool inverse);
/// lm.rotate of every `block` columns (or rows).
Reals rotate(const Reals &x, int64_t block, bool alongRows);
Reals gatherRows(const Reals &x, const Indices &rows);
/// Of the rows from first[i] to last[i], both included.
Reals meanRows(const Reals &x, const Indices &first, const Indices &last);

enum class Function { Silu, Gelu, GeluTanh, Relu, Tanh, Relu2 };
double activate(Function function, double x);
Reals activate(Function function, const Reals &x);
Reals gate(Function function, const Reals &gate, const Reals &up);

struct RopeParameters {
  double base = 10000;
  double frequencyScale = 1;
  double magnitude = 1;
};
/// [T, columns]: cosines, then sines. `factors` may be null.
Reals ropeTable(const Indices &positions, int64_t columns, const Reals *factors,
                const RopeParameters &parameters);
enum class RopeStyle { Halves, Pairs };
Reals rope(RopeStyle style, const Reals &x, const Reals &table,
           int64_t headDim);

KVStore kvAppend(KVStore store, const Reals &keys, const Reals &values,
                 int64_t layer);
/// Every row sees a position at least, and none that the layer lacks.
bool attentionIsDefined(const KVStore &store, int64_t layer);
Reals cachedAttention(const Reals &q, const KVStore &store, int64_t layer,
                      double scale, std::optional<int64_t> window);
Reals attention(const Reals &q, const Reals &k, const Reals &v, int64_t headDim,
                double scale, bool masked,
                std::optional<int64_t> window = std::nullopt);

} // namespace lowbit::reference

#endif // LOWBIT_REFERENCE_LM_H
