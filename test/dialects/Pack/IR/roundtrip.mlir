// RUN: quant-opt %s --verify-roundtrip | FileCheck %s
// The example of every op's description, in the order of PackOps.td.

// CHECK-LABEL: func @weight
// CHECK-SAME: !pack.panels<576x576, #scheme{{[0-9]*}}, <lanes = 16, unit = 1>>
func.func @weight()
    -> !pack.panels<576x576, #lowbit.scheme<u4, group 32 scale f16>, #pack.layout<lanes = 16, unit = 1>> {
  // CHECK: pack.weight "blk.0.attn_q.weight" : <576x576, #scheme{{[0-9]*}}, <lanes = 16, unit = 1>>
  %w = pack.weight "blk.0.attn_q.weight"
     : !pack.panels<576x576, #lowbit.scheme<u4, group 32 scale f16>, #pack.layout<lanes = 16, unit = 1>>
  return %w : !pack.panels<576x576, #lowbit.scheme<u4, group 32 scale f16>, #pack.layout<lanes = 16, unit = 1>>
}

// CHECK-LABEL: func @pack_rows
func.func @pack_rows(%x: tensor<?x576xf32>) -> !pack.rows<576, bits = 8, group = 32, scale_groups = 1> {
  // CHECK: pack.pack_rows %{{.*}} : tensor<?x576xf32> -> <576, bits = 8, group = 32, scale_groups = 1>
  %r = pack.pack_rows %x : tensor<?x576xf32>
     -> !pack.rows<576, bits = 8, group = 32, scale_groups = 1>
  return %r : !pack.rows<576, bits = 8, group = 32, scale_groups = 1>
}

// CHECK-LABEL: func.func @pack_rows_pow2
func.func @pack_rows_pow2(%x: tensor<?x576xf32>) -> !pack.rows<576, bits = 8, group = 32, scale_groups = 1, pow2 = true> {
  // CHECK: pack.pack_rows %{{.*}} : tensor<?x576xf32> -> <576, bits = 8, group = 32, scale_groups = 1, pow2 = true>
  %r = pack.pack_rows %x : tensor<?x576xf32>
     -> !pack.rows<576, bits = 8, group = 32, scale_groups = 1, pow2 = true>
  return %r : !pack.rows<576, bits = 8, group = 32, scale_groups = 1, pow2 = true>
}

// CHECK-LABEL: func @pack_rows_by
func.func @pack_rows_by(%x: tensor<?x576xf32>, %p: tensor<576xi32>) -> !pack.rows<576, bits = 8, group = 0, scale_groups = 0> {
  // CHECK: pack.pack_rows %{{.*}} by #quantizer : tensor<?x576xf32> -> <576, bits = 8, group = 0, scale_groups = 0>
  %r = pack.pack_rows %x by <absmax reach 127.0 least 1.0e-05, multiply>
     : tensor<?x576xf32> -> !pack.rows<576, bits = 8, group = 0, scale_groups = 0>
  // CHECK: pack.pack_rows %{{.*}} by #quantizer divisor permuted %{{.*}} : tensor<?x576xf32>, tensor<576xi32>
  %s = pack.pack_rows %x by <absmax reach 127.0 least 1.0e-05, multiply> divisor permuted %p
     : tensor<?x576xf32>, tensor<576xi32> -> !pack.rows<576, bits = 8, group = 0, scale_groups = 0>
  return %s : !pack.rows<576, bits = 8, group = 0, scale_groups = 0>
}

// CHECK-LABEL: func @pack_rows_permuted
func.func @pack_rows_permuted(%x: tensor<?x576xf32>, %p: tensor<576xi32>)
    -> !pack.rows<576, bits = 8, group = 32, scale_groups = 1> {
  // CHECK: pack.pack_rows %{{.*}} permuted %{{.*}} : tensor<?x576xf32>, tensor<576xi32> -> <576, bits = 8, group = 32, scale_groups = 1>
  %r = pack.pack_rows %x permuted %p : tensor<?x576xf32>, tensor<576xi32>
     -> !pack.rows<576, bits = 8, group = 32, scale_groups = 1>
  return %r : !pack.rows<576, bits = 8, group = 32, scale_groups = 1>
}

// CHECK-LABEL: func @linear
func.func @linear(%r: !pack.rows<576, bits = 8, group = 32, scale_groups = 1>,
                  %w: !pack.panels<576x576, #lowbit.scheme<u4, group 32 scale f16>, #pack.layout<lanes = 16, unit = 1>>,
                  %x: tensor<?x576xf32>) -> tensor<?x576xf32> {
  // CHECK: pack.linear %{{.*}}, %{{.*}} residual %{{.*}} : !pack.rows<576, bits = 8, group = 32, scale_groups = 1>, !pack.panels<576x576, #scheme{{[0-9]*}}, <lanes = 16, unit = 1>>, tensor<?x576xf32> -> tensor<?x576xf32>
  %y = pack.linear %r, %w residual %x
     : !pack.rows<576, bits = 8, group = 32, scale_groups = 1>,
       !pack.panels<576x576, #lowbit.scheme<u4, group 32 scale f16>, #pack.layout<lanes = 16, unit = 1>>,
       tensor<?x576xf32> -> tensor<?x576xf32>
  return %y : tensor<?x576xf32>
}

