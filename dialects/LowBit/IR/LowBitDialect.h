//===- LowBitDialect.h - What a low-bit number means ------------*- C++ -*-===//

#ifndef LOWBIT_DIALECTS_LOWBIT_IR_LOWBITDIALECT_H
#define LOWBIT_DIALECTS_LOWBIT_IR_LOWBITDIALECT_H

#include "lowbit/Support/Quantizer.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/DialectImplementation.h"

#include "dialects/LowBit/IR/LowBitDialect.h.inc"
#include "dialects/LowBit/IR/LowBitEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/LowBit/IR/LowBitAttrs.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/LowBit/IR/LowBitTypes.h.inc"

#endif // LOWBIT_DIALECTS_LOWBIT_IR_LOWBITDIALECT_H
