/*===- FakeCode.c - Code of a module, written by hand -------------*- C -*-===*\
|*
|* A model small enough to be computed in a test: the KV slot of a position
holds
|* token / 2 + position, and
|*
|*   logits[v] = weight[v] * sum over visible slots p of (1 + p mod 3) * kv[p]
|*
|* Workers share rows and columns in a way that needs the barrier. The second
|* level adds 1000 to logit 0, so that a test can tell them apart. Marks end
|* region 0 where a call begins, 1 behind a barrier, 2 behind the logits.
|*
\*===----------------------------------------------------------------------===*/

#include "quantrt/abi.h"

#ifndef FAKE_ABI_VERSION
#define FAKE_ABI_VERSION QRT_ABI_VERSION
#endif

/* As FakeModule.h says in the header. */
enum { pageSize = 4, pageBytes = 64, vocabulary = 37, embedding = 3 };
enum { maxRows = 8, probes = 2 };

static float *slot(const qrt_text *text, const qrt_run *run, int64_t position) {
  const int64_t page = run->page_table[position / pageSize];
  return (float *)(text->kv + page * pageBytes) + position % pageSize;
}

/* A row of embeddings stands for the token that is its first number. */
static float tokenOf(const qrt_text *text, int64_t row) {
  return text->tokens[row] >= 0 ? (float)text->tokens[row]
                                : text->embeddings[row * embedding];
}

static void writeRows(const qrt_text *text, int32_t worker, int32_t workers) {
  for (int64_t r = 0; r < text->n_runs; ++r) {
    const qrt_run *run = &text->runs[r];
    for (int64_t i = worker; i < run->count; i += workers) {
      const int64_t row = run->first_row + i;
      *slot(text, run, run->kv_length + i) =
          tokenOf(text, row) * 0.5f + (float)text->positions[row];
      if (text->probes)
        for (int64_t p = 0; p < probes; ++p)
          for (int64_t e = 0; e < embedding; ++e)
            text->probes[(p * maxRows + row) * embedding + e] =
                (float)(text->tokens[row] + 100 * p + 1000 * e);
    }
  }
}

static const qrt_run *runOf(const qrt_text *text, int64_t row) {
  const qrt_run *run = text->runs;
  while (row >= run->first_row + run->count)
    ++run;
  return run;
}

static void sumRows(const qrt_text *text, float *sums, int32_t worker,
                    int32_t workers) {
  for (int64_t o = worker; o < text->n_out; o += workers) {
    const int64_t row = text->out_rows[o];
    const qrt_run *run = runOf(text, row);
    float sum = 0;
    for (int64_t p = 0; p < text->visible_end[row]; ++p)
      sum += (float)(1 + p % 3) * *slot(text, run, p);
    sums[o] = sum;
  }
}

static void runText(const qrt_frame *frame, int32_t worker, int32_t workers,
                    float extra) {
  const qrt_text *text = frame->text;
  float *sums = (float *)frame->scratch;
  frame->host->mark(frame->team, worker, 0);
  writeRows(text, worker, workers);
  frame->host->barrier(frame->team, worker);
  frame->host->mark(frame->team, worker, 1);
  sumRows(text, sums, worker, workers);
  frame->host->barrier(frame->team, worker);
  const float *weight = (const float *)frame->weights[0];
  for (int64_t o = 0; o < text->n_out; ++o)
    for (int64_t v = worker; v < vocabulary; v += workers)
      text->logits[o * vocabulary + v] =
          weight[v] * sums[o] + (v == 0 ? extra : 0.0f);
  frame->host->mark(frame->team, worker, 2);
}

static void textFirst(const qrt_frame *frame, int32_t worker, int32_t workers) {
  runText(frame, worker, workers, 0);
}

static void textSecond(const qrt_frame *frame, int32_t worker,
                       int32_t workers) {
  runText(frame, worker, workers, 1000);
}

/* y[i] = x[i] * weight[1][i], through the scratch, for 4 elements. */
static void scale(const qrt_frame *frame, int32_t worker, int32_t workers) {
  const float *x = (const float *)frame->arguments[0];
  float *y = (float *)frame->arguments[1];
  float *copy = (float *)frame->scratch;
  for (int i = worker; i < 4; i += workers)
    copy[i] = x[3 - i];
  frame->host->barrier(frame->team, worker);
  for (int i = worker; i < 4; i += workers)
    y[i] = copy[3 - i] * ((const float *)frame->weights[1])[i];
}

/* A table with a definite number of entries; the same bytes as qrt_code_table.
 */
const struct {
  uint32_t abi_version, n_levels, n_functions, reserved;
  qrt_entry entries[4];
} qrt_code_table_data __asm__(QRT_CODE_TABLE_SYMBOL)
    __attribute__((visibility("default"))) = {
        FAKE_ABI_VERSION, 2, 2, 0, {textFirst, scale, textSecond, scale}};
