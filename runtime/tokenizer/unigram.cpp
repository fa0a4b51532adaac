//===- unigram.cpp - SentencePiece's unigram model ------------------------===//

#include "tokenizer/unigram.h"

#include "tokenizer/unicode.h"

#include <algorithm>

namespace qrt {

static constexpr std::string_view spaceMark = "\xE2\x96\x81";
/// What a character that no token has costs beside the rarest token.
static constexpr double unknownPenalty = 10;

/// What a GGUF file says of its model, in the words of normalizer.h.
static std::vector<std::string_view> usualSteps(const Metadata &metadata) {
  std::vector<std::string_view> steps;
  if (metadata.has("tokenizer.ggml.precompiled_charsmap"))
    steps.push_back("precompiled");
  if (metadata.boolean("tokenizer.ggml.remove_extra_whitespaces")
          .value_or(false))
    for (const char *step : {"strip_left", "strip_right", "squeeze:20"})
      steps.push_back(step);
  return steps;
}

Status Unigram::create(const Metadata &metadata, const Vocabulary &vocabulary,
                       SpacePrefix prefix, int32_t unknownId,
                       std::unique_ptr<TokenModel> &out) {
  std::unique_ptr<Unigram> model(new Unigram(vocabulary));
  std::vector<std::string_view> normalizers = usualSteps(metadata), splits;
  if (metadata.has("tokenizer.lowbit.normalizers"))
    normalizers = metadata.strings("tokenizer.lowbit.normalizers");
  if (metadata.has("tokenizer.lowbit.splits"))
    splits = metadata.strings("tokenizer.lowbit.splits");
  QRT_TRY(Normalizer::create(
      normalizers, metadata.integers("tokenizer.ggml.precompiled_charsmap"),
      model->normalizer_));
  QRT_TRY(WordSteps::create(splits, model->words_));
  model->prefix_ = prefix;
  model->marksSpaces_ =
      metadata.boolean("tokenizer.lowbit.mark_spaces").value_or(true);
  model->splitsSpaces_ =
      metadata.boolean("tokenizer.lowbit.split_spaces").value_or(true);
  model->unknownId_ = unknownId;
  model->byteIds_.fill(-1);
  double least = 0;
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    least = std::min<double>(least, vocabulary.score(id));
    model->longestToken_ =
        std::max(model->longestToken_, vocabulary.text(id).size());
    if (vocabulary.type(id) == Vocabulary::Byte)
      if (int byte = parseByteToken(vocabulary.text(id)); byte >= 0)
        model->byteIds_[static_cast<size_t>(byte)] = id;
  }
  model->unknownScore_ = least - unknownPenalty;
  out = std::move(model);
  return Status();
}

/// Bytes where the vocabulary has them all, else the unknown token.
void Unigram::appendUnknown(std::string_view text,
                            std::vector<int32_t> &ids) const {
  auto idOf = [&](char c) { return byteIds_[static_cast<uint8_t>(c)]; };
  if (std::all_of(text.begin(), text.end(),
                  [&](char c) { return idOf(c) >= 0; }))
    for (char c : text)
      ids.push_back(idOf(c));
  else if (unknownId_ >= 0)
    ids.push_back(unknownId_);
}

void Unigram::encodePart(std::string_view part,
                         std::vector<int32_t> &ids) const {
  struct Node {
    double score = 0;
    int64_t start = -1; ///< of the last token on the best path to here
    int32_t id = -1;    ///< -1: unknown
  };
  std::vector<Node> best(part.size() + 1);
  auto reach = [&](size_t end, size_t start, double score, int32_t id) {
    double total = best[start].score + score;
    if (best[end].start < 0 || total > best[end].score)
      best[end] = {total, static_cast<int64_t>(start), id};
  };
  for (size_t start = 0; start < part.size();) {
    uint32_t value = 0;
    size_t first = std::max<size_t>(1, decodeUtf8(part, start, value));
    bool hasFirst = false;
    size_t most = std::min(part.size() - start, longestToken_);
    for (size_t length = first; length <= most;) {
      int32_t id = vocabulary_.find(part.substr(start, length));
      if (id >= 0 && vocabulary_.type(id) != Vocabulary::Unused) {
        reach(start + length, start, vocabulary_.score(id),
              id == unknownId_ ? -1 : id);
        hasFirst |= length == first;
      }
      if (start + length >= part.size())
        break;
      length += std::max<size_t>(1, decodeUtf8(part, start + length, value));
    }
    if (!hasFirst)
      reach(start + first, start, unknownScore_, -1);
    start += first;
  }
  // Unknown characters beside each other are one.
  std::vector<std::pair<size_t, Node>> path; // end, node
  for (size_t end = part.size(); end > 0;) {
    Node node = best[end];
    if (node.id < 0 && !path.empty() && path.back().second.id < 0)
      path.back().second.start = node.start;
    else
      path.push_back({end, node});
    end = static_cast<size_t>(node.start);
  }
  for (auto at = path.rbegin(); at != path.rend(); ++at) {
    auto start = static_cast<size_t>(at->second.start);
    if (at->second.id >= 0)
      ids.push_back(at->second.id);
    else
      appendUnknown(part.substr(start, at->first - start), ids);
  }
}

void Unigram::encodeWord(std::string word, bool isFirst,
                         std::vector<int32_t> &ids) const {
  if (marksSpaces_) {
    std::string marked;
    for (char c : word)
      if (c == ' ')
        marked += spaceMark;
      else
        marked += c;
    bool hasMark = marked.compare(0, spaceMark.size(), spaceMark) == 0;
    if (wantsSpace(prefix_, isFirst, hasMark))
      marked.insert(0, spaceMark);
    word = std::move(marked);
  }
  std::string_view rest = word;
  while (!rest.empty()) {
    size_t end = splitsSpaces_ ? rest.find(spaceMark, 1) : rest.size();
    end = std::min(end, rest.size());
    encodePart(rest.substr(0, end), ids);
    rest.remove_prefix(end);
  }
}

void Unigram::encode(std::string_view text, bool isFirst,
                     std::vector<int32_t> &ids) const {
  Points points = pointsOf(text);
  normalizer_.apply(points);
  WordSteps::Words words;
  words_.split(points, words);
  for (auto [begin, end] : words) {
    std::string word;
    for (size_t i = begin; i < end; ++i)
      appendUtf8(points[i], word);
    encodeWord(std::move(word), isFirst && begin == 0, ids);
  }
}

void Unigram::appendPiece(int32_t id, std::string &out) const {
  std::string_view text = vocabulary_.text(id);
  if (vocabulary_.type(id) == Vocabulary::Byte) {
    if (int byte = parseByteToken(text); byte >= 0)
      out += static_cast<char>(byte);
    return;
  }
  while (!text.empty()) {
    size_t mark = std::min(text.find(spaceMark), text.size());
    out += text.substr(0, mark);
    text.remove_prefix(mark);
    if (!text.empty()) {
      out += ' ';
      text.remove_prefix(spaceMark.size());
    }
  }
}

} // namespace qrt
