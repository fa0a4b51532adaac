//===- Sequences.cpp - Tokens that calibrate ------------------------------===//

#include "Sequences.h"

#include "llvm/Support/MemoryBuffer.h"

#include <algorithm>
#include <numeric>
#include <random>

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static llvm::Expected<std::vector<int32_t>> tokenize(const qrt_model *model,
                                                     llvm::StringRef text) {
  std::vector<int32_t> ids(text.size() + 8);
  size_t count = ids.size();
  if (qrt_tokenize(model, text.data(), text.size(), /*add_special=*/0,
                   /*parse_special=*/0, ids.data(), &count) != QRT_OK)
    return failure(qrt_last_error());
  ids.resize(count);
  return ids;
}

/// `pieces` numbers in a random order. A plain shuffle: the standard library's
/// distributions differ between implementations.
static std::vector<int64_t> shuffled(int64_t pieces, uint64_t seed) {
  std::vector<int64_t> order(static_cast<size_t>(pieces));
  std::iota(order.begin(), order.end(), 0);
  std::mt19937_64 random(seed);
  for (size_t i = 0; i < order.size(); ++i)
    std::swap(order[i], order[i + random() % (order.size() - i)]);
  return order;
}

/// How many pieces there are, at least one.
static llvm::Expected<int64_t> piecesOf(llvm::ArrayRef<int32_t> ids,
                                        const CalibrationText &text,
                                        int64_t step) {
  int64_t pieces = int64_t(ids.size()) / step;
  if (pieces > 0)
    return pieces;
  return failure("the calibration text " + text.path + " has " +
                 llvm::Twine(ids.size()) + " tokens, but a sequence has " +
                 llvm::Twine(text.length) +
                 ": give a longer text or a smaller length");
}

/// Some pieces in the text's order, each with BOS in front if there is one.
static std::vector<std::vector<int32_t>> take(llvm::ArrayRef<int32_t> ids,
                                              std::vector<int64_t> pieces,
                                              int64_t step,
                                              std::optional<int32_t> bos) {
  std::sort(pieces.begin(), pieces.end());
  std::vector<std::vector<int32_t>> sequences;
  for (int64_t piece : pieces) {
    std::vector<int32_t> &sequence = sequences.emplace_back();
    if (bos)
      sequence.push_back(*bos);
    auto from = ids.begin() + piece * step;
    sequence.insert(sequence.end(), from, from + step);
  }
  return sequences;
}

static llvm::Expected<CalibrationSequences> divide(llvm::ArrayRef<int32_t> ids,
                                                   const CalibrationText &text,
                                                   std::optional<int32_t> bos,
                                                   bool holdsOut) {
  int64_t step = text.length - (bos ? 1 : 0);
  auto pieces = piecesOf(ids, text, step);
  if (!pieces)
    return pieces.takeError();
  constexpr int64_t kHeldOut = 4, kShare = 16;
  int64_t held = holdsOut ? std::min(kHeldOut, *pieces / kShare) : 0;
  int64_t count = std::min(*pieces - held, text.sequences);
  std::vector<int64_t> order = shuffled(*pieces, text.seed);
  auto begin = order.begin(), middle = begin + count;
  return CalibrationSequences{take(ids, {begin, middle}, step, bos),
                              take(ids, {middle, middle + held}, step, bos)};
}

llvm::Expected<std::vector<std::vector<int32_t>>>
cutSequences(llvm::ArrayRef<int32_t> ids, const CalibrationText &text,
             std::optional<int32_t> bos) {
  auto all = divide(ids, text, bos, /*holdsOut=*/false);
  if (!all)
    return all.takeError();
  return std::move(all->calibrating);
}

llvm::Expected<CalibrationSequences>
divideSequences(llvm::ArrayRef<int32_t> ids, const CalibrationText &text,
                std::optional<int32_t> bos) {
  return divide(ids, text, bos, /*holdsOut=*/true);
}

llvm::Expected<CalibrationSequences>
readSequences(const qrt_model *model, const CalibrationText &text) {
  auto file = llvm::MemoryBuffer::getFile(text.path);
  if (!file)
    return failure("cannot read the calibration text " + text.path + ": " +
                   file.getError().message());
  size_t count = 0;
  if (qrt_tokenize(model, "", 0, 0, 0, nullptr, &count) != QRT_OK)
    return failure("the model has no tokenizer, so the calibration text " +
                   text.path +
                   " cannot be read: put its tokenizer.json beside it");
  auto ids = tokenize(model, (*file)->getBuffer());
  if (!ids)
    return ids.takeError();
  qrt_model_info info;
  qrt_get_model_info(model, &info);
  return divideSequences(
      *ids, text, info.add_bos ? std::optional(info.bos_id) : std::nullopt);
}

} // namespace lowbit
