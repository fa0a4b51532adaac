//===- text.h - Escapes and UTF-8 -------------------------------*- C++ -*-===//

#ifndef TOOLS_COMMON_TEXT_H
#define TOOLS_COMMON_TEXT_H

#include <string>
#include <string_view>
#include <vector>

namespace lowbit::tools {

/// \n \r \t \\ \" \' \0 and \xHH become what they stand for; any other
/// backslash stays.
std::string processEscapes(std::string_view text);

/// The lines of a text, without their '\n'. A '\r' belongs to its line, and a
/// last line needs no '\n'.
std::vector<std::string_view> splitLines(std::string_view text);

/// Cuts a stream of bytes at the borders of characters. What is not UTF-8
/// becomes U+FFFD, one for each maximal broken part, as Unicode recommends.
class Utf8Stream {
public:
  /// Adds bytes; returns the whole characters that are now known.
  std::string push(std::string_view bytes);
  /// Ends the stream: what is left of a character is broken.
  std::string finish();

private:
  std::string pending_;
};

} // namespace lowbit::tools

#endif // TOOLS_COMMON_TEXT_H
