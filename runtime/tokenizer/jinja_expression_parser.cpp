//===- jinja_expression_parser.cpp - Expressions of chat templates --------===//

#include "tokenizer/jinja_parser.h"

#include <algorithm>
#include <cstdlib>

namespace qrt::jinja {

bool ParserBase::takeOperator(std::string_view text) {
  bool taken = isOperator(text);
  if (taken)
    advance();
  return taken;
}

bool ParserBase::takeName(std::string_view text) {
  bool taken = isName(text);
  if (taken)
    advance();
  return taken;
}

Status ParserBase::expectOperator(std::string_view text) {
  if (takeOperator(text))
    return Status();
  return unexpected(("'" + std::string(text) + "'").c_str());
}

Status ParserBase::expectName(std::string &name) {
  if (here().kind != TokenKind::Name)
    return unexpected("a name");
  name = here().text;
  advance();
  return Status();
}

Status ParserBase::unexpected(const char *wanted) const {
  const Token &token = here();
  bool spelled = token.kind == TokenKind::Name ||
                 token.kind == TokenKind::Operator ||
                 token.kind == TokenKind::Integer;
  return syntaxError(token.line,
                     "expected " + std::string(wanted) + ", but got " +
                         (spelled ? "'" + token.text.substr(0, 40) + "'"
                          : token.kind == TokenKind::String ? "a string"
                                                            : "the tag's end"));
}

Node *ParserBase::make(NodeKind kind, uint32_t line) {
  tree_.nodes.emplace_back();
  Node &node = tree_.nodes.back();
  node.kind = kind;
  node.line = line;
  return &node;
}

Status ParserBase::finish(Node *node, std::vector<const Node *> children,
                          const Node *&out) {
  node->children = std::move(children);
  for (const std::vector<const Node *> *group : {&node->children, &node->named})
    for (const Node *child : *group)
      if (child)
        node->depth = std::max(node->depth, child->depth + 1);
  if (node->depth > maxTreeDepth)
    return unsupportedAt(node->line, "an expression of more than " +
                                         std::to_string(maxTreeDepth) +
                                         " levels");
  out = node;
  return Status();
}

Status ParserBase::checkNesting() const {
  if (nesting_ > maxNesting)
    return unsupportedAt(here().line,
                         "nesting deeper than " + std::to_string(maxNesting));
  return Status();
}

Status ExpressionParser::parseExpression(const Node *&out) {
  Nesting nesting(*this);
  QRT_TRY(checkNesting());
  QRT_TRY(parseOr(out));
  while (isName("if")) {
    Node *node = make(NodeKind::Condition, here().line);
    advance();
    const Node *condition = nullptr, *other = nullptr;
    QRT_TRY(parseOr(condition));
    if (takeName("else"))
      QRT_TRY(parseExpression(other));
    QRT_TRY(finish(node, {out, condition, other}, out));
  }
  return Status();
}

/// left (operator right)*, grouped from the left.
Status
ExpressionParser::parseBinary(Level level,
                              std::initializer_list<const char *> operators,
                              const Node *&out) {
  QRT_TRY((this->*level)(out));
  while (true) {
    bool word = here().kind == TokenKind::Name;
    bool found = (word || here().kind == TokenKind::Operator) &&
                 std::any_of(operators.begin(), operators.end(),
                             [&](const char *op) { return here().text == op; });
    if (!found)
      return Status();
    Node *node = make(NodeKind::Binary, here().line);
    node->text = here().text;
    advance();
    const Node *right = nullptr;
    QRT_TRY((this->*level)(right));
    QRT_TRY(finish(node, {out, right}, out));
  }
}

Status ExpressionParser::parseOr(const Node *&out) {
  return parseBinary(&ExpressionParser::parseAnd, {"or"}, out);
}

Status ExpressionParser::parseAnd(const Node *&out) {
  return parseBinary(&ExpressionParser::parseNot, {"and"}, out);
}

Status ExpressionParser::parseNot(const Node *&out) {
  if (!isName("not"))
    return parseCompare(out);
  Nesting nesting(*this);
  QRT_TRY(checkNesting());
  Node *node = make(NodeKind::Unary, here().line);
  node->text = "not";
  advance();
  const Node *value = nullptr;
  QRT_TRY(parseNot(value));
  return finish(node, {value}, out);
}

Status ExpressionParser::parseCompare(const Node *&out) {
  static constexpr std::string_view signs[] = {"==", "!=", "<",
                                               "<=", ">",  ">="};
  QRT_TRY(parseSum(out));
  Node *node = nullptr;
  std::vector<const Node *> operands{out};
  while (true) {
    std::string op;
    bool sign = here().kind == TokenKind::Operator &&
                std::find(std::begin(signs), std::end(signs), here().text) !=
                    std::end(signs);
    if (sign || isName("in")) {
      op = here().text;
    } else if (isName("not") && ahead().kind == TokenKind::Name &&
               ahead().text == "in") {
      op = "not in";
      advance();
    } else {
      break;
    }
    if (!node)
      node = make(NodeKind::Compare, here().line);
    advance();
    node->names.push_back(op);
    operands.push_back(nullptr);
    QRT_TRY(parseSum(operands.back()));
  }
  return node ? finish(node, std::move(operands), out) : Status();
}

Status ExpressionParser::parseSum(const Node *&out) {
  return parseBinary(&ExpressionParser::parseConcat, {"+", "-"}, out);
}

Status ExpressionParser::parseConcat(const Node *&out) {
  return parseBinary(&ExpressionParser::parseProduct, {"~"}, out);
}

Status ExpressionParser::parseProduct(const Node *&out) {
  return parseBinary(&ExpressionParser::parsePower, {"*", "/", "//", "%"}, out);
}

Status ExpressionParser::parsePower(const Node *&out) {
  return parseBinary(&ExpressionParser::parseOperand, {"**"}, out);
}

Status ExpressionParser::parseOperand(const Node *&out) {
  return parseUnary(true, out);
}

Status ExpressionParser::parseUnary(bool filters, const Node *&out) {
  Nesting nesting(*this);
  QRT_TRY(checkNesting());
  if (isOperator("-") || isOperator("+")) {
    Node *node = make(NodeKind::Unary, here().line);
    node->text = here().text;
    advance();
    const Node *value = nullptr;
    QRT_TRY(parseUnary(false, value));
    QRT_TRY(finish(node, {value}, out));
  } else {
    QRT_TRY(parsePrimary(out));
  }
  QRT_TRY(parsePostfix(out));
  return filters ? parseFilters(out) : Status();
}

Status ExpressionParser::parsePrimary(const Node *&out) {
  if (here().kind != TokenKind::Operator)
    return parseConstant(out);
  if (isOperator("("))
    return parseGroup(out);
  if (isOperator("["))
    return parseList(out);
  if (isOperator("{"))
    return parseDict(out);
  return unexpected("a value");
}

Status ExpressionParser::parseConstant(const Node *&out) {
  const Token &token = here();
  Node *node = make(NodeKind::Name, token.line);
  node->text = token.text;
  switch (token.kind) {
  case TokenKind::Name:
    if (token.text == "true" || token.text == "True" || token.text == "false" ||
        token.text == "False") {
      node->kind = NodeKind::Boolean;
      node->integer = token.text == "true" || token.text == "True";
    } else if (token.text == "none" || token.text == "None") {
      node->kind = NodeKind::None;
    }
    break;
  case TokenKind::Integer:
    node->kind = NodeKind::Integer;
    node->integer = std::strtoll(token.text.c_str(), nullptr, 10);
    break;
  case TokenKind::Float:
    node->kind = NodeKind::Float;
    node->real = std::strtod(token.text.c_str(), nullptr);
    break;
  case TokenKind::String:
    node->kind = NodeKind::String;
    // Adjacent strings are one.
    while (ahead().kind == TokenKind::String) {
      advance();
      node->text += here().text;
    }
    break;
  default:
    return unexpected("a value");
  }
  advance();
  out = node;
  return Status();
}

/// (a) or a tuple.
Status ExpressionParser::parseGroup(const Node *&out) {
  Node *node = make(NodeKind::List, here().line);
  advance();
  std::vector<const Node *> items;
  bool tuple = isOperator(")");
  while (!isOperator(")")) {
    items.push_back(nullptr);
    QRT_TRY(parseExpression(items.back()));
    if (!takeOperator(","))
      break;
    tuple = true;
  }
  QRT_TRY(expectOperator(")"));
  if (!tuple) {
    out = items[0];
    return Status();
  }
  node->integer = 1;
  return finish(node, std::move(items), out);
}

Status ExpressionParser::parseList(const Node *&out) {
  Node *node = make(NodeKind::List, here().line);
  advance();
  std::vector<const Node *> items;
  while (!isOperator("]")) {
    items.push_back(nullptr);
    QRT_TRY(parseExpression(items.back()));
    if (!takeOperator(","))
      break;
  }
  QRT_TRY(expectOperator("]"));
  return finish(node, std::move(items), out);
}

Status ExpressionParser::parseDict(const Node *&out) {
  Node *node = make(NodeKind::Dict, here().line);
  advance();
  std::vector<const Node *> items;
  while (!isOperator("}")) {
    const Node *key = nullptr, *value = nullptr;
    QRT_TRY(parseExpression(key));
    QRT_TRY(expectOperator(":"));
    QRT_TRY(parseExpression(value));
    items.push_back(key);
    items.push_back(value);
    if (items.size() > 2 * maxDictEntries)
      return unsupportedAt(node->line, "a dict of more than " +
                                           std::to_string(maxDictEntries) +
                                           " entries");
    if (!takeOperator(","))
      break;
  }
  QRT_TRY(expectOperator("}"));
  return finish(node, std::move(items), out);
}

Status ExpressionParser::parsePostfix(const Node *&out) {
  while (true) {
    if (isOperator(".")) {
      QRT_TRY(parseAttribute(out));
    } else if (isOperator("[")) {
      QRT_TRY(parseSubscript(out));
    } else if (isOperator("(")) {
      Node *node = make(NodeKind::Call, here().line);
      std::vector<const Node *> children{out};
      QRT_TRY(parseArguments(node, children));
      QRT_TRY(finish(node, std::move(children), out));
    } else {
      return Status();
    }
  }
}

Status ExpressionParser::parseAttribute(const Node *&out) {
  advance();
  if (here().kind == TokenKind::Integer) {
    Node *index = make(NodeKind::Integer, here().line);
    index->integer = std::strtoll(here().text.c_str(), nullptr, 10);
    Node *node = make(NodeKind::Subscript, here().line);
    advance();
    return finish(node, {out, index}, out);
  }
  Node *node = make(NodeKind::Attribute, here().line);
  QRT_TRY(expectName(node->text));
  return finish(node, {out}, out);
}

Status ExpressionParser::parseSubscript(const Node *&out) {
  uint32_t line = here().line;
  advance();
  const Node *parts[3] = {};
  int colons = 0;
  for (int i = 0; i < 3; ++i) {
    if (!isOperator(":") && !isOperator("]"))
      QRT_TRY(parseExpression(parts[i]));
    if (i == 2 || !takeOperator(":"))
      break;
    ++colons;
  }
  if (isOperator(","))
    return unsupportedAt(line, "a subscript of several values");
  QRT_TRY(expectOperator("]"));
  if (colons != 0)
    return finish(make(NodeKind::Slice, line),
                  {out, parts[0], parts[1], parts[2]}, out);
  if (!parts[0])
    return syntaxError(line, "an empty subscript");
  return finish(make(NodeKind::Subscript, line), {out, parts[0]}, out);
}

Status ExpressionParser::parseArguments(Node *node,
                                        std::vector<const Node *> &children) {
  QRT_TRY(expectOperator("("));
  while (!isOperator(")")) {
    if (isOperator("*") || isOperator("**"))
      return unsupportedAt(here().line, "'" + here().text + "' in arguments");
    const Node *value = nullptr;
    bool named = here().kind == TokenKind::Name &&
                 ahead().kind == TokenKind::Operator && ahead().text == "=";
    if (named) {
      node->names.push_back(here().text);
      advance();
      advance();
    }
    QRT_TRY(parseExpression(value));
    (named ? node->named : children).push_back(value);
    if (!takeOperator(","))
      break;
  }
  return expectOperator(")");
}

Status ExpressionParser::parseFilters(const Node *&out) {
  while (true) {
    if (isOperator("|")) {
      Node *node = make(NodeKind::Filter, here().line);
      advance();
      QRT_TRY(expectName(node->text));
      std::vector<const Node *> children{out};
      if (isOperator("("))
        QRT_TRY(parseArguments(node, children));
      QRT_TRY(finish(node, std::move(children), out));
    } else if (isName("is")) {
      QRT_TRY(parseTest(out));
    } else if (isOperator("(")) {
      Node *node = make(NodeKind::Call, here().line);
      std::vector<const Node *> children{out};
      QRT_TRY(parseArguments(node, children));
      QRT_TRY(finish(node, std::move(children), out));
    } else {
      return Status();
    }
  }
}

/// Whether what follows a test's name is its argument without brackets.
bool ExpressionParser::startsTestArgument() const {
  switch (here().kind) {
  case TokenKind::Name:
    return here().text != "else" && here().text != "or" &&
           here().text != "and" && here().text != "is" && here().text != "if";
  case TokenKind::String:
  case TokenKind::Integer:
  case TokenKind::Float:
    return true;
  default:
    return isOperator("[") || isOperator("{");
  }
}

Status ExpressionParser::parseTest(const Node *&out) {
  Node *node = make(NodeKind::Test, here().line);
  advance();
  bool negated = takeName("not");
  QRT_TRY(expectName(node->text));
  std::vector<const Node *> children{out};
  if (isOperator("(")) {
    QRT_TRY(parseArguments(node, children));
  } else if (startsTestArgument()) {
    children.push_back(nullptr);
    QRT_TRY(parsePrimary(children.back()));
    QRT_TRY(parsePostfix(children.back()));
  }
  QRT_TRY(finish(node, std::move(children), out));
  if (!negated)
    return Status();
  Node *negation = make(NodeKind::Unary, node->line);
  negation->text = "not";
  return finish(negation, {out}, out);
}

} // namespace qrt::jinja
