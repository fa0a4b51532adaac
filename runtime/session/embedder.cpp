//===- embedder.cpp - Texts to vectors ------------------------------------===//

#include "session/embedder.h"

#include "sample/norm.h"

#include <algorithm>
#include <cstring>

namespace qrt {

namespace {

/// Sequences of a call beside those that fill its rows: more do not make it
/// faster, and each needs a page.
constexpr int32_t shortSequences = 64;

const qrt_text_record *textOf(const Model &model) {
  return model.view().textFunction() ? &model.view().header.text : nullptr;
}

std::string tokensOf(const char *what, int32_t index, int64_t count) {
  return std::string(what) + " " + std::to_string(index) + " has " +
         std::to_string(count) + " tokens";
}

} // namespace

int32_t embeddingColumns(const Model &model) {
  const qrt_text_record *text = textOf(model);
  return text && text->result != QRT_RESULT_LOGITS ? int32_t(text->n_result)
                                                   : 0;
}

int32_t embeddingMaxTokens(const Model &model) {
  const qrt_text_record *text = textOf(model);
  if (!text || text->result == QRT_RESULT_LOGITS)
    return 0;
  int64_t most = std::min(text->max_context, text->max_rows);
  return int32_t(model.maxTokens() > 0 ? std::min(most, model.maxTokens())
                                       : most);
}

qrt_embed_options defaultEmbedOptions(const Model &model) {
  qrt_embed_options options = {QRT_POOLING_MODEL, 2, 0};
  const qrt_text_record *text = textOf(model);
  if (text && text->result == QRT_RESULT_CLASSES)
    options.normalize = -1;
  return options;
}

Status Embedder::create(Model &model, std::unique_ptr<Embedder> &embedder) {
  std::unique_ptr<Embedder> made(new Embedder(model));
  QRT_TRY(made->allocate());
  embedder = std::move(made);
  return {};
}

int32_t Embedder::pagesOf(int32_t count) const {
  return int32_t((int64_t(count) + text_->page_size - 1) / text_->page_size);
}

Status Embedder::allocate() {
  QRT_TRY(model_.textFunction(function_));
  text_ = &model_.view().header.text;
  if (text_->result == QRT_RESULT_LOGITS)
    return unsupported(model_.path() +
                       ": it gives logits of tokens, no embeddings: compile "
                       "the model with quant-compile --embedding");
  const int32_t rows = int32_t(text_->max_rows);
  pages_ = pagesOf(rows) + std::min(rows, shortSequences);
  const int64_t positions = int64_t(pages_) * text_->page_size;
  if (positions > INT32_MAX)
    return Status(QRT_OUT_OF_MEMORY, "no memory for the keys and values of " +
                                         std::to_string(rows) + " rows");
  QRT_TRY(cache_.create(*text_, int32_t(positions), model_.pages()));
  for (std::vector<int32_t> *list :
       {&positions_, &visibleEnd_, &types_, &outFirst_, &outRows_})
    list->resize(size_t(rows));
  runTable_.resize(size_t(rows));
  return {};
}

//===- Calls --------------------------------------------------------------===//

bool Embedder::addRun(const int32_t *types, int32_t count, int32_t pooling) {
  const int32_t pages = pagesOf(count);
  if (rows_ + count > int32_t(text_->max_rows) || usedPages_ + pages > pages_)
    return false;
  const bool seesAll = text_->flags & QRT_TEXT_BIDIRECTIONAL;
  for (int32_t i = 0; i < count; ++i) {
    positions_[rows_ + i] = i;
    visibleEnd_[rows_ + i] = seesAll ? count : i + 1;
    types_[rows_ + i] = types ? types[i] : 0;
  }
  runTable_[runs_++] = {rows_, count, 0, cache_.pageTable() + usedPages_};
  auto give = [&](int32_t first, int32_t last) {
    outFirst_[outs_] = rows_ + first;
    outRows_[outs_++] = rows_ + last;
  };
  if (pooling == QRT_POOLING_NONE)
    for (int32_t i = 0; i < count; ++i)
      give(i, i);
  else
    give(pooling == QRT_POOLING_LAST ? count - 1 : 0,
         pooling == QRT_POOLING_CLS || pooling == QRT_POOLING_RANK ? 0
                                                                   : count - 1);
  rows_ += count;
  usedPages_ += pages;
  return true;
}

void Embedder::run(const int32_t *ids, float *out) {
  qrt_text text = {};
  text.rows = rows_;
  text.tokens = ids;
  text.positions = positions_.data();
  text.visible_end = visibleEnd_.data();
  text.n_runs = runs_;
  text.runs = runTable_.data();
  text.n_out = outs_;
  text.out_rows = outRows_.data();
  text.logits = out;
  text.kv = cache_.pages();
  text.out_first = outFirst_.data();
  text.token_types = types_.data();
  qrt_frame frame = {};
  frame.scratch = scratch_.data();
  frame.text = &text;
  model_.run(function_, frame);
  rows_ = outs_ = runs_ = usedPages_ = 0;
}

Status Embedder::check(const int32_t *ids, const int32_t *types,
                       const int32_t *counts, int32_t count,
                       const qrt_embed_options &options) const {
  if (count < 0 || (count > 0 && (!ids || !counts)))
    return invalid("no sequences of ids to embed");
  if (options.pooling < QRT_POOLING_MODEL || options.pooling > QRT_POOLING_RANK)
    return invalid("there is no pooling " + std::to_string(options.pooling));
  const int32_t most = embeddingMaxTokens(model_);
  for (int32_t i = 0; i < count; ++i) {
    if (counts[i] < 1)
      return invalid(tokensOf("sequence", i, counts[i]) +
                     ": it needs one at least");
    if (counts[i] > most)
      return Status(QRT_CONTEXT_FULL, tokensOf("sequence", i, counts[i]) +
                                          ", but the model takes " +
                                          std::to_string(most) +
                                          ": shorten it");
    for (int32_t t = 0; t < counts[i]; ++t, ++ids) {
      if (*ids < 0 || uint32_t(*ids) >= text_->n_vocab)
        return invalid("sequence " + std::to_string(i) + " has the id " +
                       std::to_string(*ids) + ", but ids end at " +
                       std::to_string(text_->n_vocab - 1));
      if (types &&
          (*types < 0 || uint32_t(*types) >= std::max(text_->n_types, 1u)))
        return invalid("sequence " + std::to_string(i) +
                       " has a token of type " + std::to_string(*types) +
                       ", but the model knows " +
                       std::to_string(std::max(text_->n_types, 1u)));
      types += types != nullptr;
    }
  }
  return {};
}

Status Embedder::embedIds(const int32_t *ids, const int32_t *types,
                          const int32_t *counts, int32_t count,
                          const qrt_embed_options &options, float *out) {
  QRT_TRY(check(ids, types, counts, count, options));
  QRT_TRY(
      model_.reserveScratch(function_, scratch_)); // threads may have changed
  const int32_t pooling =
      options.pooling == QRT_POOLING_MODEL ? model_.pooling() : options.pooling;
  const size_t columns = text_->n_result;
  rows_ = outs_ = runs_ = usedPages_ = 0;
  for (int32_t i = 0; i < count;) {
    int32_t end = i;
    int32_t rows = 0;
    while (end < count && addRun(types, counts[end], pooling)) {
      types += types ? counts[end] : 0;
      rows += counts[end++];
    }
    const size_t outs = size_t(outs_);
    run(ids, out);
    for (size_t row = 0; row < outs; ++row)
      normalize(out + row * columns, columns, options.normalize);
    ids += rows;
    out += outs * columns;
    i = end;
  }
  return {};
}

//===- Texts --------------------------------------------------------------===//

/// Appends a text's ids to ids_. What is cut off is text: a token that ends
/// every sequence stays.
Status Embedder::tokenize(std::string_view text, bool refuseLong) {
  const Tokenizer &tokenizer = *model_.tokenizer();
  const size_t before = ids_.size();
  QRT_TRY(tokenizer.encode(text, /*addSpecial=*/true, /*parseSpecial=*/true,
                           ids_));
  const size_t most = size_t(embeddingMaxTokens(model_));
  const int32_t index = int32_t(counts_.size());
  if (ids_.size() - before > most) {
    if (refuseLong)
      return Status(QRT_CONTEXT_FULL,
                    tokensOf("text", index, int64_t(ids_.size() - before)) +
                        ", but the model takes " + std::to_string(most) +
                        ": shorten it");
    const int32_t last = ids_.back();
    ids_.resize(before + most);
    if (tokenizer.addEos())
      ids_.back() = last;
  }
  if (ids_.size() == before)
    return invalid("text " + std::to_string(index) + " has no tokens");
  counts_.push_back(int32_t(ids_.size() - before));
  return {};
}

Status Embedder::embed(const char *const *texts, int32_t count,
                       const qrt_embed_options &options, float *out) {
  QRT_TRY(model_.needTokenizer());
  const int32_t pooling =
      options.pooling == QRT_POOLING_MODEL ? model_.pooling() : options.pooling;
  if (pooling == QRT_POOLING_NONE)
    return invalid("without pooling a text has a row for each token: use "
                   "qrt_embed_ids");
  ids_.clear();
  counts_.clear();
  for (int32_t i = 0; i < count; ++i) {
    if (!texts || !texts[i])
      return invalid("text " + std::to_string(i) + " is NULL");
    QRT_TRY(tokenize({texts[i], std::strlen(texts[i])}, options.refuse_long));
  }
  return embedIds(ids_.data(), nullptr, counts_.data(), count, options, out);
}

} // namespace qrt
