//===- normalizer_fuzz.cpp - Steps and maps of characters -----------------===//
//
// The input's first line names steps of normalizers and splitters, its second
// one is a map of characters, what is behind it a text. A crash, a leak or a
// hang is a bug; words must be pieces of the text in their order.
//
//===----------------------------------------------------------------------===//

#include "tokenizer/normalizer.h"

#include <algorithm>
#include <cstdlib>

using namespace qrt;

static std::string_view line(std::string_view &input) {
  size_t end = std::min(input.find('\n'), input.size());
  std::string_view result = input.substr(0, end);
  input.remove_prefix(std::min(end + 1, input.size()));
  return result;
}

static void fuzzWords(const std::vector<std::string_view> &names,
                      const Points &points) {
  WordSteps splitter;
  if (!WordSteps::create(names, splitter).ok())
    return;
  WordSteps::Words words;
  splitter.split(points, words);
  size_t before = 0;
  for (auto [begin, end] : words) {
    if (begin < before || end <= begin || end > points.size())
      abort();
    before = end;
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view input(reinterpret_cast<const char *>(data), size);
  std::vector<std::string_view> names;
  for (std::string_view rest = line(input);
       !rest.empty() && names.size() < 8;) {
    size_t end = std::min(rest.find(' '), rest.size());
    names.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  std::string_view map = line(input);
  Points points = pointsOf(input.substr(0, 2000));
  fuzzWords(names, points);
  CharMap characters;
  if (CharMap::create({map.begin(), map.end()}, characters).ok())
    characters.apply(points);
  Normalizer normalizer;
  if (Normalizer::create(names, {map.begin(), map.end()}, normalizer).ok())
    normalizer.apply(points);
  return 0;
}
