//===- jinja_lexer.cpp - Words of a chat template -------------------------===//

#include "tokenizer/jinja_lexer.h"

#include "tokenizer/unicode.h"

#include <algorithm>

namespace qrt::jinja {

Status syntaxError(uint32_t line, const std::string &what) {
  return corrupt("chat template, line " + std::to_string(line) + ": " + what);
}

Status unsupportedAt(uint32_t line, const std::string &what) {
  return unsupported("chat template, line " + std::to_string(line) + ": " +
                     what + " is not supported");
}

namespace {

bool isSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

int hexDigit(char c) {
  return isDigit(c)             ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

/// Line ends become \n; one at the very end is dropped, as Jinja does.
std::string normalizeLines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    bool pair =
        source[i] == '\r' && i + 1 < source.size() && source[i + 1] == '\n';
    if (!pair)
      out += source[i] == '\r' ? '\n' : source[i];
  }
  if (!out.empty() && out.back() == '\n')
    out.pop_back();
  return out;
}

class Lexer {
public:
  Lexer(const std::string &source, std::vector<Token> &tokens)
      : source_(source), tokens_(tokens) {}

  Status run() {
    while (position_ < source_.size()) {
      size_t tag = findTag();
      emitText(tag);
      if (tag == source_.size())
        break;
      QRT_TRY(lexTag(tag));
    }
    add(TokenKind::End, "");
    return Status();
  }

private:
  char at(size_t i) const { return i < source_.size() ? source_[i] : '\0'; }

  void add(TokenKind kind, std::string text) {
    tokens_.push_back({kind, line_, std::move(text)});
  }

  /// Moves on, counting lines.
  void advanceTo(size_t end) {
    line_ += static_cast<uint32_t>(
        std::count(source_.begin() + position_, source_.begin() + end, '\n'));
    position_ = end;
  }

  size_t findTag() const {
    for (size_t i = position_; i + 1 < source_.size(); ++i)
      if (source_[i] == '{' && (source_[i + 1] == '{' ||
                                source_[i + 1] == '%' || source_[i + 1] == '#'))
        return i;
    return source_.size();
  }

  /// Emits the text up to `tag` less what the tag's sign and lstrip_blocks
  /// take from its end.
  void emitText(size_t tag) {
    size_t end = tag;
    char sign = at(tag + 2);
    if (tag < source_.size() && sign == '-') {
      while (end > position_ && isSpace(source_[end - 1]))
        --end;
    } else if (tag < source_.size() && sign != '+' && at(tag + 1) != '{') {
      size_t start = tag;
      while (start > position_ && isSpace(source_[start - 1]) &&
             source_[start - 1] != '\n')
        --start;
      bool atLineStart =
          start > position_ ? source_[start - 1] == '\n' : lineStarts_;
      if (atLineStart)
        end = start;
    }
    if (end > position_)
      add(TokenKind::Text, source_.substr(position_, end - position_));
    advanceTo(tag);
  }

  Status lexTag(size_t tag) {
    char kind = source_[tag + 1];
    bool sign = at(tag + 2) == '-' || at(tag + 2) == '+';
    if (kind == '#')
      return skipComment();
    add(kind == '{' ? TokenKind::OutputBegin : TokenKind::StatementBegin, "");
    advanceTo(tag + 2 + sign);
    char close = kind == '{' ? '}' : '%';
    nesting_ = 0;
    while (true) {
      skipSpaces();
      if (position_ >= source_.size())
        return syntaxError(line_, "a tag is not closed");
      if (nesting_ == 0 && closeTag(close))
        break;
      QRT_TRY(lexWord());
    }
    add(kind == '{' ? TokenKind::OutputEnd : TokenKind::StatementEnd, "");
    return Status();
  }

  void skipSpaces() {
    size_t end = position_;
    while (end < source_.size() && isSpace(source_[end]))
      ++end;
    advanceTo(end);
  }

  /// Steps over a closing tag with its sign and the white space it takes.
  bool closeTag(char close) {
    size_t i = position_;
    char sign = at(i);
    i += sign == '-' || (sign == '+' && close != '}');
    if (at(i) != close || at(i + 1) != '}')
      return false;
    i += 2;
    if (sign == '-') {
      while (i < source_.size() && isSpace(source_[i]))
        ++i;
    } else if (sign != '+' && close != '}' && at(i) == '\n') {
      ++i;
    }
    advanceTo(i);
    lineStarts_ = source_[i - 1] == '\n';
    return true;
  }

