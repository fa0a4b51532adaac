// RUN: quant-opt %s --split-input-file --verify-diagnostics

func.func @rows_are_f32(%x: tensor<?x8xf64>) {
  // expected-error@+1 {{must be rows of f32 with a static number of columns}}
  lm.probe %x {index = 0} : tensor<?x8xf64>
  return
}

// -----

func.func @rows_have_static_columns(%x: tensor<4x?xf32>) {
  // expected-error@+1 {{must be rows of f32 with a static number of columns}}
  lm.probe %x {index = 0} : tensor<4x?xf32>
  return
}

// -----

// expected-error@+1 {{layers, heads and dim of a key/value store must be positive, but got 2, 0 and 64}}
func.func private @kv_c1() -> !lm.kv<layers = 2, heads = 0, dim = 64, element = f16>

// -----

// expected-error@+1 {{a key/value store keeps f32, f16, bf16, i8 or i4, but got 'i2'}}
func.func private @kv_c2() -> !lm.kv<layers = 2, heads = 1, dim = 64, element = i2>

// -----

// expected-error@+1 {{heads of i4 have an even dim, but got 7}}
func.func private @kv_c3() -> !lm.kv<layers = 2, heads = 1, dim = 7, element = i4>

// -----

func.func @weight_is_vector_or_matrix() {
  // expected-error@+1 {{must be vector of f32 with a static length or matrix of static shape or vector of i32}}
  %w = lm.weight "w" : tensor<?xf32>
  return
}

// -----

func.func @weight_c1(%p: tensor<64xi32>) {
  // expected-error@+1 {{a permutation belongs to a matrix, but got 'tensor<64xf32>'}}
  %w = lm.weight "w" permuted %p : tensor<64xf32>, tensor<64xi32>
  return
}

// -----

!w = !lowbit.tensor<8x64, #lowbit.scheme<s8, group 32 scale f16>, permuted>
func.func @weight_c1_length(%p: tensor<8xi32>) {
  // expected-error@+1 {{elements of the permutation: expected 64, but got 8}}
  %w = lm.weight "w" permuted %p : !w, tensor<8xi32>
  return
}

// -----

func.func @embed_c1(%tokens: tensor<?xi32>, %table: tensor<96x64xf32>) {
  // expected-error@+1 {{columns of the table: expected 32, but got 64}}
  %x = lm.embed %tokens, %table : tensor<?xi32>, tensor<96x64xf32> -> tensor<?x32xf32>
  return
}

// -----

