//===- LowBitOps.td - Operations on low-bit numbers -------*- tablegen -*-===//

#ifndef LOWBIT_DIALECTS_LOWBIT_IR_LOWBITOPS_TD
#define LOWBIT_DIALECTS_LOWBIT_IR_LOWBITOPS_TD

include "dialects/LowBit/IR/LowBitAttrs.td"
include "mlir/IR/BuiltinTypes.td"
include "mlir/IR/CommonTypeConstraints.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class LowBit_StaticDim<int dim>
    : CPred<"!::llvm::cast<::mlir::ShapedType>($_self).isDynamicDim(" # dim # ")">;

class LowBit_Op<string mnemonic, list<Trait> traits = []>
    : Op<LowBit_Dialect, mnemonic, !listconcat([Pure], traits)>;

def LowBit_Reals
    : ConfinedType<RankedTensorOf<[F32]>,
                   [HasAnyRankOfPred<[2]>, LowBit_StaticDim<1>],
                   "rows of f32 with a static number of columns">;
def LowBit_Vector
    : ConfinedType<RankedTensorOf<[F32]>,
                   [HasAnyRankOfPred<[1]>, HasStaticShapePred],
                   "vector of f32 with a static length">;
def LowBit_Indices
    : ConfinedType<RankedTensorOf<[I32]>, [HasAnyRankOfPred<[1]>],
                   "vector of i32">;
/// Of columns: stored element j is column permutation[j].
def LowBit_Permutation
    : ConfinedType<RankedTensorOf<[I32]>,
                   [HasAnyRankOfPred<[1]>, HasStaticShapePred],
                   "vector of i32 with a static length">;

def LowBit_QuantizeOp : LowBit_Op<"quantize"> {
  let summary = "Reals to codes and scales, round to nearest";
  let description = [{
    For every group, its fields from its own elements, then the nearest codes.
    For a symmetric signed scheme of b bits with one f32 scale:

        m        = 2^(b-1) - 1,  a = max |x| over the group
        scale    = fl(a / m)                         0 where a < 2^-120
        code     = rn(fl(x * fl(m / a)))             0 where a < 2^-120

    rn is the scheme's rounding, fl one rounding to f32 (Numerics N2). With the
    scheme `bf16` the reals are rounded to bf16. With a
    permutation, element j of a row as stored is x[t, permutation[j]], and the
    groups are those of the stored order.

    Constraints:
    - (C1) `result` has the shape of `x`.
    - (C2) the scheme is not one of floats, but for `bf16`.
    - (C3) the scheme has no `tensor` level: a row's result depends on it alone.
    - (C4) there is a permutation exactly where the result is `permuted`, with an
      element for every column. That it is one is checked where its bytes are.

    Example:

    ```mlir
    %q = lowbit.quantize %x : tensor<?x576xf32>
       -> !lowbit.tensor<?x576, #lowbit.scheme<s8, group 32 scale f32>>
    %r = lowbit.quantize %x permuted %p : tensor<?x576xf32>, tensor<576xi32>
       -> !lowbit.tensor<?x576, #lowbit.scheme<s8, group 32 scale f32>, permuted>
    ```
  }];
  let arguments = (ins LowBit_Reals:$x,
                       Optional<LowBit_Permutation>:$permutation);
  let results = (outs LowBit_TensorType:$result);
  let assemblyFormat = [{
    $x (`permuted` $permutation^)? attr-dict
    `:` type($x) (`,` type($permutation)^)? `->` type($result)
  }];
  let hasVerifier = 1;
}

def LowBit_DequantizeOp : LowBit_Op<"dequantize"> {
  let summary = "Recover real values";
  let description = [{
        result[r, k] = fl(fl(S * (c(code[r, k]) - z)) + M)

    S, z and M from the levels that cover element k of row r (Numerics N1). Of a
    permuted tensor, element j of a row as stored gives column permutation[j].

    Constraints:
    - (C1) `result` has the shape of `x`.

    Example:

    ```mlir
    %w = lowbit.dequantize %q
       : !lowbit.tensor<8x64, #lowbit.scheme<u4 offset 8, group 32 scale f16>> -> tensor<8x64xf32>
    ```
  }];
  let arguments = (ins LowBit_TensorType:$x);
  let results = (outs LowBit_Reals:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
}

def LowBit_LinearOp : LowBit_Op<"linear"> {
  let summary = "A fully connected layer on low-bit weights";
  let description = [{
    With x and w the reals that the operands stand for:

        result[t, n] = sum_k x[t, k] * w[n, k] + bias[n]

    Where both are low-bit with integer codes, the products inside a group of
    both are summed as integers, exactly; the order of the float sums over
    groups is not specified (Numerics N3).

    Constraints:
    - (C1) `columns(x) = columns(weight)`.
    - (C2) `columns(result) = rows(weight)`, also of the bias.
    - (C3) `rows(result) = rows(x)`; the weight's rows are static.
    - (C4) low-bit activations are permuted exactly where the weight is (and
      alike: V5 of `lowbit-verify-quantized`).

    Example:

    ```mlir
    %y = lowbit.linear %q, %w
       : !lowbit.tensor<?x64, #lowbit.scheme<s8, group 32 scale f32>>,
         !lowbit.tensor<96x64, #lowbit.scheme<u4 offset 8, group 32 scale f16>> -> tensor<?x96xf32>
    ```
  }];
  let arguments = (ins AnyTypeOf<[LowBit_Reals, LowBit_TensorType]>:$x,
                       LowBit_TensorType:$weight,
                       Optional<LowBit_Vector>:$bias);
  let results = (outs LowBit_Reals:$result);
  let assemblyFormat = [{
    $x `,` $weight (`bias` $bias^)? attr-dict
    `:` type($x) `,` type($weight) (`,` type($bias)^)? `->` type($result)
  }];
  let hasVerifier = 1;
}

def LowBit_EmbedOp : LowBit_Op<"embed"> {
  let summary = "Rows of a low-bit table";
  let description = [{
        result[t, i] = scale * dequantize(table)[tokens[t], i]  if tokens[t] >= 0
        result[t, i] = embeddings[t, i]                          if tokens[t] = -1

    Constraints:
    - (C1) `columns(result) = columns(table) = columns(embeddings)`.
    - (C2) `rows(result) = elements(tokens) = rows(embeddings)`.

    Example:

    ```mlir
    %x = lowbit.embed %tokens, %table {scale = 1.0 : f32}
       : tensor<?xi32>, !lowbit.tensor<96x64, #lowbit.scheme<s8, group 32 scale f16>> -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins LowBit_Indices:$tokens, LowBit_TensorType:$table,
                       Optional<LowBit_Reals>:$embeddings,
                       DefaultValuedAttr<F32Attr, "1.0f">:$scale);
  let results = (outs LowBit_Reals:$result);
  let assemblyFormat = [{
    $tokens `,` $table (`else` $embeddings^)? attr-dict
    `:` type($tokens) `,` type($table) (`,` type($embeddings)^)?
    `->` type($result)
  }];
  let hasVerifier = 1;
}

#endif // LOWBIT_DIALECTS_LOWBIT_IR_LOWBITOPS_TD
