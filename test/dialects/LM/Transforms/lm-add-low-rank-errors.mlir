// RUN: not quant-opt %s '--lm-add-low-rank=weights=a=9' 2>&1 | FileCheck %s --check-prefix=RANK
// RUN: not quant-opt %s '--lm-add-low-rank=weights=a' 2>&1 | FileCheck %s --check-prefix=WORD
// RUN: not quant-opt %s '--lm-add-low-rank=weights=a=0' 2>&1 | FileCheck %s --check-prefix=ZERO

// RANK: 'a' is 8 x 64, so its correction has at most rank 8, but got 9
// WORD: weights: expected NAME=RANK, but got 'a'
// ZERO: weights: expected NAME=RANK, but got 'a=0'
func.func @linear(%x: tensor<?x64xf32>) -> tensor<?x8xf32> {
  %a = lm.weight "a" : tensor<8x64xf32>
  %y = lm.linear %x, %a : tensor<?x64xf32>, tensor<8x64xf32> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
