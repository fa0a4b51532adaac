//===- bpe_merge.h - Merging of adjacent symbols ----------------*- C++ -*-===//

#ifndef QUANTRT_TOKENIZER_BPE_MERGE_H
#define QUANTRT_TOKENIZER_BPE_MERGE_H

#include <algorithm>
#include <cstdint>
#include <vector>

namespace qrt {

/// A stretch of the text that is one token so far.
struct BpeSymbol {
  int32_t id;           ///< token
  uint32_t begin, size; ///< bytes of the text; size 0: merged into its left
  int32_t left, right;  ///< neighbours, or -1
};

/// Links symbols in their order.
inline void linkSymbols(std::vector<BpeSymbol> &symbols) {
  int32_t count = static_cast<int32_t>(symbols.size());
  for (int32_t i = 0; i < count; ++i) {
    symbols[i].left = i - 1;
    symbols[i].right = i + 1 < count ? i + 1 : -1;
  }
}

/// Merges the best pair, the leftmost of equals, until none is left: O(n log
/// n). `pair(left, right, key, id)` tells whether two symbols merge, into which
/// id, and how early (smaller keys first).
template <typename Key, typename Pair>
void mergeSymbols(std::vector<BpeSymbol> &symbols, Pair pair) {
  struct Candidate {
    Key key;
    int32_t id, position;
    /// std::*_heap keeps the largest in front.
    bool operator<(const Candidate &other) const {
      if (key < other.key || other.key < key)
        return other.key < key;
      return other.position < position;
    }
  };
  std::vector<Candidate> heap;
  auto push = [&](int32_t position) {
    Candidate candidate{Key(), -1, position};
    const BpeSymbol &left = symbols[position];
    if (!pair(left, symbols[left.right], candidate.key, candidate.id))
      return;
    heap.push_back(candidate);
    std::push_heap(heap.begin(), heap.end());
  };
  for (size_t i = 0; i + 1 < symbols.size(); ++i)
    push(static_cast<int32_t>(i));

  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end());
    Candidate best = heap.back();
    heap.pop_back();
    BpeSymbol &left = symbols[best.position];
    if (left.size == 0 || left.right < 0)
      continue;
    BpeSymbol &right = symbols[left.right];
    // A candidate is stale unless its symbols still merge into the same token.
    Key key;
    int32_t id = -1;
    if (!pair(left, right, key, id) || id != best.id)
      continue;
    left.id = id;
    left.size += right.size;
    right.size = 0;
    left.right = right.right;
    if (right.right >= 0)
      symbols[right.right].left = best.position;
    if (left.left >= 0)
      push(left.left);
    if (left.right >= 0)
      push(best.position);
  }
}

} // namespace qrt

#endif // QUANTRT_TOKENIZER_BPE_MERGE_H