  Status skipComment() {
    size_t end = source_.find("#}", position_ + 2);
    if (end == std::string::npos)
      return syntaxError(line_, "a comment is not closed");
    bool sign = end > position_ + 2 &&
                (source_[end - 1] == '-' || source_[end - 1] == '+');
    advanceTo(end - sign);
    closeTag('#');
    return Status();
  }

  Status lexWord() {
    char c = at(position_);
    if (isNameStart(c))
      return lexName();
    if (isDigit(c))
      return lexNumber();
    if (c == '\'' || c == '"')
      return lexString();
    for (std::string_view two : {"==", "!=", "<=", ">=", "//", "**"})
      if (source_.compare(position_, 2, two) == 0) {
        add(TokenKind::Operator, std::string(two));
        position_ += 2;
        return Status();
      }
    if (std::string_view("+-*/%~<>=()[]{}.,:|").find(c) ==
        std::string_view::npos)
      return syntaxError(line_,
                         std::string("unexpected character '") + c + "'");
    nesting_ += c == '(' || c == '[' || c == '{';
    if (nesting_ > 0)
      nesting_ -= c == ')' || c == ']' || c == '}';
    add(TokenKind::Operator, std::string(1, c));
    ++position_;
    return Status();
  }

  Status lexName() {
    size_t end = position_;
    while (isNameStart(at(end)) || isDigit(at(end)))
      ++end;
    add(TokenKind::Name, source_.substr(position_, end - position_));
    position_ = end;
    return Status();
  }

  Status lexNumber() {
    std::string digits;
    size_t i = position_;
    auto takeDigits = [&] {
      for (; isDigit(at(i)) || (at(i) == '_' && isDigit(at(i + 1))); ++i)
        if (at(i) != '_')
          digits += at(i);
    };
    takeDigits();
    bool real = false;
    if (at(i) == '.' && isDigit(at(i + 1))) {
      real = true;
      digits += source_[i++];
      takeDigits();
    }
    if ((at(i) == 'e' || at(i) == 'E')) {
      size_t sign = at(i + 1) == '+' || at(i + 1) == '-';
      if (isDigit(at(i + 1 + sign))) {
        real = true;
        digits += source_.substr(i, 1 + sign);
        i += 1 + sign;
        takeDigits();
      }
    }
    if (isNameStart(at(i)))
      return unsupportedAt(
          line_, "the number '" + source_.substr(position_, i + 1 - position_) +
                     "...'");
    if (digits.size() > 18 && !real)
      return unsupportedAt(line_, "the number " + digits.substr(0, 30));
    add(real ? TokenKind::Float : TokenKind::Integer, digits);
    position_ = i;
    return Status();
  }

  Status lexString() {
    char quote = source_[position_];
    std::string text;
    size_t i = position_ + 1;
    while (at(i) != quote || i >= source_.size()) {
      if (i >= source_.size())
        return syntaxError(line_, "a string is not closed");
      if (source_[i] != '\\')
        text += source_[i++];
      else
        i = unescape(i + 1, text);
    }
    add(TokenKind::String, std::move(text));
    advanceTo(i + 1);
    return Status();
  }

  /// Appends what the escape at `i` (behind the backslash) stands for and
  /// returns the place behind it. Unknown escapes stay, as in Python.
  size_t unescape(size_t i, std::string &text) const {
    static constexpr std::string_view letters = "ntr\\'\"abfv";
    static constexpr std::string_view values = "\n\t\r\\'\"\a\b\f\v";
    char c = at(i);
    if (size_t known = letters.find(c);
        i < source_.size() && known != std::string_view::npos) {
      text += values[known];
      return i + 1;
    }
    if (c == '\n')
      return i + 1;
    size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    uint32_t value = 0;
    bool valid = digits != 0;
    for (size_t k = 1; k <= digits && valid; ++k) {
      int digit = hexDigit(at(i + k));
      valid = digit >= 0;
      value = value << 4 | static_cast<uint32_t>(digit & 15);
    }
    if (valid && value <= 0x10FFFF) {
      appendUtf8(value, text);
      return i + 1 + digits;
    }
    text += '\\';
    return i;
  }

  const std::string &source_;
  std::vector<Token> &tokens_;
  size_t position_ = 0;
  uint32_t line_ = 1;
  int nesting_ = 0;        ///< open brackets of the current tag
  bool lineStarts_ = true; ///< the last tag ended with a line's end
};

} // namespace

Status lex(std::string_view source, std::vector<Token> &tokens) {
  std::string normalized = normalizeLines(source);
  return Lexer(normalized, tokens).run();
}

} // namespace qrt::jinja
