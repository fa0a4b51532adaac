//===- RtDialect.h - What the module asks of its host -----------*- C++ -*-===//

#ifndef LOWBIT_DIALECTS_RT_IR_RTDIALECT_H
#define LOWBIT_DIALECTS_RT_IR_RTDIALECT_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/DialectImplementation.h"

#include "dialects/Rt/IR/RtDialect.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/Rt/IR/RtTypes.h.inc"

#endif // LOWBIT_DIALECTS_RT_IR_RTDIALECT_H
