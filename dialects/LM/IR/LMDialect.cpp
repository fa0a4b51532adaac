//===- LMDialect.cpp - Registration of the lm dialect ---------------------===//

#include "dialects/LM/IR/LMOps.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "dialects/LM/IR/LMDialect.cpp.inc"
#include "dialects/LM/IR/LMEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/LM/IR/LMAttrs.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/LM/IR/LMTypes.cpp.inc"

void lowbit::lm::LMDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/LM/IR/LMOps.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/LM/IR/LMAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/LM/IR/LMTypes.cpp.inc"
      >();
}
