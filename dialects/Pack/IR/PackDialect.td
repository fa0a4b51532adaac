//===- PackDialect.td - Where each bit is -----------------*- tablegen -*-===//

#ifndef LOWBIT_DIALECTS_PACK_IR_PACKDIALECT_TD
#define LOWBIT_DIALECTS_PACK_IR_PACKDIALECT_TD

include "mlir/IR/DialectBase.td"

def Pack_Dialect : Dialect {
  let name = "pack";
  let cppNamespace = "::lowbit::pack";
  let summary = "Where each bit is.";
  let description = [{
    Low-bit tensors with a place in memory for every code and field. A weight is
    a sequence of panels of 16 rows; a lane of a vector is a row. An activation
    is a row of codes in the order in which its weight's groups are read.

        lowbit  --pack-->  pack on tensors  --loops-->  pack.dot4, vector, scf

    `pack.linear` and `pack.embed` work on tensors; `pack.dot4` and
    `pack.lookup` on vectors, `pack.tile_dot` on memory: one lowering for each
    instruction set.
  }];
  // Its ops hold attributes of lowbit, printed without that name.
  let dependentDialects = ["::lowbit::LowBitDialect"];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
}

#endif // LOWBIT_DIALECTS_PACK_IR_PACKDIALECT_TD
