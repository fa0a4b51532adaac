//===- PackDialect.h - Where each bit is ----------------------------*- C++ -*-===//

#ifndef LOWBIT_DIALECTS_PACK_IR_PACKDIALECT_H
#define LOWBIT_DIALECTS_PACK_IR_PACKDIALECT_H

#include "dialects/LowBit/IR/LowBitDialect.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/DialectImplementation.h"

#include "dialects/Pack/IR/PackDialect.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Pack/IR/PackAttrs.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/Pack/IR/PackTypes.h.inc"

#endif // LOWBIT_DIALECTS_PACK_IR_PACKDIALECT_H
