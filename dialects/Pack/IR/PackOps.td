//===- PackOps.td - Operations on packed tensors ----------*- tablegen -*-===//

#ifndef LOWBIT_DIALECTS_PACK_IR_PACKOPS_TD
#define LOWBIT_DIALECTS_PACK_IR_PACKOPS_TD

include "dialects/Pack/IR/PackAttrs.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/BuiltinTypes.td"
include "mlir/IR/CommonTypeConstraints.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Pack_Op<string mnemonic, list<Trait> traits = []>
    : Op<Pack_Dialect, mnemonic, !listconcat([Pure], traits)>;

def Pack_Reals
    : ConfinedType<RankedTensorOf<[F32]>, [HasAnyRankOfPred<[2]>],
                   "matrix of f32">;
def Pack_Vector
    : ConfinedType<RankedTensorOf<[F32]>, [HasAnyRankOfPred<[1]>],
                   "vector of f32">;
def Pack_Indices
    : ConfinedType<RankedTensorOf<[I32]>, [HasAnyRankOfPred<[1]>],
                   "vector of i32">;
/// Of columns: stored element j is column permutation[j].
def Pack_Permutation
    : ConfinedType<RankedTensorOf<[I32]>,
                   [HasAnyRankOfPred<[1]>, HasStaticShapePred],
                   "vector of i32 with a static length">;

def Pack_WeightOp : Pack_Op<"weight"> {
  let summary = "A packed weight of the model, by name";
  let description = [{
    The columns of a permuted weight are in stored order here.

    Example:

    ```mlir
    %w = pack.weight "blk.0.attn_q.weight"
       : !pack.panels<576x576, #lowbit.scheme<u4, group 32 scale f16>, #pack.layout<lanes = 16, unit = 1>>
    ```
  }];
  let arguments = (ins StrAttr:$name);
  let results = (outs Pack_PanelsType:$result);
  let assemblyFormat = "$name attr-dict `:` type($result)";
}

def Pack_RowsOp : Pack_Op<"pack_rows"> {
  let summary = "Quantize activations into a weight's order";
  let description = [{
    What `lowbit.quantize` computes with `s8, group (group * scale_groups) scale
    f32`, laid out; with `bits = 32` the values themselves. `by` a quantizer the
    codes of 8 bits are those that it chooses, and the scale is its own or, with
    `divisor`, one over its divisor. With a permutation, of
    `x[t, permutation[j]]`: the stored order of a permuted weight.

    Constraints:
    - (C1) `columns(x) = columns(result)`, also the permutation's elements.
    - (C2) a quantizer makes rows of 8 bits whose scales are no powers of two, in
      f32, from absmax with a reach of at most 127; `divisor` needs one.

    Example:

    ```mlir
    %r = pack.pack_rows %x : tensor<?x576xf32>
       -> !pack.rows<576, bits = 8, group = 32, scale_groups = 1>
    %s = pack.pack_rows %x permuted %p : tensor<?x576xf32>, tensor<576xi32>
       -> !pack.rows<576, bits = 8, group = 32, scale_groups = 1>
    ```
  }];
  let arguments = (ins Pack_Reals:$x, Optional<Pack_Permutation>:$permutation,
                       OptionalAttr<LowBit_QuantizerAttr>:$quantizer,
                       UnitAttr:$divisor);
  let results = (outs Pack_RowsType:$result);
  let builders = [
    OpBuilder<(ins "::mlir::Type":$type, "::mlir::Value":$x,
                   "::mlir::Value":$permutation), [{
      build($_builder, $_state, type, x, permutation, nullptr, nullptr);
    }]>
  ];
  let assemblyFormat = [{
    $x (`by` $quantizer^ (`divisor` $divisor^)?)?
    (`permuted` $permutation^)? attr-dict
    `:` type($x) (`,` type($permutation)^)? `->` type($result)
  }];
  let hasVerifier = 1;
}

