//===- FakeRuntime.cpp - A model of known behaviour -----------------------===//

#include "FakeRuntime.h"

#include "quantrt/format.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <thread>
#include <unistd.h>

namespace fake {
Config config;
Counters counters;

float logit(const std::vector<int32_t> &ids, size_t row, int32_t v,
            float noise) {
  double before = row > 0 ? ids[row - 1] : 0;
  return static_cast<float>(4 * std::sin(0.37 * (v + 1) * (ids[row] + 1) +
                                         0.11 * before + double(row)) +
                            noise * std::sin(1.7 * v + double(row)));
}
} // namespace fake

struct qrt_model {
  fake::Config config;
  int32_t threads;
};
struct qrt_session {
  qrt_model *model;
  int32_t size;
  std::vector<int32_t> ids;
};
struct qrt_sampler {
  std::vector<int32_t> script;
  size_t next = 0;
  qrt_sampling sampling;
  std::vector<qrt_logit_bias> biases;
};

static thread_local std::string lastError;

static qrt_status fail(qrt_status status, const std::string &message) {
  lastError = message;
  return status;
}

const char *qrt_last_error(void) { return lastError.c_str(); }

qrt_status qrt_load(const char *path, const qrt_load_options *options,
                    qrt_model **model) {
  if (::access(path, R_OK) != 0)
    return fail(QRT_IO, "cannot open '" + std::string(path) + "'");
  int32_t threads = options && options->threads ? options->threads : 2;
  *model = new qrt_model{fake::config, threads};
  return QRT_OK;
}

void qrt_unload(qrt_model *model) { delete model; }

qrt_status qrt_set_threads(qrt_model *model, int32_t threads) {
  model->threads = threads;
  return QRT_OK;
}

void qrt_get_model_info(const qrt_model *model, qrt_model_info *info) {
  *info = qrt_model_info{};
  info->name = "Fake";
  info->architecture = "fake";
  info->level = "none";
  info->chat_template = model->config.chatTemplate ? "{{ messages }}" : nullptr;
  info->n_vocab = fake::vocabulary;
  info->n_embd = fake::width;
  info->n_layers = fake::probes;
  info->max_context = model->config.maxContext;
  info->max_rows = model->config.maxRows;
  info->threads = model->threads;
  info->bos_id = fake::bos;
  info->eos_id = fake::eos;
  info->add_bos = model->config.addBos;
  info->source_bytes = 1 << 20;
  info->n_parameters = 2000000;
}

template <class T>
static qrt_status give(const std::vector<T> &values, T *out, size_t *count) {
  size_t capacity = *count;
  *count = values.size();
  if (!out || capacity < values.size())
    return fail(QRT_INVALID_ARGUMENT, "the buffer is too small");
  std::copy(values.begin(), values.end(), out);
  return QRT_OK;
}

qrt_status qrt_tokenize(const qrt_model *model, const char *text, size_t bytes,
                        int add_special, int parse_special, int32_t *ids,
                        size_t *count) {
  std::vector<int32_t> result;
  if (add_special && model->config.addBos)
    result.push_back(fake::bos);
  static const std::string control = "<|turn|>";
  for (size_t i = 0; i < bytes; ++i) {
    if (parse_special && bytes - i >= control.size() &&
        control.compare(0, control.size(), text + i, control.size()) == 0) {
      result.push_back(fake::turn);
      i += control.size() - 1;
    } else {
      result.push_back(static_cast<uint8_t>(text[i]));
    }
  }
  return give(result, ids, count);
}

qrt_status qrt_detokenize(const qrt_model *, const int32_t *ids, size_t count,
                          int special, char *text, size_t *bytes) {
  std::vector<char> result;
  for (size_t i = 0; i < count; ++i) {
    if (ids[i] < 256)
      result.push_back(static_cast<char>(ids[i]));
    else if (special)
      for (char c : std::string("<|turn|>"))
        result.push_back(c);
  }
  return give(result, text, bytes);
}

int qrt_is_end(const qrt_model *, int32_t id) { return id == fake::eos; }

qrt_status qrt_session_create(qrt_model *model,
                              const qrt_session_options *options,
                              qrt_session **session) {
  int32_t size =
      options && options->n_ctx ? options->n_ctx : model->config.maxContext;
  if (size > model->config.maxContext)
    return fail(QRT_INVALID_ARGUMENT, "the model has no such context");
  *session = new qrt_session{model, size, {}};
  ++fake::counters.sessions;
  return QRT_OK;
}

void qrt_session_destroy(qrt_session *session) { delete session; }

int32_t qrt_session_length(const qrt_session *session) {
  return static_cast<int32_t>(session->ids.size());
}

qrt_status qrt_session_truncate(qrt_session *session, int32_t length) {
  if (length < 0 || length > qrt_session_length(session))
    return fail(QRT_INVALID_ARGUMENT, "no such length");
  session->ids.resize(static_cast<size_t>(length));
  return QRT_OK;
}

