//===- jinja_tests.cpp - What stands behind "is" --------------------------===//

#include "tokenizer/jinja_builtins.h"

#include <algorithm>

namespace qrt::jinja {

namespace {

bool isString(const Value &v) { return v.is(Kind::String); }
bool isSequence(const Value &v) {
  return v.is(Kind::String) || v.is(Kind::List) || v.is(Kind::Dict);
}
bool isIterable(const Value &v) {
  return isSequence(v) || v.is(Kind::Undefined);
}

struct KindTest {
  std::string_view name;
  bool (*holds)(const Value &);
};

constexpr KindTest kindTests[] = {
    {"defined", [](const Value &v) { return !v.is(Kind::Undefined); }},
    {"undefined", [](const Value &v) { return v.is(Kind::Undefined); }},
    {"none", [](const Value &v) { return v.is(Kind::None); }},
    {"string", isString},
    {"mapping", [](const Value &v) { return v.is(Kind::Dict); }},
    {"sequence", isSequence},
    {"iterable", isIterable},
    {"number", [](const Value &v) { return v.isNumber(); }},
    {"integer", [](const Value &v) { return v.is(Kind::Integer); }},
    {"float", [](const Value &v) { return v.is(Kind::Float); }},
    {"boolean", [](const Value &v) { return v.is(Kind::Boolean); }},
    {"true", [](const Value &v) { return v.is(Kind::Boolean) && v.boolean; }},
    {"false", [](const Value &v) { return v.is(Kind::Boolean) && !v.boolean; }},
    {"callable",
     [](const Value &v) { return v.is(Kind::Macro) || v.is(Kind::Function); }},
};

/// Comparisons by word or sign: the order of the operands, whether equal ones
/// count, and whether the result is reversed.
Status orderTest(Call &call, const Value &other, bool less, bool orEqual,
                 bool &out) {
  bool same = false;
  if (orEqual)
    QRT_TRY(equals(call.store, call.self, other, same));
  QRT_TRY(less ? isLess(call.self, other, out) : isLess(other, call.self, out));
  out = out || same;
  return Status();
}

Status wholeTest(Call &call, bool &out) {
  if (!call.self.isInteger())
    return invalid("'" + std::string(call.name) +
                   "' wants an integer, but got " + nameOf(call.self));
  int64_t divisor = 2;
  if (call.name == "divisibleby")
    QRT_TRY(call.integer(0, "num", 0, divisor));
  if (divisor == 0)
    return invalid("division by zero");
  // -1 divides all, and INT64_MIN % -1 overflows.
  bool divides = divisor == -1 || call.self.asInteger() % divisor == 0;
  out = divides != (call.name == "odd");
  return Status();
}

bool isOneOf(std::string_view name, std::initializer_list<const char *> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](const char *other) { return name == other; });
}

} // namespace

Status applyTest(Call &call, bool &out) {
  out = false;
  for (const KindTest &test : kindTests)
    if (test.name == call.name) {
      out = test.holds(call.self);
      return call.atMost(0);
    }
  if (isOneOf(call.name, {"odd", "even", "divisibleby"}))
    return wholeTest(call, out);
  const Value *other = call.argument(0);
  bool equal = isOneOf(call.name, {"equalto", "eq", "==", "sameas"});
  bool differs = isOneOf(call.name, {"ne", "!="});
  bool less = isOneOf(call.name, {"lt", "lessthan", "<", "le", "<="});
  bool greater = isOneOf(call.name, {"gt", "greaterthan", ">", "ge", ">="});
  bool orEqual = isOneOf(call.name, {"le", "<=", "ge", ">="});
  if (!equal && !differs && !less && !greater && call.name != "in")
    return unsupported("the test '" + std::string(call.name.substr(0, 40)) +
                       "'");
  if (!other)
    return invalid("the test '" + std::string(call.name) +
                   "' wants an argument");
  if (call.name == "in")
    return contains(call.store, *other, call.self, out);
  if (less || greater)
    return orderTest(call, *other, less, orEqual, out);
  QRT_TRY(equals(call.store, call.self, *other, out));
  if (call.name == "sameas")
    out = out && call.self.kind == other->kind;
  out = out != differs;
  return Status();
}

} // namespace qrt::jinja
