//===- quantrt.cpp - The public C interface -------------------------------===//
//
// Thin: each function checks for NULL, calls a class of session/ or sample/,
// and keeps exceptions and messages on this side.
//
//===----------------------------------------------------------------------===//

// Everything else in the shared library is hidden.
#pragma GCC visibility push(default)
#include "quantrt/quantrt.h"
#pragma GCC visibility pop

#include "sample/sampler.h"
#include "session/embedder.h"
#include "session/generate.h"
#include "session/model.h"
#include "session/session.h"

#include <algorithm>
#include <initializer_list>
#include <mutex>
#include <new>
#include <vector>

struct qrt_model {
  std::unique_ptr<qrt::Model> held;
  std::mutex embedding;                    ///< guards the embedder
  std::unique_ptr<qrt::Embedder> embedder; ///< made by the first call
};
struct qrt_session {
  std::unique_ptr<qrt::Session> held;
};
struct qrt_sampler {
  std::unique_ptr<qrt::Sampler> held;
};

namespace {

using qrt::invalid;
using qrt::Status;

std::string &lastError() {
  thread_local std::string message;
  return message;
}

qrt_status report(Status status) {
  if (status.ok())
    return QRT_OK;
  lastError() = status.message();
  // One line, whatever names came out of a file.
  for (char &c : lastError())
    if (static_cast<unsigned char>(c) < ' ')
      c = ' ';
  return status.code();
}

/// Runs the body of a C function. Memory is all that the standard library
/// throws for here; a message about it must not allocate much itself.
template <typename Body> qrt_status guarded(Body body) {
  try {
    return report(body());
  } catch (const std::bad_alloc &) {
    lastError() = "out of memory";
    return QRT_OUT_OF_MEMORY;
  } catch (const std::exception &error) {
    lastError() = error.what();
    return QRT_INVALID_ARGUMENT;
  }
}

/// The protocol of functions that return a variable number of things: `count`
/// is the capacity of `out` at first, then the number there is.
template <typename T>
Status give(const T *data, size_t size, T *out, size_t *count) {
  const size_t capacity = *count;
  *count = size;
  if (!out)
    return {};
  if (size > capacity)
    return invalid("room for " + std::to_string(size) +
                   " is needed, but only " + std::to_string(capacity) +
                   " is there");
  std::copy_n(data, size, out);
  return {};
}

Status needs(std::initializer_list<const void *> pointers) {
  for (const void *pointer : pointers)
    if (!pointer)
      return invalid("an argument that must be given is NULL");
  return {};
}

/// Runs `body` with the model's embedder; calls take turns.
template <typename Body>
Status withEmbedder(qrt_model *model, const qrt_embed_options *given,
                    Body body) {
  const std::lock_guard<std::mutex> lock(model->embedding);
  if (!model->embedder)
    QRT_TRY(qrt::Embedder::create(*model->held, model->embedder));
  return body(*model->embedder,
              given ? *given : qrt::defaultEmbedOptions(*model->held));
}

const qrt_function_record *functionAt(const qrt_model *model,
                                      int32_t function) {
  if (!model || function < 0 ||
      size_t(function) >= model->held->view().functions.size)
    return nullptr;
  return &model->held->view().functions[size_t(function)];
}

} // namespace