qrt_status qrt_append_visit(qrt_session *session, const int32_t *ids,
                            int32_t count, int32_t first,
                            qrt_visit_logits visit, void *user) {
  if (qrt_session_length(session) + count > session->size)
    return fail(QRT_CONTEXT_FULL, "the context is full");
  fake::counters.rows += count;
  std::this_thread::sleep_for(std::chrono::microseconds(
      count * session->model->config.rowMicroseconds));
  size_t before = session->ids.size();
  session->ids.insert(session->ids.end(), ids, ids + count);
  std::vector<float> logits(fake::vocabulary);
  float probes[fake::probes][fake::width];
  for (int32_t i = first; i < count; ++i) {
    size_t row = before + static_cast<size_t>(i);
    for (int32_t v = 0; v < fake::vocabulary; ++v)
      logits[static_cast<size_t>(v)] =
          fake::logit(session->ids, row, v, session->model->config.noise);
    for (int32_t p = 0; p < fake::probes; ++p)
      for (int32_t w = 0; w < fake::width; ++w)
        probes[p][w] = static_cast<float>(1000 * p + 10 * int32_t(row) + w) +
                       session->model->config.noise;
    ++fake::counters.visited;
    if (qrt_status status = visit(user, i, logits.data(), &probes[0][0]))
      return status;
  }
  return QRT_OK;
}

namespace {
struct Copy {
  float *out;
};
} // namespace

qrt_status qrt_append(qrt_session *session, const int32_t *ids, int32_t count,
                      int32_t n_logits, float *logits) {
  Copy copy{logits};
  return qrt_append_visit(
      session, ids, count, count - n_logits,
      [](void *user, int32_t, const float *row, const float *) {
        Copy *to = static_cast<Copy *>(user);
        std::memcpy(to->out, row, fake::vocabulary * sizeof(float));
        to->out += fake::vocabulary;
        return QRT_OK;
      },
      &copy);
}

qrt_status qrt_append_batch(qrt_session *const *sessions, int32_t n,
                            const int32_t *ids, const int32_t *counts,
                            float *logits) {
  fake::counters.batches.push_back(n);
  for (int32_t i = 0; i < n; ++i) {
    int32_t count = counts ? counts[i] : 1;
    if (qrt_status status = qrt_append(sessions[i], ids, count, 1, logits))
      return status;
    ids += count;
    logits += fake::vocabulary;
  }
  return QRT_OK;
}

void qrt_sampling_default(qrt_sampling *sampling) {
  *sampling = qrt_sampling{};
  sampling->temperature = 0.8f;
  sampling->top_k = 40;
  sampling->top_p = 0.95f;
  sampling->min_p = 0.05f;
  sampling->repeat_penalty = 1;
}

qrt_status qrt_sampler_create(const qrt_model *, const qrt_sampling *sampling,
                              qrt_sampler **sampler) {
  *sampler = new qrt_sampler{fake::config.script, 0, *sampling, {}};
  (*sampler)->biases.assign(sampling->biases,
                            sampling->biases + sampling->n_biases);
  return QRT_OK;
}

void qrt_sampler_destroy(qrt_sampler *sampler) { delete sampler; }

void qrt_sampler_accept(qrt_sampler *, int32_t id) {
  fake::counters.accepted.push_back(id);
}

/// The script's next token; without a script the likeliest one.
int32_t qrt_sample(qrt_sampler *sampler, const float *logits) {
  if (!sampler->script.empty())
    return sampler->next < sampler->script.size()
               ? sampler->script[sampler->next++]
               : fake::eos;
  std::vector<float> biased(logits, logits + fake::vocabulary);
  for (const qrt_logit_bias &bias : sampler->biases)
    biased[static_cast<size_t>(bias.id)] += bias.bias;
  return static_cast<int32_t>(std::max_element(biased.begin(), biased.end()) -
                              biased.begin());
}

qrt_status qrt_apply_template(const qrt_model *, const qrt_message *messages,
                              size_t n_messages, int add_generation_prompt,
                              char *text, size_t *bytes) {
  std::string result;
  for (size_t i = 0; i < n_messages; ++i)
    result += "<|turn|>" + std::string(messages[i].role) + ":" +
              messages[i].content + "\n";
  if (add_generation_prompt)
    result += "<|turn|>assistant:";
  return give(std::vector<char>(result.begin(), result.end()), text, bytes);
}

int32_t qrt_function_count(const qrt_model *model) {
  return static_cast<int32_t>(model->config.functions.size());
}
const char *qrt_function_name(const qrt_model *model, int32_t function) {
  return model->config.functions[static_cast<size_t>(function)].c_str();
}
int32_t qrt_function_find(const qrt_model *model, const char *name) {
  const std::vector<std::string> &names = model->config.functions;
  auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? -1
                              : static_cast<int32_t>(found - names.begin());
}
int32_t qrt_function_inputs(const qrt_model *, int32_t) { return 1; }
int32_t qrt_function_outputs(const qrt_model *, int32_t) { return 1; }

qrt_status qrt_function_argument(const qrt_model *, int32_t, int32_t index,
                                 qrt_tensor_info *info) {
  *info = qrt_tensor_info{};
  info->name = index == 0 ? "x" : "y";
  info->type = QRT_TYPE_F32;
  info->rank = 2;
  info->dims[0] = 2;
  info->dims[1] = 3;
  return QRT_OK;
}

qrt_status qrt_call(qrt_model *, int32_t function, void *const *arguments) {
  fake::counters.calls.push_back(function);
  float x[6], y[6];
  std::memcpy(x, arguments[0], sizeof x);
  for (int i = 0; i < 6; ++i)
    y[i] = -x[i];
  std::memcpy(arguments[1], y, sizeof y);
  return QRT_OK;
}

int32_t qrt_region_count(const qrt_model *) { return 0; }
qrt_status qrt_get_region(const qrt_model *, int32_t, qrt_region_info *) {
  return fail(QRT_INVALID_ARGUMENT, "there are no regions");
}
void qrt_reset_regions(qrt_model *) { ++fake::counters.resets; }
