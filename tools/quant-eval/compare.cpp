//===- compare.cpp - Two models on one text -------------------------------===//

#include "tools/quant-eval/compare.h"

#include "tools/quant-eval/perplexity.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace lowbit::tools;

/// What the reference's logits of a block may take: 256 rows of a vocabulary of
/// 65536, 64 rows of one of 262144.
static constexpr size_t mostBlockBytes = size_t(64) << 20;

Error lowbit::tools::requireSameTokens(const qrt_model *model,
                                       const qrt_model *reference,
                                       const std::string &path,
                                       std::string_view text,
                                       const std::vector<int32_t> &tokens) {
  qrt_model_info a = modelInfo(model), b = modelInfo(reference);
  if (a.n_vocab != b.n_vocab)
    return Error("the model has a vocabulary of " + std::to_string(a.n_vocab) +
                 " tokens, the reference '" + path + "' one of " +
                 std::to_string(b.n_vocab) +
                 "; give the model that this one was made from");
  std::vector<int32_t> ids;
  TOOLS_TRY(tokenize(reference, text, true, false, ids));
  if (ids == tokens && a.bos_id == b.bos_id && !a.add_bos == !b.add_bos)
    return Error::success();
  return Error("the reference '" + path +
               "' splits the text into other tokens than the model; give the "
               "model that this one was made from");
}

namespace {

/// The reference's rows of one block.
struct Block {
  size_t vocabulary = 0, probeValues = 0; ///< of a row
  std::vector<float> logits, probes;
  size_t rows = 0;

  void resize(size_t count) {
    logits.resize(count * vocabulary);
    probes.resize(count * probeValues);
  }
};

/// One chunk in both models.
class ChunkComparison {
public:
  ChunkComparison(qrt_model *model, const std::vector<int32_t> &chunk,
                  int32_t index, Block &block, Comparison &result)
      : model_(model), chunk_(chunk), index_(index), block_(block),
        result_(result) {}

  Error run(qrt_model *reference, size_t blockRows);

private:
  Error readBlock(qrt_session *ours, qrt_session *theirs, size_t begin,
                  size_t count);
  qrt_status keep(const float *logits, const float *probes);
  qrt_status compare(int32_t index, const float *logits, const float *probes);

  qrt_model *model_;
  const std::vector<int32_t> &chunk_;
  int32_t index_;
  Block &block_;
  Comparison &result_;
  size_t begin_ = 0; ///< of the block, in the chunk
  Error error_ = Error::success();
};

} // namespace

qrt_status ChunkComparison::keep(const float *logits, const float *probes) {
  std::memcpy(&block_.logits[block_.rows * block_.vocabulary], logits,
              block_.vocabulary * sizeof(float));
  if (block_.probeValues) {
    if (!probes) {
      error_ = Error("the reference has no probes");
      return QRT_CANCELLED;
    }
    std::memcpy(&block_.probes[block_.rows * block_.probeValues], probes,
                block_.probeValues * sizeof(float));
  }
  ++block_.rows;
  return QRT_OK;
}

qrt_status ChunkComparison::compare(int32_t index, const float *logits,
                                    const float *probes) {
  size_t row = static_cast<size_t>(index), position = begin_ + row;
  TokenDivergence token =
      compareLogits(&block_.logits[row * block_.vocabulary], logits,
                    block_.vocabulary, chunk_[position + 1]);
  if (std::isnan(token.nll) || std::isnan(token.nllBase)) {
    error_ = Error("chunk " + std::to_string(index_ + 1) + ": the " +
                   (std::isnan(token.nll) ? "model's" : "reference's") +
                   " logits hold NaN");
    return QRT_CANCELLED;
  }
  result_.divergence.add(token);
  error_ = result_.worst.add(model_, index_, chunk_,
                             static_cast<int32_t>(position), token);
  size_t width =
      result_.layers.empty() ? 0 : block_.probeValues / result_.layers.size();
  if (!error_ && width && !probes)
    error_ = Error("the model has no probes");
  if (error_)
    return QRT_CANCELLED;
  for (size_t layer = 0; layer < result_.layers.size(); ++layer)
    result_.layers[layer].add(
        &block_.probes[row * block_.probeValues + layer * width],
        probes + layer * width, width);
  return QRT_OK;
}

Error ChunkComparison::readBlock(qrt_session *ours, qrt_session *theirs,
                                 size_t begin, size_t count) {
  block_.rows = 0;
  begin_ = begin;
  qrt_status status = qrt_append_visit(
      theirs, &chunk_[begin], static_cast<int32_t>(count), 0,
      [](void *user, int32_t, const float *logits, const float *probes) {
        return static_cast<ChunkComparison *>(user)->keep(logits, probes);
      },
      this);
  if (!error_ && status == QRT_OK)
    status = qrt_append_visit(
        ours, &chunk_[begin], static_cast<int32_t>(count), 0,
        [](void *user, int32_t index, const float *logits,
           const float *probes) {
          return static_cast<ChunkComparison *>(user)->compare(index, logits,
                                                               probes);
        },
        this);
  return error_ ? error_ : check(status);
}

Error ChunkComparison::run(qrt_model *reference, size_t blockRows) {
  SessionHandle ours, theirs;
  int32_t length = static_cast<int32_t>(chunk_.size());
  TOOLS_TRY(createSession(model_, length, ours));
  TOOLS_TRY(createSession(reference, length, theirs));
  size_t first = chunk_.size() / 2, last = chunk_.size() - 1;
  for (qrt_session *session : {ours.get(), theirs.get()})
    TOOLS_TRY(check(qrt_append(session, chunk_.data(),
                               static_cast<int32_t>(first), 0, nullptr)));
  for (size_t begin = first; begin < last; begin += blockRows)
    TOOLS_TRY(readBlock(ours.get(), theirs.get(), begin,
                        std::min(blockRows, last - begin)));
  uint64_t bytes = 0;
  TOOLS_TRY(countScoredBytes(model_, chunk_, bytes));
  result_.bytes += bytes;
  return Error::success();
}

Error lowbit::tools::compareModels(
    qrt_model *model, qrt_model *reference,
    const std::vector<std::vector<int32_t>> &chunks,
    const OnComparedChunk &onChunk, Comparison &result) {
  qrt_model_info info = modelInfo(model);
  Block block;
  block.vocabulary = static_cast<size_t>(info.n_vocab);
  block.probeValues = result.layers.size() * static_cast<size_t>(info.n_embd);
  size_t rowBytes = (block.vocabulary + block.probeValues) * sizeof(float);
  size_t rows = std::clamp<size_t>(mostBlockBytes / rowBytes, 1,
                                   static_cast<size_t>(info.max_rows));
  block.resize(rows);
  for (size_t i = 0; i < chunks.size(); ++i) {
    int32_t index = static_cast<int32_t>(i);
    ChunkComparison comparison(model, chunks[i], index, block, result);
    TOOLS_TRY(comparison.run(reference, rows));
    onChunk(index + 1, static_cast<int32_t>(chunks.size()), result.divergence);
  }
  return Error::success();
}
