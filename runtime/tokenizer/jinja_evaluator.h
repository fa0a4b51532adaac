//===- jinja_evaluator.h - Renders the tree of a chat template --*- C++ -*-===//

#ifndef QUANTRT_TOKENIZER_JINJA_EVALUATOR_H
#define QUANTRT_TOKENIZER_JINJA_EVALUATOR_H

#include "tokenizer/jinja_ast.h"
#include "tokenizer/jinja_builtins.h"
#include "tokenizer/jinja_value.h"

namespace qrt::jinja {

class Evaluator {
public:
  explicit Evaluator(Store &store) : store_(store) { scopes_.emplace_back(); }

  /// Sets a global variable; the name must outlive the evaluator.
  void define(std::string_view name, Value value) { assign(name, value); }
  /// Appends what the tree prints.
  Status render(const Tree &tree, std::string &out);

private:
  using Scope = std::vector<std::pair<std::string_view, Value>>;
  enum class Flow : uint8_t { Next, Break, Continue };

  // Statements.
  Status execute(const Node &node);
  Status executeIf(const Node &node);
  Status executeFor(const Node &node);
  Status filterItems(const Node &node, List &items);
  Status runLoop(const Node &node, const List &items);
  Status executeSet(const Node &node);
  Status executeSetBlock(const Node &node);
  Status print(const Node &node);
  /// Prints a block into a new string.
  Status capture(const Node &block, Value &out);
  /// Assigns an item to one name, or its parts to several.
  Status bind(const Node &node, const Value &item);

  // Expressions.
  Status evaluate(const Node &node, Value &out);
  Status evaluateConstant(const Node &node, Value &out);
  Status evaluateCollection(const Node &node, Value &out);
  Status evaluateAttribute(const Node &node, Value &out);
  Status evaluateSubscript(const Node &node, Value &out);
  Status evaluateSlice(const Node &node, Value &out);
  Status evaluateCall(const Node &node, Value &out);
  Status callMacro(const Node &macro, const Call &call, Value &out);
  Status evaluateFilter(const Node &node, Value &out);
  Status evaluateTest(const Node &node, Value &out);
  Status evaluateUnary(const Node &node, Value &out);
  Status evaluateBinary(const Node &node, Value &out);
  Status evaluateCompare(const Node &node, Value &out);
  Status compare(std::string_view op, const Value &a, const Value &b,
                 bool &out);
  Status evaluateCondition(const Node &node, Value &out);
  Status evaluateArguments(const Node &node, Call &call);

  Value lookUp(std::string_view name) const;
  void assign(std::string_view name, Value value);

  Store &store_;
  std::string *out_ = nullptr;
  std::vector<Scope> scopes_;
  /// Scopes below, but for the first, belong to a macro's caller.
  size_t firstScope_ = 1;
  uint32_t depth_ = 0;
  Flow flow_ = Flow::Next;
};

/// Names the line in an error of a builtin. Those with QRT_UNSUPPORTED name a
/// thing, of which this says that it is not supported.
Status located(const Node &node, const Status &status);

/// + - * / // % ** ~ on values.
Status calculate(Store &store, std::string_view op, const Value &a,
                 const Value &b, Value &out);

} // namespace qrt::jinja

#endif // QUANTRT_TOKENIZER_JINJA_EVALUATOR_H
