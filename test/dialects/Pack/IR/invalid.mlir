// RUN: quant-opt %s --split-input-file --verify-diagnostics

// expected-error@+2 {{lanes and unit of a layout must be positive, but got 16 and 0}}
// expected-error@+1 {{failed to parse Pack_PanelsType parameter 'layout'}}
func.func private @layout_c1() -> !pack.panels<8x64, #lowbit.scheme<s8, group 32 scale f16>, #pack.layout<lanes = 16, unit = 0>>

// -----

// expected-error@+1 {{panels must have rows and columns, but got 0x64}}
func.func private @panels_c1() -> !pack.panels<0x64, #lowbit.scheme<s8, group 32 scale f16>, #pack.layout<lanes = 16, unit = 1>>

// -----

// expected-error@+1 {{panels have 2 dimensions, but got 1}}
func.func private @panels_c1_rank() -> !pack.panels<64, #lowbit.scheme<s8, group 32 scale f16>, #pack.layout<lanes = 16, unit = 1>>

// -----

// expected-error@+1 {{rows must have columns, and groups that are not negative, but got 64, -32 and 1}}
func.func private @rows_c1() -> !pack.rows<64, bits = 8, group = -32, scale_groups = 1>

// -----

// expected-error@+1 {{rows have 1, 8, 16 or 32 bits, but got 24}}
func.func private @rows_c2() -> !pack.rows<64, bits = 24, group = 32, scale_groups = 1>

// -----

// expected-error@+1 {{rows of 1 bit have one scale and groups of whole words of 32, but got scale_groups = 1 and group = 32}}
func.func private @rows_c4() -> !pack.rows<64, bits = 1, group = 32, scale_groups = 1>

// -----

// expected-error@+1 {{rows of 1 bit have one scale and groups of whole words of 32, but got scale_groups = 0 and group = 48}}
func.func private @rows_c4_group() -> !pack.rows<96, bits = 1, group = 48, scale_groups = 0>

// -----

func.func @pack_rows_c1(%x: tensor<?x64xf32>) {
  // expected-error@+1 {{columns of the rows: expected 64, but got 32}}
  %r = pack.pack_rows %x : tensor<?x64xf32> -> !pack.rows<32, bits = 8, group = 32, scale_groups = 1>
  return
}

// -----

func.func @pack_rows_c1_permutation(%x: tensor<?x64xf32>, %p: tensor<32xi32>) {
  // expected-error@+1 {{elements of the permutation: expected 64, but got 32}}
  %r = pack.pack_rows %x permuted %p : tensor<?x64xf32>, tensor<32xi32>
     -> !pack.rows<64, bits = 8, group = 32, scale_groups = 1>
  return
}

// -----

!w = !pack.panels<96x64, #lowbit.scheme<s8, group 32 scale f16>, #pack.layout<lanes = 16, unit = 1>>
func.func @embed_c1_permutation(%tokens: tensor<?xi32>, %table: !w, %p: tensor<96xi32>) {
  // expected-error@+1 {{elements of the permutation: expected 64, but got 96}}
  %x = pack.embed %tokens, %table permuted %p : tensor<?xi32>, !w, tensor<96xi32> -> tensor<?x64xf32>
  return
}

// -----

!rows = !pack.rows<32, bits = 8, group = 32, scale_groups = 1>
!w = !pack.panels<8x64, #lowbit.scheme<s8, group 32 scale f16>, #pack.layout<lanes = 16, unit = 1>>
func.func @linear_c1(%r: !rows, %w: !w) {
  // expected-error@+1 {{columns of the rows: expected 64, but got 32}}
  %y = pack.linear %r, %w : !rows, !w -> tensor<?x8xf32>
  return
}

// -----

!rows = !pack.rows<64, bits = 8, group = 64, scale_groups = 1>
!w = !pack.panels<8x64, #lowbit.scheme<s8, group 32 scale f16>, #pack.layout<lanes = 16, unit = 1>>
func.func @linear_c1_group(%r: !rows, %w: !w) {
  // expected-error@+1 {{group of the rows: expected 32, but got 64}}
  %y = pack.linear %r, %w : !rows, !w -> tensor<?x8xf32>
  return
}

// -----

!rows = !pack.rows<64, bits = 8, group = 32, scale_groups = 1>
!w = !pack.panels<8x64, #lowbit.scheme<s8, group 32 scale f16>, #pack.layout<lanes = 16, unit = 1>>
func.func @linear_c2(%r: !rows, %w: !w) {
  // expected-error@+1 {{columns of the result: expected 8, but got 16}}
  %y = pack.linear %r, %w : !rows, !w -> tensor<?x16xf32>
  return
}

// -----

