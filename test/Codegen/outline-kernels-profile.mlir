// RUN: quant-opt %s --outline-kernels="level=avx2 profile" | FileCheck %s
// RUN: quant-opt %s --outline-kernels=level=avx2 | FileCheck %s --check-prefix=PLAIN

#q4 = #lowbit.scheme<u4 offset 8, group 32 scale f16>
!panels = !pack.panels<64x64, #q4, #pack.layout<lanes = 16, unit = 1>>
!rows = !pack.rows<64, bits = 8, group = 32, scale_groups = 1>

// A mark behind what takes time, and one where the call begins. Equal kernels on
// weights of one role are one region, in any layer.

// PLAIN-NOT: rt.mark
// PLAIN-NOT: rt.regions

// CHECK: rt.regions = [
// CHECK-SAME: {function = "f", kernels = 0 : i64, name = "between calls"
// CHECK-SAME: {function = "f", kernels = 0 : i64, name = "barrier"
// CHECK-SAME: {function = "f", kernels = 2 : i64, name = "pack_rows", out = false, row_bytes = [[#]] : i64, row_macs = 0 : i64, row_weights = array<i64>, store_reads = 0 : i64, weights = array<i64>}
// CHECK-SAME: {function = "f", kernels = 2 : i64, name = "linear attn_q", out = false, row_bytes = [[#]] : i64, row_macs = 8192 : i64, row_weights = array<i64>, store_reads = 0 : i64, weights = array<i64: 0, 1>}

// CHECK: func.func private @f.body(%[[FRAME:.*]]: !rt.frame, %[[WORKER:.*]]: index, %{{.*}}: index)
// CHECK: rt.mark %[[FRAME]][0], %[[WORKER]]
// CHECK: call @pack_rows.0
// CHECK-NEXT: rt.mark %[[FRAME]][2], %[[WORKER]]
// CHECK: rt.barrier
// CHECK-NEXT: rt.mark %[[FRAME]][1], %[[WORKER]]
// CHECK: call @linear.1
// CHECK-NEXT: rt.mark %[[FRAME]][3], %[[WORKER]]
// CHECK: rt.barrier
// CHECK-NEXT: rt.mark %[[FRAME]][1], %[[WORKER]]
// CHECK: call @pack_rows.0
// CHECK-NEXT: rt.mark %[[FRAME]][2], %[[WORKER]]
// CHECK: rt.barrier
// CHECK-NEXT: rt.mark %[[FRAME]][1], %[[WORKER]]
// CHECK: call @linear.1
// CHECK-NEXT: rt.mark %[[FRAME]][3], %[[WORKER]]
// CHECK-NEXT: return
func.func @f(%x: tensor<4x64xf32>) -> tensor<4x64xf32> {
  %a = pack.weight "blk.0.attn_q.weight" : !panels
  %r = pack.pack_rows %x : tensor<4x64xf32> -> !rows
  %y = pack.linear %r, %a : !rows, !panels -> tensor<4x64xf32>
  %b = pack.weight "blk.1.attn_q.weight" : !panels
  %s = pack.pack_rows %y : tensor<4x64xf32> -> !rows
  %z = pack.linear %s, %b : !rows, !panels -> tensor<4x64xf32>
  return %z : tensor<4x64xf32>
}
