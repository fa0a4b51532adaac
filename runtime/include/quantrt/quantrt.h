//===- quantrt.h - Run compiled models --------------------------*- C -*-===//
//
// The public C interface of the runtime. Three calls make text:
//
//   qrt_model *model;
//   if (qrt_load("smollm2.so", NULL, &model)) puts(qrt_last_error());
//   qrt_generate(model, "Once upon a time", NULL, print, NULL);
//
// Every function that can fail returns a qrt_status; qrt_last_error() then holds
// one line: what, where, what to do. A model may be shared between threads, a
// session belongs to one thread at a time.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTRT_QUANTRT_H
#define QUANTRT_QUANTRT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum qrt_status {
  QRT_OK = 0,
  QRT_INVALID_ARGUMENT, ///< the caller's mistake
  QRT_IO,               ///< the system refused (no such file, disk full)
  QRT_CORRUPT,          ///< the file is damaged or not what it claims to be
  QRT_UNSUPPORTED,      ///< valid, but not for this CPU, ABI or version
  QRT_OUT_OF_MEMORY,
  QRT_CONTEXT_FULL,     ///< the rows do not fit into the session's context
  QRT_CANCELLED         ///< a callback asked to stop
} qrt_status;

/// The calling thread's last error message; "" if there was none.
const char *qrt_last_error(void);

typedef struct qrt_model qrt_model;
typedef struct qrt_session qrt_session;

typedef struct qrt_load_options {
  int32_t threads;    ///< workers; 0: one for each CPU of an affinity list,
                      ///< else for each physical core that the process may use
  const char *level;  ///< "avx2", ...; NULL: $QRT_CPU, else the best there is
  const char *verify; ///< "always", "once", "never"; NULL: $QRT_VERIFY or "once"
  /// CPUs of the workers: "none", "compact" (neighbouring cores), "spread" (far
  /// apart) or a list, "0-3,8": worker i on its i-th; NULL: $QRT_AFFINITY or
  /// "none". Whoever calls is worker 0 and bound as long as the call takes.
  const char *affinity;
  /// Pages of 2 MiB: "off"; "advise": for the mapped weights where the file
  /// system has them, keys and values, scratch; "copy": the weights are read
  /// into memory of their own instead; NULL: $QRT_HUGE_PAGES or "off"
  const char *huge_pages;
} qrt_load_options;

/// Opens, checks and maps a module. `options` may be NULL.
qrt_status qrt_load(const char *path, const qrt_load_options *options,
                    qrt_model **model);
/// The same for a module that was linked into the program, an object of
/// `quant-compile MODEL -o NAME.o --emit=obj`:
///
///   extern const qrt_static_module NAME_module;
///   qrt_load_static(&NAME_module, NULL, &model);
///
/// Weights stay where the program has them; no file is opened but to remember
/// that they were verified.
typedef struct qrt_static_module qrt_static_module;
qrt_status qrt_load_static(const qrt_static_module *module,
                           const qrt_load_options *options, qrt_model **model);
void qrt_unload(qrt_model *model);

/// Changes the number of workers; no session may be running.
qrt_status qrt_set_threads(qrt_model *model, int32_t threads);

typedef struct qrt_model_info {
  const char *name;          ///< general.name of the source, or the file's name
  const char *architecture;  ///< "llama", "gemma3", ...
  const char *level;         ///< the level in use
  const char *chat_template; ///< Jinja source, or NULL
  int32_t n_vocab, n_embd, n_layers, max_context, max_rows, threads;
  int32_t bos_id, eos_id;    ///< -1 where the model has none
  int32_t add_bos;           ///< 1: prompts begin with BOS
  uint64_t file_bytes, weights_bytes, source_bytes, n_parameters;
} qrt_model_info;

void qrt_get_model_info(const qrt_model *model, qrt_model_info *info);

/// Text to ids. `add_special` adds BOS/EOS where the model wants them;
/// `parse_special` reads control tokens such as <|im_start|> in the text.
/// *count: in the capacity of ids, out the number needed (QRT_INVALID_ARGUMENT
/// if it did not fit; ids may be NULL to ask).
qrt_status qrt_tokenize(const qrt_model *model, const char *text, size_t bytes,
                        int add_special, int parse_special, int32_t *ids,
                        size_t *count);
/// Ids to bytes (not NUL-terminated); same protocol. Control tokens give
/// nothing unless `special` is set.
qrt_status qrt_detokenize(const qrt_model *model, const int32_t *ids,
                          size_t count, int special, char *text, size_t *bytes);
/// 1 for EOS, EOT and the other ids that end a turn.
int qrt_is_end(const qrt_model *model, int32_t id);

typedef struct qrt_session_options {
  int32_t n_ctx; ///< positions; 0: the smaller of the model's and 4096
} qrt_session_options;

qrt_status qrt_session_create(qrt_model *model,
                              const qrt_session_options *options,
                              qrt_session **session);
