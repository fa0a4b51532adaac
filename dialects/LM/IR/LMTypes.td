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

    `layers` layers of `heads` heads of `dim` reals, kept as `element`. i8 stands
    for codes from -127 to 127 with one f32 scale for the `dim` of a head at a
    position; i4 for codes from -8 to 7 with a bf16 scale for each 32 of them.

    Constraints:
    - (C1) `layers`, `heads` and `dim` are positive.
    - (C2) `element` is f32, f16, bf16, i8 or i4.
    - (C3) heads of i4 have an even `dim`: two codes share a byte.

    Example: `!lm.kv<layers = 30, heads = 3, dim = 64, element = f16>`
  }];
  let parameters = (ins "int64_t":$layers, "int64_t":$heads, "int64_t":$dim,
                        "::mlir::Type":$element);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

class LM_StaticDim<int dim>
    : CPred<"!::llvm::cast<::mlir::ShapedType>($_self).isDynamicDim(" # dim # ")">;

/// Rows of reals [T, d]: T tokens, d static.
def LM_Rows
    : ConfinedType<RankedTensorOf<[F32]>,
                   [HasAnyRankOfPred<[2]>, LM_StaticDim<1>],
                   "rows of f32 with a static number of columns">;
/// One integer a row.
def LM_Indices
    : ConfinedType<RankedTensorOf<[I32]>, [HasAnyRankOfPred<[1]>],
                   "vector of i32">;
/// A learned vector: a norm's gain, a bias.
def LM_Vector
    : ConfinedType<RankedTensorOf<[F32]>,
                   [HasAnyRankOfPred<[1]>, HasStaticShapePred],
                   "vector of f32 with a static length">;
/// A permutation of a matrix's columns.
def LM_Permutation
    : ConfinedType<RankedTensorOf<[I32]>,
                   [HasAnyRankOfPred<[1]>, HasStaticShapePred],
                   "vector of i32 with a static length">;
/// A learned matrix: reals, or numbers of any dialect with a ShapedType.
def LM_Matrix
    : Type<And<[CPred<"::llvm::isa<::mlir::ShapedType>($_self)">,
                HasAnyRankOfPred<[2]>, HasStaticShapePred]>,
           "matrix of static shape">;

#endif // LOWBIT_DIALECTS_LM_IR_LMTYPES_TD
