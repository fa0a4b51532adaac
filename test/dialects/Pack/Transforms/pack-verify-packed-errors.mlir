// RUN: quant-opt %s --pack-verify-packed --split-input-file --verify-diagnostics

#a8 = #lowbit.scheme<s8, group 32 scale f32>
func.func @v1(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // expected-error @+1 {{a low-bit tensor without a layout: run convert-lowbit-to-pack first}}
  %q = lowbit.quantize %x : tensor<?x64xf32> -> !lowbit.tensor<?x64, #a8>
  %y = lowbit.dequantize %q : !lowbit.tensor<?x64, #a8> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

#q4 = #lowbit.scheme<u4, group 32 scale f16>
!panels = !pack.panels<96x64, #q4, #pack.layout<lanes = 16, unit = 1>>
!rows = !pack.rows<64, bits = 8, group = 32, scale_groups = 1>
func.func @v2_panels(%x: tensor<?x64xf32>, %w: !panels) -> tensor<?x96xf32> {
  %r = pack.pack_rows %x : tensor<?x64xf32> -> !rows
  // expected-error @+1 {{panels must come from pack.weight}}
  %y = pack.linear %r, %w : !rows, !panels -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}

// -----

#q4 = #lowbit.scheme<u4, group 32 scale f16>
!panels = !pack.panels<96x64, #q4, #pack.layout<lanes = 16, unit = 1>>
!rows = !pack.rows<64, bits = 8, group = 32, scale_groups = 1>
func.func @v2_rows(%r: !rows) -> tensor<?x96xf32> {
  %w = pack.weight "w" : !panels
  // expected-error @+1 {{rows must come from pack.pack_rows}}
  %y = pack.linear %r, %w : !rows, !panels -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}
