//===- word_piece.cpp - WordPiece -----------------------------------------===//

#include "tokenizer/word_piece.h"

#include "tokenizer/unicode.h"

#include <algorithm>

namespace qrt {

static constexpr std::string_view wordMark = "\xE2\x96\x81";

Status WordPiece::create(const Metadata &metadata, const Vocabulary &vocabulary,
                         int32_t unknownId, std::unique_ptr<TokenModel> &out) {
  std::unique_ptr<WordPiece> model(new WordPiece(vocabulary));
  // A GGUF file does not say how: as BERT without case does it, and llama.cpp.
  std::vector<std::string_view> normalizers = {"clean", "chinese", "nfd",
                                               "strip_nonspacing", "lowercase"};
  std::vector<std::string_view> splits = {"spaces", "punctuation"};
  if (metadata.has("tokenizer.lowbit.normalizers"))
    normalizers = metadata.strings("tokenizer.lowbit.normalizers");
  if (metadata.has("tokenizer.lowbit.splits"))
    splits = metadata.strings("tokenizer.lowbit.splits");
  QRT_TRY(Normalizer::create(normalizers, {}, model->normalizer_));
  QRT_TRY(WordSteps::create(splits, model->words_));
  int64_t longest =
      metadata.integer("tokenizer.lowbit.longest_word").value_or(100);
  if (longest < 1 || longest > 1000)
    return corrupt("tokenizer: tokenizer.lowbit.longest_word is " +
                   std::to_string(longest) + ", expected 1 to 1000");
  model->longestWord_ = size_t(longest);
  model->unknownId_ = unknownId;
  for (int32_t id = 0; id < vocabulary.size(); ++id)
    model->longestToken_ =
        std::max(model->longestToken_, vocabulary.text(id).size());
  out = std::move(model);
  return Status();
}

void WordPiece::encodeWord(const Points &points, size_t begin, size_t end,
                           std::vector<int32_t> &ids) const {
  size_t before = ids.size();
  auto isUnknown = [&] {
    ids.resize(before);
    if (unknownId_ >= 0)
      ids.push_back(unknownId_);
  };
  if (end - begin > longestWord_)
    return isUnknown();
  std::string word;
  std::vector<size_t> starts; // of characters in `word`
  for (size_t i = begin; i < end; ++i) {
    starts.push_back(word.size());
    appendUtf8(points[i], word);
  }
  starts.push_back(word.size());
  std::string wanted;
  for (size_t first = 0; first + 1 < starts.size();) {
    int32_t found = -1;
    size_t last = starts.size() - 1;
    for (; last > first && found < 0; --last) {
      size_t length = starts[last] - starts[first];
      if (length > longestToken_)
        continue;
      wanted.assign(first == 0 ? wordMark : std::string_view());
      wanted.append(word, starts[first], length);
      int32_t id = vocabulary_.find(wanted);
      if (id >= 0 && vocabulary_.type(id) == Vocabulary::Normal)
        found = id;
    }
    if (found < 0)
      return isUnknown();
    ids.push_back(found);
    first = last + 1; // the loop has gone one further
  }
}

void WordPiece::encode(std::string_view text, bool,
                       std::vector<int32_t> &ids) const {
  Points points = pointsOf(text);
  normalizer_.apply(points);
  WordSteps::Words words;
  words_.split(points, words);
  for (auto [begin, end] : words)
    encodeWord(points, begin, end, ids);
}

void WordPiece::appendPiece(int32_t id, std::string &out) const {
  std::string_view text = vocabulary_.text(id);
  if (text.substr(0, wordMark.size()) == wordMark) {
    out += ' ';
    text.remove_prefix(wordMark.size());
  }
  out += text;
}

} // namespace qrt
