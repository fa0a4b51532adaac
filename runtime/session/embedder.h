//===- embedder.h - Texts to vectors ----------------------------*- C++ -*-===//

#ifndef QUANTRT_SESSION_EMBEDDER_H
#define QUANTRT_SESSION_EMBEDDER_H

#include "base/span.h"
#include "kv/cache.h"
#include "session/model.h"

#include <memory>
#include <string_view>
#include <vector>

namespace qrt {

/// Runs a model that pools. A call of its code takes as many whole sequences as
/// fit; keys and values live as long as that call.
class Embedder {
public:
  static Status create(Model &model, std::unique_ptr<Embedder> &embedder);

  /// As qrt_embed and qrt_embed_ids.
  Status embed(const char *const *texts, int32_t count,
               const qrt_embed_options &options, float *out);
  Status embedIds(const int32_t *ids, const int32_t *types,
                  const int32_t *counts, int32_t count,
                  const qrt_embed_options &options, float *out);

private:
  explicit Embedder(Model &model) : model_(model) {}
  Status allocate();
  Status tokenize(std::string_view text, bool refuseLong);
  Status check(const int32_t *ids, const int32_t *types, const int32_t *counts,
               int32_t count, const qrt_embed_options &options) const;
  /// Describes the next sequence; false: it does not fit into this call.
  bool addRun(const int32_t *types, int32_t count, int32_t pooling);
  void run(const int32_t *ids, float *out);
  int32_t pagesOf(int32_t count) const;

  Model &model_;
  const qrt_text_record *text_ = nullptr;
  size_t function_ = 0;
  Cache cache_; ///< each sequence begins on a page
  Arena scratch_;
  int32_t pages_ = 0;
  // Of the call that is being made up.
  int32_t rows_ = 0, outs_ = 0, runs_ = 0, usedPages_ = 0;
  std::vector<int32_t> positions_, visibleEnd_, types_, outFirst_, outRows_;
  std::vector<qrt_run> runTable_;
  std::vector<int32_t> ids_, counts_; ///< of texts
};

/// Length of a vector, or number of classes; 0: the model gives logits.
int32_t embeddingColumns(const Model &model);
int32_t embeddingMaxTokens(const Model &model);
qrt_embed_options defaultEmbedOptions(const Model &model);

} // namespace qrt

#endif // QUANTRT_SESSION_EMBEDDER_H
