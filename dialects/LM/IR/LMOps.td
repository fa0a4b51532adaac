//===- LMOps.td - Operations of a language model ----------*- tablegen -*-===//

#ifndef LOWBIT_DIALECTS_LM_IR_LMOPS_TD
#define LOWBIT_DIALECTS_LM_IR_LMOPS_TD

include "dialects/LM/IR/LMTypes.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def LM_Activation : I32EnumAttr<"Activation", "a pointwise nonlinearity", [
  I32EnumAttrCase<"Silu", 0, "silu">,
  I32EnumAttrCase<"Gelu", 1, "gelu">,
  I32EnumAttrCase<"GeluTanh", 2, "gelu_tanh">,
  I32EnumAttrCase<"Relu", 3, "relu">,
  I32EnumAttrCase<"Tanh", 4, "tanh">,
  I32EnumAttrCase<"Relu2", 5, "relu2">
]> {
  let cppNamespace = "::lowbit::lm";
  let genSpecializedAttr = 0;
}
def LM_ActivationAttr : EnumAttr<LM_Dialect, LM_Activation, "activation">;

def LM_RopeStyle : I32EnumAttr<"RopeStyle", "which elements rotate together", [
  I32EnumAttrCase<"Halves", 0, "halves">,
  I32EnumAttrCase<"Pairs", 1, "pairs">
]> {
  let cppNamespace = "::lowbit::lm";
  let genSpecializedAttr = 0;
}
def LM_RopeStyleAttr : EnumAttr<LM_Dialect, LM_RopeStyle, "rope_style">;

def LM_Axis : I32EnumAttr<"Axis", "what an op works along", [
  I32EnumAttrCase<"Rows", 0, "rows">,
  I32EnumAttrCase<"Columns", 1, "columns">
]> {
  let cppNamespace = "::lowbit::lm";
  let genSpecializedAttr = 0;
}
def LM_AxisAttr : EnumAttr<LM_Dialect, LM_Axis, "axis">;

class LM_Op<string mnemonic, list<Trait> traits = []>
    : Op<LM_Dialect, mnemonic, !listconcat([Pure], traits)>;

/// The layer of a key/value store that an op works on.
def LM_Layer : ConfinedAttr<I64Attr, [IntNonNegative]>;
def LM_HeadDim : ConfinedAttr<I64Attr, [IntPositive]>;

def LM_WeightOp : LM_Op<"weight"> {
  let summary = "A tensor of the model, by name";
  let description = [{
    The value that the model's source holds under `name`: a resource, read when
    the module is written, never printed. A matrix is [N, K] with its N outputs
    first; its type is a `tensor<NxKxf32>` or a `!lowbit.tensor` whose scheme
    says what the bits mean.

    A matrix whose columns were sorted before they were grouped (GPTQ's
    activation order) names the permutation, a vector of i32: stored column j is
    column permutation[j]. The value is the matrix in the order of its columns.

    Constraints:
    - (C1) a permutation belongs to a matrix, with an element for every column.

    Example:

    ```mlir
    %g = lm.weight "blk.0.attn_norm.weight" : tensor<576xf32>
    %p = lm.weight "blk.0.attn_q.permutation" : tensor<576xi32>
    %w = lm.weight "blk.0.attn_q.weight" permuted %p
       : !lowbit.tensor<576x576, #lowbit.scheme<u4 offset 8, group 64 scale f16>, permuted>, tensor<576xi32>
    ```
  }];
  let arguments = (ins StrAttr:$name, Optional<LM_Permutation>:$permutation);
  let results = (outs AnyTypeOf<[LM_Vector, LM_Matrix, LM_Permutation]>:$result);
  let builders = [
    OpBuilder<(ins "::mlir::Type":$type, "::llvm::StringRef":$name), [{
      build($_builder, $_state, type, name, /*permutation=*/::mlir::Value());
    }]>
  ];
  let assemblyFormat = [{
    $name (`permuted` $permutation^)? attr-dict
    `:` type($result) (`,` type($permutation)^)?
  }];
  let hasVerifier = 1;
}

