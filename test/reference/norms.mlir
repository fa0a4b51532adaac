// RUN: quant-reference-test %s

func.func @rms_norm() {
  %x = arith.constant dense<[[3.0, 4.0], [0.0, 0.0]]> : tensor<2x2xf32>
  %g = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %y = lm.rms_norm %x, %g {epsilon = 0.5 : f32} : tensor<2x2xf32>, tensor<2xf32>
  check.expect_close %y, dense<[[0.8320502943378437, 2.2188007849009166], [0.0, 0.0]]> : tensor<2x2xf32> within 1.0e-7
  return
}

// A gain as long as a head normalizes every head by itself.
func.func @rms_norm_of_heads() {
  %x = arith.constant dense<[[3.0, 4.0, 1.0, 1.0]]> : tensor<1x4xf32>
  %g = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %y = lm.rms_norm %x, %g {epsilon = 0.0 : f32} : tensor<1x4xf32>, tensor<2xf32>
  check.expect_close %y, dense<[[0.848528137423857, 2.262741699796952, 1.0, 2.0]]> : tensor<1x4xf32> within 1.0e-7
  return
}

func.func @layer_norm() {
  %x = arith.constant dense<[[1.0, 2.0, 6.0], [5.0, 5.0, 5.0]]> : tensor<2x3xf32>
  %g = arith.constant dense<[1.0, 2.0, 0.5]> : tensor<3xf32>
  %b = arith.constant dense<[0.0, 1.0, -1.0]> : tensor<3xf32>
  %y = lm.layer_norm %x, %g, %b {epsilon = 0.25 : f32} : tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>
  check.expect_close %y, dense<[[-0.9019752336033946, 0.0980247663966054, -0.32351857479745405], [0.0, 1.0, -1.0]]> : tensor<2x3xf32> within 1.0e-7
  return
}
