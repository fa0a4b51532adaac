//===- LMDialect.td - What the network computes -----------*- tablegen -*-===//

#ifndef LOWBIT_DIALECTS_LM_IR_LMDIALECT_TD
#define LOWBIT_DIALECTS_LM_IR_LMDIALECT_TD

include "mlir/IR/DialectBase.td"

def LM_Dialect : Dialect {
  let name = "lm";
  let cppNamespace = "::lowbit::lm";
  let summary = "What the network computes.";
  let description = [{
    Transformers as functions on tensors of reals: norms, linear layers, rotary
    positions, attention over a key/value store, gates. Nothing is decided here
    about bits, memory, threads or machines.

        GGUF, ... --> lm (weights may already be !lowbit.tensor)
                       |  quantize: lm.linear becomes lowbit.linear
                       v
                     lm + lowbit --> pack --> loops

    A batch is ragged: T rows of several sequences, `tensor<?x...>`. Only
    `lm.embed`, `lm.rope_table`, `lm.kv_append`, `lm.cached_attention` and
    `lm.gather_rows` know which sequence a row belongs to; all else is row by
    row. Every op is pure; the key/value store is a value.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
}

#endif // LOWBIT_DIALECTS_LM_IR_LMDIALECT_TD
