// RUN: quant-opt %s --split-input-file --verify-diagnostics
// The grammar, then the rules (S1) to (S10) of docs/Numerics.md.

// expected-error@+1 {{scheme: expected a code (u4, s4, ternary, sign, f32, f16, bf16), but got `x4` at column 1}}
func.func private @parse_code() attributes {scheme = #lowbit.scheme<x4, row scale f32>}

// -----

// expected-error@+1 {{scheme: expected a code (u4, s4, ternary, sign, f32, f16, bf16), but got the end}}
func.func private @parse_empty() attributes {scheme = #lowbit.scheme<>}

// -----

// expected-error@+1 {{scheme: expected a code (u4, s4, ternary, sign, f32, f16, bf16), but got `e4m3` at column 1}}
func.func private @parse_float_is_no_code() attributes {scheme = #lowbit.scheme<e4m3, row scale f32>}

// -----

// expected-error@+1 {{scheme: expected `tensor`, `row`, `group` or `round`, but got `column` at column 5}}
func.func private @parse_level() attributes {scheme = #lowbit.scheme<u4, column scale f16>}

// -----

// expected-error@+1 {{scheme: expected `scale`, `min`, `neg_min`, `zero`, `delta` or `divisor`, but got `factor` at column 14}}
func.func private @parse_component() attributes {scheme = #lowbit.scheme<u4, group 32 factor f16>}

// -----

// expected-error@+1 {{scheme: expected a field type (f32, f16, bf16, e8m0, e4m3, u6, s8), but got `f64` at column 20}}
func.func private @parse_field() attributes {scheme = #lowbit.scheme<u4, group 32 scale f64>}

// -----

// expected-error@+1 {{scheme: a group has 1 to 1048576 elements, but got 0}}
func.func private @parse_group() attributes {scheme = #lowbit.scheme<u4, group 0 scale f16>}

// -----

// expected-error@+1 {{scheme: expected `nearest_even`, `nearest_away` or `toward_zero`, but got `up` at column 31}}
func.func private @parse_rounding() attributes {scheme = #lowbit.scheme<u4, group 32 scale f16, round up>}

// -----

// expected-error@+1 {{scheme: expected the end, but got `,` at column 23}}
func.func private @parse_rounding_is_last() attributes {scheme = #lowbit.scheme<u4, round nearest_away, group 32 scale f16>}

// -----

// expected-error@+1 {{scheme: expected an integer behind `offset`, but got `,` at column 10}}
func.func private @parse_offset() attributes {scheme = #lowbit.scheme<u4 offset, group 32 scale f16>}

// -----

// expected-error@+1 {{scheme: expected `[` or a word of hexadecimal digits behind `codebook`, but got `,` at column 14}}
func.func private @parse_codebook() attributes {scheme = #lowbit.scheme<u1 codebook 4, row scale f16>}

// -----

// expected-error@+1 {{scheme: expected `x` and 8 or 16 hexadecimal digits, but got `x012345678` at column 15}}
func.func private @parse_digits() attributes {scheme = #lowbit.scheme<u1 codebook 4 x012345678, row scale f16>}

// -----

// expected-error@+1 {{scheme: expected `x` and 8 or 16 hexadecimal digits, but got `x0123456z` at column 15}}
func.func private @parse_no_digit() attributes {scheme = #lowbit.scheme<u1 codebook 4 x0123456z, row scale f16>}

// -----

// expected-error@+1 {{scheme: expected `,` or the end, but got `signs` at column 4}}
func.func private @parse_signs() attributes {scheme = #lowbit.scheme<u4 signs, row scale f16>}

// -----

// expected-error@+1 {{a delta must be a number}}
func.func private @parse_delta() attributes {scheme = #lowbit.scheme<u4, row scale f16 delta unit>}

// -----

// expected-error@+1 {{a code has 1 to 8 bits, but got 9}}
func.func private @s1_bits() attributes {scheme = #lowbit.scheme<u9, group 32 scale f16>}

// -----

// expected-error@+1 {{a code has 1 to 8 bits, but got 0}}
func.func private @s1_no_bits() attributes {scheme = #lowbit.scheme<u0, group 32 scale f16>}

// -----

// expected-error@+1 {{an index of vectors has 1 to 11 bits, but got 0}}
func.func private @s1_index() attributes {scheme = #lowbit.scheme<u0 codebook 4 [1.0, 0.0, 0.0, 0.0], row scale f16>}

// -----

// expected-error@+1 {{scheme: expected `,` or the end, but got `offset` at column 4}}
func.func private @s2_signed() attributes {scheme = #lowbit.scheme<s4 offset 8, group 32 scale f16>}

// -----

// expected-error@+1 {{an offset is one of the codes, expected 0 to 15, but got 16}}
func.func private @s2_range() attributes {scheme = #lowbit.scheme<u4 offset 16, group 32 scale f16>}

// -----

// expected-error@+1 {{a codebook of 2 bits has 4 entries, but got 3}}
func.func private @s3_entries() attributes {scheme = #lowbit.scheme<u2 codebook [-1.0, 0.0, 1.0], group 32 scale f16>}

// -----

// expected-error@+1 {{the entries of a codebook are not all zero}}
func.func private @s3_zero() attributes {scheme = #lowbit.scheme<u1 codebook [0.0, 0.0], group 32 scale f16>}

// -----

// expected-error@+1 {{an entry of a codebook has 1, 4 or 8 values, but got 2}}
func.func private @s3_length() attributes {scheme = #lowbit.scheme<u1 codebook 2 [1.0, 0.0, 0.0, 1.0], row scale f16>}

// -----

// expected-error@+1 {{a codebook of 1 bits has 2 entries of 4 values, but got 6 values}}
func.func private @s3_values() attributes {scheme = #lowbit.scheme<u1 codebook 4 [1.0, 0.0, 0.0, 1.0, 2.0, 3.0], row scale f16>}

// -----

// expected-error@+1 {{the entries of a codebook are not all zero}}
func.func private @s3_vectors_zero() attributes {scheme = #lowbit.scheme<u1 codebook 4 x00000000, row scale f16>}

// -----

// expected-error@+1 {{a scheme of floats has no scale levels}}
func.func private @s4_float() attributes {scheme = #lowbit.scheme<f16, group 32 scale f16>}

// -----

// expected-error@+1 {{a scheme of codes has a scale, expected e.g. `group 32 scale f16`}}
func.func private @s4_codes() attributes {scheme = #lowbit.scheme<u4>}

// -----

// expected-error@+1 {{a scheme of codes has a scale, expected e.g. `group 32 scale f16`}}
func.func private @s4_minimum_only() attributes {scheme = #lowbit.scheme<u4, group 32 min f16>}

// -----

// expected-error@+1 {{levels come outermost first: tensor, row, groups}}
func.func private @s5_order() attributes {scheme = #lowbit.scheme<u4, group 32 scale f16, row scale f16>}

// -----

// expected-error@+1 {{a group divides the group around it, but 48 is no proper part of 64}}
func.func private @s5_divides() attributes {scheme = #lowbit.scheme<u4, group 64 scale f16, group 48 scale u6>}

// -----

// expected-error@+1 {{a group divides the group around it, but 32 is no proper part of 32}}
func.func private @s5_twice() attributes {scheme = #lowbit.scheme<u4, group 32 scale f16, group 32 scale u6>}

// -----

// expected-error@+1 {{levels come outermost first: tensor, row, groups}}
func.func private @s5_rows() attributes {scheme = #lowbit.scheme<u4, row scale f16, row scale u6>}

// -----

// expected-error@+1 {{a group has 1 to 1048576 elements, but got 1048577}}
func.func private @s5_long() attributes {scheme = #lowbit.scheme<u4, group 1048577 scale f16>}

// -----

// expected-error@+1 {{a level has one component of each role at most}}
func.func private @s6_twice() attributes {scheme = #lowbit.scheme<u4, group 32 scale f16 scale f16>}

// -----

// expected-error@+1 {{`min`, `neg_min`, `zero` and `delta` exclude each other}}
func.func private @s7_one_of_three() attributes {scheme = #lowbit.scheme<u4, group 32 scale f16 min f16 zero u4>}

// -----

// expected-error@+1 {{`min`, `neg_min`, `zero` and `delta` exclude each other}}
func.func private @s7_min_neg_min() attributes {scheme = #lowbit.scheme<u4, group 32 scale f16 min f16 neg_min f16>}

// -----

// expected-error@+1 {{only integer codes have zero points}}
func.func private @s7_zero_of_ternary() attributes {scheme = #lowbit.scheme<ternary, group 32 scale f16 zero u2>}

// -----

// expected-error@+1 {{a zero point belongs to the innermost level}}
func.func private @s7_zero_outside() attributes {scheme = #lowbit.scheme<u4, group 64 scale f16 zero u4, group 32 scale u6>}

// -----

// expected-error@+1 {{`min`, `neg_min`, `zero` and `delta` exclude each other}}
func.func private @s7_delta_and_zero() attributes {scheme = #lowbit.scheme<u4, group 32 scale f16 zero u4 delta 0.5>}

// -----

// expected-error@+1 {{a delta belongs to the innermost level}}
func.func private @s7_delta_outside() attributes {scheme = #lowbit.scheme<u4, group 64 scale f16 delta 0.5, group 32 scale u6>}

// -----

// expected-error@+1 {{an integer scale or minimum needs a float one of its role at an outer level}}
func.func private @s8_integer_scale() attributes {scheme = #lowbit.scheme<u4, group 32 scale u6>}

// -----

// expected-error@+1 {{an integer scale or minimum needs a float one of its role at an outer level}}
func.func private @s8_integer_min() attributes {scheme = #lowbit.scheme<u4, group 64 scale f16, group 32 scale u6 min u6>}

// -----

// expected-error@+1 {{an integer field has 1 to 16 bits, but got 17}}
func.func private @s8_bits() attributes {scheme = #lowbit.scheme<u4, row scale f16, group 32 scale u17>}

// -----

// expected-error@+1 {{a field's offset is within 65536, but got 70000}}
func.func private @s8_offset() attributes {scheme = #lowbit.scheme<u4, row scale f16, group 32 scale u6 offset 70000>}

// -----

// expected-error@+1 {{e8m0 is for scales: it has no sign and no zero}}
func.func private @s8_e8m0() attributes {scheme = #lowbit.scheme<u4, group 32 scale f16 min e8m0>}

// -----

// expected-error@+1 {{a zero point is an integer, f32, f16 or bf16}}
func.func private @s8_e4m3() attributes {scheme = #lowbit.scheme<u4, group 32 scale f16 zero e4m3>}

// -----

// expected-error@+1 {{a delta has a positive magnitude, expected e.g. `delta 0.125`}}
func.func private @s8_delta() attributes {scheme = #lowbit.scheme<u4, group 32 scale f16 delta -0.125>}

// -----

// expected-error@+1 {{a group holds whole vectors of 8 elements, but got 12}}
func.func private @s9_group() attributes {scheme = #lowbit.scheme<u1 codebook 8 x0123456776543210, group 24 scale f16, group 12 scale u4>}

// -----

// expected-error@+1 {{a codebook with vectors or signs has no tie rule}}
func.func private @s9_rounding() attributes {scheme = #lowbit.scheme<u1 codebook [1.0, 2.0] signs, group 32 scale f16, round nearest_away>}

// -----

// expected-error@+1 {{a divisor is f32, f16 or bf16}}
func.func private @s10_type() attributes {scheme = #lowbit.scheme<s8, row divisor e8m0>}

// -----

// expected-error@+1 {{a divisor stands alone: no other one, no scale and no minimum}}
func.func private @s10_scale() attributes {scheme = #lowbit.scheme<s8, row scale f32 divisor f32>}
