// RUN: quant-opt %s --split-input-file --verify-roundtrip | FileCheck %s
// Every production of the grammar in #lowbit.scheme's description. What is
// printed is Scheme::str(), whatever the spelling was.

// CHECK: #scheme = #lowbit.scheme<f32>
func.func private @s() attributes {scheme = #lowbit.scheme<f32>}

// -----

// CHECK: #scheme = #lowbit.scheme<f16>
func.func private @s() attributes {scheme = #lowbit.scheme<f16>}

// -----

// CHECK: #scheme = #lowbit.scheme<bf16>
func.func private @s() attributes {scheme = #lowbit.scheme<bf16>}

// -----

// CHECK: #scheme = #lowbit.scheme<u4 offset 8, group 32 scale f16>
func.func private @s() attributes {scheme = #lowbit.scheme<u4 offset 8, group 32 scale f16>}

// -----

// CHECK: #scheme = #lowbit.scheme<s8, group 32 scale f32>
func.func private @s() attributes {scheme = #lowbit.scheme<s8, group 32 scale f32>}

// -----

// CHECK: #scheme = #lowbit.scheme<s8, row scale f32>
func.func private @s() attributes {scheme = #lowbit.scheme<s8, row scale f32>}

// -----

// CHECK: #scheme = #lowbit.scheme<s8, tensor scale f32>
func.func private @s() attributes {scheme = #lowbit.scheme<s8, tensor scale f32>}

// -----

// CHECK: #scheme = #lowbit.scheme<ternary, tensor scale f32>
func.func private @s() attributes {scheme = #lowbit.scheme<ternary, tensor scale f32>}

// -----

// CHECK: #scheme = #lowbit.scheme<sign, group 128 scale f16>
func.func private @s() attributes {scheme = #lowbit.scheme<sign, group 128 scale f16>}

// -----

// CHECK: #scheme = #lowbit.scheme<u2 codebook [-1.0, -0.25, 0.25, 1.0], group 48 scale bf16>
func.func private @s() attributes {scheme = #lowbit.scheme<u2 codebook [-1.0, -0.25, 0.25, 1.0], group 48 scale bf16>}

// -----

// CHECK: #scheme = #lowbit.scheme<u1 codebook [-1.0, 0.0015], row scale f32>
func.func private @s() attributes {scheme = #lowbit.scheme<u1 codebook [-1, 1.5e-3], row scale f32>}

// -----

// CHECK: #scheme = #lowbit.scheme<u4, group 32 scale f16 min f16>
func.func private @s() attributes {scheme = #lowbit.scheme<u4, group 32 scale f16 min f16>}

// -----

// CHECK: #scheme = #lowbit.scheme<u4, group 256 scale f16 neg_min f16, group 32 scale u6 neg_min u6>
func.func private @s() attributes {scheme = #lowbit.scheme<u4, group 256 scale f16 neg_min f16, group 32 scale u6 neg_min u6>}

// -----

// CHECK: #scheme = #lowbit.scheme<u6 offset 32, group 256 scale f16, group 16 scale s8>
func.func private @s() attributes {scheme = #lowbit.scheme<u6 offset 32, group 256 scale f16, group 16 scale s8>}

// -----

// CHECK: #scheme = #lowbit.scheme<u4, group 256 scale f16, group 32 scale u6 offset 32>
func.func private @s() attributes {scheme = #lowbit.scheme<u4, group 256 scale f16, group 32 scale u6 offset 32>}

// -----

// CHECK: #scheme = #lowbit.scheme<u4 offset 8, tensor scale f32, group 16 scale e4m3>
func.func private @s() attributes {scheme = #lowbit.scheme<u4 offset 8, tensor scale f32, group 16 scale e4m3>}

// -----

// CHECK: #scheme = #lowbit.scheme<u4 offset 8, group 32 scale e8m0>
func.func private @s() attributes {scheme = #lowbit.scheme<u4 offset 8, group 32 scale e8m0>}

// -----

// CHECK: #scheme = #lowbit.scheme<u5, group 50 scale f16 zero u5>
func.func private @s() attributes {scheme = #lowbit.scheme<u5, group 50 scale f16 zero u5>}

// -----

// CHECK: #scheme = #lowbit.scheme<u4, tensor scale f32, row scale f32, group 64 scale u8, group 16 scale u4>
func.func private @s() attributes {scheme = #lowbit.scheme<u4, tensor scale f32, row scale f32, group 64 scale u8, group 16 scale u4>}

// -----

// CHECK: #scheme = #lowbit.scheme<u4, group 32 scale f16>
func.func private @s() attributes {scheme = #lowbit.scheme<u4 offset 0, group 32 scale f16, round nearest_even>}

// -----

// CHECK: #scheme = #lowbit.scheme<s8, group 32 scale f16, round nearest_away>
func.func private @s() attributes {scheme = #lowbit.scheme<s8, group 32 scale f16, round nearest_away>}

// -----

// CHECK: #scheme = #lowbit.scheme<s4, group 32 scale f16, round toward_zero>
func.func private @s() attributes {scheme = #lowbit.scheme<s4, group 32 scale f16, round toward_zero>}

// -----

// CHECK: #scheme = #lowbit.scheme<u1 codebook [0.5, 2.0] signs, row scale f32>
func.func private @s() attributes {scheme = #lowbit.scheme<u1 codebook [0.5, 2.0] signs, row scale f32>}

// -----

// CHECK: #scheme = #lowbit.scheme<u2 codebook 4 x0123f00101100080, group 32 scale f16>
func.func private @s() attributes {scheme = #lowbit.scheme<u2 codebook 4 x0123f00101100080, group 32 scale f16>}

// -----

// CHECK: #scheme = #lowbit.scheme<u1 codebook 4 x0819f60708090a0b signs, group 32 scale f16>
func.func private @s() attributes {scheme = #lowbit.scheme<u1 codebook 4 x0819f60708090a0b signs, group 32 scale f16>}

// -----

// CHECK: #scheme = #lowbit.scheme<u1 codebook 8 x1234567800000001 signs, group 256 scale f16, group 16 scale u4>
func.func private @s() attributes {scheme = #lowbit.scheme<u1 codebook 8 [1, 2, 3, 4, 5, 6, 7, -8, 0, 0, 0, 0, 0, 0, 0, 1] signs, group 256 scale f16, group 16 scale u4>}

// -----

// CHECK: #scheme = #lowbit.scheme<u1 codebook 4 [0.5, 1.0, 1.5, 2.0, -0.0, 1.0, 2.0, 3.0], group 8 scale f16>
func.func private @s() attributes {scheme = #lowbit.scheme<u1 codebook 4 [0.5, 1, 1.5, 2, -0.0, 1, 2, 3], group 8 scale f16>}

// -----

// CHECK: #scheme = #lowbit.scheme<u1 codebook 8 x01ff01ff00110011, group 256 scale f16, group 32 scale u3 delta 0.125>
func.func private @s() attributes {scheme = #lowbit.scheme<u1 codebook 8 x01ff01ff00110011, group 256 scale f16, group 32 scale u3 delta 0.125>}

// -----

// CHECK: #scheme = #lowbit.scheme<s4, row scale f32 delta 1.0>
func.func private @s() attributes {scheme = #lowbit.scheme<s4, row scale f32 delta 1>}
