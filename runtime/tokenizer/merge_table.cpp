//===- merge_table.cpp - The merges of a BPE model ------------------------===//

#include "tokenizer/merge_table.h"

#include <limits>
#include <string>

namespace qrt {

Status MergeTable::create(const Metadata &metadata,
                          const Vocabulary &vocabulary, MergeTable &out) {
  if (!metadata.has("tokenizer.ggml.merges"))
    return corrupt("tokenizer: the metadata has no merges "
                   "(tokenizer.ggml.merges)");
  std::vector<std::string_view> lines =
      metadata.strings("tokenizer.ggml.merges");
  if (lines.size() > std::numeric_limits<int32_t>::max() / 4)
    return corrupt("tokenizer: too many merges (" +
                   std::to_string(lines.size()) + ")");
  MergeTable table;
  size_t slots = 16;
  // A third of the slots stay free; a miss then takes 5 probes on average.
  while (slots * 2 < lines.size() * 3)
    slots *= 2;
  table.slots_.assign(slots, -1);
  table.merges_.reserve(lines.size());
  for (std::string_view line : lines)
    QRT_TRY(table.add(line, vocabulary));
  out = std::move(table);
  return Status();
}

static Status badMerge(size_t rank, std::string_view line, const char *what) {
  return corrupt("tokenizer: merge " + std::to_string(rank) + " '" +
                 std::string(line.substr(0, 100)) + "' " + what);
}

Status MergeTable::add(std::string_view line, const Vocabulary &vocabulary) {
  size_t rank = merges_.size();
  // Tokens spell a space as another character.
  size_t space = line.find(' ', 1);
  if (space == std::string_view::npos)
    return badMerge(rank, line, "is not a pair of tokens");
  std::string_view left = line.substr(0, space), right = line.substr(space + 1);
  std::string joined(left);
  joined += right;
  Merge merge{vocabulary.find(left), vocabulary.find(right),
              vocabulary.find(joined)};
  if (merge.left < 0 || merge.right < 0 || merge.result < 0)
    return badMerge(rank, line, "names a token that the vocabulary lacks");
  merges_.push_back(merge);
  // The last of equal pairs counts, as in Hugging Face's tokenizers.
  slots_[slotOf(merge.left, merge.right)] = static_cast<int32_t>(rank);
  return Status();
}

size_t MergeTable::slotOf(int32_t left, int32_t right) const {
  uint64_t key =
      static_cast<uint64_t>(left) << 32 | static_cast<uint32_t>(right);
  size_t mask = slots_.size() - 1;
  // Fibonacci hashing; the odd factor is 2^64 over the golden ratio.
  size_t slot = (key * 0x9E3779B97F4A7C15u >> 32) & mask;
  while (slots_[slot] >= 0 && (merges_[slots_[slot]].left != left ||
                               merges_[slots_[slot]].right != right))
    slot = (slot + 1) & mask;
  return slot;
}

bool MergeTable::find(int32_t left, int32_t right, uint32_t &rank,
                      int32_t &result) const {
  int32_t found = slots_[slotOf(left, right)];
  if (found < 0)
    return false;
  rank = static_cast<uint32_t>(found);
  result = merges_[found].result;
  return true;
}

} // namespace qrt
