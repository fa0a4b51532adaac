//===- format.h - The bytes of a module file --------------------*- C -*-===//
//
// A module is an ELF shared object:
//
//   0              code (what the linker made) and its section headers
//   code_bytes     .qrt.header : qrt_header, its tables, padding
//   weights_offset .qrt.weights: packed weights, to the end of the file
//
// Both sections are not allocated: the dynamic loader never maps them. The
// header begins 64-byte aligned at code_bytes and ends at weights_offset, which
// is a multiple of 64 KiB. Everything is little-endian. Offsets in the tables
// count from the start of the header; weight offsets from weights_offset.
//
// Hashes are XXH3-64. header_hash covers the header from behind that field to
// weights_offset; code_hash the file's bytes [0, code_bytes); entry i of the
// hash table the bytes [i * chunk, (i + 1) * chunk) of the weights. So every
// byte of the file is covered by exactly one hash, or is a hash or magic.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTRT_FORMAT_H
#define QUANTRT_FORMAT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QRT_HEADER_MAGIC "LOWBITQR"
#define QRT_FORMAT_VERSION 3u
#define QRT_HEADER_SECTION ".qrt.header"
#define QRT_WEIGHTS_SECTION ".qrt.weights"
#define QRT_HASH_CHUNK (16u << 20)
#define QRT_WEIGHTS_ALIGNMENT (64u << 10)

/// `count` records, the first `offset` bytes behind the header's start.
typedef struct qrt_table {
  uint64_t offset;
  uint64_t count;
} qrt_table;

/// A string: NUL-terminated, `offset` behind the start of the string table.
typedef uint32_t qrt_string;

typedef struct qrt_level_record {
  uint32_t level;    ///< QRT_LEVEL_*
  uint32_t features; ///< mask of QRT_CPU_* that the code uses
  qrt_string name;   ///< "avx2", "avx512vnni", ...
  uint32_t reserved;
} qrt_level_record;

enum { QRT_FUNCTION_TEXT = 1, QRT_FUNCTION_PLAIN = 2 };

typedef struct qrt_function_record {
  qrt_string name;
  uint32_t kind;           ///< QRT_FUNCTION_*
  uint32_t first_argument; ///< into the argument table; plain functions only
  uint32_t n_inputs;
  uint32_t n_outputs;
  uint32_t reserved;
  uint64_t scratch_bytes;  ///< shared part of the arena that a call needs
  uint64_t private_bytes;  ///< each worker's part; worker w's begins at
                           ///< scratch + scratch_bytes + w * private_bytes
} qrt_function_record;

enum {
  QRT_TYPE_F32 = 0, QRT_TYPE_F16 = 1, QRT_TYPE_BF16 = 2, QRT_TYPE_I8 = 3,
  QRT_TYPE_I32 = 4, QRT_TYPE_I64 = 5, QRT_TYPE_U8 = 6
};

/// A tensor that a plain function takes or returns; row-major.
typedef struct qrt_argument_record {
  qrt_string name;
  uint32_t type;    ///< QRT_TYPE_*
  uint32_t rank;    ///< at most 6
  uint32_t reserved;
  uint64_t dims[6];
} qrt_argument_record;

enum {
  QRT_WEIGHT_STREAMED = 1, ///< read whole for every token (a matrix, a norm)
  QRT_WEIGHT_GATHERED = 2, ///< read one row for each token (an embedding)
};

typedef struct qrt_weight_record {
  uint64_t offset;       ///< behind weights_offset; a multiple of 64
  uint64_t bytes;        ///< packed
  uint64_t source_bytes; ///< in the file the weight came from
  uint64_t rows, columns;///< rows = 1 for a vector
  qrt_string name;
  qrt_string scheme;     ///< the format as `#lowbit.scheme` text, or "i32"
  qrt_string source_type;///< what the source calls it ("F32")
  uint32_t use;          ///< mask of QRT_WEIGHT_*
} qrt_weight_record;

enum {
  QRT_REGION_OUT = 1, ///< its rows are those whose logits are wanted
};

