// RUN: quant-opt %s --lowbit-strip-observers | FileCheck %s

// CHECK-LABEL: func @chain
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>
func.func @chain(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NOT: observe
  %a = lowbit.observe %x as "in" min|max : tensor<?x4xf32>
  // CHECK: %[[Y:.*]] = lm.activate silu %[[X]]
  %b = lm.activate silu %a : tensor<?x4xf32>
  %c = lowbit.observe %b as "out" absmax : tensor<?x4xf32>
  %d = lowbit.observe %c as "out" second_moment : tensor<?x4xf32>
  // CHECK: return %[[Y]]
  return %d : tensor<?x4xf32>
}

// A result that nobody reads goes as well.
// CHECK-LABEL: func @unused
func.func @unused(%x: tensor<2x4xf32>) {
  // CHECK-NEXT: return
  %a = lowbit.observe %x as "x" absmax : tensor<2x4xf32>
  return
}