def Pack_LinearOp : Pack_Op<"linear", [AttrSizedOperandSegments]> {
  let summary = "Rows times panels";
  let description = [{
        result[t, n] = sum_k rows[t, k] * panels[n, k] + bias[n] + residual[t, n]

    Constraints:
    - (C1) rows and panels agree on columns and groups.
    - (C2) `columns(result) = rows(panels)`, also of bias and residual.

    Example:

    ```mlir
    %y = pack.linear %r, %w residual %x
       : !pack.rows<576, bits = 8, group = 32, scale_groups = 1>,
         !pack.panels<576x576, #lowbit.scheme<u4, group 32 scale f16>, #pack.layout<lanes = 16, unit = 1>>,
         tensor<?x576xf32> -> tensor<?x576xf32>
    ```
  }];
  let arguments = (ins Pack_RowsType:$rows, Pack_PanelsType:$panels,
                       Optional<Pack_Vector>:$bias,
                       Optional<Pack_Reals>:$residual);
  let results = (outs Pack_Reals:$result);
  let assemblyFormat = [{
    $rows `,` $panels (`bias` $bias^)? (`residual` $residual^)? attr-dict
    `:` type(operands) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Pack_EmbedOp : Pack_Op<"embed", [AttrSizedOperandSegments]> {
  let summary = "Rows out of panels";
  let description = [{
    As `lowbit.embed`, reading the lanes of the panels: a table that is also the
    head is stored once. With a permutation, stored column j of the table goes to
    column permutation[j] of the result.

    Constraints:
    - (C1) `columns(result) = columns(table) = columns(embeddings)`, also the
      permutation's elements.

    Example:

    ```mlir
    %x = pack.embed %tokens, %table {scale = 1.0 : f32}
       : tensor<?xi32>,
         !pack.panels<96x64, #lowbit.scheme<s8, group 32 scale f16>, #pack.layout<lanes = 16, unit = 1>>
       -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins Pack_Indices:$tokens, Pack_PanelsType:$table,
                       Optional<Pack_Permutation>:$permutation,
                       Optional<Pack_Reals>:$embeddings,
                       DefaultValuedAttr<F32Attr, "1.0f">:$scale);
  let results = (outs Pack_Reals:$result);
  let assemblyFormat = [{
    $tokens `,` $table (`permuted` $permutation^)? (`else` $embeddings^)?
    attr-dict `:` type(operands) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Pack_Dot4Op : Pack_Op<"dot4",
    [AllTypesMatch<["acc", "result"]>, AllTypesMatch<["w", "a"]>]> {
  let summary = "Sums of 4 products of bytes in every lane";
  let description = [{
        result[l] = acc[l] + sum_{i < 4} w[4 l + i] * a[4 l + i]

    exactly, in 32 bits. `a` is signed. `w` is unsigned, or signed with
    `signed_weights`. `range` is the largest |w|; a lowering may use it to
    choose an instruction that would saturate otherwise. |a| <= 127.

    Constraints:
    - (C1) `range` is in [1, 255], in [1, 128] with `signed_weights`.

    Example:

    ```mlir
    %s = pack.dot4 %acc, %w, %a {range = 15} : vector<16xi32>, vector<64xi8>
    ```
  }];
  let arguments = (ins VectorOfLengthAndType<[16], [I32]>:$acc,
                       VectorOfLengthAndType<[64], [I8]>:$w,
                       VectorOfLengthAndType<[64], [I8]>:$a,
                       I64Attr:$range, UnitAttr:$signed_weights);
  let results = (outs VectorOfLengthAndType<[16], [I32]>:$result);
  let assemblyFormat = "$acc `,` $w `,` $a attr-dict `:` type($acc) `,` type($w)";
  let hasVerifier = 1;
}

def Pack_XorPopcountOp : Pack_Op<"xor_popcount",
    [AllTypesMatch<["acc", "w", "a", "result"]>]> {
  let summary = "How many bits differ in every lane";
  let description = [{
        result[l] = acc[l] + popcount(w[l] xor a[l])

    Of n products of signs, n - 2 popcount is the sum.

    Example:

    ```mlir
    %s = pack.xor_popcount %acc, %w, %a : vector<16xi32>
    ```
  }];
  let arguments = (ins VectorOfLengthAndType<[16], [I32]>:$acc,
                       VectorOfLengthAndType<[16], [I32]>:$w,
                       VectorOfLengthAndType<[16], [I32]>:$a);
  let results = (outs VectorOfLengthAndType<[16], [I32]>:$result);
  let assemblyFormat = "$acc `,` $w `,` $a attr-dict `:` type($acc)";
}

def Pack_Dot2Op : Pack_Op<"dot2",
    [AllTypesMatch<["acc", "result"]>, AllTypesMatch<["w", "a"]>]> {
  let summary = "Sums of 2 products of bf16 in every lane";
  let description = [{
        result[l] = acc[l] + w[2 l] * a[2 l] + w[2 l + 1] * a[2 l + 1]

    in f32: each product is exact, each sum rounded at least once, in any order.
    Denormal operands and results may count as zero (docs/Numerics.md N3).

    Example:

    ```mlir
    %s = pack.dot2 %acc, %w, %a : vector<16xf32>, vector<32xbf16>
    ```
  }];
  let arguments = (ins VectorOfLengthAndType<[16], [F32]>:$acc,
                       VectorOfLengthAndType<[32], [BF16]>:$w,
                       VectorOfLengthAndType<[32], [BF16]>:$a);
  let results = (outs VectorOfLengthAndType<[16], [F32]>:$result);
  let assemblyFormat = "$acc `,` $w `,` $a attr-dict `:` type($acc) `,` type($w)";
}

/// Bytes in memory, addressed by row and byte.
def Pack_Bytes
    : ConfinedType<MemRefOf<[I8]>, [HasAnyRankOfPred<[2]>, HasStaticShapePred],
                   "matrix of bytes in memory">;

def Pack_TileDotOp : Op<Pack_Dialect, "tile_dot"> {
  let summary = "A block of rows times unpacked panels, in memory";
  let description = [{
        sums[t, j, l] = sum_{q < quads, i < 4} a[row + t, element + 4 q + i]
                                               * w[q, j, l, i]

    for all t < `rows`, j < `panels`, l < 16, exactly, in 32 bits. `w` are bytes
    of `w[0]` from byte `weights` on, `[quads][panels][16][4]`: unpacked panels,
    side by side. `sums` are i32 of `sums[0]` from byte `place` on,
    `[rows][panels][16]`. `a` is signed, |a| <= 127; `w` is unsigned, at most
    `range`. Where |w| = 0 for a whole quad, its `a` may be any bytes.

    What instructions that multiply matrices need: operands large enough for
    their registers, which only they and loads and stores can reach.

    Constraints:
    - (C1) `range` is in [1, 255].
    - (C2) `rows`, `panels` are positive, `quads` is a positive multiple of 8.

    Example:

    ```mlir
    pack.tile_dot %a[%row, %element], %work[%weights] to %work[%place]
        {rows = 32, panels = 2, quads = 8, range = 15}
      : memref<256x2304xi8>, memref<1x36864xi8>, memref<1x36864xi8>
    ```
  }];
  let arguments = (ins Arg<Pack_Bytes, "activations", [MemRead]>:$a,
                       Index:$row, Index:$element,
                       Arg<Pack_Bytes, "unpacked panels", [MemRead]>:$w,
                       Index:$weights,
                       Arg<Pack_Bytes, "products", [MemWrite]>:$sums,
                       Index:$place, I64Attr:$rows, I64Attr:$panels,
                       I64Attr:$quads, I64Attr:$range);
  let assemblyFormat = [{
    $a `[` $row `,` $element `]` `,` $w `[` $weights `]` `to`
    $sums `[` $place `]` attr-dict `:` type($a) `,` type($w) `,` type($sums)
  }];
  let hasVerifier = 1;
}

def Pack_LookupOp : Pack_Op<"lookup", [AllTypesMatch<["index", "result"]>]> {
  let summary = "Bytes out of a small table";
  let description = [{
        result[i] = table[index[i]]

    An index is below 16.

    Constraints:
    - (C1) `table` has 16 entries.

    Example:

    ```mlir
    %v = pack.lookup %i in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
       : vector<64xi8>
    ```
  }];
  let arguments = (ins VectorOfLengthAndType<[64], [I8]>:$index,
                       DenseI8ArrayAttr:$table);
  let results = (outs VectorOfLengthAndType<[64], [I8]>:$result);
  let assemblyFormat = "$index `in` $table attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Pack_LookupWordsOp : Pack_Op<"lookup_words",
    [AllTypesMatch<["index", "result"]>]> {
  let summary = "Words of 16 bits out of a small table";
  let description = [{
        result[i] = table[index[i]]

    An index is below 32. Only levels whose `pack.dot2` is one instruction have
    it.

    Constraints:
    - (C1) `table` has 32 entries.

    Example:

    ```mlir
    %v = pack.lookup_words %i
      in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
          0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] : vector<32xi16>
    ```
  }];
  let arguments = (ins VectorOfLengthAndType<[32], [I16]>:$index,
                       DenseI16ArrayAttr:$table);
  let results = (outs VectorOfLengthAndType<[32], [I16]>:$result);
  let assemblyFormat = "$index `in` $table attr-dict `:` type($result)";
  let hasVerifier = 1;
}

#endif // LOWBIT_DIALECTS_PACK_IR_PACKOPS_TD
