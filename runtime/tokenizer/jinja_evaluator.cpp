//===- jinja_evaluator.cpp - Expressions of chat templates ----------------===//

#include "tokenizer/jinja_evaluator.h"

#include "tokenizer/jinja_lexer.h"

#include <algorithm>

namespace qrt::jinja {

/// Deep enough for macros that call each other; recursion ends here.
static constexpr uint32_t maxDepth = 400;

Status located(const Node &node, const Status &status) {
  if (status.ok())
    return status;
  const char *tail =
      status.code() == QRT_UNSUPPORTED ? " is not supported" : "";
  return Status(status.code(), "chat template, line " +
                                   std::to_string(node.line) + ": " +
                                   status.message() + tail);
}

Value Evaluator::lookUp(std::string_view name) const {
  auto find = [&](const Scope &scope) -> const Value * {
    for (const auto &[known, value] : scope)
      if (known == name)
        return &value;
    return nullptr;
  };
  for (size_t i = scopes_.size(); i > firstScope_; --i)
    if (const Value *value = find(scopes_[i - 1]))
      return *value;
  if (const Value *value = find(scopes_[0]))
    return *value;
  Value value = Value::undefined(name);
  if (isFunction(name))
    value.kind = Kind::Function;
  return value;
}

void Evaluator::assign(std::string_view name, Value value) {
  for (auto &[known, old] : scopes_.back())
    if (known == name) {
      old = value;
      return;
    }
  scopes_.back().emplace_back(name, value);
}

Status Evaluator::evaluate(const Node &node, Value &out) {
  QRT_TRY(located(node, store_.spend(4)));
  if (depth_ >= maxDepth)
    return unsupportedAt(node.line, "so deep a recursion");
  ++depth_;
  Status status;
  switch (node.kind) {
  case NodeKind::List:
  case NodeKind::Dict:
    status = evaluateCollection(node, out);
    break;
  case NodeKind::Attribute:
    status = evaluateAttribute(node, out);
    break;
  case NodeKind::Subscript:
    status = evaluateSubscript(node, out);
    break;
  case NodeKind::Slice:
    status = evaluateSlice(node, out);
    break;
  case NodeKind::Call:
    status = evaluateCall(node, out);
    break;
  case NodeKind::Filter:
    status = evaluateFilter(node, out);
    break;
  case NodeKind::Test:
    status = evaluateTest(node, out);
    break;
  case NodeKind::Unary:
    status = evaluateUnary(node, out);
    break;
  case NodeKind::Binary:
    status = evaluateBinary(node, out);
    break;
  case NodeKind::Compare:
    status = evaluateCompare(node, out);
    break;
  case NodeKind::Condition:
    status = evaluateCondition(node, out);
    break;
  default:
    status = evaluateConstant(node, out);
  }
  --depth_;
  return status;
}

Status Evaluator::evaluateConstant(const Node &node, Value &out) {
  switch (node.kind) {
  case NodeKind::None:
    out = Value::none();
    break;
  case NodeKind::Boolean:
    out = Value::of(node.integer != 0);
    break;
  case NodeKind::Integer:
    out = Value::of(node.integer);
    break;
  case NodeKind::Float:
    out = Value::of(node.real);
    break;
  case NodeKind::String:
    out = Value::view(node.text);
    break;
  default:
    out = lookUp(node.text);
  }
  return Status();
}

Status Evaluator::evaluateCollection(const Node &node, Value &out) {
  List items(node.children.size());
  for (size_t i = 0; i < items.size(); ++i)
    QRT_TRY(evaluate(*node.children[i], items[i]));
  if (node.kind == NodeKind::List) {
    QRT_TRY(located(node, store_.list(std::move(items), out)));
    out.boolean = node.integer != 0;
    return Status();
  }
  Dict entries;
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    auto same = entries.begin();
    for (bool equal = false; same != entries.end(); ++same) {
      QRT_TRY(located(node, equals(store_, same->first, items[i], equal)));
      if (equal)
        break;
    }
    if (same == entries.end())
      entries.emplace_back(items[i], items[i + 1]);
    else
      same->second = items[i + 1];
  }
  return located(node, store_.dict(std::move(entries), out));
}

Status Evaluator::evaluateAttribute(const Node &node, Value &out) {
  Value object;
  QRT_TRY(evaluate(*node.children[0], object));
  if (object.is(Kind::Undefined))
    return located(node, invalid("'" + std::string(object.text.substr(0, 40)) +
                                 "' is undefined"));
  if (isMethod(object, node.text))
    return unsupportedAt(node.line,
                         "the method '" + node.text + "' without a call");
  out = attributeOf(object, node.text);
  return Status();
}

