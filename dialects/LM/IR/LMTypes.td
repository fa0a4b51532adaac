//===- LMTypes.td - Types of the lm dialect ---------------*- tablegen -*-===//

#ifndef LOWBIT_DIALECTS_LM_IR_LMTYPES_TD
#define LOWBIT_DIALECTS_LM_IR_LMTYPES_TD

include "dialects/LM/IR/LMDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinTypes.td"
include "mlir/IR/CommonTypeConstraints.td"

def LM_KVType : TypeDef<LM_Dialect, "KV"> {
  let mnemonic = "kv";
  let summary = "A key/value store of a ragged batch";
  let description = [{
    Keys and values of every layer for all sequences of the batch, together with
    what tells them apart: which rows belong to which sequence and how many
    positions each row may see. A value: `lm.kv_append` gives a longer one.

    `layers` layers of `heads` heads of `dim` reals, kept as `element`.

    Example: `!lm.kv<layers = 30, heads = 3, dim = 64, element = f16>`
  }];
  let parameters = (ins "int64_t":$layers, "int64_t":$heads, "int64_t":$dim,
                        "::mlir::FloatType":$element);
  let assemblyFormat = "`<` struct(params) `>`";
}

class LM_RowsOf<list<Type> elements>
    : ConfinedType<RankedTensorOf<elements>, [HasAnyRankOfPred<[2]>],
                   "rows [T, d] of " # RankedTensorOf<elements>.summary>;
class LM_VectorOf<list<Type> elements>
    : ConfinedType<RankedTensorOf<elements>, [HasAnyRankOfPred<[1]>],
                   "vector of " # RankedTensorOf<elements>.summary>;

/// Rows of reals [T, d]: T tokens, d static.
def LM_Rows : LM_RowsOf<[F32]>;
/// One integer a row.
def LM_Indices : LM_VectorOf<[I32]>;
/// A learned vector: a norm's gain, a bias.
def LM_Vector : LM_VectorOf<[F32]>;

#endif // LOWBIT_DIALECTS_LM_IR_LMTYPES_TD
