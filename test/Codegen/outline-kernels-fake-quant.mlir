// RUN: quant-opt %s --split-input-file --outline-kernels=level=avx2 --verify-diagnostics | FileCheck %s

// Rows by given scales belong to the worker that made them; the range of a
// tensor has those of all workers, behind a barrier.
// CHECK: func.func private @f.body
// CHECK: call @activate.0
// CHECK-NOT: rt.barrier
// CHECK: call @fake_quant.1
// CHECK: rt.barrier
// CHECK: call @fake_quant.2
func.func @f(%x: tensor<4x64xf32>) -> tensor<4x64xf32> {
  %s = lm.weight "s" : tensor<4x1xf32>
  %z = lm.weight "z" : tensor<4x1xf32>
  %a = lm.activate relu %x : tensor<4x64xf32>
  %b = lowbit.fake_quant %a by <minmax, divide> in <u8, row scale f32 zero u8>
       given %s zero %z : tensor<4x64xf32>, tensor<4x1xf32>, tensor<4x1xf32>
  %c = lowbit.fake_quant %b by <minmax, divide> in <u8, tensor scale f32 zero u8>
     : tensor<4x64xf32>
  return %c : tensor<4x64xf32>
}

// -----

func.func @g(%x: tensor<4x64xf32>) -> tensor<4x64xf32> {
  // expected-error@+1 {{has a kernel for integer codes under one f32 scale, by absmax, minmax or given}}
  %c = lowbit.fake_quant %x by <absmax reach 7.5, multiply> in <s4, group 32 scale f32>
       straight_through : tensor<4x64xf32>
  return %c : tensor<4x64xf32>
}
