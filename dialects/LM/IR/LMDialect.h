//===- LMDialect.h - What the network computes ------------------*- C++ -*-===//

#ifndef LOWBIT_DIALECTS_LM_IR_LMDIALECT_H
#define LOWBIT_DIALECTS_LM_IR_LMDIALECT_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/DialectImplementation.h"

#include "dialects/LM/IR/LMDialect.h.inc"
#include "dialects/LM/IR/LMEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/LM/IR/LMAttrs.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/LM/IR/LMTypes.h.inc"

#endif // LOWBIT_DIALECTS_LM_IR_LMDIALECT_H
