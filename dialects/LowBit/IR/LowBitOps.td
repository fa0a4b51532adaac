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
    `by` a quantizer: as that says (Numerics N9). Without one, for a symmetric
    signed scheme of b bits with one f32 scale:

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
      By a quantizer it may, and then the number of rows is static.
    - (C4) there is a permutation exactly where the result is `permuted`, with an
      element for every column. That it is one is checked where its bytes are.
    - (C5) the quantizer fits the scheme: (Q2) to (Q7).

    Example:

    ```mlir
    %q = lowbit.quantize %x : tensor<?x576xf32>
       -> !lowbit.tensor<?x576, #lowbit.scheme<s8, group 32 scale f32>>
    %r = lowbit.quantize %x permuted %p : tensor<?x576xf32>, tensor<576xi32>
       -> !lowbit.tensor<?x576, #lowbit.scheme<s8, group 32 scale f32>, permuted>
    %b = lowbit.quantize %x by <absmax reach 127.0 least 1.0e-05, multiply>
       : tensor<?x576xf32> -> !lowbit.tensor<?x576, #lowbit.scheme<s8, row divisor f32>>
    ```
  }];
  let arguments = (ins LowBit_Reals:$x,
                       Optional<LowBit_Permutation>:$permutation,
                       OptionalAttr<LowBit_QuantizerAttr>:$quantizer);
  let results = (outs LowBit_TensorType:$result);
  let builders = [
    OpBuilder<(ins "::mlir::Type":$type, "::mlir::Value":$x,
                   "::mlir::Value":$permutation), [{
      build($_builder, $_state, type, x, permutation, /*quantizer=*/nullptr);
    }]>
  ];
  let assemblyFormat = [{
    $x (`by` $quantizer^)? (`permuted` $permutation^)? attr-dict
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

def LowBit_FakeQuantOp : LowBit_Op<"fake_quant",
    [AttrSizedOperandSegments, AllTypesMatch<["x", "result"]>]> {
  let summary = "Quantize and dequantize without integers between";
  let description = [{
    The reals that codes of `scheme`, chosen by `quantizer`, stand for: what
    quantization-aware training computes forward (Numerics N9). In f32 it is
    `dequantize(quantize(x))`, but for NaN, which stays NaN. With v that real:

        result = v                      or, `straight_through`,
        result = fl(x + fl(v - x))      what x + (v - x).detach() rounds to

    `given` scales, one for each group of a row, and zero points take the place
    of chosen ones: learned or static ranges. Zero points need not be integers,
    and are 0 where they are absent.

    Constraints:
    - (C1) the quantizer fits the scheme: (Q2) to (Q7).
    - (C2) given fields have a row for each of `x` and a column for each group.
    - (C3) given fields belong to integer codes under one level with a scale and
      no minimum; zero points to a scheme that has them.
    - (C4) a scheme with a `tensor` level needs a static number of rows.

    Example:

    ```mlir
    %v = lowbit.fake_quant %w by <absmax reach 7.5, multiply>
         in <s4, group 32 scale f32> : tensor<64x128xf32>
    %l = lowbit.fake_quant %w by <minmax, multiply>
         in <s4, group 32 scale f32 zero s4> given %s zero %z
       : tensor<64x128xf32>, tensor<64x4xf32>, tensor<64x4xf32>
    ```
  }];
  let arguments = (ins LowBit_Reals:$x, Optional<LowBit_Reals>:$scales,
                       Optional<LowBit_Reals>:$zeros,
                       LowBit_QuantizerAttr:$quantizer, LowBit_SchemeAttr:$scheme,
                       UnitAttr:$straight_through);
  let results = (outs LowBit_Reals:$result);
  let assemblyFormat = [{
    $x `by` $quantizer `in` $scheme (`given` $scales^ (`zero` $zeros^)?)?
    (`straight_through` $straight_through^)? attr-dict
    `:` type($x) (`,` type($scales)^ (`,` type($zeros)^)?)?
  }];
  let hasVerifier = 1;
}

def LowBit_ObserveOp : Op<LowBit_Dialect, "observe",
    [AllTypesMatch<["x", "result"]>]> {
  let summary = "Pass a value through and note what it is like";
  let description = [{
        result = x

    and beside that the host's table is told, under `name`, the number of rows
    and for every column k what `statistics` asks for, over all rows of all calls
    since the table was cleared:

        min = min x[t, k]       max           = max x[t, k]
        absmax = max |x[t, k]|  second_moment = sum_t x[t, k]^2

    Ops of equal names add to one entry. Static activation scales, SmoothQuant,
    AWQ and importance matrices are made from such a table. The reference
    evaluator has one (`Evaluator::observations`); compiled code has none yet:
    `lowbit-strip-observers` takes the ops out.

    Example:

    ```mlir
    %y = lowbit.observe %x as "blk.0.attn_norm" min|max|second_moment : tensor<?x576xf32>
    ```
  }];
  let arguments = (ins LowBit_Reals:$x, StrAttr:$name,
                       LowBit_StatisticAttr:$statistics);
  let results = (outs LowBit_Reals:$result);
  let assemblyFormat = "$x `as` $name $statistics attr-dict `:` type($x)";
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
