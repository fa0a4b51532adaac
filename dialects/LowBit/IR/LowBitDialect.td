//===- LowBitDialect.td - What a low-bit number means -----*- tablegen -*-===//

#ifndef LOWBIT_DIALECTS_LOWBIT_IR_LOWBITDIALECT_TD
#define LOWBIT_DIALECTS_LOWBIT_IR_LOWBITDIALECT_TD

include "mlir/IR/DialectBase.td"

def LowBit_Dialect : Dialect {
  let name = "lowbit";
  let cppNamespace = "::lowbit";
  let summary = "What a low-bit number means.";
  let description = [{
    Numbers of few bits, as values: which codes there are, which scales, minima
    and zero points stand above them, how reals become codes and codes become
    reals, bit for bit (docs/Numerics.md). Where a bit sits in memory is not
    said here; that is the `pack` dialect's question.

        lm  --quantize-->  lm + lowbit  --pack-->  pack

    The format is `#lowbit.scheme`, a tensor of such numbers is
    `!lowbit.tensor`, and `#lowbit.quantizer` says how they are made from reals.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
  }];
}

#endif // LOWBIT_DIALECTS_LOWBIT_IR_LOWBITDIALECT_TD
