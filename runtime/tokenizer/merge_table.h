//===- merge_table.h - The merges of a BPE model ----------------*- C++ -*-===//

#ifndef QUANTRT_TOKENIZER_MERGE_TABLE_H
#define QUANTRT_TOKENIZER_MERGE_TABLE_H

#include "tokenizer/vocabulary.h"

namespace qrt {

/// tokenizer.ggml.merges: pairs of tokens in the order in which they merge.
class MergeTable {
public:
  static Status create(const Metadata &metadata, const Vocabulary &vocabulary,
                       MergeTable &out);

  /// Whether the two merge, how early and into what.
  bool find(int32_t left, int32_t right, uint32_t &rank, int32_t &result) const;

private:
  /// The rank is the index.
  struct Merge {
    int32_t left, right, result;
  };

  Status add(std::string_view line, const Vocabulary &vocabulary);
  size_t slotOf(int32_t left, int32_t right) const;

  std::vector<Merge> merges_;
  std::vector<int32_t> slots_; ///< ranks by hash of the pair, or -1
};

} // namespace qrt

#endif // QUANTRT_TOKENIZER_MERGE_TABLE_H