def LM_EmbedOp : LM_Op<"embed"> {
  let summary = "Rows of a table";
  let description = [{
        result[t, i] = scale * table[tokens[t], i]        if tokens[t] >= 0
        result[t, i] = embeddings[t, i]                   if tokens[t] = -1

    Learned positions are an embed of the positions.

    Constraints:
    - (C1) `columns(result) = columns(table) = columns(embeddings)`.
    - (C2) `rows(result) = elements(tokens) = rows(embeddings)`.

    Example:

    ```mlir
    %x = lm.embed %tokens, %table {scale = 1.0 : f32}
       : tensor<?xi32>, tensor<49152x576xf32> -> tensor<?x576xf32>
    ```
  }];
  let arguments = (ins LM_Indices:$tokens, LM_Matrix:$table,
                       Optional<LM_Rows>:$embeddings,
                       DefaultValuedAttr<F32Attr, "1.0f">:$scale);
  let results = (outs LM_Rows:$result);
  let assemblyFormat = [{
    $tokens `,` $table (`else` $embeddings^)? attr-dict
    `:` type($tokens) `,` type($table) (`,` type($embeddings)^)?
    `->` type($result)
  }];
  let hasVerifier = 1;
}

def LM_LinearOp : LM_Op<"linear"> {
  let summary = "A fully connected layer";
  let description = [{
        result[t, n] = sum_k x[t, k] * weight[n, k] + bias[n]

    Constraints:
    - (C1) `columns(x) = columns(weight)`.
    - (C2) `columns(result) = rows(weight)`, also of the bias.
    - (C3) `rows(result) = rows(x)`.

    Example:

    ```mlir
    %y = lm.linear %x, %w : tensor<?x576xf32>, tensor<1536x576xf32> -> tensor<?x1536xf32>
    ```
  }];
  let arguments = (ins LM_Rows:$x, LM_Matrix:$weight, Optional<LM_Vector>:$bias);
  let results = (outs LM_Rows:$result);
  let assemblyFormat = [{
    $x `,` $weight (`bias` $bias^)? attr-dict
    `:` type($x) `,` type($weight) (`,` type($bias)^)? `->` type($result)
  }];
  let hasVerifier = 1;
}

def LM_RmsNormOp : LM_Op<"rms_norm", [AllTypesMatch<["x", "result"]>]> {
  let summary = "Root-mean-square norm";
  let description = [{
    With D the length of `gain`, on every D consecutive elements of a row:

        result[t, i] = x[t, i] / sqrt(mean_D(x^2) + epsilon) * gain[i mod D]

    A gain as long as the row is the usual norm; one as long as a head
    normalizes each head of queries or keys.

    Constraints:
    - (C1) D divides `columns(x)`.

    Example:

    ```mlir
    %y = lm.rms_norm %x, %g {epsilon = 1.0e-5 : f32} : tensor<?x576xf32>, tensor<576xf32>
    ```
  }];
  let arguments = (ins LM_Rows:$x, LM_Vector:$gain, F32Attr:$epsilon);
  let results = (outs LM_Rows:$result);
  let assemblyFormat = "$x `,` $gain attr-dict `:` type($x) `,` type($gain)";
  let hasVerifier = 1;
}

def LM_LayerNormOp : LM_Op<"layer_norm", [AllTypesMatch<["x", "result"]>]> {
  let summary = "Layer norm";
  let description = [{
        result[t, i] = (x[t, i] - mean(x[t])) / sqrt(var(x[t]) + epsilon) * gain[i] + bias[i]

    `var` divides by the row's length.

    Constraints:
    - (C1) `gain` and `bias` are as long as a row.

    Example:

    ```mlir
    %y = lm.layer_norm %x, %g, %b {epsilon = 1.0e-5 : f32}
       : tensor<?x384xf32>, tensor<384xf32>, tensor<384xf32>
    ```
  }];
  let arguments = (ins LM_Rows:$x, LM_Vector:$gain, LM_Vector:$bias,
                       F32Attr:$epsilon);
  let results = (outs LM_Rows:$result);
  let assemblyFormat = [{
    $x `,` $gain `,` $bias attr-dict `:` type($x) `,` type($gain) `,` type($bias)
  }];
  let hasVerifier = 1;
}

def LM_ActivateOp : LM_Op<"activate", [AllTypesMatch<["x", "result"]>]> {
  let summary = "A nonlinearity";
  let description = [{
        silu(x)      = x / (1 + exp(-x))
        gelu(x)      = x / 2 * (1 + erf(x / sqrt(2)))
        gelu_tanh(x) = x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))
        relu(x)      = 0 where x < 0, else x
        tanh(x)      = 1 - 2 / (1 + exp(2 x))
        relu2(x)     = relu(x)^2

    Example:

    ```mlir
    %y = lm.activate gelu %x : tensor<?x1536xf32>
    ```
  }];
  let arguments = (ins LM_ActivationAttr:$function, LM_Rows:$x);
  let results = (outs LM_Rows:$result);
  let assemblyFormat = "$function $x attr-dict `:` type($x)";
}

