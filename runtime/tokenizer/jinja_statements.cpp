//===- jinja_statements.cpp - Runs statements of chat templates -----------===//

#include "tokenizer/jinja_evaluator.h"

#include <iterator>

namespace qrt::jinja {

Status Evaluator::render(const Tree &tree, std::string &out) {
  out_ = &out;
  return execute(*tree.root);
}

Status Evaluator::execute(const Node &node) {
  QRT_TRY(located(node, store_.spend(4)));
  switch (node.kind) {
  case NodeKind::Text:
    QRT_TRY(located(node, store_.charge(node.text.size())));
    *out_ += node.text;
    return Status();
  case NodeKind::Output:
    return print(node);
  case NodeKind::Block:
    for (size_t i = 0; flow_ == Flow::Next && i < node.children.size(); ++i)
      QRT_TRY(execute(*node.children[i]));
    return Status();
  case NodeKind::If:
    return executeIf(node);
  case NodeKind::For:
    return executeFor(node);
  case NodeKind::Set:
    return executeSet(node);
  case NodeKind::SetBlock:
    return executeSetBlock(node);
  case NodeKind::Macro: {
    Value macro;
    macro.kind = Kind::Macro;
    macro.macro = &node;
    macro.text = node.text;
    assign(node.text, macro);
    return Status();
  }
  case NodeKind::Break:
  case NodeKind::Continue:
    flow_ = node.kind == NodeKind::Break ? Flow::Break : Flow::Continue;
    return Status();
  default:
    return Status();
  }
}

Status Evaluator::print(const Node &node) {
  Value value;
  QRT_TRY(evaluate(*node.children[0], value));
  return located(node, appendText(store_, value, *out_));
}

Status Evaluator::executeIf(const Node &node) {
  size_t i = 0;
  for (; i + 1 < node.children.size(); i += 2) {
    Value condition;
    QRT_TRY(evaluate(*node.children[i], condition));
    if (condition.truth())
      return execute(*node.children[i + 1]);
  }
  return i < node.children.size() ? execute(*node.children[i]) : Status();
}

Status Evaluator::bind(const Node &node, const Value &item) {
  if (node.names.size() == 1) {
    assign(node.names[0], item);
    return Status();
  }
  if (!item.is(Kind::List) || item.list->size() != node.names.size())
    return located(node,
                   invalid(std::string(nameOf(item)) + " cannot be taken " +
                           "apart into " + std::to_string(node.names.size()) +
                           " values"));
  for (size_t i = 0; i < node.names.size(); ++i)
    assign(node.names[i], (*item.list)[i]);
  return Status();
}

Status Evaluator::executeFor(const Node &node) {
  Value iterable;
  QRT_TRY(evaluate(*node.children[0], iterable));
  List items;
  QRT_TRY(located(node, elements(store_, iterable, items)));
  scopes_.emplace_back();
  Status status = node.children[1] ? filterItems(node, items) : Status();
  if (status.ok() && !items.empty())
    status = runLoop(node, items);
  scopes_.pop_back();
  if (status.ok() && items.empty() && node.children[3])
    return execute(*node.children[3]);
  return status;
}

/// {% for x in items if condition %}
Status Evaluator::filterItems(const Node &node, List &items) {
  List kept;
  for (const Value &item : items) {
    QRT_TRY(bind(node, item));
    Value condition;
    QRT_TRY(evaluate(*node.children[1], condition));
    if (condition.truth())
      kept.push_back(item);
  }
  items = std::move(kept);
  return Status();
}

Status Evaluator::runLoop(const Node &node, const List &items) {
  int64_t count = static_cast<int64_t>(items.size());
  Dict fields;
  for (const char *name : {"index", "index0", "revindex", "revindex0", "first",
                           "last", "length", "previtem", "nextitem"})
    fields.emplace_back(Value::view(name), Value());
  Value loop;
  QRT_TRY(located(node, store_.dict(std::move(fields), loop)));
  for (int64_t i = 0; i < count; ++i) {
    const Value values[] = {Value::of(i + 1),
                            Value::of(i),
                            Value::of(count - i),
                            Value::of(count - i - 1),
                            Value::of(i == 0),
                            Value::of(i + 1 == count),
                            Value::of(count),
                            i > 0 ? items[i - 1] : Value::undefined("previtem"),
                            i + 1 < count ? items[i + 1]
                                          : Value::undefined("nextitem")};
    for (size_t k = 0; k < std::size(values); ++k)
      (*loop.dict)[k].second = values[k];
    scopes_.back().clear();
    assign("loop", loop);
    QRT_TRY(bind(node, items[i]));
    QRT_TRY(execute(*node.children[2]));
    Flow flow = flow_;
    flow_ = Flow::Next;
    if (flow == Flow::Break)
      break;
  }
  return Status();
}

Status Evaluator::executeSet(const Node &node) {
  Value value;
  QRT_TRY(evaluate(*node.children[0], value));
  if (node.text.empty())
    return bind(node, value);
  Value target = lookUp(node.names[0]);
  if (!target.is(Kind::Namespace))
    return located(node, invalid("'" + node.names[0] + "' is not a namespace"));
  for (auto &[key, old] : *target.dict)
    if (key.is(Kind::String) && key.text == node.text) {
      old = value;
      return Status();
    }
  QRT_TRY(located(node, store_.charge(sizeof(Dict::value_type))));
  target.dict->emplace_back(Value::view(node.text), value);
  return Status();
}

Status Evaluator::executeSetBlock(const Node &node) {
  Value value;
  QRT_TRY(capture(*node.children[0], value));
  assign(node.names[0], value);
  return Status();
}

Status Evaluator::capture(const Node &block, Value &out) {
  std::string text;
  std::string *outer = out_;
  out_ = &text;
  Status status = execute(block);
  out_ = outer;
  QRT_TRY(status);
  return located(block, store_.text(std::move(text), out));
}

} // namespace qrt::jinja
