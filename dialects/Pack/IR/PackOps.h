//===- PackOps.h - Operations on packed tensors -------------------*- C++ -*-===//

#ifndef LOWBIT_DIALECTS_PACK_IR_PACKOPS_H
#define LOWBIT_DIALECTS_PACK_IR_PACKOPS_H

#include "dialects/Pack/IR/PackDialect.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#define GET_OP_CLASSES
#include "dialects/Pack/IR/PackOps.h.inc"

#endif // LOWBIT_DIALECTS_PACK_IR_PACKOPS_H
