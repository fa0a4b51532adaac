//===- RtOps.h - Requests to the host ---------------------------*- C++ -*-===//

#ifndef LOWBIT_DIALECTS_RT_IR_RTOPS_H
#define LOWBIT_DIALECTS_RT_IR_RTOPS_H

#include "dialects/Rt/IR/RtDialect.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#define GET_OP_CLASSES
#include "dialects/Rt/IR/RtOps.h.inc"

#endif // LOWBIT_DIALECTS_RT_IR_RTOPS_H
