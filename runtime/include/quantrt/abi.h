//===- abi.h - What compiled code and its host agree on ---------*- C -*-===//
//
// The seam between a module's machine code and the runtime: every structure
// that compiled code reads and every function it may call. A change here is a
// new QRT_ABI_VERSION; lib/Conversion/RtToLLVM reads the offsets below with
// offsetof, so that the two sides cannot drift apart.
//
// Compiled code never allocates, locks, makes a system call or keeps state: it
// touches what the frame points to and calls what qrt_host lists.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTRT_ABI_H
#define QUANTRT_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QRT_ABI_VERSION 3u

/// The one symbol a module exports.
#define QRT_CODE_TABLE_SYMBOL "qrt_code_table"

/// Instruction-set levels, in the order in which the runtime prefers them
/// (larger first, among those that the CPU has).
enum {
  QRT_LEVEL_AVX2 = 1,
  QRT_LEVEL_AVXVNNI = 2,
  QRT_LEVEL_AVX512VNNI = 3,
  QRT_LEVEL_AVX512BF16 = 4,
  QRT_LEVEL_AMX = 5,
  QRT_LEVEL_NEON = 16,
  QRT_LEVEL_ARMV86 = 17
};

/// CPU features that a level may demand; a level's mask is in the header.
enum {
  QRT_CPU_AVX2 = 1 << 0,
  QRT_CPU_FMA = 1 << 1,
  QRT_CPU_F16C = 1 << 2,
  QRT_CPU_BMI2 = 1 << 3,
  QRT_CPU_AVXVNNI = 1 << 4,
  QRT_CPU_AVX512F = 1 << 5,
  QRT_CPU_AVX512BW = 1 << 6,
  QRT_CPU_AVX512VL = 1 << 7,
  QRT_CPU_AVX512DQ = 1 << 8,
  QRT_CPU_AVX512VNNI = 1 << 9,
  QRT_CPU_AVX512BF16 = 1 << 10,
  QRT_CPU_AVX512BITALG = 1 << 11,
  QRT_CPU_AVX512VPOPCNTDQ = 1 << 12,
  QRT_CPU_AVX512VBMI = 1 << 13,
  QRT_CPU_NEON_DOTPROD = 1 << 16,
  QRT_CPU_NEON_I8MM = 1 << 17,
  QRT_CPU_NEON_BF16 = 1 << 18,
  QRT_CPU_AMX_TILE = 1 << 20, /* Linux gives tiles on request (docs/ABI.md) */
  QRT_CPU_AMX_INT8 = 1 << 21,
  QRT_CPU_AMX_BF16 = 1 << 22
};

/// Rows of one sequence, adjacent in the batch.
typedef struct qrt_run {
  int64_t first_row;         ///< index of the first row in the batch
  int64_t count;             ///< number of rows
  int64_t kv_length;         ///< positions in the KV store before these rows
  const int32_t *page_table; ///< page index of positions [i*page, (i+1)*page)
} qrt_run;

/// Arguments of the function `text`: T rows of a ragged batch,
/// 1 <= T <= max_rows of the header.
typedef struct qrt_text {
  int64_t rows;               ///< T
  const int32_t *tokens;      ///< [T] token ids; -1 takes a row of `embeddings`
  const float *embeddings;    ///< [T, n_embd], read where tokens[t] == -1
  const int32_t *positions;   ///< [P, T] positions for rope (P = 1 now)
  const int32_t *visible_end; ///< [T] row t sees KV slots [0, visible_end[t])
  int64_t n_runs;
  const qrt_run *runs;        ///< [n_runs], cover the rows in order
  int64_t n_out;
  const int32_t *out_rows;    ///< [n_out] rows whose logits are wanted
  float *logits;              ///< [n_out, n_vocab], written
  float *probes;              ///< [n_probes, max_rows, n_embd] or null; written
                              ///< by modules compiled with --probe
  uint8_t *kv;                ///< page p begins at kv + p * page_bytes
  /* Read by functions whose result is no logits (qrt_text_record.result): */
  const int32_t *out_first;   ///< [n_out] result i is of the mean of rows
                              ///< out_first[i] to out_rows[i]
  const int32_t *token_types; ///< [T] which of two texts a row is of, 0 or 1
} qrt_text;

/// Services of the host. Every function may be called by any worker.
typedef struct qrt_host {
  uint32_t abi_version; ///< QRT_ABI_VERSION
  uint32_t bytes;       ///< sizeof(qrt_host)
  /// Returns when every worker of the team has called it; orders memory.
  void (*barrier)(void *team, int32_t worker);
  /// The worker's time since its last mark went to a region of the header's
  /// table. Called by modules compiled with --profile, by no other.
  void (*mark)(void *team, int32_t worker, int32_t region);
} qrt_host;

/// What an entry point receives. The same frame goes to every worker.
typedef struct qrt_frame {
  const void *const *weights; ///< [n_weights] addresses, 64-byte aligned
  uint8_t *scratch;           ///< 64-byte aligned; scratch_bytes +
                              ///< workers * private_bytes of the header
  void *const *arguments;     ///< inputs, then outputs, of a plain function
  const qrt_text *text;       ///< of the function `text`
  const qrt_host *host;
  void *team;                 ///< first argument of the host's functions
} qrt_frame;

/// An entry point: called once by each of `workers` workers, numbered from 0,
/// at the same time. The result does not depend on `workers`.
typedef void (*qrt_entry)(const qrt_frame *frame, int32_t worker,
                          int32_t workers);

/// Value of QRT_CODE_TABLE_SYMBOL: entries[level * n_functions + function],
/// in the order of the header's tables.
typedef struct qrt_code_table {
  uint32_t abi_version;
  uint32_t n_levels;
  uint32_t n_functions;
  uint32_t reserved;
  qrt_entry entries[];
} qrt_code_table;

/// A module inside of a program, as `quant-compile --emit=obj` writes it. The
/// header is that of a module file with no code in front: code_bytes is 0,
/// weights_offset is header_bytes.
struct qrt_static_module {
  uint32_t abi_version; ///< QRT_ABI_VERSION
  uint32_t bytes;       ///< sizeof(struct qrt_static_module)
  const char *name;     ///< the object's symbol; for messages
  const qrt_code_table *code;
  const void *header; ///< qrt_header and its tables, 64-byte aligned
  uint64_t header_bytes;
  const void *weights; ///< 64-byte aligned
  uint64_t weights_bytes;
};

#ifdef __cplusplus
}
#endif

#endif // QUANTRT_ABI_H
