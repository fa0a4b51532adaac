// RUN: quant-opt %s --outline-kernels=level=avx2 | FileCheck %s

#q4 = #lowbit.scheme<u4 offset 8, group 32 scale f16>
!panels = !pack.panels<64x64, #q4, #pack.layout<lanes = 16, unit = 1>>
!rows = !pack.rows<64, bits = 8, group = 32, scale_groups = 1>

// One row: as in decoding, every worker packs it for itself, and nobody waits.
// The kernels are not those of a function with more rows.

// CHECK: func.func private @one.body
// CHECK-NOT: rt.barrier
// CHECK: call @pack_rows.0
// CHECK-NOT: rt.barrier
// CHECK: call @linear.1
// CHECK: func.func @one
// CHECK: func.func private @four.body
// CHECK: call @pack_rows.2
// CHECK: rt.barrier
// CHECK: call @linear.3
func.func @one(%x: tensor<1x64xf32>) -> tensor<1x64xf32> {
  %a = pack.weight "a" : !panels
  %r = pack.pack_rows %x : tensor<1x64xf32> -> !rows
  %y = pack.linear %r, %a : !rows, !panels -> tensor<1x64xf32>
  return %y : tensor<1x64xf32>
}
func.func @four(%x: tensor<4x64xf32>) -> tensor<4x64xf32> {
  %a = pack.weight "a" : !panels
  %r = pack.pack_rows %x : tensor<4x64xf32> -> !rows
  %y = pack.linear %r, %a : !rows, !panels -> tensor<4x64xf32>
  return %y : tensor<4x64xf32>
}
