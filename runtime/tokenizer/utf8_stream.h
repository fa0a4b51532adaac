//===- utf8_stream.h - Whole characters out of tokens -----------*- C++ -*-===//
//
// A token may end inside a character (byte-level BPE, byte fallback). A stream
// holds such bytes back until the character is whole.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTRT_TOKENIZER_UTF8_STREAM_H
#define QUANTRT_TOKENIZER_UTF8_STREAM_H

#include <cstddef>
#include <string>
#include <string_view>

namespace qrt {

class Utf8Stream {
public:
  /// Appends to `out` what is now certain: whole characters, and U+FFFD for
  /// each maximal part that can no longer become one.
  void push(std::string_view bytes, std::string &out);
  /// The text ends here: held bytes become one U+FFFD.
  void flush(std::string &out);
  bool empty() const { return count_ == 0; }

private:
  char held_[4];
  size_t count_ = 0;
};

} // namespace qrt

#endif // QUANTRT_TOKENIZER_UTF8_STREAM_H
