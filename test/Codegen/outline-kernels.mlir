// RUN: quant-opt %s --outline-kernels=level=avx2 | FileCheck %s

#q4 = #lowbit.scheme<u4 offset 8, group 32 scale f16>
!panels = !pack.panels<64x64, #q4, #pack.layout<lanes = 16, unit = 1>>
!rows = !pack.rows<64, bits = 8, group = 32, scale_groups = 1>

// Two equal layers: the names of their weights in order, one kernel for both.
// A barrier stands before whoever reads what others wrote: rows are packed row by
// row and read by all; panels are split otherwise.

// CHECK: module attributes
// CHECK-SAME: rt.weights = ["a", "b"]
// CHECK: func.func private @f.body(%{{.*}}: !rt.frame, %{{.*}}: index, %{{.*}}: index)
// CHECK: call @pack_rows.0
// CHECK: rt.barrier
// CHECK: rt.weight %{{.*}}[0]
// CHECK: call @linear.1
// CHECK: rt.barrier
// CHECK: call @pack_rows.0
// CHECK: rt.barrier
// CHECK: rt.weight %{{.*}}[1]
// CHECK: call @linear.1
// CHECK-NOT: rt.barrier
// CHECK: func.func @f(%{{.*}}: !rt.frame, %{{.*}}: index, %{{.*}}: index)
// CHECK: call @f.body
// CHECK: func.func private @pack_rows.0
// CHECK: func.func private @linear.1
// CHECK-NOT: func.func
func.func @f(%x: tensor<4x64xf32>) -> tensor<4x64xf32> {
  %a = pack.weight "a" : !panels
  %r = pack.pack_rows %x : tensor<4x64xf32> -> !rows
  %y = pack.linear %r, %a : !rows, !panels -> tensor<4x64xf32>
  %b = pack.weight "b" : !panels
  %s = pack.pack_rows %y : tensor<4x64xf32> -> !rows
  %z = pack.linear %s, %b : !rows, !panels -> tensor<4x64xf32>
  return %z : tensor<4x64xf32>
}
