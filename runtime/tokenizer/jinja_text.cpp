//===- jinja_text.cpp - Values of chat templates as text ------------------===//

#include "tokenizer/jinja_value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace qrt::jinja {

namespace {

constexpr int maxTextDepth = 64;

/// Python's repr of a float: the shortest digits that read back, with an
/// exponent below 1e-4 and from 1e16 on.
std::string formatReal(double value) {
  if (std::isnan(value))
    return "nan";
  if (std::isinf(value))
    return value < 0 ? "-inf" : "inf";
  char buffer[64];
  char *end = std::to_chars(buffer, buffer + sizeof(buffer), value,
                            std::chars_format::scientific)
                  .ptr;
  std::string scientific(buffer, end);
  int exponent = std::atoi(scientific.c_str() + scientific.find('e') + 1);
  if (exponent < -4 || exponent >= 16)
    return scientific;
  end = std::to_chars(buffer, buffer + sizeof(buffer), value,
                      std::chars_format::fixed)
            .ptr;
  std::string fixed(buffer, end);
  return fixed.find('.') == std::string::npos ? fixed + ".0" : fixed;
}

void appendHex(unsigned value, std::string &out) {
  static constexpr char digits[] = "0123456789abcdef";
  out += digits[value >> 4 & 15];
  out += digits[value & 15];
}

/// Python's repr of a string, but for unprintable characters above ASCII.
void appendQuoted(std::string_view text, std::string &out) {
  bool single = text.find('\'') == std::string_view::npos ||
                text.find('"') != std::string_view::npos;
  char quote = single ? '\'' : '"';
  out += quote;
  for (char c : text) {
    if (c == quote || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n' || c == '\r' || c == '\t') {
      out += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += "\\x";
      appendHex(static_cast<unsigned char>(c), out);
    } else {
      out += c;
    }
  }
  out += quote;
}

void appendJsonString(std::string_view text, std::string &out) {
  static constexpr std::string_view plain = "\"\\\n\r\t\b\f";
  static constexpr std::string_view letters = "\"\\nrtbf";
  out += '"';
  for (char c : text) {
    if (size_t known = plain.find(c); known != std::string_view::npos) {
      out += '\\';
      out += letters[known];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      appendHex(static_cast<unsigned char>(c), out);
    } else {
      out += c;
    }
  }
  out += '"';
}

/// Writes values; lists and dicts have separators and quotes by format.
class Writer {
public:
  Writer(Store &store, std::string &out, bool json, int indent)
      : store_(store), out_(out), json_(json), indent_(indent) {}

  Status write(const Value &value, int depth) {
    QRT_TRY(store_.spend(1));
    if (depth > maxTextDepth)
      return unsupported("text of values nested deeper than " +
                         std::to_string(maxTextDepth));
    switch (value.kind) {
    case Kind::None:
      out_ += json_ ? "null" : "None";
      return Status();
    case Kind::Boolean:
      out_ += value.boolean ? (json_ ? "true" : "True")
                            : (json_ ? "false" : "False");
      return Status();
    case Kind::Integer:
      out_ += std::to_string(value.integer);
      return Status();
    case Kind::Float:
      out_ += formatReal(value.real);
      return Status();
    case Kind::String:
      return writeString(value.text, depth);
    case Kind::List:
      return writeList(*value.list, value.boolean && !json_, depth);
    case Kind::Dict:
      return writeDict(*value.dict, depth);
    case Kind::Undefined:
      if (!json_ && depth == 0)
        return Status();
      [[fallthrough]];
    default:
      return invalid(std::string(nameOf(value)) + " cannot be written");
    }
  }

private:
  Status writeString(std::string_view text, int depth) {
    // Escapes take at most six times the bytes.
    QRT_TRY(store_.charge(text.size()));
    QRT_TRY(store_.spend(text.size() / 16));
    if (json_)
      appendJsonString(text, out_);
    else if (depth == 0)
      out_ += text;
    else
      appendQuoted(text, out_);
    return Status();
  }

  void lineOrSpace(int depth, bool first) {
    if (indent_ >= 0) {
      out_ += '\n';
      out_.append(static_cast<size_t>(indent_) * depth, ' ');
    } else if (!first) {
      out_ += ' ';
    }
  }

  Status writeList(const List &list, bool tuple, int depth) {
    out_ += tuple ? '(' : '[';
    for (size_t i = 0; i < list.size(); ++i) {
      if (i != 0)
        out_ += ',';
      lineOrSpace(depth + 1, i == 0);
      QRT_TRY(write(list[i], depth + 1));
    }
    if (tuple && list.size() == 1)
      out_ += ',';
    return close(tuple ? ')' : ']', list.empty(), depth);
  }

  Status writeDict(const Dict &dict, int depth) {
    out_ += '{';
    for (size_t i = 0; i < dict.size(); ++i) {
      if (i != 0)
        out_ += ',';
      lineOrSpace(depth + 1, i == 0);
      if (json_ && !dict[i].first.is(Kind::String))
        return unsupported("JSON of a key that is not a string");
      QRT_TRY(write(dict[i].first, depth + 1));
      out_ += ": ";
      QRT_TRY(write(dict[i].second, depth + 1));
    }
    return close('}', dict.empty(), depth);
  }

  Status close(char bracket, bool empty, int depth) {
    if (indent_ >= 0 && !empty)
      lineOrSpace(depth, false);
    out_ += bracket;
    return store_.charge(16);
  }

  Store &store_;
  std::string &out_;
  bool json_;
  int indent_;
};

} // namespace

Status appendText(Store &store, const Value &value, std::string &out) {
  return Writer(store, out, false, -1).write(value, 0);
}

Status appendJson(Store &store, const Value &value, int indent,
                  std::string &out) {
  constexpr int maxIndent = 16;
  return Writer(store, out, true, std::min(indent, maxIndent)).write(value, 0);
}

} // namespace qrt::jinja
