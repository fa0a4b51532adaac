//===- batch.cpp - Several conversations in one call ----------------------===//

#include "session/session.h"

#include <algorithm>

namespace qrt {

static int32_t countOf(const int32_t *counts, size_t index) {
  return counts ? counts[index] : 1;
}

Status Session::checkBatch(Span<Session *> sessions, const int32_t *ids,
                           const int32_t *counts) {
  const Session &first = *sessions[0];
  const int64_t most = first.text_->max_rows;
  int64_t rows = 0;
  for (size_t i = 0; i < sessions.size; ++i) {
    const Session &session = *sessions[i];
    const std::string name = "session " + std::to_string(i) + " of the batch";
    if (&session.model_ != &first.model_)
      return invalid(name + " belongs to another model");
    if (std::find(sessions.begin(), sessions.begin() + i, &session) !=
        sessions.begin() + i)
      return invalid(name + " is in the batch already");
    const int32_t count = countOf(counts, i);
    if (count < 1)
      return invalid(name + " appends " + std::to_string(count) +
                     " tokens: leave it out");
    if (rows + count > most)
      return invalid("a batch of more than " + std::to_string(most) +
                     " rows: " + first.model_.path() +
                     " computes no more in one call");
    if (Status status = session.check(ids ? ids + rows : nullptr, count);
        !status.ok())
      return Status(status.code(), name + ": " + status.message());
    rows += count;
  }
  return {};
}

Status Session::describeRun(Session &session, const Cache &base, int32_t run,
                            int32_t first, int32_t count) {
  const int32_t *table = session.cache_.pageTableFrom(base);
  if (!table)
    return unsupported("the caches of the batch's sessions are too far apart "
                       "in memory: create the sessions one after another");
  runs_[run] = {first, count, session.length_, table};
  for (int32_t i = 0; i < count; ++i) {
    positions_[first + i] = session.length_ + i;
    visibleEnd_[first + i] = session.length_ + i + 1;
  }
  outRows_[run] = first + count - 1;
  return {};
}

Status Session::appendBatch(Span<Session *> sessions, const int32_t *ids,
                            const int32_t *counts, float *logits) {
  if (sessions.empty())
    return {};
  QRT_TRY(checkBatch(sessions, ids, counts));
  // The first session lends its arrays and its scratch.
  Session &host = *sessions[0];
  QRT_TRY(host.model_.reserveScratch(host.function_, host.scratch_));
  Session *const lowest = *std::min_element(
      sessions.begin(), sessions.end(), [](Session *a, Session *b) {
        return a->cache_.pages() < b->cache_.pages();
      });
  int32_t rows = 0;
  for (size_t i = 0; i < sessions.size; ++i) {
    QRT_TRY(host.describeRun(*sessions[i], lowest->cache_, int32_t(i), rows,
                             countOf(counts, i)));
    rows += countOf(counts, i);
  }
  host.run({ids, nullptr}, rows, int32_t(sessions.size),
           logits ? int32_t(sessions.size) : 0, logits,
           lowest->cache_.pages());
  for (size_t i = 0; i < sessions.size; ++i)
    sessions[i]->length_ += countOf(counts, i);
  return {};
}

} // namespace qrt
