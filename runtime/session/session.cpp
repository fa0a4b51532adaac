//===- session.cpp - One conversation -------------------------------------===//

#include "session/session.h"

#include <algorithm>

namespace qrt {

namespace {

constexpr int32_t defaultContext = 4096;

/// Logits held for a visitor: 64 MiB are 64 rows for 262144 tokens. More rows
/// make the head's matrix product no faster.
constexpr uint64_t visitBytes = 64u << 20;
constexpr uint64_t visitRowsLimit = 64;

} // namespace

Status Session::create(Model &model, int32_t positions,
                       std::unique_ptr<Session> &session) {
  std::unique_ptr<Session> made(new Session(model));
  QRT_TRY(made->allocate(positions));
  session = std::move(made);
  return {};
}

Status Session::allocate(int32_t positions) {
  QRT_TRY(model_.textFunction(function_));
  text_ = &model_.view().header.text;
  if (text_->result != QRT_RESULT_LOGITS)
    return unsupported(model_.path() +
                       ": it gives embeddings of texts, no logits of tokens: "
                       "use qrt_embed (quant-run --embedding)");
  if (positions < 0)
    return invalid("the context must have at least 1 position, but " +
                   std::to_string(positions) + " were asked for");
  const int32_t trained = int32_t(text_->max_context);
  if (positions == 0)
    positions = std::min(trained, defaultContext);
  if (positions > trained)
    return invalid("a context of " + std::to_string(positions) +
                   " positions is more than the " + std::to_string(trained) +
                   " that " + model_.path() + " was trained for");
  QRT_TRY(cache_.create(*text_, positions, model_.pages()));
  QRT_TRY(model_.reserveScratch(function_, scratch_));
  const uint64_t rows = text_->max_rows;
  const uint64_t rowBytes = uint64_t(text_->n_vocab) * sizeof(float);
  visitRows_ = int32_t(std::clamp<uint64_t>(visitBytes / rowBytes, 1,
                                            std::min(rows, visitRowsLimit)));
  QRT_TRY(
      visited_.allocate(uint64_t(visitRows_) * rowBytes, "logits to visit"));
  const uint64_t rowProbes = uint64_t(text_->n_probes) * text_->n_embd;
  uint64_t probeBytes;
  if (__builtin_mul_overflow(rowProbes, rows * sizeof(float), &probeBytes))
    return Status(QRT_OUT_OF_MEMORY, "no memory for probes");
  QRT_TRY(probes_.allocate(probeBytes, "probes"));
  rowProbes_.resize(rowProbes);
  positions_.resize(rows);
  visibleEnd_.resize(rows);
  outRows_.resize(rows);
  noTokens_.assign(rows, -1);
  runs_.resize(rows);
  return {};
}

Status Session::truncate(int32_t length) {
  if (length < 0 || length > length_)
    return invalid("cannot keep " + std::to_string(length) + " of " +
                   std::to_string(length_) + " positions");
  length_ = length;
  return {};
}

Status Session::check(const int32_t *ids, int32_t count) const {
  if (count < 0 || (count > 0 && !ids))
    return invalid("no token ids to append");
  for (int32_t i = 0; i < count; ++i)
    if (ids[i] < 0 || uint32_t(ids[i]) >= text_->n_vocab)
      return invalid("token " + std::to_string(i) + " has the id " +
                     std::to_string(ids[i]) + ", but ids end at " +
                     std::to_string(text_->n_vocab - 1));
  return checkRoom(count);
}

Status Session::checkRoom(int32_t count) const {
  if (count > capacity() - length_)
    return Status(QRT_CONTEXT_FULL,
                  std::to_string(count) +
                      " tokens do not fit: " + std::to_string(length_) +
                      " of " + std::to_string(capacity()) +
                      " positions of the context are filled: shorten the "
                      "text or make the context larger");
  return {};
}

void Session::compute(const Input &input, int32_t first, int32_t rows,
                      int32_t nLogits, float *logits) {
  for (int32_t i = 0; i < rows; ++i) {
    positions_[i] = length_ + i;
    visibleEnd_[i] = length_ + i + 1;
  }
  for (int32_t i = 0; i < nLogits; ++i)
    outRows_[i] = rows - nLogits + i;
  runs_[0] = {0, rows, length_, cache_.pageTable()};
  Input here = {input.ids ? input.ids + first : nullptr,
                input.ids ? nullptr
                          : input.embeddings + size_t(first) * text_->n_embd};
  run(here, rows, 1, nLogits, logits, cache_.pages());
  length_ += rows;
}

void Session::run(const Input &input, int32_t rows, int32_t runs,
                  int32_t nLogits, float *logits, uint8_t *pages) {
  qrt_text text = {};
  text.rows = rows;
  text.tokens = input.ids ? input.ids : noTokens_.data();
  text.embeddings = input.embeddings;
  text.positions = positions_.data();
  text.visible_end = visibleEnd_.data();
  text.n_runs = runs;
  text.runs = runs_.data();
  text.n_out = nLogits;
  text.out_rows = outRows_.data();
  text.logits = logits;
  text.probes = reinterpret_cast<float *>(probes_.data());
  text.kv = pages;
  qrt_frame frame = {};
  frame.scratch = scratch_.data();
  frame.text = &text;
  model_.run(function_, frame);
}

Status Session::append(const int32_t *ids, int32_t count, int32_t nLogits,
                       float *logits) {
  QRT_TRY(check(ids, count));
  return appendInput({ids, nullptr}, count, nLogits, logits);
}

Status Session::append(const float *embeddings, int32_t count, int32_t nLogits,
                       float *logits) {
  if (count < 0 || (count > 0 && !embeddings))
    return invalid("no rows of embeddings to append");
  QRT_TRY(checkRoom(count));
  return appendInput({nullptr, embeddings}, count, nLogits, logits);
}

Status Session::appendInput(const Input &input, int32_t count, int32_t nLogits,
                            float *logits) {
  QRT_TRY(
      model_.reserveScratch(function_, scratch_)); // threads may have changed
  if (nLogits < 0 || nLogits > count || (nLogits > 0 && !logits))
    return invalid("logits of " + std::to_string(nLogits) + " out of " +
                   std::to_string(count) + " rows cannot be had");
  const int32_t firstOut = count - nLogits;
  for (int32_t begin = 0; begin < count;) {
    const int32_t rows = std::min(count - begin, int32_t(text_->max_rows));
    const int32_t wanted = std::clamp(begin + rows - firstOut, 0, rows);
    compute(input, begin, rows, wanted, logits);
    if (wanted > 0)
      logits += size_t(wanted) * text_->n_vocab;
    begin += rows;
  }
  return {};
}

Status Session::appendVisit(const int32_t *ids, int32_t count, int32_t first,
                            qrt_visit_logits visit, void *user) {
  QRT_TRY(check(ids, count));
  QRT_TRY(
      model_.reserveScratch(function_, scratch_)); // threads may have changed
  if (first < 0 || first > count || !visit)
    return invalid("rows from " + std::to_string(first) + " of " +
                   std::to_string(count) + " cannot be visited");
  const int32_t maxRows = int32_t(text_->max_rows);
  for (int32_t begin = 0; begin < count;) {
    // Whole blocks as long as they end with no more visited rows than fit.
    const int32_t unvisited = std::max(first - begin, 0);
    const int32_t rows =
        std::min({count - begin, maxRows, unvisited + visitRows_});
    const int32_t wanted = std::clamp(begin + rows - first, 0, rows);
    compute({ids, nullptr}, begin, rows, wanted,
            reinterpret_cast<float *>(visited_.data()));
    QRT_TRY(visitBlock(begin, rows, wanted, visit, user));
    begin += rows;
  }
  return {};
}

Status Session::visitBlock(int32_t begin, int32_t rows, int32_t nLogits,
                           qrt_visit_logits visit, void *user) {
  const float *logits = reinterpret_cast<const float *>(visited_.data());
  for (int32_t row = rows - nLogits; row < rows; ++row) {
    const qrt_status status = visit(user, begin + row, logits, probesOf(row));
    if (status != QRT_OK)
      return Status(status, "stopped at token " + std::to_string(begin + row) +
                                " by the function that visits logits");
    logits += text_->n_vocab;
  }
  return {};
}

const float *Session::probesOf(int32_t row) {
  if (rowProbes_.empty())
    return nullptr;
  const float *probes = reinterpret_cast<const float *>(probes_.data());
  const size_t width = text_->n_embd, rows = text_->max_rows;
  for (size_t i = 0; i < text_->n_probes; ++i)
    std::copy_n(probes + (i * rows + row) * width, width,
                rowProbes_.data() + i * width);
  return rowProbes_.data();
}

} // namespace qrt
