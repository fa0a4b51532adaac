//===- word_splitter.cpp - Text to words ----------------------------------===//

#include "tokenizer/word_splitter.h"

namespace qrt {

WordSplitter::WordSplitter(const PreTokenizer &preTokenizer) {
  for (WordMatch function : preTokenizer.steps)
    if (function)
      steps_.push_back({function, nullptr});
}

Status WordSplitter::create(const std::vector<std::string_view> &expressions,
                            WordSplitter &out) {
  out.steps_.clear();
  for (std::string_view text : expressions) {
    Step &step = out.steps_.emplace_back();
    step.function = findWordMatch(text);
    if (!step.function)
      QRT_TRY(Expression::compile(text, step.expression));
  }
  return Status();
}

/// Splits [begin, end) and appends the ends of its pieces.
void WordSplitter::splitPiece(const Character *text, size_t begin, size_t end,
                              const Step &step, std::vector<uint32_t> &ends) {
  size_t pending = begin, i = begin;
  while (i < end) {
    size_t last = step.match(text, begin, i, end);
    if (last == i) {
      ++i;
      continue;
    }
    if (pending < i)
      ends.push_back(static_cast<uint32_t>(i));
    ends.push_back(static_cast<uint32_t>(last));
    pending = i = last;
  }
  if (pending < end)
    ends.push_back(static_cast<uint32_t>(end));
}

void WordSplitter::split(const std::vector<Character> &text,
                         std::vector<uint32_t> &ends) const {
  ends.clear();
  size_t count = text.size() - 1;
  if (count == 0)
    return;
  ends.push_back(static_cast<uint32_t>(count));
  std::vector<uint32_t> before;
  for (const Step &step : steps_) {
    before.swap(ends);
    ends.clear();
    size_t begin = 0;
    for (uint32_t end : before) {
      splitPiece(text.data(), begin, end, step, ends);
      begin = end;
    }
  }
}

} // namespace qrt
