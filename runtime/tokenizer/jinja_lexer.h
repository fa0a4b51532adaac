//===- jinja_lexer.h - Words of a chat template -----------------*- C++ -*-===//

#ifndef QUANTRT_TOKENIZER_JINJA_LEXER_H
#define QUANTRT_TOKENIZER_JINJA_LEXER_H

#include "base/status.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace qrt::jinja {

enum class TokenKind : uint8_t {
  Text,           ///< what stands outside the tags
  OutputBegin,    ///< {{
  OutputEnd,      ///< }}
  StatementBegin, ///< {%
  StatementEnd,   ///< %}
  Name,
  Integer,
  Float,
  String, ///< text: without quotes and escapes
  Operator,
  End
};

struct Token {
  TokenKind kind;
  uint32_t line;
  std::string text;
};

/// An error with its place.
Status syntaxError(uint32_t line, const std::string &what);
Status unsupportedAt(uint32_t line, const std::string &what);

/// Splits a template; comments and the white space that the tags swallow are
/// gone (trim_blocks and lstrip_blocks are on).
Status lex(std::string_view source, std::vector<Token> &tokens);

} // namespace qrt::jinja

#endif // QUANTRT_TOKENIZER_JINJA_LEXER_H
