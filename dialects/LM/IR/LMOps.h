//===- LMOps.h - Operations of a language model -----------------*- C++ -*-===//

#ifndef LOWBIT_DIALECTS_LM_IR_LMOPS_H
#define LOWBIT_DIALECTS_LM_IR_LMOPS_H

#include "dialects/LM/IR/LMDialect.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#define GET_OP_CLASSES
#include "dialects/LM/IR/LMOps.h.inc"

namespace lowbit::lm {

/// The permutation of an `lm.weight`'s columns; null: none, or no such op.
mlir::Value permutationOf(mlir::Value weight);

/// The append that gives attention's layer of the store what it reads; null:
/// the store was an argument.
KVAppendOp appendOf(CachedAttentionOp attention);

/// Whether `lm.rotate` has blocks of that size (C2).
bool isRotationBlock(int64_t block);

} // namespace lowbit::lm

#endif // LOWBIT_DIALECTS_LM_IR_LMOPS_H
