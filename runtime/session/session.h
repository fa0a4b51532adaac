//===- session.h - One conversation -----------------------------*- C++ -*-===//

#ifndef QUANTRT_SESSION_SESSION_H
#define QUANTRT_SESSION_SESSION_H

#include "base/span.h"
#include "kv/cache.h"
#include "session/model.h"

#include <memory>
#include <vector>

namespace qrt {

/// Tokens and their keys and values. All memory is allocated when the session
/// is created; appending allocates nothing and makes no system call.
class Session {
public:
  /// `positions`: 0 for the smaller of the model's context and 4096.
  static Status create(Model &model, int32_t positions,
                       std::unique_ptr<Session> &session);

  int32_t length() const { return length_; }
  int32_t capacity() const { return cache_.capacity(); }
  Status truncate(int32_t length);

  /// As qrt_append, qrt_append_embeddings and qrt_append_visit.
  Status append(const int32_t *ids, int32_t count, int32_t nLogits,
                float *logits);
  Status append(const float *embeddings, int32_t count, int32_t nLogits,
                float *logits);
  Status appendVisit(const int32_t *ids, int32_t count, int32_t first,
                     qrt_visit_logits visit, void *user);

  /// As qrt_append_batch.
  static Status appendBatch(Span<Session *> sessions, const int32_t *ids,
                            const int32_t *counts, float *logits);

private:
  static Status checkBatch(Span<Session *> sessions, const int32_t *ids,
                           const int32_t *counts);
  /// Describes rows [first, first + count) of a batch in which `session` has
  /// its next positions, as run number `run`.
  Status describeRun(Session &session, const Cache &base, int32_t run,
                     int32_t first, int32_t count);

  explicit Session(Model &model) : model_(model) {}
  Status allocate(int32_t positions);
  /// What rows are made of: token ids, or (ids null) rows [count, n_embd].
  struct Input {
    const int32_t *ids;
    const float *embeddings;
  };
  Status check(const int32_t *ids, int32_t count) const;
  Status checkRoom(int32_t count) const;
  Status appendInput(const Input &input, int32_t count, int32_t nLogits,
                     float *logits);
  /// Computes `rows` <= max_rows rows, the first of which is `first` of
  /// `input`; the logits of the last `nLogits` of them go to `logits`.
  void compute(const Input &input, int32_t first, int32_t rows,
               int32_t nLogits, float *logits);
  Status visitBlock(int32_t begin, int32_t rows, int32_t nLogits,
                    qrt_visit_logits visit, void *user);
  const float *probesOf(int32_t row);
  /// Calls `text` with the rows that this session's arrays describe.
  void run(const Input &input, int32_t rows, int32_t runs, int32_t nLogits,
           float *logits, uint8_t *pages);

  Model &model_;
  const qrt_text_record *text_ = nullptr;
  size_t function_ = 0;
  Cache cache_;
  Arena scratch_, probes_, visited_;
  int32_t visitRows_ = 0; ///< rows of logits in visited_
  std::vector<int32_t> positions_, visibleEnd_, outRows_;
  std::vector<int32_t> noTokens_; ///< -1: the row is one of embeddings
  std::vector<qrt_run> runs_;
  std::vector<float> rowProbes_; ///< [n_probes, n_embd] of one row
  int32_t length_ = 0;
};

} // namespace qrt

#endif // QUANTRT_SESSION_SESSION_H
