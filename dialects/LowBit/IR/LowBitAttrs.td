//===- LowBitAttrs.td - The number format as an attribute -*- tablegen -*-===//

#ifndef LOWBIT_DIALECTS_LOWBIT_IR_LOWBITATTRS_TD
#define LOWBIT_DIALECTS_LOWBIT_IR_LOWBITATTRS_TD

include "dialects/LowBit/IR/LowBitDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinTypeInterfaces.td"
include "mlir/IR/EnumAttr.td"

def LowBit_SchemeAttr : AttrDef<LowBit_Dialect, "Scheme"> {
  let mnemonic = "scheme";
  let summary = "A number format, as data";
  let description = [{
    The codes, then the levels of scales above them, outermost first:

        scheme    ::= code (`,` level)* (`,` `round` rounding)?
        code      ::= `u`N (`offset` INT)? | `s`N | `ternary` | `sign`
                    | `u`N `codebook` V? entries `signs`?
                    | `f32` | `f16` | `bf16`
        entries   ::= `[` REAL, ... `]` | `x` HEX
        level     ::= (`tensor` | `row` | `group` INT) component+
        component ::= (`scale` | `divisor` | `min` | `neg_min` | `zero`) field
                    | `delta` REAL
        field     ::= `f32` | `f16` | `bf16` | `e8m0` | `e4m3`
                    | (`u`N | `s`N) (`offset` INT)?
        rounding  ::= `nearest_even` | `nearest_away` | `toward_zero`

    A group counts elements along a row; a row's last group may be shorter. With
    S the product of an element's scales, M of its minima and z its zero point
    (of a delta: minus or plus its number, by one bit):

        value = S * (c - z) + M        with a divisor D: (c - z) / D

    c is what the element's code stands for. With V = 4 or 8 a code stands for
    an entry of V values, those of V consecutive elements. HEX has one or two
    digits for each value, two's complement. `signs`: one bit for each element
    negates its c.

    Example: GGML's Q4_K is

    ```mlir
    #q4_k = #lowbit.scheme<u4, group 256 scale f16 neg_min f16, group 32 scale u6 neg_min u6>
    ```
  }];
  // The text of Scheme::str() is the key: equal schemes print equally.
  let parameters = (ins StringRefParameter<"canonical text">:$text);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    static SchemeAttr get(::mlir::MLIRContext *context, const Scheme &scheme);
    Scheme getScheme() const;
  }];
}

def LowBit_QuantizerAttr : AttrDef<LowBit_Dialect, "Quantizer"> {
  let mnemonic = "quantizer";
  let summary = "How reals become codes, as data";
  let description = [{
    What the scheme leaves open: how fields and codes are chosen for given reals.

        quantizer ::= range (`,` part)*
        range     ::= (`absmax` | `absmean`) `reach` REAL (`least` REAL)?
                    | `ends` | `minmax` | `span`
        part      ::= `scale` `floor`? (`least` REAL)? | `outer` REAL
                    | `multiply` | `divide` | `clamp` INT INT | `refine` INT
                    | `proximal` INT | `in` (`f32` | `f16` | `bf16`)

    The range is a statistic of a group: its largest or mean magnitude, which
    becomes the code value `reach`; its ends below and above zero, each of which
    its end of the codes reaches (`ends`), or which span them around a zero point
    (`minmax`); its least and largest value (`span`), with a minimum. `least`
    keeps a range or a scale from zero. Elements are multiplied by the divisor or
    by one over the scale, or divided by it, rounded under the scheme's rule and
    clamped. Formulas and the rules (Q1) to (Q7): docs/Numerics.md, N9.

    In an op it is an alias or `<...>` alone: behind `#lowbit.quantizer<...>` MLIR
    takes a colon for the attribute's own.

    Example: BitLinear's activations, of a scheme `s8, row divisor f32`

    ```mlir
    #activations = #lowbit.quantizer<absmax reach 127.0 least 1.0e-05, multiply, clamp -128 127>
    ```
  }];
  // The text of Quantizer::str() is the key: equal quantizers print equally.
  let parameters = (ins StringRefParameter<"canonical text">:$text);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    static QuantizerAttr get(::mlir::MLIRContext *context,
                             const Quantizer &quantizer);
    Quantizer getQuantizer() const;
  }];
}

def LowBit_Statistic : I32BitEnumAttr<"Statistic", "what is kept of each column", [
  I32BitEnumAttrCaseBit<"Min", 0, "min">,
  I32BitEnumAttrCaseBit<"Max", 1, "max">,
  I32BitEnumAttrCaseBit<"AbsMax", 2, "absmax">,
  I32BitEnumAttrCaseBit<"SecondMoment", 3, "second_moment">
]> {
  let cppNamespace = "::lowbit";
  let genSpecializedAttr = 0;
}
def LowBit_StatisticAttr : EnumAttr<LowBit_Dialect, LowBit_Statistic, "statistic">;

def LowBit_TensorType : TypeDef<LowBit_Dialect, "Tensor",
    [ShapedTypeInterface]> {
  let mnemonic = "tensor";
  let summary = "A matrix of low-bit numbers";
  let description = [{
    Codes and all their scales, minima and zero points, as one value [rows,
    columns]. Groups run along the columns. Rows may be dynamic (activations).

    A `permuted` tensor has one thing more: a permutation of its columns, the
    same for all rows. Groups run in the order in which its elements are stored,
    and stored element j is column permutation[j]. The op that makes the value
    (`lm.weight`, `lowbit.quantize`) names it; whoever reads the value sees
    columns.

    Example: `!lowbit.tensor<1536x576, #lowbit.scheme<u4, group 32 scale f16 min f16>>`
    and `!lowbit.tensor<1536x576, #lowbit.scheme<u4, group 128 scale f16>, permuted>`
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape,
                        "::lowbit::SchemeAttr":$scheme, "bool":$permuted);
  let builders = [
    TypeBuilder<(ins "::llvm::ArrayRef<int64_t>":$shape,
                     "::lowbit::SchemeAttr":$scheme), [{
      return $_get($_ctxt, shape, scheme, /*permuted=*/false);
    }]>
  ];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    int64_t getRows() const { return getShape()[0]; }
    int64_t getColumns() const { return getShape()[1]; }
    bool hasRank() const { return true; }
    ::mlir::Type getElementType() const;
    ::mlir::ShapedType cloneWith(std::optional<::llvm::ArrayRef<int64_t>> shape,
                                 ::mlir::Type elementType) const;
  }];
}

#endif // LOWBIT_DIALECTS_LOWBIT_IR_LOWBITATTRS_TD
