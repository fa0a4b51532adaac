//===- Emitter.h - Short words for building loops of vectors ----*- C++ -*-===//
//
// Kernels are written as C++ that builds arith, vector, memref and scf ops.
// This is the vocabulary: constants are shared by CSE, `at` adds constants to
// indices, vectors have 16 lanes of f32.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_CONVERSION_EMITTER_H
#define LOWBIT_CONVERSION_EMITTER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace lowbit {

class Emitter {
public:
  static constexpr int64_t kLanes = 16;
  using Value = mlir::Value;
  using Values = llvm::SmallVector<mlir::Value>; // as llvm::to_vector gives

  Emitter(mlir::OpBuilder &builder, mlir::Location loc) : b(builder), loc(loc) {}

  mlir::OpBuilder &b;
  mlir::Location loc;

  // Types.
  mlir::Type f32() { return b.getF32Type(); }
  mlir::Type i32() { return b.getI32Type(); }
  mlir::VectorType vec(int64_t lanes, mlir::Type type) {
    return mlir::VectorType::get({lanes}, type);
  }
  mlir::VectorType vecF() { return vec(kLanes, f32()); }

  // Constants.
  Value index(int64_t value);
  Value constF(float value);
  Value constI(int32_t value);
  Value splatF(float value);
  Value splatI(int32_t value);
  Value splatBytes(uint8_t value); ///< vector<64xi8>
  /// A read-only memref<n x f64> in the module's constants.
  Value constantTable(llvm::ArrayRef<double> values);
  /// The same of any elements.
  Value constantTable(mlir::DenseElementsAttr data);

  // Index arithmetic; constants fold.
  Value add(Value a, Value c);
  Value add(Value a, int64_t c);
  Value sub(Value a, Value c);
  Value mul(Value a, Value c);
  Value mul(Value a, int64_t c);
  Value divFloor(Value a, int64_t c);
  Value divFloor(Value a, Value c);
  Value rem(Value a, int64_t c);
  Value rem(Value a, Value c);
  Value minIndex(Value a, Value c);
  Value ceilDiv(Value a, int64_t c) { return divFloor(add(a, c - 1), c); }
  Value toIndex(Value i);
  Value toI32(Value i);
  Value less(Value a, Value c); ///< of indices, signed
  Value lessOrEqual(Value a, Value c);
  Value isNot(Value condition);
  Value both(Value a, Value c); ///< of conditions
  Value choose(Value condition, Value yes, Value no);

  // f32 scalars or vectors.
  Value addF(Value a, Value c);
  Value subF(Value a, Value c);
  Value mulF(Value a, Value c);
  Value divF(Value a, Value c);
  Value fma(Value a, Value c, Value d); ///< a * c + d
  Value maxF(Value a, Value c); ///< c where one is NaN
  Value minF(Value a, Value c); ///< c where one is NaN
  Value splat(Value scalar, int64_t lanes = kLanes);
  /// 2^x for x <= 0, within 2^-22 relatively; 2^-126 where that is less.
  Value exp2(Value x);
  Value sumF(Value vector);      ///< of all lanes, in lane order pairs
  Value maxLaneF(Value vector);

  // Memory.
  Value load(Value memref, mlir::ValueRange at);
  void store(Value scalar, Value memref, mlir::ValueRange at);
  Value loadVec(mlir::VectorType type, Value memref, mlir::ValueRange at);
  void storeVec(Value vector, Value memref, mlir::ValueRange at);
  /// Lanes [0, count) only; others read as zero.
  Value loadMasked(mlir::VectorType type, Value memref, mlir::ValueRange at,
                   Value count);
  void storeMasked(Value vector, Value memref, mlir::ValueRange at,
                   Value count);
  /// table[offset + index] in every lane.
  Value gather(mlir::VectorType type, Value table, Value offset, Value index);
  /// A scalar or vector of `type` at a byte of a memref of bytes.
  Value loadBytes(mlir::Type type, Value bytes, Value row, Value offset);
  void storeBytes(Value value, Value bytes, Value row, Value offset);
  /// The same of a memref of one dimension.
  Value loadBytes(mlir::Type type, Value bytes, Value offset);
  /// A matrix of bytes as one row: places in consecutive rows are then one
  /// address and constants, which leaves registers for addresses of more rows.
  Value flat(Value bytes);

  // Control.
  /// for iv in [lo, hi) step: body returns the next values of `carried`.
  using LoopBody = llvm::function_ref<Values(Value iv, mlir::ValueRange)>;
  Values loop(Value lo, Value hi, int64_t step, mlir::ValueRange carried,
              LoopBody body);
  void each(Value lo, Value hi, int64_t step,
            llvm::function_ref<void(Value iv)> body);
  void ifThen(Value condition, llvm::function_ref<void()> then);
  /// For a row of `length` elements: body(k, lanes) with `lanes` null where all
  /// 16 elements exist; the last call may be a tail.
  void overVectors(int64_t length,
                   llvm::function_ref<void(Value k, Value lanes)> body);
  /// The same with one value carried.
  Value overVectors(int64_t length, Value carried,
                    llvm::function_ref<Value(Value k, Value lanes, Value)> body);
  /// Loads or stores 16 f32 of row `row` from column k, `lanes` of them.
  Value loadRow(Value matrix, Value row, Value k, Value lanes);
  /// Loads 16 f32 of row `row` from the columns that `columns`, a memref of
  /// i32, has at k and behind, `lanes` of them.
  Value gatherRow(Value matrix, Value row, Value columns, Value k, Value lanes);
  void storeRow(Value vector, Value matrix, Value row, Value k, Value lanes);

  /// This worker's part [lo, hi) of n items.
  std::pair<Value, Value> partition(Value n, Value worker, Value workers);
};

} // namespace lowbit

#endif // LOWBIT_CONVERSION_EMITTER_H