/// The place of Python's index `index` among `size`; false: outside.
static bool placeOf(int64_t index, size_t size, size_t &place) {
  int64_t count = static_cast<int64_t>(size);
  if (index < -count || index >= count)
    return false;
  place = static_cast<size_t>(index < 0 ? index + count : index);
  return true;
}

Status Evaluator::evaluateSubscript(const Node &node, Value &out) {
  Value object, index;
  QRT_TRY(evaluate(*node.children[0], object));
  QRT_TRY(evaluate(*node.children[1], index));
  size_t place = 0;
  if (object.is(Kind::Undefined))
    return located(node, invalid("'" + std::string(object.text.substr(0, 40)) +
                                 "' is undefined"));
  out = Value::undefined(index.is(Kind::String) ? index.text : "an item");
  if (object.isDict()) {
    for (const auto &[key, value] : *object.dict) {
      bool same = false;
      QRT_TRY(located(node, equals(store_, key, index, same)));
      if (same)
        out = value;
    }
  } else if (object.is(Kind::List) && index.isInteger()) {
    if (placeOf(index.asInteger(), object.list->size(), place))
      out = (*object.list)[place];
  } else if (object.is(Kind::String) && index.isInteger()) {
    QRT_TRY(located(node, store_.spend(object.text.size() / 16)));
    std::vector<std::string_view> characters = charactersOf(object.text);
    if (placeOf(index.asInteger(), characters.size(), place))
      out = Value::view(characters[place]);
  }
  return Status();
}

Status Evaluator::evaluateSlice(const Node &node, Value &out) {
  Value object, parts[3];
  QRT_TRY(evaluate(*node.children[0], object));
  for (int i = 0; i < 3; ++i) {
    parts[i] = Value::none();
    if (node.children[i + 1])
      QRT_TRY(evaluate(*node.children[i + 1], parts[i]));
    if (!parts[i].isInteger() && !parts[i].is(Kind::None))
      return located(node, invalid(std::string("a slice wants integers, but "
                                               "got ") +
                                   nameOf(parts[i])));
  }
  if (!object.is(Kind::String) && !object.is(Kind::List))
    return located(node,
                   invalid(std::string(nameOf(object)) + " cannot be sliced"));
  List items;
  QRT_TRY(located(node, elements(store_, object, items)));
  int64_t size = static_cast<int64_t>(items.size());
  int64_t step = parts[2].is(Kind::None) ? 1 : parts[2].asInteger();
  if (step == 0)
    return located(node, invalid("a slice with step 0"));
  // Beyond these, a step visits one item all the same.
  step = std::clamp<int64_t>(step, -size - 1, size + 1);
  int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
  auto bound = [&](const Value &part, int64_t absent) {
    if (part.is(Kind::None))
      return absent;
    int64_t index = std::clamp<int64_t>(part.asInteger(), -size - 1, size);
    return std::clamp<int64_t>(index < 0 ? index + size : index, low, high);
  };
  int64_t first = bound(parts[0], step > 0 ? low : high);
  int64_t last = bound(parts[1], step > 0 ? high : low);
  List chosen;
  std::string text;
  for (int64_t i = first; step > 0 ? i < last : i > last; i += step) {
    if (object.is(Kind::String))
      text += items[i].text;
    else
      chosen.push_back(items[i]);
  }
  return located(node, object.is(Kind::String)
                           ? store_.text(std::move(text), out)
                           : store_.list(std::move(chosen), out));
}

Status Evaluator::evaluateArguments(const Node &node, Call &call) {
  for (size_t i = 1; i < node.children.size(); ++i) {
    call.arguments.emplace_back();
    QRT_TRY(evaluate(*node.children[i], call.arguments.back()));
  }
  for (size_t i = 0; i < node.named.size(); ++i) {
    call.named.emplace_back(node.names[i], Value());
    QRT_TRY(evaluate(*node.named[i], call.named.back().second));
  }
  return Status();
}

Status Evaluator::evaluateCall(const Node &node, Value &out) {
  const Node &callee = *node.children[0];
  if (callee.kind == NodeKind::Attribute) {
    Call call{store_, callee.text, {}, {}, {}};
    QRT_TRY(evaluate(*callee.children[0], call.self));
    if (call.self.is(Kind::Undefined))
      return located(node,
                     invalid("'" + std::string(call.self.text.substr(0, 40)) +
                             "' is undefined"));
    QRT_TRY(evaluateArguments(node, call));
    return located(node, callMethod(call, out));
  }
  Value function;
  QRT_TRY(evaluate(callee, function));
  Call call{store_, function.text, {}, {}, {}};
  QRT_TRY(evaluateArguments(node, call));
  if (function.is(Kind::Macro))
    return callMacro(*function.macro, call, out);
  if (function.is(Kind::Function))
    return located(node, callFunction(call, out));
  if (function.is(Kind::Undefined))
    return unsupportedAt(node.line,
                         "the function '" +
                             std::string(function.text.substr(0, 40)) + "'");
  return located(node,
                 invalid(std::string(nameOf(function)) + " is not a function"));
}