/// A part of a function whose time is counted: its kernels of one kind on
/// weights of one role, its barriers, or what lies between its calls, which is
/// a function's first. Two may have one name, if one of them is QRT_REGION_OUT.
/// The table is empty but for modules compiled with --profile.
typedef struct qrt_region_record {
  qrt_string name;   ///< "linear attn_q", "barrier", "between calls"
  uint32_t function; ///< index into the functions
  uint32_t kernels;  ///< in one call of the function; 0: it is no kernel's
  uint32_t flags;    ///< mask of QRT_REGION_*
  uint64_t weight_bytes;     ///< source bytes that a call reads, whatever its
                             ///< rows; a weight counts where it is first read
  uint64_t row_weight_bytes; ///< source bytes that each row reads
  uint64_t row_bytes;        ///< activations that each row reads and writes
  uint64_t row_macs;         ///< multiply-accumulates of matrices, each row
  uint64_t kv_bytes_per_position; ///< read for each visible position
} qrt_region_record;

enum {
  QRT_KV_F32 = 0,
  QRT_KV_F16 = 1,
  QRT_KV_BF16 = 2,
  QRT_KV_Q8 = 3, ///< bytes, one f32 scale for each head of a position
  QRT_KV_Q4 = 4, ///< 4 bits, a bf16 scale for each 32 of a head of a position
};

/// What the rows of qrt_text.logits are.
enum {
  QRT_RESULT_LOGITS = 0,    ///< of the next token
  QRT_RESULT_EMBEDDING = 1, ///< hidden states, pooled
  QRT_RESULT_CLASSES = 2,   ///< logits of classes
};

enum {
  QRT_TEXT_BIDIRECTIONAL = 1, ///< every row sees its whole sequence, which is
                              ///< in one call
};

/// What the host must know to call `text`. All zero where there is no `text`.
typedef struct qrt_text_record {
  uint32_t n_vocab, n_embd, n_layers, n_heads, n_kv_heads, head_dim;
  uint32_t max_rows;      ///< T of one call
  uint32_t max_context;   ///< positions the model was trained for
  uint32_t page_size;     ///< positions in a KV page
  uint32_t kv_type;       ///< QRT_KV_*
  uint32_t n_probes;      ///< rows of qrt_text.probes; 0: none
  uint32_t activations;   ///< bits of an activation in a matrix product: 1, 8,
                          ///< 16 (bf16) or 32; the most of all of them
  uint64_t page_bytes;    ///< one page: all layers, keys and values
  uint64_t kv_bytes_per_position; ///< page_bytes / page_size without padding
  uint64_t macs_per_row;  ///< multiply-accumulates of the matrices for a row
  uint32_t result;        ///< QRT_RESULT_*
  uint32_t n_result;      ///< columns of qrt_text.logits
  uint32_t n_types;       ///< types of tokens; 0: the function reads none
  uint32_t flags;         ///< mask of QRT_TEXT_*
} qrt_text_record;

typedef struct qrt_header {
  char magic[8];
  uint32_t format_version;
  uint32_t abi_version;
  uint64_t header_hash;   ///< covers all that follows, up to weights_offset
  uint64_t code_bytes;
  uint64_t code_hash;
  uint64_t header_bytes;  ///< weights_offset - code_bytes
  uint64_t weights_offset;
  uint64_t weights_bytes;
  qrt_table levels;       ///< qrt_level_record
  qrt_table functions;    ///< qrt_function_record
  qrt_table arguments;    ///< qrt_argument_record
  qrt_table weights;      ///< qrt_weight_record
  qrt_table hashes;       ///< uint64_t, one for each chunk of the weights
  qrt_table regions;      ///< qrt_region_record
  qrt_table metadata;     ///< bytes: u64 n, then n key-value pairs as in GGUF v3
  qrt_table strings;      ///< bytes
  qrt_text_record text;
  qrt_string producer;    ///< compiler and version
  uint32_t reserved;
} qrt_header;

#ifdef __cplusplus
}
static_assert(sizeof(qrt_level_record) == 16, "on disk");
static_assert(sizeof(qrt_function_record) == 40, "on disk");
static_assert(sizeof(qrt_argument_record) == 64, "on disk");
static_assert(sizeof(qrt_weight_record) == 56, "on disk");
static_assert(sizeof(qrt_region_record) == 56, "on disk");
static_assert(sizeof(qrt_text_record) == 88, "on disk");
static_assert(sizeof(qrt_header) == 288, "on disk");
#endif

#endif // QUANTRT_FORMAT_H