func.func @embed_c1_embeddings(%tokens: tensor<?xi32>, %table: tensor<96x64xf32>, %e: tensor<?x32xf32>) {
  // expected-error@+1 {{columns of the embeddings: expected 64, but got 32}}
  %x = lm.embed %tokens, %table else %e
     : tensor<?xi32>, tensor<96x64xf32>, tensor<?x32xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @embed_c2(%tokens: tensor<4xi32>, %table: tensor<96x64xf32>) {
  // expected-error@+1 {{rows of the result: expected 4, but got 5}}
  %x = lm.embed %tokens, %table : tensor<4xi32>, tensor<96x64xf32> -> tensor<5x64xf32>
  return
}

// -----

func.func @embed_c2_embeddings(%tokens: tensor<4xi32>, %table: tensor<96x64xf32>, %e: tensor<5x64xf32>) {
  // expected-error@+1 {{rows of the embeddings: expected 4, but got 5}}
  %x = lm.embed %tokens, %table else %e
     : tensor<4xi32>, tensor<96x64xf32>, tensor<5x64xf32> -> tensor<4x64xf32>
  return
}

// -----

func.func @linear_weight_is_matrix(%x: tensor<?x8xf32>, %w: tensor<8xf32>) {
  // expected-error@+1 {{operand #1 must be matrix of static shape}}
  %y = lm.linear %x, %w : tensor<?x8xf32>, tensor<8xf32> -> tensor<?x8xf32>
  return
}

// -----

func.func @linear_c1(%x: tensor<?x8xf32>, %w: tensor<4x9xf32>) {
  // expected-error@+1 {{columns of the weight: expected 8, but got 9}}
  %y = lm.linear %x, %w : tensor<?x8xf32>, tensor<4x9xf32> -> tensor<?x4xf32>
  return
}

// -----

func.func @linear_c2(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>) {
  // expected-error@+1 {{columns of the result: expected 4, but got 8}}
  %y = lm.linear %x, %w : tensor<?x8xf32>, tensor<4x8xf32> -> tensor<?x8xf32>
  return
}

// -----

func.func @linear_c2_bias(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>, %b: tensor<5xf32>) {
  // expected-error@+1 {{elements of the bias: expected 4, but got 5}}
  %y = lm.linear %x, %w bias %b : tensor<?x8xf32>, tensor<4x8xf32>, tensor<5xf32> -> tensor<?x4xf32>
  return
}

// -----

func.func @linear_c3(%x: tensor<2x8xf32>, %w: tensor<4x8xf32>) {
  // expected-error@+1 {{rows of the result: expected 2, but got 3}}
  %y = lm.linear %x, %w : tensor<2x8xf32>, tensor<4x8xf32> -> tensor<3x4xf32>
  return
}

// -----

func.func @rms_norm_c1(%x: tensor<?x8xf32>, %g: tensor<3xf32>) {
  // expected-error@+1 {{elements of the gain: expected a divisor of 8, but got 3}}
  %y = lm.rms_norm %x, %g {epsilon = 1.0e-5 : f32} : tensor<?x8xf32>, tensor<3xf32>
  return
}

// -----

func.func @layer_norm_c1(%x: tensor<?x8xf32>, %g: tensor<8xf32>, %b: tensor<4xf32>) {
  // expected-error@+1 {{elements of gain and bias: expected 8, but got 4}}
  %y = lm.layer_norm %x, %g, %b {epsilon = 1.0e-5 : f32}
     : tensor<?x8xf32>, tensor<8xf32>, tensor<4xf32>
  return
}

// -----

func.func @rope_table_c1(%p: tensor<?xi32>) {
  // expected-error@+1 {{expected an even number of columns in the result, but got 7}}
  %r = lm.rope_table %p {base = 1.0e+4 : f32} : tensor<?xi32> -> tensor<?x7xf32>
  return
}

// -----

func.func @rope_table_c2(%p: tensor<?xi32>, %f: tensor<8xf32>) {
  // expected-error@+1 {{elements of the factors: expected 4, but got 8}}
  %r = lm.rope_table %p factors %f {base = 1.0e+4 : f32} : tensor<?xi32>, tensor<8xf32> -> tensor<?x8xf32>
  return
}

// -----

func.func @rope_table_c3(%p: tensor<3xi32>) {
  // expected-error@+1 {{rows of the result: expected 3, but got 4}}
  %r = lm.rope_table %p {base = 1.0e+4 : f32} : tensor<3xi32> -> tensor<4x8xf32>
  return
}

// -----

func.func @rope_c1(%x: tensor<?x12xf32>, %r: tensor<?x8xf32>) {
  // expected-error@+1 {{head_dim: expected a divisor of 12, but got 8}}
  %y = lm.rope halves %x, %r {head_dim = 8} : tensor<?x12xf32>, tensor<?x8xf32>
  return
}

// -----

func.func @rope_c2(%x: tensor<?x12xf32>, %r: tensor<?x8xf32>) {
  // expected-error@+1 {{rotates more than a head: expected at most 6 columns in the table, but got 8}}
  %y = lm.rope halves %x, %r {head_dim = 6} : tensor<?x12xf32>, tensor<?x8xf32>
  return
}

// -----

func.func @rope_c3(%x: tensor<2x8xf32>, %r: tensor<3x8xf32>) {
  // expected-error@+1 {{rows of the table: expected 2, but got 3}}
  %y = lm.rope halves %x, %r {head_dim = 8} : tensor<2x8xf32>, tensor<3x8xf32>
  return
}

// -----

!kv = !lm.kv<layers = 2, heads = 3, dim = 4, element = f32>
func.func @kv_append_c1(%kv: !kv, %k: tensor<?x8xf32>) {
  // expected-error@+1 {{columns of keys and values: expected 12, but got 8}}
  %r = lm.kv_append %kv, %k, %k {layer = 0} : !kv, tensor<?x8xf32>
  return
}

// -----

!kv = !lm.kv<layers = 2, heads = 3, dim = 4, element = f32>
func.func @kv_append_c2(%kv: !kv, %k: tensor<?x12xf32>) {
  // expected-error@+1 {{layer outside the store: expected less than 2, but got 2}}
  %r = lm.kv_append %kv, %k, %k {layer = 2} : !kv, tensor<?x12xf32>
  return
}

// -----

!kv = !lm.kv<layers = 2, heads = 3, dim = 4, element = f32>
func.func @kv_append_c2_negative(%kv: !kv, %k: tensor<?x12xf32>) {
  // expected-error@+1 {{attribute 'layer' failed to satisfy constraint: 64-bit signless integer attribute whose value is non-negative}}
  %r = lm.kv_append %kv, %k, %k {layer = -1} : !kv, tensor<?x12xf32>
  return
}

// -----

!kv = !lm.kv<layers = 2, heads = 3, dim = 4, element = f32>
func.func @cached_attention_c1(%q: tensor<?x10xf32>, %kv: !kv) {
  // expected-error@+1 {{dim of the store: expected a divisor of 10, but got 4}}
  %r = lm.cached_attention %q, %kv {layer = 0, scale = 1.0 : f32} : tensor<?x10xf32>, !kv
  return
}

// -----

!kv = !lm.kv<layers = 2, heads = 3, dim = 4, element = f32>
func.func @cached_attention_c2(%q: tensor<?x16xf32>, %kv: !kv) {
  // expected-error@+1 {{heads of the store: expected a divisor of 4, but got 3}}
  %r = lm.cached_attention %q, %kv {layer = 0, scale = 1.0 : f32} : tensor<?x16xf32>, !kv
  return
}

// -----

!kv = !lm.kv<layers = 2, heads = 3, dim = 4, element = f32>
func.func @cached_attention_c3(%q: tensor<?x12xf32>, %kv: !kv) {
  // expected-error@+1 {{layer outside the store: expected less than 2, but got 7}}
  %r = lm.cached_attention %q, %kv {layer = 7, scale = 1.0 : f32} : tensor<?x12xf32>, !kv
  return
}

// -----

func.func @attention_c1(%q: tensor<4x12xf32>) {
  // expected-error@+1 {{head_dim: expected a divisor of 12, but got 5}}
  %r = lm.attention %q, %q, %q {head_dim = 5, scale = 1.0 : f32} : tensor<4x12xf32>, tensor<4x12xf32>
  return
}

// -----

func.func @attention_c4(%q: tensor<4x12xf32>) {
  // expected-error@+1 {{a window needs masked attention}}
  %r = lm.attention %q, %q, %q {head_dim = 4, scale = 1.0 : f32, window = 2} : tensor<4x12xf32>, tensor<4x12xf32>
  return
}

// -----

func.func @attention_c2(%q: tensor<4x12xf32>, %k: tensor<4x8xf32>) {
  // expected-error@+1 {{key heads: expected a divisor of 3, but got 2}}
  %r = lm.attention %q, %k, %k {head_dim = 4, scale = 1.0 : f32} : tensor<4x12xf32>, tensor<4x8xf32>
  return
}

// -----

func.func @attention_c3(%q: tensor<4x12xf32>, %k: tensor<5x12xf32>) {
  // expected-error@+1 {{rows of the keys: expected 4, but got 5}}
  %r = lm.attention %q, %k, %k {head_dim = 4, scale = 1.0 : f32} : tensor<4x12xf32>, tensor<5x12xf32>
  return
}

// -----

func.func @gather_rows_c1(%x: tensor<?x8xf32>, %rows: tensor<?xi32>) {
  // expected-error@+1 {{columns of the result: expected 8, but got 9}}
  %r = lm.gather_rows %x, %rows : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x9xf32>
  return
}

// -----

func.func @gather_rows_c2(%x: tensor<?x8xf32>, %rows: tensor<2xi32>) {
  // expected-error@+1 {{rows of the result: expected 2, but got 3}}
  %r = lm.gather_rows %x, %rows : tensor<?x8xf32>, tensor<2xi32> -> tensor<3x8xf32>
  return
}

// -----

func.func @mean_rows_c1(%x: tensor<?x8xf32>, %rows: tensor<?xi32>) {
  // expected-error@+1 {{columns of the result: expected 8, but got 9}}
  %r = lm.mean_rows %x, %rows to %rows : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x9xf32>
  return
}

// -----

func.func @mean_rows_c2(%x: tensor<?x8xf32>, %rows: tensor<2xi32>) {
  // expected-error@+1 {{rows of the result: expected 2, but got 3}}
  %r = lm.mean_rows %x, %rows to %rows : tensor<?x8xf32>, tensor<2xi32> -> tensor<3x8xf32>
  return
}

// -----

func.func @scale_c1(%w: tensor<4x8xf32>, %s: tensor<8xf32>) {
  // expected-error@+1 {{the result has another shape than x}}
  %r = lm.scale columns %w, %s : tensor<4x8xf32>, tensor<8xf32> -> tensor<4x9xf32>
  return
}

// -----

func.func @scale_c2(%w: tensor<4x8xf32>, %s: tensor<8xf32>) {
  // expected-error@+1 {{factors: expected 4, but got 8}}
  %r = lm.scale rows %w, %s : tensor<4x8xf32>, tensor<8xf32> -> tensor<4x8xf32>
  return
}

// -----

func.func @scale_c3(%s: tensor<8xf32>) {
  // expected-error@+1 {{a vector is scaled by columns}}
  %r = lm.scale rows %s, %s : tensor<8xf32>, tensor<8xf32> -> tensor<8xf32>
  return
}

// -----

func.func @rotate_c1(%x: tensor<4x8xf32>) {
  // expected-error@+1 {{columns of the result: expected 8, but got 16}}
  %r = lm.rotate columns %x {block = 8} : tensor<4x8xf32> -> tensor<4x16xf32>
  return
}

// -----

func.func @rotate_c2(%x: tensor<4x12xf32>) {
  // expected-error@+1 {{block: expected a power of two, or m * 2^k with a Hadamard matrix of order m <= 64 and 2^k >= 16, but got 12}}
  %r = lm.rotate columns %x {block = 12} : tensor<4x12xf32> -> tensor<4x12xf32>
  return
}

// -----

func.func @rotate_c2_divides(%x: tensor<4x12xf32>) {
  // expected-error@+1 {{block: expected a divisor of 12, but got 8}}
  %s = lm.rotate columns %x {block = 8} : tensor<4x12xf32> -> tensor<4x12xf32>
  return
}

// -----

func.func @rotate_c2_rows(%x: tensor<?x12xf32>) {
  // expected-error@+1 {{rows to rotate are static}}
  %r = lm.rotate rows %x {block = 4} : tensor<?x12xf32> -> tensor<?x12xf32>
  return
}
