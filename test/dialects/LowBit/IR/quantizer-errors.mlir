// RUN: quant-opt %s --split-input-file --verify-diagnostics
// The grammar, then rule (Q1) of docs/Numerics.md; (Q2) to (Q7) need a scheme
// and are in test/unit/Support/QuantizerTest.cpp.

// expected-error@+1 {{quantizer: expected a range (absmax, absmean, ends, minmax, span), but got `mean` at column 2}}
func.func private @parse_range() attributes {q = #lowbit.quantizer<mean>}

// -----

// expected-error@+1 {{quantizer: expected a range (absmax, absmean, ends, minmax, span), but got the end}}
func.func private @parse_empty() attributes {q = #lowbit.quantizer<>}

// -----

// expected-error@+1 {{quantizer: expected `scale`, `outer`, `multiply`, `divide`, `clamp`, `refine`, `proximal` or `in`, but got `add` at column 10}}
func.func private @parse_part() attributes {q = #lowbit.quantizer<minmax, add>}

// -----

// expected-error@+1 {{quantizer: expected two integers behind `clamp`, but got the end}}
func.func private @parse_clamp() attributes {q = #lowbit.quantizer<minmax, clamp 1>}

// -----

// expected-error@+1 {{a number of a quantizer must be a number}}
func.func private @parse_real() attributes {q = #lowbit.quantizer<absmax reach "7">}

// -----

// expected-error@+1 {{absmax and absmean have a positive `reach`, and they alone}}
func.func private @q1_reach() attributes {q = #lowbit.quantizer<absmax>}

// -----

// expected-error@+1 {{numbers of a quantizer are finite and positive}}
func.func private @q1_negative() attributes {q = #lowbit.quantizer<absmax reach -7.0>}

// -----

// expected-error@+1 {{a clamp has a low and a high end, but got 3 and 3}}
func.func private @q1_clamp() attributes {q = #lowbit.quantizer<minmax, clamp 3 3>}

// -----

// expected-error@+1 {{0 to 100 steps improve fields, but got 101}}
func.func private @q1_refine() attributes {q = #lowbit.quantizer<absmax reach 7.0, divide, refine 101>}