void qrt_session_destroy(qrt_session *session);
/// Number of positions filled.
int32_t qrt_session_length(const qrt_session *session);
/// Forgets all but the first `length` positions.
qrt_status qrt_session_truncate(qrt_session *session, int32_t length);

/// Appends rows and computes them. Logits of the last `n_logits` rows are
/// written to `logits` [n_logits, n_vocab] (0 and NULL: none).
qrt_status qrt_append(qrt_session *session, const int32_t *ids, int32_t count,
                      int32_t n_logits, float *logits);

/// Like qrt_append, of rows that are no tokens: `embeddings` [count, n_embd],
/// what the first layer would get (an image's patches, a soft prompt). A model
/// that scales its tokens' embeddings (gemma3) takes these as they are. Calls
/// of both kinds may follow each other.
qrt_status qrt_append_embeddings(qrt_session *session, const float *embeddings,
                                 int32_t count, int32_t n_logits,
                                 float *logits);

/// Appends to several sessions of one model in one call of its code, which
/// reads the weights once: counts[i] of the ids, one session's behind
/// another's, go to sessions[i]; `counts` may be NULL: one for each. Together
/// they are at most max_rows. Logits of the last row of each session are
/// written to `logits` [n, n_vocab], or NULL. They do not depend on which other
/// sessions there are. On an error no session has changed.
qrt_status qrt_append_batch(qrt_session *const *sessions, int32_t n,
                            const int32_t *ids, const int32_t *counts,
                            float *logits);

/// Like qrt_append, and gives each row of logits to `visit` in turn, so that
/// they need no memory of their own. `first`: index in `ids` from which rows
/// are visited. Where the module has probes, they are in `probes`
/// [n_probes, n_embd] of the same row, else NULL.
typedef qrt_status (*qrt_visit_logits)(void *user, int32_t index,
                                       const float *logits,
                                       const float *probes);
qrt_status qrt_append_visit(qrt_session *session, const int32_t *ids,
                            int32_t count, int32_t first,
                            qrt_visit_logits visit, void *user);

typedef struct qrt_logit_bias {
  int32_t id;
  float bias;
} qrt_logit_bias;

/// Sampling, in this order: biases, repetition penalty, top-k, top-p, min-p,
/// temperature. The same seed gives the same tokens for any thread count.
typedef struct qrt_sampling {
  float temperature;    ///< 0: greedy
  int32_t top_k;        ///< 0: off
  float top_p;          ///< 1: off
  float min_p;          ///< 0: off
  float repeat_penalty; ///< 1: off
  int32_t repeat_last_n; ///< tokens that count, prompt included; -1: all
  uint64_t seed;
  const qrt_logit_bias *biases;
  size_t n_biases;
} qrt_sampling;

/// temperature 0.8, top-k 40, top-p 0.95, min-p 0.05, no penalty, seed 0.
void qrt_sampling_default(qrt_sampling *sampling);

typedef struct qrt_sampler qrt_sampler;
qrt_status qrt_sampler_create(const qrt_model *model,
                              const qrt_sampling *sampling,
                              qrt_sampler **sampler);
void qrt_sampler_destroy(qrt_sampler *sampler);
/// Remembers a token that was not sampled, one of the prompt, for the penalty.
void qrt_sampler_accept(qrt_sampler *sampler, int32_t id);
/// Chooses a token from logits [n_vocab] and remembers it for the penalty.
int32_t qrt_sample(qrt_sampler *sampler, const float *logits);

/// Receives whole UTF-8 characters; a value other than 0 stops.
typedef int (*qrt_on_text)(void *user, const char *text, size_t bytes);

typedef struct qrt_generate_options {
  int32_t max_tokens; ///< -1: until EOS or the context is full
  int32_t n_ctx;      ///< 0: as for a session
  int32_t ignore_eos;
  qrt_sampling sampling;
} qrt_generate_options;

void qrt_generate_options_default(qrt_generate_options *options);

/// Prompt in, text out: tokenizes, prefills, samples until the end. The
/// repetition penalty counts the prompt's tokens too.
qrt_status qrt_generate(qrt_model *model, const char *prompt,
                        const qrt_generate_options *options,
                        qrt_on_text on_text, void *user);

/// Renders messages ({role, content} pairs) with the model's chat template.
/// Protocol of qrt_detokenize. QRT_UNSUPPORTED: the template is outside the
/// subset of Jinja that the runtime reads.
typedef struct qrt_message {
  const char *role;
  const char *content;
} qrt_message;
qrt_status qrt_apply_template(const qrt_model *model,
                              const qrt_message *messages, size_t n_messages,
                              int add_generation_prompt, char *text,
                              size_t *bytes);