extern "C" {

const char *qrt_last_error(void) { return lastError().c_str(); }

qrt_status qrt_load(const char *path, const qrt_load_options *options,
                    qrt_model **model) {
  return guarded([&]() -> Status {
    QRT_TRY(needs({path, model}));
    *model = nullptr;
    std::unique_ptr<qrt::Model> made;
    QRT_TRY(
        qrt::Model::load(path, options ? *options : qrt_load_options{}, made));
    *model = new qrt_model{std::move(made), {}, nullptr};
    return {};
  });
}

qrt_status qrt_load_static(const qrt_static_module *module,
                           const qrt_load_options *options, qrt_model **model) {
  return guarded([&]() -> Status {
    QRT_TRY(needs({module, model}));
    *model = nullptr;
    std::unique_ptr<qrt::Model> made;
    QRT_TRY(qrt::Model::load(*module, options ? *options : qrt_load_options{},
                             made));
    *model = new qrt_model{std::move(made), {}, nullptr};
    return {};
  });
}

void qrt_unload(qrt_model *model) { delete model; }

qrt_status qrt_set_threads(qrt_model *model, int32_t threads) {
  return guarded([&]() -> Status {
    QRT_TRY(needs({model}));
    return model->held->setThreads(threads);
  });
}

void qrt_get_model_info(const qrt_model *model, qrt_model_info *info) {
  model->held->info(*info);
}

qrt_status qrt_tokenize(const qrt_model *model, const char *text, size_t bytes,
                        int add_special, int parse_special, int32_t *ids,
                        size_t *count) {
  return guarded([&]() -> Status {
    QRT_TRY(needs({model, count}));
    if (bytes > 0)
      QRT_TRY(needs({text}));
    QRT_TRY(model->held->needTokenizer());
    std::vector<int32_t> all;
    QRT_TRY(model->held->tokenizer()->encode(
        {bytes ? text : "", bytes}, add_special != 0, parse_special != 0, all));
    return give(all.data(), all.size(), ids, count);
  });
}

qrt_status qrt_detokenize(const qrt_model *model, const int32_t *ids,
                          size_t count, int special, char *text,
                          size_t *bytes) {
  return guarded([&]() -> Status {
    QRT_TRY(needs({model, bytes}));
    if (count > 0)
      QRT_TRY(needs({ids}));
    QRT_TRY(model->held->needTokenizer());
    std::string all;
    model->held->tokenizer()->decode(std::vector<int32_t>(ids, ids + count),
                                     special != 0, all);
    return give(all.data(), all.size(), text, bytes);
  });
}

int qrt_is_end(const qrt_model *model, int32_t id) {
  return model->held->tokenizer() && model->held->tokenizer()->isEnd(id);
}

qrt_status qrt_session_create(qrt_model *model,
                              const qrt_session_options *options,
                              qrt_session **session) {
  return guarded([&]() -> Status {
    QRT_TRY(needs({model, session}));
    *session = nullptr;
    std::unique_ptr<qrt::Session> made;
    QRT_TRY(
        qrt::Session::create(*model->held, options ? options->n_ctx : 0, made));
    *session = new qrt_session{std::move(made)};
    return {};
  });
}

void qrt_session_destroy(qrt_session *session) { delete session; }

int32_t qrt_session_length(const qrt_session *session) {
  return session->held->length();
}

qrt_status qrt_session_truncate(qrt_session *session, int32_t length) {
  return guarded([&]() -> Status {
    QRT_TRY(needs({session}));
    return session->held->truncate(length);
  });
}

qrt_status qrt_append(qrt_session *session, const int32_t *ids, int32_t count,
                      int32_t n_logits, float *logits) {
  return guarded([&]() -> Status {
    QRT_TRY(needs({session}));
    return session->held->append(ids, count, n_logits, logits);
  });
}

qrt_status qrt_append_embeddings(qrt_session *session, const float *embeddings,
                                 int32_t count, int32_t n_logits,
                                 float *logits) {
  return guarded([&]() -> Status {
    QRT_TRY(needs({session}));
    return session->held->append(embeddings, count, n_logits, logits);
  });
}

qrt_status qrt_append_batch(qrt_session *const *sessions, int32_t n,
                            const int32_t *ids, const int32_t *counts,
                            float *logits) {
  return guarded([&]() -> Status {
    if (n < 0)
      return invalid("a batch of " + std::to_string(n) + " sessions");
    thread_local std::vector<qrt::Session *> all; // grows once
    all.clear();
    for (int32_t i = 0; i < n; ++i) {
      QRT_TRY(needs({sessions, sessions ? sessions[i] : nullptr}));
      all.push_back(sessions[i]->held.get());
    }
    return qrt::Session::appendBatch({all.data(), all.size()}, ids, counts,
                                     logits);
  });
}

qrt_status qrt_append_visit(qrt_session *session, const int32_t *ids,
                            int32_t count, int32_t first,
                            qrt_visit_logits visit, void *user) {
  return guarded([&]() -> Status {
    QRT_TRY(needs({session}));
    return session->held->appendVisit(ids, count, first, visit, user);
  });
}

void qrt_sampling_default(qrt_sampling *sampling) {
  *sampling = {};
  sampling->temperature = 0.8f;
  sampling->top_k = 40;
  sampling->top_p = 0.95f;
  sampling->min_p = 0.05f;
  sampling->repeat_penalty = 1;
  sampling->repeat_last_n = 64;
}

qrt_status qrt_sampler_create(const qrt_model *model,
                              const qrt_sampling *sampling,
                              qrt_sampler **sampler) {
  return guarded([&]() -> Status {
    QRT_TRY(needs({model, sampler}));
    *sampler = nullptr;
    qrt_sampling chosen;
    qrt_sampling_default(&chosen);
    if (sampling)
      chosen = *sampling;
    size_t function;
    QRT_TRY(model->held->textFunction(function));
    std::unique_ptr<qrt::Sampler> made;
    QRT_TRY(qrt::Sampler::create(
        int32_t(model->held->view().header.text.n_vocab), chosen, made));
    *sampler = new qrt_sampler{std::move(made)};
    return {};
  });
}

void qrt_sampler_destroy(qrt_sampler *sampler) { delete sampler; }

void qrt_sampler_accept(qrt_sampler *sampler, int32_t id) {
  sampler->held->accept(id);
}

int32_t qrt_sample(qrt_sampler *sampler, const float *logits) {
  return sampler->held->sample(logits);
}

void qrt_generate_options_default(qrt_generate_options *options) {
  *options = {};
  options->max_tokens = -1;
  qrt_sampling_default(&options->sampling);
}

qrt_status qrt_generate(qrt_model *model, const char *prompt,
                        const qrt_generate_options *options,
                        qrt_on_text on_text, void *user) {
  return guarded([&]() -> Status {
    QRT_TRY(needs({model, prompt}));
    qrt_generate_options chosen;
    qrt_generate_options_default(&chosen);
    return qrt::generate(*model->held, prompt, options ? *options : chosen,
                         on_text, user);
  });
}

qrt_status qrt_apply_template(const qrt_model *model,
                              const qrt_message *messages, size_t n_messages,
                              int add_generation_prompt, char *text,
                              size_t *bytes) {
  return guarded([&]() -> Status {
    QRT_TRY(needs({model, bytes}));
    std::string all;
    QRT_TRY(model->held->renderChat(messages, n_messages,
                                    add_generation_prompt != 0, all));
    return give(all.data(), all.size(), text, bytes);
  });
}

void qrt_embed_options_default(const qrt_model *model,
                               qrt_embed_options *options) {
  *options = qrt::defaultEmbedOptions(*model->held);
}

int32_t qrt_embedding_columns(const qrt_model *model) {
  return qrt::embeddingColumns(*model->held);
}

int32_t qrt_embedding_max_tokens(const qrt_model *model) {
  return qrt::embeddingMaxTokens(*model->held);
}

const char *qrt_class_name(const qrt_model *model, int32_t index) {
  const std::vector<std::string> &names = model->held->classNames();
  return index >= 0 && size_t(index) < names.size()
             ? names[size_t(index)].c_str()
             : nullptr;
}

qrt_status qrt_embed(qrt_model *model, const char *const *texts, int32_t n,
                     const qrt_embed_options *options, float *out) {
  return guarded([&]() -> Status {
    QRT_TRY(needs({model, out}));
    return withEmbedder(
        model, options,
        [&](qrt::Embedder &embedder, const qrt_embed_options &chosen) {
          return embedder.embed(texts, n, chosen, out);
        });
  });
}

qrt_status qrt_embed_ids(qrt_model *model, const int32_t *ids,
                         const int32_t *types, const int32_t *counts, int32_t n,
                         const qrt_embed_options *options, float *out) {
  return guarded([&]() -> Status {
    QRT_TRY(needs({model, out}));
    return withEmbedder(
        model, options,
        [&](qrt::Embedder &embedder, const qrt_embed_options &chosen) {
          return embedder.embedIds(ids, types, counts, n, chosen, out);
        });
  });
}

int32_t qrt_function_count(const qrt_model *model) {
  return int32_t(model->held->view().functions.size);
}

const char *qrt_function_name(const qrt_model *model, int32_t function) {
  const qrt_function_record *record = functionAt(model, function);
  return record ? model->held->view().string(record->name) : nullptr;
}

int32_t qrt_function_find(const qrt_model *model, const char *name) {
  return model->held->view().find(name);
}

int32_t qrt_function_inputs(const qrt_model *model, int32_t function) {
  const qrt_function_record *record = functionAt(model, function);
  return record ? int32_t(record->n_inputs) : 0;
}

int32_t qrt_function_outputs(const qrt_model *model, int32_t function) {
  const qrt_function_record *record = functionAt(model, function);
  return record ? int32_t(record->n_outputs) : 0;
}

qrt_status qrt_function_argument(const qrt_model *model, int32_t function,
                                 int32_t index, qrt_tensor_info *info) {
  return guarded([&]() -> Status {
    QRT_TRY(needs({model, info}));
    const qrt_function_record *record = functionAt(model, function);
    if (!record || index < 0 ||
        uint64_t(index) >= uint64_t(record->n_inputs) + record->n_outputs)
      return invalid("there is no argument " + std::to_string(index) +
                     " of function " + std::to_string(function));
    const qrt_argument_record &argument =
        model->held->view().arguments[record->first_argument + size_t(index)];
    *info = {};
    info->name = model->held->view().string(argument.name);
    info->type = int32_t(argument.type);
    info->rank = int32_t(argument.rank);
    std::copy_n(argument.dims, argument.rank, info->dims);
    return {};
  });
}

qrt_status qrt_call(qrt_model *model, int32_t function,
                    void *const *arguments) {
  return guarded([&]() -> Status {
    QRT_TRY(needs({model}));
    return model->held->call(function, arguments);
  });
}

qrt_status qrt_bind_weight(qrt_model *model, const char *name, const void *data,
                           uint64_t bytes) {
  return guarded([&]() -> Status {
    QRT_TRY(needs({model, name}));
    return model->held->bindWeight(name, data, bytes);
  });
}

int32_t qrt_region_count(const qrt_model *model) {
  return int32_t(model->held->view().regions.size);
}

qrt_status qrt_get_region(const qrt_model *model, int32_t region,
                          qrt_region_info *info) {
  return guarded([&]() -> Status {
    QRT_TRY(needs({model, info}));
    const qrt::ModuleView &view = model->held->view();
    if (region < 0 || size_t(region) >= view.regions.size)
      return invalid("there is no region " + std::to_string(region) +
                     ": the module has " + std::to_string(view.regions.size) +
                     " (none without quant-compile --profile)");
    const qrt_region_record &record = view.regions[size_t(region)];
    const auto time = model->held->profile()->time(size_t(region));
    *info = {view.string(record.name), int32_t(record.function),
             time.nanoseconds, time.marks};
    return {};
  });
}

void qrt_reset_regions(qrt_model *model) {
  if (qrt::Profile *profile = model->held->profile())
    profile->reset();
}

} // extern "C"
