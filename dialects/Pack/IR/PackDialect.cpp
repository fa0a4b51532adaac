//===- PackDialect.cpp - Registration of the pack dialect -----------------===//

#include "dialects/Pack/IR/PackOps.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

/// Prints and reads `1536x576`.
static void printShape(AsmPrinter &printer, int64_t rows, int64_t columns) {
  printer.printDimensionList({rows, columns});
}
static ParseResult parseShape(AsmParser &parser, int64_t &rows,
                              int64_t &columns) {
  SmallVector<int64_t> shape;
  SMLoc where = parser.getCurrentLocation();
  if (parser.parseDimensionList(shape, /*allowDynamic=*/false,
                                /*withTrailingX=*/false))
    return failure();
  if (shape.size() != 2)
    return parser.emitError(where, "panels have 2 dimensions, but got ")
           << shape.size();
  rows = shape[0];
  columns = shape[1];
  return success();
}

#include "dialects/Pack/IR/PackDialect.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Pack/IR/PackAttrs.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/Pack/IR/PackTypes.cpp.inc"

void lowbit::pack::PackDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Pack/IR/PackOps.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Pack/IR/PackAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/Pack/IR/PackTypes.cpp.inc"
      >();
}
