//===- jinja_ast.h - The tree of a chat template ----------------*- C++ -*-===//

#ifndef QUANTRT_TOKENIZER_JINJA_AST_H
#define QUANTRT_TOKENIZER_JINJA_AST_H

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace qrt::jinja {

enum class NodeKind : uint8_t {
  // Expressions.
  None,
  Boolean,   ///< integer: 0 or 1
  Integer,   ///< integer
  Float,     ///< real
  String,    ///< text
  Name,      ///< text
  List,      ///< children: items; integer: 1 for a tuple
  Dict,      ///< children: key, value, key, value, ..
  Attribute, ///< children: object; text: name
  Subscript, ///< children: object, index
  Slice,     ///< children: object, start, stop, step (each may be null)
  Call,      ///< children: callee, arguments; named
  Filter,    ///< children: value, arguments; text: name; named
  Test,      ///< children: value, arguments; text: name; named
  Unary,     ///< children: value; text: "-", "+" or "not"
  Binary,    ///< children: left, right; text: operator
  Compare,   ///< children: operands; names: operators between them
  Condition, ///< children: value, condition, other (may be null)
  // Statements.
  Text,     ///< text
  Output,   ///< children: expression
  Block,    ///< children: statements
  If,       ///< children: condition, block, .., and else block if odd
  For,      ///< names: targets; children: iterable, filter, body, else block
  Set,      ///< names: targets, or one and text: its attribute; child: value
  SetBlock, ///< names: target; children: block
  Macro,    ///< text: name; names: parameters; children: body, defaults
  Break,
  Continue
};

struct Node {
  NodeKind kind;
  uint32_t line;
  /// Of the tree below; bounded, since evaluation recurses.
  uint32_t depth = 1;
  int64_t integer = 0;
  double real = 0;
  std::string text;
  std::vector<const Node *> children;
  std::vector<std::string> names;
  /// Keyword arguments: names[i] is that of the i-th of these.
  std::vector<const Node *> named;
};

/// Owns its nodes; they do not own each other, so nothing recurses at the end.
struct Tree {
  std::deque<Node> nodes;
  const Node *root = nullptr;
};

} // namespace qrt::jinja

#endif // QUANTRT_TOKENIZER_JINJA_AST_H
