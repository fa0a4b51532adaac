//===- PackAttrs.td - Layouts and packed types ------------*- tablegen -*-===//

#ifndef LOWBIT_DIALECTS_PACK_IR_PACKATTRS_TD
#define LOWBIT_DIALECTS_PACK_IR_PACKATTRS_TD

include "dialects/LowBit/IR/LowBitAttrs.td"
include "dialects/Pack/IR/PackDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinTypeInterfaces.td"

def Pack_LayoutAttr : AttrDef<Pack_Dialect, "Layout"> {
  let mnemonic = "layout";
  let summary = "Place of a weight's codes and fields";
  let description = [{
    A panel holds `lanes` rows. Along k, a panel is a sequence of units of
    `unit` groups of the scheme's innermost level; a unit is its codes, then the
    fields of its groups and of the outer levels whose groups end inside it. The
    fields of the other levels precede the units that they cover. Codes lie in
    quads: 4 consecutive k of one row are the 4 bytes of a
    32-bit lane. A code of b bits is cut into planes of 8, 4, 2 or 1 bits, low
    bits first; one 64-byte vector of an f-bit plane holds 8 / f quads, quad j
    in bits [f j, f j + f) of every byte.

        u4, group 32, unit 1, 16 lanes: byte of (row, k) in a panel
            unit  = k div 32           within the unit: i = k mod 32
            byte  = unit * (256 + fields) + (i div 8) * 64 + row * 4 + i mod 4
            bits  = 4 * ((i div 4) mod 2) .. + 3

    A plane of indices (codebooks of vectors) has vectors of 16 bytes, one index
    of each row; a plane of signs, a bit for each element, precedes the codes.
    Floats have no planes: 16 rows of one k, or of bf16 two vectors for a quad,
    elements 0 and 2, then 1 and 3 in the lanes.

    A group whose length is not a multiple of 4 is padded to one. docs/Formats.md
    works an example; include/lowbit/Support/PanelLayout.h is the definition.

    Constraints:
    - (C1) `lanes` and `unit` are positive.

    Example: `#pack.layout<lanes = 16, unit = 1>`
  }];
  let parameters = (ins "int64_t":$lanes, "int64_t":$unit);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Pack_PanelsType : TypeDef<Pack_Dialect, "Panels"> {
  let mnemonic = "panels";
  let summary = "A weight in panels";
  let description = [{
    `rows` rows of `columns` numbers of a scheme, padded to whole panels.

    Constraints:
    - (C1) `rows` and `columns` are positive.

    Example: `!pack.panels<1536x576, #scheme, #pack.layout<lanes = 16, unit = 1>>`
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$columns,
                        "::lowbit::SchemeAttr":$scheme,
                        "::lowbit::pack::LayoutAttr":$layout);
  let assemblyFormat = [{
    `<` custom<Shape>($rows, $columns) `,` $scheme `,` $layout `>`
  }];
  let genVerifyDecl = 1;
}

def Pack_RowsType : TypeDef<Pack_Dialect, "Rows"> {
  let mnemonic = "rows";
  let summary = "Activations in the order of a weight's groups";
  let description = [{
    Rows of `columns` activations, cut into groups of `group` elements (0: one
    group) padded to a multiple of 4. With `bits = 8`: int8 codes, one f32 scale
    for every `scale_groups` groups (0: one for the row) and, where a product
    that reads the rows needs them, sums of every group: of its codes times the
    offset of the weights' stored codes, of its values for minima; `pow2`: the
    scales are powers of two. With `bits = 1`: signs,
    in the order of the panels' bits, one f32 scale and the sum of the signs of
    every group. With `bits = 16`: the values rounded to bf16, the quads' in the
    order 0, 2, 1, 3, and their sums; with `bits = 32`: the reals themselves and
    their sums.

    Constraints:
    - (C1) `columns` is positive; `group` and `scale_groups` are not negative.
    - (C2) `bits` is 1, 8, 16 or 32.
    - (C3) `pow2` needs `bits = 8`.
    - (C4) with `bits = 1`, `group` is a multiple of 32 and `scale_groups` 0.

    Example: `!pack.rows<576, bits = 8, group = 32, scale_groups = 1>`
  }];
  let parameters = (ins "int64_t":$columns, "int64_t":$bits, "int64_t":$group,
                        "int64_t":$scale_groups,
                        DefaultValuedParameter<"bool", "false">:$pow2);
  let assemblyFormat = [{
    `<` $columns `,` `bits` `=` $bits `,` `group` `=` $group `,`
    `scale_groups` `=` $scale_groups (`,` `pow2` `=` $pow2^)? `>`
  }];
  let genVerifyDecl = 1;
}

#endif // LOWBIT_DIALECTS_PACK_IR_PACKATTRS_TD
