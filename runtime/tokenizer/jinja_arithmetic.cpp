//===- jinja_arithmetic.cpp - Operators of chat templates -----------------===//

#include "tokenizer/jinja_evaluator.h"

#include <cmath>

namespace qrt::jinja {

namespace {

Status wrongOperands(std::string_view op, const Value &a, const Value &b) {
  return invalid("'" + std::string(op) + "' does not take " + nameOf(a) +
                 " and " + nameOf(b));
}

Status tooLarge() { return unsupported("so large a number"); }

/// // and % round down, as in Python.
Status divideIntegers(std::string_view op, int64_t a, int64_t b, Value &out) {
  if (b == -1) {
    if (a == INT64_MIN)
      return tooLarge();
    out = Value::of(op == "//" ? -a : int64_t(0));
    return Status();
  }
  int64_t quotient = a / b, rest = a % b;
  if (rest != 0 && (rest < 0) != (b < 0)) {
    --quotient;
    rest += b;
  }
  out = Value::of(op == "//" ? quotient : rest);
  return Status();
}

Status raiseInteger(int64_t base, int64_t exponent, Value &out) {
  int64_t result = 1;
  // Beyond base 1, 0 and -1, 63 multiplications overflow.
  if (exponent > 64 && (base > 1 || base < -1))
    return tooLarge();
  if (exponent > 64)
    exponent = 64 + exponent % 2;
  for (; exponent > 0; --exponent)
    if (__builtin_mul_overflow(result, base, &result))
      return tooLarge();
  out = Value::of(result);
  return Status();
}

Status calculateIntegers(std::string_view op, int64_t a, int64_t b,
                         Value &out) {
  int64_t result = 0;
  bool overflows = false;
  if (op == "+")
    overflows = __builtin_add_overflow(a, b, &result);
  else if (op == "-")
    overflows = __builtin_sub_overflow(a, b, &result);
  else if (op == "*")
    overflows = __builtin_mul_overflow(a, b, &result);
  else if (op == "**")
    return raiseInteger(a, b, out);
  else
    return divideIntegers(op, a, b, out);
  if (overflows)
    return tooLarge();
  out = Value::of(result);
  return Status();
}

Status calculateNumbers(std::string_view op, const Value &a, const Value &b,
                        Value &out) {
  bool divides = op == "/" || op == "//" || op == "%";
  if (divides && b.asReal() == 0)
    return invalid("division by zero");
  bool whole = a.isInteger() && b.isInteger() && op != "/" &&
               !(op == "**" && b.asInteger() < 0);
  if (whole)
    return calculateIntegers(op, a.asInteger(), b.asInteger(), out);
  double x = a.asReal(), y = b.asReal();
  double result = op == "+"    ? x + y
                  : op == "-"  ? x - y
                  : op == "*"  ? x * y
                  : op == "/"  ? x / y
                  : op == "//" ? std::floor(x / y)
                  : op == "%"  ? x - y * std::floor(x / y)
                               : std::pow(x, y);
  out = Value::of(result);
  return Status();
}

/// "ab" * 3 and [a] * 3
Status repeat(Store &store, const Value &value, int64_t count, Value &out) {
  size_t times = count > 0 ? static_cast<size_t>(count) : 0;
  size_t size = value.is(Kind::String) ? value.text.size()
                                       : value.list->size() * sizeof(Value);
  size_t total = 0;
  if (__builtin_mul_overflow(size, times, &total))
    total = SIZE_MAX;
  QRT_TRY(store.charge(total));
  if (size == 0)
    times = 0;
  std::string text;
  List items;
  for (size_t i = 0; i < times; ++i) {
    if (value.is(Kind::String))
      text += value.text;
    else
      items.insert(items.end(), value.list->begin(), value.list->end());
  }
  return value.is(Kind::String) ? store.text(std::move(text), out)
                                : store.list(std::move(items), out);
}

} // namespace

Status calculate(Store &store, std::string_view op, const Value &a,
                 const Value &b, Value &out) {
  for (const Value *operand : {&a, &b})
    if (operand->is(Kind::Undefined) && op != "~")
      return invalid("'" + std::string(operand->text.substr(0, 40)) +
                     "' is undefined");
  bool joins =
      op == "~" || (op == "+" && a.is(Kind::String) && b.is(Kind::String));
  if (joins) {
    std::string text;
    QRT_TRY(appendText(store, a, text));
    QRT_TRY(appendText(store, b, text));
    return store.text(std::move(text), out);
  }
  if (a.isNumber() && b.isNumber())
    return calculateNumbers(op, a, b, out);
  if (op == "+" && a.is(Kind::List) && b.is(Kind::List)) {
    QRT_TRY(store.charge((a.list->size() + b.list->size()) * sizeof(Value)));
    List items = *a.list;
    items.insert(items.end(), b.list->begin(), b.list->end());
    return store.list(std::move(items), out);
  }
  if (op == "*" && (a.is(Kind::String) || a.is(Kind::List)) && b.isInteger())
    return repeat(store, a, b.asInteger(), out);
  if (op == "*" && (b.is(Kind::String) || b.is(Kind::List)) && a.isInteger())
    return repeat(store, b, a.asInteger(), out);
  if (op == "%" && a.is(Kind::String))
    return unsupported("'%' on a string");
  return wrongOperands(op, a, b);
}

} // namespace qrt::jinja
