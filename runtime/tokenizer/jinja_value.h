//===- jinja_value.h - Values of chat templates -----------------*- C++ -*-===//

#ifndef QUANTRT_TOKENIZER_JINJA_VALUE_H
#define QUANTRT_TOKENIZER_JINJA_VALUE_H

#include "base/status.h"

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qrt::jinja {

struct Node;
struct Value;
using List = std::vector<Value>;
/// In the order of insertion.
using Dict = std::vector<std::pair<Value, Value>>;

enum class Kind : uint8_t {
  Undefined, ///< text: the name that was looked up
  None,
  Boolean,
  Integer,
  Float,
  String,
  List,
  Dict,
  Namespace, ///< a dict that {% set ns.x = .. %} may change
  Macro,
  Function ///< text: its name
};

/// A small handle: what it points to belongs to a Store.
struct Value {
  Kind kind = Kind::Undefined;
  bool boolean = false; ///< a list: whether it is a tuple
  union {
    int64_t integer = 0;
    double real;
    const List *list;
    Dict *dict;
    const Node *macro;
  };
  std::string_view text;

  static Value undefined(std::string_view name);
  static Value none();
  static Value of(bool value);
  static Value of(int64_t value);
  static Value of(double value);
  /// The bytes must outlive the value.
  static Value view(std::string_view text);

  bool is(Kind other) const { return kind == other; }
  bool isDict() const { return is(Kind::Dict) || is(Kind::Namespace); }
  /// Booleans are numbers, as in Python.
  bool isNumber() const {
    return is(Kind::Boolean) || is(Kind::Integer) || is(Kind::Float);
  }
  bool isInteger() const { return is(Kind::Boolean) || is(Kind::Integer); }
  int64_t asInteger() const { return is(Kind::Boolean) ? boolean : integer; }
  double asReal() const {
    return is(Kind::Float) ? real : static_cast<double>(asInteger());
  }
  bool truth() const;
};

/// "a string", "a list", ... for messages.
const char *nameOf(const Value &value);

/// Owns what values point to until a rendering ends, and bounds its work and
/// memory.
class Store {
public:
  /// Far above what a template needs for a long conversation (10^5 steps, some
  /// copies of the text); reached within about a second.
  static constexpr size_t maxWork = 50'000'000;
  static constexpr size_t maxBytes = size_t(128) << 20;

  /// Counts elements or bytes looked at.
  Status spend(size_t work);
  /// Counts memory, before it is taken.
  Status charge(size_t bytes);

  Status text(std::string text, Value &out);
  Status list(List items, Value &out);
  Status dict(Dict items, Value &out, Kind kind = Kind::Dict);

private:
  std::deque<std::string> texts_;
  std::deque<List> lists_;
  std::deque<Dict> dicts_;
  size_t work_ = 0, bytes_ = 0;
};

/// The entry of `key`, or nullptr.
const Value *findKey(const Dict &dict, std::string_view key);

/// Comparison as Python does it; lists and dicts to a bounded depth.
Status equals(Store &store, const Value &a, const Value &b, bool &out);
/// a < b for numbers and strings; others are an error.
Status isLess(const Value &a, const Value &b, bool &out);
Status contains(Store &store, const Value &container, const Value &item,
                bool &out);

/// Python's str().
Status appendText(Store &store, const Value &value, std::string &out);
/// json.dumps(ensure_ascii=False); `indent` < 0: on one line.
Status appendJson(Store &store, const Value &value, int indent,
                  std::string &out);

/// What a loop over the value visits: items, keys or characters.
Status elements(Store &store, const Value &value, List &out);

/// Characters of a string; stray bytes are characters, too.
std::vector<std::string_view> charactersOf(std::string_view text);

} // namespace qrt::jinja

#endif // QUANTRT_TOKENIZER_JINJA_VALUE_H
