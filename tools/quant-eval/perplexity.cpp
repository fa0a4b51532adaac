//===- perplexity.cpp - How well a model foresees a text ------------------===//

#include "tools/quant-eval/perplexity.h"

#include "tools/quant-eval/softmax.h"

#include <algorithm>
#include <cmath>

using namespace lowbit::tools;

double Likelihood::ppl() const { return std::exp(nll()); }

Estimate Likelihood::bitsPerByte() const {
  if (bytes_ == 0)
    return {};
  double tokensPerByte = double(count()) / double(bytes_);
  double scale = tokensPerByte / std::log(2.0);
  return {nll() * scale, nllError() * scale};
}

Error lowbit::tools::makeChunks(const qrt_model *model,
                                const std::vector<int32_t> &tokens,
                                const PerplexityOptions &options,
                                std::vector<std::vector<int32_t>> &chunks) {
  qrt_model_info info = modelInfo(model);
  size_t length = static_cast<size_t>(options.context);
  if (options.context > info.max_context)
    return Error("chunks of " + std::to_string(length) +
                 " tokens do not fit into the model's context of " +
                 std::to_string(info.max_context) + "; lower --ctx");
  size_t count = tokens.size() / length;
  if (count == 0)
    return Error("the text has " + std::to_string(tokens.size()) +
                 " tokens, but a chunk needs " + std::to_string(length) +
                 "; give a longer text or lower --ctx");
  if (options.chunks >= 0)
    count = std::min(count, static_cast<size_t>(options.chunks));
  chunks.clear();
  for (size_t i = 0; i < count; ++i) {
    auto begin = tokens.begin() + static_cast<ptrdiff_t>(i * length);
    chunks.emplace_back(begin, begin + static_cast<ptrdiff_t>(length));
    if (info.add_bos && info.bos_id >= 0)
      chunks.back()[0] = info.bos_id;
  }
  return Error::success();
}

Error lowbit::tools::countScoredBytes(const qrt_model *model,
                                      const std::vector<int32_t> &chunk,
                                      uint64_t &bytes) {
  // A difference of two texts that begin alike: a space that a tokenizer adds
  // at the beginning of a text is in both.
  std::string whole, before;
  TOOLS_TRY(detokenize(model, chunk.data(), chunk.size(), false, whole));
  TOOLS_TRY(
      detokenize(model, chunk.data(), chunk.size() / 2 + 1, false, before));
  bytes = whole.size() > before.size() ? whole.size() - before.size() : 0;
  return Error::success();
}

namespace {
/// What a row's visit needs to know.
struct ChunkVisit {
  const std::vector<int32_t> *chunk;
  size_t vocabulary;
  LayerWriter *layers;
  Likelihood *result;
  Error error = Error::success();

  qrt_status row(int32_t index, const float *logits, const float *probes) {
    const std::vector<int32_t> &ids = *chunk;
    size_t row = static_cast<size_t>(index);
    if (layers)
      error = layers->add(ids[row], index, probes);
    if (error)
      return QRT_CANCELLED;
    if (row >= ids.size() / 2 && row + 1 < ids.size())
      result->add(logSumExp(logits, vocabulary) -
                  double(logits[static_cast<size_t>(ids[row + 1])]));
    return QRT_OK;
  }
};
} // namespace

/// The last row foresees a token of the next chunk, so nobody computes it,
/// unless its layers are wanted.
static Error scoreChunk(qrt_model *model, const std::vector<int32_t> &chunk,
                        LayerWriter *layers, Likelihood &result) {
  SessionHandle session;
  int32_t length = static_cast<int32_t>(chunk.size());
  TOOLS_TRY(createSession(model, length, session));
  ChunkVisit visit{&chunk, static_cast<size_t>(modelInfo(model).n_vocab),
                   layers, &result};
  qrt_status status = qrt_append_visit(
      session.get(), chunk.data(), layers ? length : length - 1,
      layers ? 0 : length / 2,
      [](void *user, int32_t index, const float *logits, const float *probes) {
        return static_cast<ChunkVisit *>(user)->row(index, logits, probes);
      },
      &visit);
  if (visit.error)
    return visit.error;
  return check(status);
}

Error lowbit::tools::measurePerplexity(
    qrt_model *model, const std::vector<std::vector<int32_t>> &chunks,
    LayerWriter *layers, const OnChunk &onChunk, Likelihood &result) {
  for (size_t i = 0; i < chunks.size(); ++i) {
    if (layers)
      layers->beginSequence(static_cast<int32_t>(i));
    TOOLS_TRY(scoreChunk(model, chunks[i], layers, result));
    uint64_t bytes = 0;
    TOOLS_TRY(countScoredBytes(model, chunks[i], bytes));
    result.addBytes(bytes);
    if (std::isnan(result.nll()))
      return Error("chunk " + std::to_string(i + 1) +
                   ": the model's logits hold NaN");
    onChunk(static_cast<int32_t>(i + 1), static_cast<int32_t>(chunks.size()),
            result);
  }
  return Error::success();
}