// CHECK-LABEL: func @linear_bias
func.func @linear_bias(%r: !pack.rows<64, bits = 32, group = 32, scale_groups = 0>,
                       %w: !pack.panels<8x64, #lowbit.scheme<u4, group 32 scale f16>, #pack.layout<lanes = 16, unit = 1>>,
                       %b: tensor<8xf32>) -> tensor<?x8xf32> {
  // CHECK: pack.linear %{{.*}}, %{{.*}} bias %{{.*}} : !pack.rows<64, bits = 32, group = 32, scale_groups = 0>
  %y = pack.linear %r, %w bias %b
     : !pack.rows<64, bits = 32, group = 32, scale_groups = 0>,
       !pack.panels<8x64, #lowbit.scheme<u4, group 32 scale f16>, #pack.layout<lanes = 16, unit = 1>>,
       tensor<8xf32> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// CHECK-LABEL: func @embed
func.func @embed(%tokens: tensor<?xi32>,
                 %table: !pack.panels<96x64, #lowbit.scheme<s8, group 32 scale f16>, #pack.layout<lanes = 16, unit = 1>>,
                 %rows: tensor<?x64xf32>, %p: tensor<64xi32>) -> tensor<?x64xf32> {
  // CHECK: pack.embed %{{.*}}, %{{.*}} : tensor<?xi32>, !pack.panels<96x64, #scheme{{[0-9]*}}, <lanes = 16, unit = 1>> -> tensor<?x64xf32>
  %x = pack.embed %tokens, %table {scale = 1.0 : f32}
     : tensor<?xi32>,
       !pack.panels<96x64, #lowbit.scheme<s8, group 32 scale f16>, #pack.layout<lanes = 16, unit = 1>>
     -> tensor<?x64xf32>
  // CHECK: pack.embed %{{.*}}, %{{.*}} else %{{.*}} {scale = 2.000000e+00 : f32}
  %y = pack.embed %tokens, %table else %rows {scale = 2.0 : f32}
     : tensor<?xi32>,
       !pack.panels<96x64, #lowbit.scheme<s8, group 32 scale f16>, #pack.layout<lanes = 16, unit = 1>>,
       tensor<?x64xf32> -> tensor<?x64xf32>
  // CHECK: pack.embed %{{.*}}, %{{.*}} permuted %{{.*}} else %{{.*}} : tensor<?xi32>, !pack.panels<{{.*}}>, tensor<64xi32>, tensor<?x64xf32> -> tensor<?x64xf32>
  %z = pack.embed %tokens, %table permuted %p else %rows
     : tensor<?xi32>,
       !pack.panels<96x64, #lowbit.scheme<s8, group 32 scale f16>, #pack.layout<lanes = 16, unit = 1>>,
       tensor<64xi32>, tensor<?x64xf32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// CHECK-LABEL: func @dot4
func.func @dot4(%acc: vector<16xi32>, %w: vector<64xi8>, %a: vector<64xi8>) -> vector<16xi32> {
  // CHECK: pack.dot4 %{{.*}}, %{{.*}}, %{{.*}} {range = 15 : i64} : vector<16xi32>, vector<64xi8>
  %s = pack.dot4 %acc, %w, %a {range = 15} : vector<16xi32>, vector<64xi8>
  // CHECK: pack.dot4 %{{.*}}, %{{.*}}, %{{.*}} {range = 128 : i64, signed_weights} : vector<16xi32>, vector<64xi8>
  %t = pack.dot4 %s, %w, %a {range = 128, signed_weights} : vector<16xi32>, vector<64xi8>
  return %t : vector<16xi32>
}

// CHECK-LABEL: func @tile_dot
func.func @tile_dot(%a: memref<256x2304xi8>, %work: memref<1x36864xi8>, %i: index) {
  // CHECK: pack.tile_dot %{{.*}}[%{{.*}}, %{{.*}}], %{{.*}}[%{{.*}}] to %{{.*}}[%{{.*}}] {panels = 2 : i64, quads = 8 : i64, range = 15 : i64, rows = 32 : i64} : memref<256x2304xi8>, memref<1x36864xi8>, memref<1x36864xi8>
  pack.tile_dot %a[%i, %i], %work[%i] to %work[%i]
      {rows = 32, panels = 2, quads = 8, range = 15}
    : memref<256x2304xi8>, memref<1x36864xi8>, memref<1x36864xi8>
  return
}

// CHECK-LABEL: func @xor_popcount
func.func @xor_popcount(%acc: vector<16xi32>, %w: vector<16xi32>, %a: vector<16xi32>) -> vector<16xi32> {
  // CHECK: pack.xor_popcount %{{.*}}, %{{.*}}, %{{.*}} : vector<16xi32>
  %s = pack.xor_popcount %acc, %w, %a : vector<16xi32>
  return %s : vector<16xi32>
}

// CHECK-LABEL: func @dot2
func.func @dot2(%acc: vector<16xf32>, %w: vector<32xbf16>, %a: vector<32xbf16>) -> vector<16xf32> {
  // CHECK: pack.dot2 %{{.*}}, %{{.*}}, %{{.*}} : vector<16xf32>, vector<32xbf16>
  %s = pack.dot2 %acc, %w, %a : vector<16xf32>, vector<32xbf16>
  return %s : vector<16xf32>
}

// CHECK-LABEL: func @lookup_words
func.func @lookup_words(%i: vector<32xi16>) -> vector<32xi16> {
  // CHECK: pack.lookup_words %{{.*}} in [16256, -16512, 0, {{.*}}] : vector<32xi16>
  %v = pack.lookup_words %i in [16256, -16512, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] : vector<32xi16>
  return %v : vector<32xi16>
}

// CHECK-LABEL: func @lookup(
func.func @lookup(%i: vector<64xi8>) -> vector<64xi8> {
  // CHECK: pack.lookup %{{.*}} in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] : vector<64xi8>
  %v = pack.lookup %i in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
     : vector<64xi8>
  return %v : vector<64xi8>
}
