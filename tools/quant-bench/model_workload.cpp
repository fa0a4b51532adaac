//===- model_workload.cpp - Whole models ----------------------------------===//

#include "tools/quant-bench/workloads.h"

#include <algorithm>

using namespace lowbit::tools;

Error ModelWorkload::check(const BenchTest &test) const {
  if (test.tokens > info_.max_context)
    return Error("a test of " + std::to_string(test.tokens) +
                 " tokens does not fit into the model's context of " +
                 std::to_string(info_.max_context));
  if (test.batch > info_.max_rows)
    return Error("a batch of " + std::to_string(test.batch) +
                 " sequences is more than the " +
                 std::to_string(info_.max_rows) +
                 " rows of one call that the model was compiled for");
  return Error::success();
}

Error ModelWorkload::prepare(const std::vector<BenchTest> &tests) {
  int32_t most = 0, sequences = 1;
  for (const BenchTest &test : tests) {
    TOOLS_TRY(check(test));
    most = std::max(most, test.tokens);
    sequences = std::max(sequences, test.batch);
  }
  for (int32_t i = 0; i < sequences; ++i) {
    TOOLS_TRY(createSession(model_, most, sessions_.emplace_back()));
    handles_.push_back(sessions_.back().get());
  }
  logits_.resize(static_cast<size_t>(info_.n_vocab) *
                 static_cast<size_t>(sequences));
  // Any ids do, as in llama-bench; the same ones each time. Sequence i of a
  // batch reads them from the i-th on.
  uint64_t state = 1;
  for (int32_t i = 0; i < most + sequences; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    ids_.push_back(static_cast<int32_t>((state >> 33) %
                                        static_cast<uint64_t>(info_.n_vocab)));
  }
  if (info_.add_bos && info_.bos_id >= 0)
    ids_[0] = info_.bos_id;
  return Error::success();
}

Error ModelWorkload::generate(const BenchTest &test) {
  for (int32_t i = 0; i < test.tokens; ++i) {
    const int32_t *ids = &ids_[static_cast<size_t>(i)];
    TOOLS_TRY(tools::check(
        test.batch == 1
            ? qrt_append(handles_[0], ids, 1, 1, logits_.data())
            : qrt_append_batch(handles_.data(), test.batch, ids, nullptr,
                               logits_.data())));
  }
  return Error::success();
}

Error ModelWorkload::run(const BenchTest &test, double &units, double &time) {
  for (qrt_session *session : handles_)
    TOOLS_TRY(tools::check(qrt_session_truncate(session, 0)));
  double begin = seconds();
  if (test.kind == BenchTest::Generate)
    TOOLS_TRY(generate(test));
  else
    TOOLS_TRY(tools::check(qrt_append(handles_[0], ids_.data(), test.tokens, 1,
                                      logits_.data())));
  time = seconds() - begin;
  units = double(test.tokens) * test.batch;
  return Error::success();
}
