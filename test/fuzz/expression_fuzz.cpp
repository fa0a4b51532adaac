//===- expression_fuzz.cpp - Words by any expression ----------------------===//
//
// The input's first line is an expression, what is behind it a text. A crash, a
// leak or a hang is a bug; words must be pieces of the text in their order.
//
//===----------------------------------------------------------------------===//

#include "tokenizer/word_splitter.h"

#include <cstdio>
#include <cstdlib>

using namespace qrt;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view input(reinterpret_cast<const char *>(data), size);
  size_t line = std::min(input.find('\n'), size);
  std::string_view text = input.substr(std::min(line + 1, size));
  WordSplitter splitter;
  if (!WordSplitter::create({input.substr(0, line)}, splitter).ok())
    return 0;
  std::vector<Character> characters;
  decodeCharacters(text.substr(0, 400), characters);
  std::vector<uint32_t> ends;
  splitter.split(characters, ends);
  uint32_t before = 0;
  for (uint32_t end : ends) {
    if (end <= before)
      abort();
    before = end;
  }
  if (before + 1 != characters.size())
    abort();
  return 0;
}