/// Texts to vectors, with a model that gives them: an encoder (BERT), or a
/// decoder compiled with --embedding. Three calls:
///
///   qrt_load("minilm.so", NULL, &model);
///   float *vectors = malloc(n * qrt_embedding_columns(model) * sizeof(float));
///   qrt_embed(model, texts, n, NULL, vectors);
///
/// A classifier gives logits of its classes in place of vectors. Control tokens
/// spelled in a text count as such, as in transformers. Calls of several threads
/// take turns.
typedef struct qrt_embed_options {
  int32_t pooling;   ///< QRT_POOLING_*
  int32_t normalize; ///< -1: as they are; 0: the largest is 32760; 1: sum of
                     ///< absolute values is 1; 2: Euclidean length is 1; p: the
                     ///< p-norm is 1 (llama.cpp's --embd-normalize)
  int32_t refuse_long; ///< 0: longer texts are cut off, as in
                       ///< sentence-transformers; 1: they are an error
} qrt_embed_options;

enum {
  QRT_POOLING_MODEL = -1, ///< as the model says, else the mean
  QRT_POOLING_NONE = 0,   ///< a row for each token
  QRT_POOLING_MEAN = 1,
  QRT_POOLING_CLS = 2, ///< the first token's
  QRT_POOLING_LAST = 3,
  QRT_POOLING_RANK = 4 ///< a classifier's: the first token's
};

/// The model's pooling and Euclidean length 1; of classes as they are.
void qrt_embed_options_default(const qrt_model *model,
                               qrt_embed_options *options);
/// Length of a vector, or number of classes; 0: the model gives logits.
int32_t qrt_embedding_columns(const qrt_model *model);
/// The longest sequence, special tokens included.
int32_t qrt_embedding_max_tokens(const qrt_model *model);
/// The name of a class; NULL: the model has no such class.
const char *qrt_class_name(const qrt_model *model, int32_t index);
/// `texts`: NUL-terminated; `out` [n, columns]. `options` may be NULL. Not
/// without pooling, for which the number of rows is not known: qrt_embed_ids.
qrt_status qrt_embed(qrt_model *model, const char *const *texts, int32_t n,
                     const qrt_embed_options *options, float *out);
/// Sequences of ids, special tokens included, one behind another: counts[i] of
/// the i-th, none of which is longer than qrt_embedding_max_tokens. `types`:
/// which of two texts each id is of, 0 or 1; NULL: all 0. `out` [n, columns],
/// without pooling [sum of counts, columns].
qrt_status qrt_embed_ids(qrt_model *model, const int32_t *ids,
                         const int32_t *types, const int32_t *counts, int32_t n,
                         const qrt_embed_options *options, float *out);

/// A plain function (one compiled from .mlir): its signature and a call.
typedef struct qrt_tensor_info {
  const char *name;
  int32_t type; ///< QRT_TYPE_* of format.h
  int32_t rank;
  int64_t dims[6];
} qrt_tensor_info;

/// Number of functions and the name of each ("text" among them).
int32_t qrt_function_count(const qrt_model *model);
const char *qrt_function_name(const qrt_model *model, int32_t function);
int32_t qrt_function_find(const qrt_model *model, const char *name); ///< or -1
int32_t qrt_function_inputs(const qrt_model *model, int32_t function);
int32_t qrt_function_outputs(const qrt_model *model, int32_t function);
/// Argument `index`: inputs first, then outputs.
qrt_status qrt_function_argument(const qrt_model *model, int32_t function,
                                 int32_t index, qrt_tensor_info *info);
/// arguments[i]: memory of argument i, 64-byte aligned not needed.
qrt_status qrt_call(qrt_model *model, int32_t function, void *const *arguments);

/// Lets the code read a weight from memory of the caller, where it lies as in
/// the module, instead of from the module: calibration tries weights without
/// writing a module for each. `data` has `bytes` bytes, and 64 behind them that
/// may be read; it is kept until the weight is bound again. NULL: the module's
/// own. While no call is running. QRT_INVALID_ARGUMENT: there is no such
/// weight, or it does not take `bytes`.
qrt_status qrt_bind_weight(qrt_model *model, const char *name, const void *data,
                           uint64_t bytes);

/// Where the time goes, in a module that was compiled with --profile: its code
/// tells the host when a region ends (the kernels of one kind and role, the
/// barriers, what lies between two calls of a function).
typedef struct qrt_region_info {
  const char *name;     ///< "linear attn_q", "barrier", "between calls"
  int32_t function;     ///< that it is a part of
  uint64_t nanoseconds; ///< sum over the workers, since the last reset
  uint64_t count;       ///< how often worker 0 has left it
} qrt_region_info;

/// Number of regions; 0: the module was compiled without --profile.
int32_t qrt_region_count(const qrt_model *model);
/// While no call is running, as the next.
qrt_status qrt_get_region(const qrt_model *model, int32_t region,
                          qrt_region_info *info);
/// Time is counted from now on; so it is after qrt_set_threads.
void qrt_reset_regions(qrt_model *model);

#ifdef __cplusplus
}
#endif

#endif // QUANTRT_QUANTRT_H
