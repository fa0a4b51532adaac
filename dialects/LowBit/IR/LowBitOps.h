//===- LowBitOps.h - Operations on low-bit numbers ------------------*- C++ -*-===//

#ifndef LOWBIT_DIALECTS_LOWBIT_IR_LOWBITOPS_H
#define LOWBIT_DIALECTS_LOWBIT_IR_LOWBITOPS_H

#include "dialects/LowBit/IR/LowBitDialect.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#define GET_OP_CLASSES
#include "dialects/LowBit/IR/LowBitOps.h.inc"

#endif // LOWBIT_DIALECTS_LOWBIT_IR_LOWBITOPS_H
