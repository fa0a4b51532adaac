// RUN: quant-opt %s --split-input-file --verify-diagnostics

func.func @weight_index_is_not_negative(%frame: !rt.frame) {
  // expected-error@+1 {{attribute 'index' failed to satisfy constraint: 64-bit signless integer attribute whose value is non-negative}}
  %w = rt.weight %frame[-1] : memref<4xi8>
  return
}

// -----

func.func @scratch_offset_is_not_negative(%frame: !rt.frame) {
  // expected-error@+1 {{attribute 'offset' failed to satisfy constraint: 64-bit signless integer attribute whose value is non-negative}}
  %w = rt.scratch %frame[-64] : memref<4xi8>
  return
}

// -----

func.func @argument_is_static(%frame: !rt.frame) {
  // expected-error@+1 {{must be statically shaped memref of any type values}}
  %w = rt.argument %frame[0] : memref<?xi8>
  return
}

// -----

func.func @text_c1(%frame: !rt.frame) {
  // expected-error@+1 {{field must be one of tokens, embeddings, positions, visible_end, out_rows, out_first, token_types, logits, probes, kv, but got rows}}
  %w = rt.text %frame "rows" : memref<4xi32>
  return
}

// -----

func.func @text_size_c1(%frame: !rt.frame) {
  // expected-error@+1 {{field must be one of rows, n_runs, n_out, but got tokens}}
  %w = rt.text_size %frame "tokens"
  return
}

// -----

func.func @mark_region_is_not_negative(%frame: !rt.frame, %worker: index) {
  // expected-error@+1 {{attribute 'region' failed to satisfy constraint: 64-bit signless integer attribute whose value is non-negative}}
  rt.mark %frame[-1], %worker
  return
}