!rows = !pack.rows<64, bits = 8, group = 32, scale_groups = 1>
!w = !pack.panels<8x64, #lowbit.scheme<s8, group 32 scale f16>, #pack.layout<lanes = 16, unit = 1>>
func.func @linear_c2_bias(%r: !rows, %w: !w, %b: tensor<7xf32>) {
  // expected-error@+1 {{elements of the bias: expected 8, but got 7}}
  %y = pack.linear %r, %w bias %b : !rows, !w, tensor<7xf32> -> tensor<?x8xf32>
  return
}

// -----

!rows = !pack.rows<64, bits = 8, group = 32, scale_groups = 1>
!w = !pack.panels<8x64, #lowbit.scheme<s8, group 32 scale f16>, #pack.layout<lanes = 16, unit = 1>>
func.func @linear_c2_residual(%r: !rows, %w: !w, %x: tensor<?x9xf32>) {
  // expected-error@+1 {{columns of the residual: expected 8, but got 9}}
  %y = pack.linear %r, %w residual %x : !rows, !w, tensor<?x9xf32> -> tensor<?x8xf32>
  return
}

// -----

!w = !pack.panels<96x64, #lowbit.scheme<s8, group 32 scale f16>, #pack.layout<lanes = 16, unit = 1>>
func.func @embed_c1(%tokens: tensor<?xi32>, %table: !w) {
  // expected-error@+1 {{columns of the table: expected 32, but got 64}}
  %x = pack.embed %tokens, %table : tensor<?xi32>, !w -> tensor<?x32xf32>
  return
}

// -----

!w = !pack.panels<96x64, #lowbit.scheme<s8, group 32 scale f16>, #pack.layout<lanes = 16, unit = 1>>
func.func @embed_c1_embeddings(%tokens: tensor<?xi32>, %table: !w, %e: tensor<?x32xf32>) {
  // expected-error@+1 {{columns of the embeddings: expected 64, but got 32}}
  %x = pack.embed %tokens, %table else %e : tensor<?xi32>, !w, tensor<?x32xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @dot4_c1(%acc: vector<16xi32>, %w: vector<64xi8>) {
  // expected-error@+1 {{range: expected 1 to 255, but got 256}}
  %s = pack.dot4 %acc, %w, %w {range = 256} : vector<16xi32>, vector<64xi8>
  return
}

// -----

func.func @dot4_c1_signed(%acc: vector<16xi32>, %w: vector<64xi8>) {
  // expected-error@+1 {{range: expected 1 to 128, but got 200}}
  %s = pack.dot4 %acc, %w, %w {range = 200, signed_weights} : vector<16xi32>, vector<64xi8>
  return
}

// -----

func.func @tile_dot_c1(%a: memref<4x64xi8>, %w: memref<1x64xi8>, %i: index) {
  // expected-error@+1 {{range: expected 1 to 255, but got 0}}
  pack.tile_dot %a[%i, %i], %w[%i] to %w[%i] {rows = 4, panels = 1, quads = 8, range = 0} : memref<4x64xi8>, memref<1x64xi8>, memref<1x64xi8>
  return
}

// -----

func.func @tile_dot_c2(%a: memref<4x64xi8>, %w: memref<1x64xi8>, %i: index) {
  // expected-error@+1 {{rows, panels and quads: expected positive numbers, of quads a multiple of 8, but got 4, 1 and 12}}
  pack.tile_dot %a[%i, %i], %w[%i] to %w[%i] {rows = 4, panels = 1, quads = 12, range = 1} : memref<4x64xi8>, memref<1x64xi8>, memref<1x64xi8>
  return
}

// -----

func.func @lookup_c1(%i: vector<64xi8>) {
  // expected-error@+1 {{entries of the table: expected 16, but got 2}}
  %v = pack.lookup %i in [0, 1] : vector<64xi8>
  return
}

// -----

func.func @lookup_words_c1(%i: vector<32xi16>) {
  // expected-error@+1 {{entries of the table: expected 32, but got 2}}
  %v = pack.lookup_words %i in [0, 1] : vector<32xi16>
  return
}

// -----

func.func @pack_rows_c2_bits(%x: tensor<?x64xf32>) {
  // expected-error@+1 {{a quantizer makes rows of 8 bits in f32, from absmax with a reach of at most 127}}
  %r = pack.pack_rows %x by <absmax reach 127> : tensor<?x64xf32> -> !pack.rows<64, bits = 32, group = 32, scale_groups = 1>
  return
}

// -----

func.func @pack_rows_c2_reach(%x: tensor<?x64xf32>) {
  // expected-error@+1 {{a quantizer makes rows of 8 bits in f32, from absmax with a reach of at most 127}}
  %r = pack.pack_rows %x by <absmax reach 127.5> : tensor<?x64xf32> -> !pack.rows<64, bits = 8, group = 32, scale_groups = 1>
  return
}

// -----

func.func @pack_rows_c2_divisor(%x: tensor<?x64xf32>) {
  // expected-error@+1 {{has a divisor only by a quantizer}}
  %r = pack.pack_rows %x {divisor} : tensor<?x64xf32> -> !pack.rows<64, bits = 8, group = 32, scale_groups = 1>
  return
}
