// RUN: quant-opt %s --outline-kernels=level=avx2 | FileCheck %s

#q4 = #lowbit.scheme<u4 offset 8, group 32 scale f16>
!panels = !pack.panels<64x64, #q4, #pack.layout<lanes = 16, unit = 1>>
!rows = !pack.rows<64, bits = 8, group = 32, scale_groups = 1>

// A result that is read again is memory of all workers: a barrier between the
// product, split by panels, and the next, which packs whole rows.
// CHECK: func.func private @f.body
// CHECK: call @pack_rows.0
// CHECK: rt.barrier
// CHECK: call @linear.1
// CHECK: rt.barrier
// CHECK: call @pack_rows.0
// CHECK: rt.barrier
// CHECK: call @linear.1
func.func @f(%x: tensor<4x64xf32>) -> (tensor<4x64xf32>, tensor<4x64xf32>) {
  %a = pack.weight "a" : !panels
  %r = pack.pack_rows %x : tensor<4x64xf32> -> !rows
  %y = pack.linear %r, %a : !rows, !panels -> tensor<4x64xf32>
  %b = pack.weight "b" : !panels
  %s = pack.pack_rows %y : tensor<4x64xf32> -> !rows
  %z = pack.linear %s, %b : !rows, !panels -> tensor<4x64xf32>
  return %y, %z : tensor<4x64xf32>, tensor<4x64xf32>
}
