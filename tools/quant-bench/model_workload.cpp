//===- model_workload.cpp - Whole models ----------------------------------===//

#include "tools/quant-bench/workloads.h"

#include <algorithm>

using namespace lowbit::tools;

Error ModelWorkload::check(const BenchTest &test) const {
  if (test.tokens > info_.max_context - test.depth)
    return Error("a test of " + std::to_string(test.tokens) + " tokens" +
                 (test.depth > 0 ? " behind " + std::to_string(test.depth)
                                 : std::string()) +
                 " does not fit into the model's context of " +
                 std::to_string(info_.max_context));
  if (test.batch > info_.max_rows)
    return Error("a batch of " + std::to_string(test.batch) +
                 " sequences is more than the " +
                 std::to_string(info_.max_rows) +
                 " rows of one call that the model was compiled for");
  return Error::success();
}

/// Any ids do, as in llama-bench; the same ones each time. Sequence i of a
/// batch reads them from the i-th on.
void ModelWorkload::chooseIds(size_t count) {
  uint64_t state = 1;
  for (size_t i = 0; i < count; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    ids_.push_back(static_cast<int32_t>((state >> 33) %
                                        static_cast<uint64_t>(info_.n_vocab)));
  }
  if (info_.add_bos && info_.bos_id >= 0)
    ids_[0] = info_.bos_id;
}

/// Creates the sessions; they are in the context what a test finds.
Error ModelWorkload::fill(int32_t depth, Context &context) {
  for (int32_t i = 0; i < context.sequences; ++i) {
    TOOLS_TRY(createSession(model_, depth + context.tokens,
                            context.sessions.emplace_back()));
    context.handles.push_back(context.sessions.back().get());
    TOOLS_TRY(tools::check(qrt_append(context.handles.back(),
                                      &ids_[static_cast<size_t>(i)], depth, 0,
                                      nullptr)));
  }
  return Error::success();
}

Error ModelWorkload::prepare(const std::vector<BenchTest> &tests) {
  int32_t positions = 0, sequences = 1;
  for (const BenchTest &test : tests) {
    TOOLS_TRY(check(test));
    Context &context = contexts_[test.depth];
    context.tokens = std::max(context.tokens, test.tokens);
    context.sequences = std::max(context.sequences, test.batch);
    positions = std::max(positions, test.depth + test.tokens);
    sequences = std::max(sequences, test.batch);
  }
  chooseIds(static_cast<size_t>(positions) + static_cast<size_t>(sequences));
  logits_.resize(static_cast<size_t>(info_.n_vocab) *
                 static_cast<size_t>(sequences));
  for (auto &[depth, context] : contexts_)
    TOOLS_TRY(fill(depth, context));
  return Error::success();
}

Error ModelWorkload::generate(const BenchTest &test, const Context &context) {
  for (int32_t i = 0; i < test.tokens; ++i) {
    const int32_t *ids = &ids_[static_cast<size_t>(test.depth + i)];
    TOOLS_TRY(tools::check(
        test.batch == 1
            ? qrt_append(context.handles[0], ids, 1, 1, logits_.data())
            : qrt_append_batch(context.handles.data(), test.batch, ids,
                               nullptr, logits_.data())));
  }
  return Error::success();
}

Error ModelWorkload::run(const BenchTest &test, double &units, double &time) {
  Context &context = contexts_[test.depth];
  for (qrt_session *session : context.handles)
    TOOLS_TRY(tools::check(qrt_session_truncate(session, test.depth)));
  double begin = seconds();
  qrt_reset_regions(model_);
  if (test.kind == BenchTest::Generate)
    TOOLS_TRY(generate(test, context));
  else
    TOOLS_TRY(tools::check(
        qrt_append(context.handles[0], &ids_[static_cast<size_t>(test.depth)],
                   test.tokens, 1, logits_.data())));
  time = seconds() - begin;
  units = double(test.tokens) * test.batch;
  return Error::success();
}