Status Evaluator::callMacro(const Node &macro, const Call &call, Value &out) {
  if (call.arguments.size() > macro.names.size())
    return located(macro, invalid("macro '" + macro.text +
                                  "' is given too many arguments"));
  for (const auto &given : call.named)
    if (std::find(macro.names.begin(), macro.names.end(), given.first) ==
        macro.names.end())
      return located(macro,
                     invalid("macro '" + macro.text + "' has no parameter '" +
                             std::string(given.first.substr(0, 40)) + "'"));
  size_t outer = firstScope_;
  firstScope_ = scopes_.size();
  scopes_.emplace_back();
  Status status;
  for (size_t i = 0; status.ok() && i < macro.names.size(); ++i) {
    Value value = Value::undefined(macro.names[i]);
    if (const Value *given = call.argument(i, macro.names[i]))
      value = *given;
    else if (const Node *fallback = macro.children[i + 1])
      status = evaluate(*fallback, value);
    assign(macro.names[i], value);
  }
  if (status.ok())
    status = capture(*macro.children[0], out);
  scopes_.resize(firstScope_);
  firstScope_ = outer;
  return status;
}

Status Evaluator::evaluateFilter(const Node &node, Value &out) {
  Call call{store_, node.text, {}, {}, {}};
  QRT_TRY(evaluate(*node.children[0], call.self));
  QRT_TRY(evaluateArguments(node, call));
  return located(node, applyFilter(call, out));
}

Status Evaluator::evaluateTest(const Node &node, Value &out) {
  Call call{store_, node.text, {}, {}, {}};
  QRT_TRY(evaluate(*node.children[0], call.self));
  QRT_TRY(evaluateArguments(node, call));
  bool holds = false;
  QRT_TRY(located(node, applyTest(call, holds)));
  out = Value::of(holds);
  return Status();
}

Status Evaluator::evaluateUnary(const Node &node, Value &out) {
  Value value;
  QRT_TRY(evaluate(*node.children[0], value));
  if (node.text == "not") {
    out = Value::of(!value.truth());
    return Status();
  }
  if (!value.isNumber())
    return located(
        node, invalid("'" + node.text + "' does not take " + nameOf(value)));
  Value zero = Value::of(int64_t(0));
  return located(node, calculate(store_, node.text, zero, value, out));
}

Status Evaluator::evaluateBinary(const Node &node, Value &out) {
  Value left, right;
  QRT_TRY(evaluate(*node.children[0], left));
  bool decides = (node.text == "or" && left.truth()) ||
                 (node.text == "and" && !left.truth());
  if (decides) {
    out = left;
    return Status();
  }
  QRT_TRY(evaluate(*node.children[1], right));
  if (node.text == "or" || node.text == "and") {
    out = right;
    return Status();
  }
  return located(node, calculate(store_, node.text, left, right, out));
}

Status Evaluator::compare(std::string_view op, const Value &a, const Value &b,
                          bool &out) {
  bool same = false;
  if (op == "in" || op == "not in") {
    QRT_TRY(contains(store_, b, a, out));
    out = out != (op == "not in");
    return Status();
  }
  if (op != "<" && op != ">")
    QRT_TRY(equals(store_, a, b, same));
  if (op == "==" || op == "!=") {
    out = same == (op == "==");
    return Status();
  }
  QRT_TRY(op[0] == '<' ? isLess(a, b, out) : isLess(b, a, out));
  out = out || same;
  return Status();
}

/// a < b < c holds if each pair does.
Status Evaluator::evaluateCompare(const Node &node, Value &out) {
  Value left, right;
  QRT_TRY(evaluate(*node.children[0], left));
  bool holds = true;
  for (size_t i = 0; holds && i < node.names.size(); ++i) {
    QRT_TRY(evaluate(*node.children[i + 1], right));
    QRT_TRY(located(node, compare(node.names[i], left, right, holds)));
    left = right;
  }
  out = Value::of(holds);
  return Status();
}

Status Evaluator::evaluateCondition(const Node &node, Value &out) {
  Value condition;
  QRT_TRY(evaluate(*node.children[1], condition));
  const Node *chosen = condition.truth() ? node.children[0] : node.children[2];
  out = Value::undefined("the value of an 'if' without 'else'");
  return chosen ? evaluate(*chosen, out) : Status();
}

} // namespace qrt::jinja
