// RUN: quant-opt %s --pack-verify-packed | FileCheck %s
// What the pack stage makes passes, unchanged.

#q4 = #lowbit.scheme<u4, group 32 scale f16>
!panels = !pack.panels<96x64, #q4, #pack.layout<lanes = 16, unit = 1>>
!rows = !pack.rows<64, bits = 8, group = 32, scale_groups = 1>

// CHECK-LABEL: func @linear
func.func @linear(%x: tensor<?x64xf32>) -> tensor<?x96xf32> {
  %w = pack.weight "w" : !panels
  // CHECK: pack.pack_rows
  %r = pack.pack_rows %x : tensor<?x64xf32> -> !rows
  // CHECK: pack.linear
  %y = pack.linear %r, %w : !rows, !panels -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}
