// RUN: quant-opt %s --rt-verify-host-calls --split-input-file --verify-diagnostics

func.func private @v1() {
  // expected-error @+1 {{gives a tensor: run outline-kernels first}}
  %0 = tensor.empty() : tensor<4xf32>
  return
}

// -----

func.func private @v2() {
  // expected-error @+1 {{allocates memory: the arena is planned by outline-kernels}}
  %0 = memref.alloc() : memref<16xf32>
  return
}

// -----

// expected-error @+1 {{an entry point takes (!rt.frame, index, index) and returns nothing}}
func.func @v3_signature(%x: memref<16xf32>) {
  return
}

// -----

// expected-error @+1 {{is called but not defined in the module}}
func.func private @v3_declaration(!rt.frame)