def LM_GateOp : LM_Op<"gate", [AllTypesMatch<["gate", "up", "result"]>]> {
  let summary = "A gated nonlinearity";
  let description = [{
        result = function(gate) * up

    Example:

    ```mlir
    %h = lm.gate silu %g, %u : tensor<?x1536xf32>
    ```
  }];
  let arguments = (ins LM_ActivationAttr:$function, LM_Rows:$gate, LM_Rows:$up);
  let results = (outs LM_Rows:$result);
  let assemblyFormat = "$function $gate `,` $up attr-dict `:` type($result)";
}

def LM_AddOp : LM_Op<"add", [AllTypesMatch<["lhs", "rhs", "result"]>, Commutative]> {
  let summary = "Sum of two tensors of rows";
  let description = [{
        result = lhs + rhs

    Example:

    ```mlir
    %y = lm.add %x, %attention : tensor<?x576xf32>
    ```
  }];
  let arguments = (ins LM_Rows:$lhs, LM_Rows:$rhs);
  let results = (outs LM_Rows:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($result)";
}

def LM_RopeTableOp : LM_Op<"rope_table"> {
  let summary = "Cosines and sines of rotary positions";
  let description = [{
    With `D = columns(result)` rotated elements of a head and
    `theta[i] = base^(-2 i / D) * frequency_scale / factors[i]` for i < D / 2:

        result[t, i]         = magnitude * cos(positions[t] * theta[i])
        result[t, D / 2 + i] = magnitude * sin(positions[t] * theta[i])

    `factors` (the llama 3 and long-rope scaling) is 1 where absent; linear
    scaling by s is `frequency_scale = 1 / s`.

    Constraints:
    - (C1) D is even.
    - (C2) `factors` has D / 2 elements.
    - (C3) `rows(result) = elements(positions)`.

    Example:

    ```mlir
    %r = lm.rope_table %positions {base = 1.0e+5 : f32} : tensor<?xi32> -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins LM_Indices:$positions, Optional<LM_Vector>:$factors,
                       F32Attr:$base,
                       DefaultValuedAttr<F32Attr, "1.0f">:$frequency_scale,
                       DefaultValuedAttr<F32Attr, "1.0f">:$magnitude);
  let results = (outs LM_Rows:$result);
  let assemblyFormat = [{
    $positions (`factors` $factors^)? attr-dict
    `:` type($positions) (`,` type($factors)^)? `->` type($result)
  }];
  let hasVerifier = 1;
}

def LM_RopeOp : LM_Op<"rope", [AllTypesMatch<["x", "result"]>]> {
  let summary = "Rotary position embedding";
  let description = [{
    On the first `D = columns(table)` elements of every head of `head_dim`
    elements; c and s are the halves of the table's row:

        halves: (a, b) = (x[i], x[i + D / 2])     pairs: (a, b) = (x[2 i], x[2 i + 1])
        (a, b) becomes (a c[i] - b s[i], a s[i] + b c[i])

    Constraints:
    - (C1) `head_dim` divides `columns(x)`.
    - (C2) D <= `head_dim`.
    - (C3) `rows(table) = rows(x)`.

    Example:

    ```mlir
    %q = lm.rope pairs %x, %r {head_dim = 64} : tensor<?x576xf32>, tensor<?x64xf32>
    ```
  }];
  let arguments = (ins LM_RopeStyleAttr:$style, LM_Rows:$x, LM_Rows:$table,
                       LM_HeadDim:$head_dim);
  let results = (outs LM_Rows:$result);
  let assemblyFormat = "$style $x `,` $table attr-dict `:` type($x) `,` type($table)";
  let hasVerifier = 1;
}

def LM_KVAppendOp : LM_Op<"kv_append",
    [AllTypesMatch<["kv", "result"]>, AllTypesMatch<["keys", "values"]>]> {
  let summary = "Append keys and values of the batch's rows";
  let description = [{
    The store with one position more for every row of the batch, in `layer`.

    Constraints:
    - (C1) `columns(keys) = columns(values) = heads * dim` of the store.
    - (C2) `layer` is one of the store's.

    Example:

    ```mlir
    %kv1 = lm.kv_append %kv, %k, %v {layer = 0}
         : !lm.kv<layers = 30, heads = 3, dim = 64, element = f16>, tensor<?x192xf32>
    ```
  }];
  let arguments = (ins LM_KVType:$kv, LM_Rows:$keys, LM_Rows:$values,
                       LM_Layer:$layer);
  let results = (outs LM_KVType:$result);
  let assemblyFormat = [{
    $kv `,` $keys `,` $values attr-dict `:` type($kv) `,` type($keys)
  }];
  let hasVerifier = 1;
}

def LM_CachedAttentionOp : LM_Op<"cached_attention", [AllTypesMatch<["q", "result"]>]> {
  let summary = "Attention of the batch's rows over the store";
  let description = [{
    With H query heads, query head h reading key/value head
    `h * heads(kv) div H`, and p over the positions that row t may see, those
    before `visible_end[t]` and, with a window, not before
    `visible_end[t] - window`:

        a[t, h, p]   = softmax_p(scale * sum_d q[t, h, d] * key[p, d])
        result[t, h] = sum_p a[t, h, p] * value[p]

    Constraints:
    - (C1) `dim` of the store divides `columns(q)`.
    - (C2) `heads` of the store divides the number of query heads.
    - (C3) `layer` is one of the store's.

    Example:

    ```mlir
    %a = lm.cached_attention %q, %kv1 {layer = 0, scale = 0.125 : f32}
       : tensor<?x576xf32>, !lm.kv<layers = 30, heads = 3, dim = 64, element = f16>
    ```
  }];
  let arguments = (ins LM_Rows:$q, LM_KVType:$kv, LM_Layer:$layer,
                       F32Attr:$scale,
                       OptionalAttr<ConfinedAttr<I64Attr, [IntPositive]>>:$window);
  let results = (outs LM_Rows:$result);
  let assemblyFormat = [{
    $q `,` $kv attr-dict `:` type($q) `,` type($kv)
  }];
  let hasVerifier = 1;
}

def LM_AttentionOp : LM_Op<"attention",
    [AllTypesMatch<["k", "v"]>, AllTypesMatch<["q", "result"]>]> {
  let summary = "Attention of rows over rows of the same tensor";
  let description = [{
    As `lm.cached_attention`, with keys and values of the batch itself, one
    sequence: what an encoder or a vision tower computes. With `masked`, row t
    sees rows 0 to t; without, all. With a window, row t does not see the rows
    before `t + 1 - window`.

    Constraints:
    - (C1) `head_dim` divides `columns(q)` and `columns(k)`.
    - (C2) the key heads divide the query heads.
    - (C3) `rows(k) = rows(q)`.
    - (C4) a window is of masked attention.

    Example:

    ```mlir
    %a = lm.attention %q, %k, %v {head_dim = 64, scale = 0.125 : f32}
       : tensor<197x384xf32>, tensor<197x384xf32>
    ```
  }];
  let arguments = (ins LM_Rows:$q, LM_Rows:$k, LM_Rows:$v, LM_HeadDim:$head_dim,
                       F32Attr:$scale, UnitAttr:$masked,
                       OptionalAttr<ConfinedAttr<I64Attr, [IntPositive]>>:$window);
  let results = (outs LM_Rows:$result);
  let assemblyFormat = [{
    $q `,` $k `,` $v attr-dict `:` type($q) `,` type($k)
  }];
  let hasVerifier = 1;
}

def LM_ScaleOp : LM_Op<"scale"> {
  let summary = "Rows, columns or elements times factors";
  let description = [{
        columns: result[n, k] = x[n, k] * factors[k]
        rows:    result[n, k] = x[n, k] * factors[n]

    A vector has columns alone. With `inverse` it is divided by the factors. x
    may be low-bit; the result is real.

    Of weights: what quantizes them evaluates it (docs/Numerics.md, N10). Of
    other values it is not lowered.

    Constraints:
    - (C1) the result is of x's shape.
    - (C2) there is a factor for each column, or for each row.
    - (C3) a vector is scaled by columns.

    Example:

    ```mlir
    %b = lm.scale columns %w, %s : tensor<96x64xf32>, tensor<64xf32> -> tensor<96x64xf32>
    %h = lm.scale columns %g, %s inverse : tensor<64xf32>, tensor<64xf32> -> tensor<64xf32>
    ```
  }];
  let arguments = (ins LM_AxisAttr:$axis,
                       AnyTypeOf<[LM_Vector, LM_Matrix]>:$x, LM_Vector:$factors,
                       UnitAttr:$inverse);
  let results = (outs AnyTypeOf<[LM_Vector, LM_Rows]>:$result);
  let assemblyFormat = [{
    $axis $x `,` $factors (`inverse` $inverse^)? attr-dict
    `:` type($x) `,` type($factors) `->` type($result)
  }];
  let hasVerifier = 1;
}

def LM_RotateOp : LM_Op<"rotate"> {
  let summary = "Hadamard transform of blocks";
  let description = [{
    With H(1) = [1], H(2 b) = [[H(b), H(b)], [H(b), -H(b)]], for other orders
    H(m 2^k) the Kronecker product of Paley's matrix of order m
    (`hadamardMatrix`) and H(2^k), and B = `block`, of every B consecutive
    columns (or rows):

        columns: result[n, p B + j] = sum_i x[n, p B + i] H(B)[i, j] / sqrt(B)
        rows:    result[p B + j, k] = sum_i x[p B + i, k] H(B)[i, j] / sqrt(B)

    Orthogonal: `linear(rotate(x), rotate(w))`, both along their columns, is
    `linear(x, w)`. Of a power of two it is symmetric, its own inverse. It spreads what stands out in one
    column over a block (QuaRot, Ashkboos et al. 2024, arXiv:2404.00456).

    Constraints:
    - (C1) the result is of x's shape.
    - (C2) B divides the columns (rows, which are static). It is a power of two,
      or m 2^k with a matrix of order m <= 64 and 2^k >= 16, so that kernels mix
      whole vectors.

    Example:

    ```mlir
    %y = lm.rotate columns %x {block = 64} : tensor<?x576xf32> -> tensor<?x576xf32>
    ```
  }];
  let arguments = (ins LM_AxisAttr:$axis, AnyTypeOf<[LM_Rows, LM_Matrix]>:$x,
                       ConfinedAttr<I64Attr, [IntPositive]>:$block);
  let results = (outs LM_Rows:$result);
  let assemblyFormat = [{
    $axis $x attr-dict `:` type($x) `->` type($result)
  }];
  let hasVerifier = 1;
}

def LM_GatherRowsOp : LM_Op<"gather_rows"> {
  let summary = "Rows by index";
  let description = [{
        result[i] = x[rows[i]]

    Constraints:
    - (C1) `columns(result) = columns(x)`.
    - (C2) `rows(result) = elements(rows)`.

    Example:

    ```mlir
    %last = lm.gather_rows %x, %out_rows
          : tensor<?x576xf32>, tensor<?xi32> -> tensor<?x576xf32>
    ```
  }];
  let arguments = (ins LM_Rows:$x, LM_Indices:$rows);
  let results = (outs LM_Rows:$result);
  let assemblyFormat = [{
    $x `,` $rows attr-dict `:` type($x) `,` type($rows) `->` type($result)
  }];
  let hasVerifier = 1;
}

def LM_MeanRowsOp : LM_Op<"mean_rows", [AllTypesMatch<["first", "last"]>]> {
  let summary = "Means of adjacent rows";
  let description = [{
        result[i] = sum x[t] / (last[i] + 1 - first[i]) over first[i] <= t <= last[i]

    What pools a sequence: its mean from its first row to its last; `first` equal
    to `last` gives a row as it is, the first (BERT's CLS) or the last one.

    Constraints:
    - (C1) `columns(result) = columns(x)`.
    - (C2) `rows(result) = elements(first) = elements(last)`.

    Example:

    ```mlir
    %e = lm.mean_rows %x, %first to %last
       : tensor<?x384xf32>, tensor<?xi32> -> tensor<?x384xf32>
    ```
  }];
  let arguments = (ins LM_Rows:$x, LM_Indices:$first, LM_Indices:$last);
  let results = (outs LM_Rows:$result);
  let assemblyFormat = [{
    $x `,` $first `to` $last attr-dict
    `:` type($x) `,` type($first) `->` type($result)
  }];
  let hasVerifier = 1;
}

def LM_ProbeOp : Op<LM_Dialect, "probe"> {
  let summary = "Keep rows as a result";
  let description = [{
    Writes `x` to slot `index` of the function's probes: what calibration,
    reports and layer-by-layer comparisons read.

    Example:

    ```mlir
    lm.probe %x {index = 0} : tensor<?x576xf32>
    ```
  }];
  let arguments = (ins LM_Rows:$x, ConfinedAttr<I64Attr, [IntNonNegative]>:$index);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

#endif // LOWBIT_DIALECTS_LM_IR_LMOPS_TD
