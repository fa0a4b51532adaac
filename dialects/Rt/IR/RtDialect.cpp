//===- RtDialect.cpp - Registration of the rt dialect ---------------------===//

#include "dialects/Rt/IR/RtOps.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "dialects/Rt/IR/RtDialect.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/Rt/IR/RtTypes.cpp.inc"

void lowbit::rt::RtDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Rt/IR/RtOps.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/Rt/IR/RtTypes.cpp.inc"
      >();
}
