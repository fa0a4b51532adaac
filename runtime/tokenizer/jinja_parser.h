//===- jinja_parser.h - A chat template's text to its tree ------*- C++ -*-===//

#ifndef QUANTRT_TOKENIZER_JINJA_PARSER_H
#define QUANTRT_TOKENIZER_JINJA_PARSER_H

#include "tokenizer/jinja_ast.h"
#include "tokenizer/jinja_lexer.h"

#include <initializer_list>

namespace qrt::jinja {

Status parse(std::string_view source, Tree &tree);

/// The tokens and the nodes made of them. Parsing recurses no deeper than
/// `maxNesting` brackets, and trees are no deeper than `maxTreeDepth`.
class ParserBase {
protected:
  static constexpr uint32_t maxNesting = 64;
  static constexpr uint32_t maxTreeDepth = 200;
  /// Dicts are searched entry by entry.
  static constexpr size_t maxDictEntries = 1000;

  ParserBase(std::vector<Token> tokens, Tree &tree)
      : tokens_(std::move(tokens)), tree_(tree) {}

  const Token &here() const { return tokens_[next_]; }
  const Token &ahead() const {
    return tokens_[next_ + 1 < tokens_.size() ? next_ + 1 : next_];
  }
  void advance() { next_ += next_ + 1 < tokens_.size(); }
  bool isOperator(std::string_view text) const {
    return here().kind == TokenKind::Operator && here().text == text;
  }
  bool isName(std::string_view text) const {
    return here().kind == TokenKind::Name && here().text == text;
  }
  bool takeOperator(std::string_view text);
  bool takeName(std::string_view text);
  Status expectOperator(std::string_view text);
  Status expectName(std::string &name);
  /// An error at the next token.
  Status unexpected(const char *wanted) const;

  Node *make(NodeKind kind, uint32_t line);
  /// Sets the children of a new node and checks the tree's depth.
  Status finish(Node *node, std::vector<const Node *> children,
                const Node *&out);

  /// Counts open recursions.
  struct Nesting {
    explicit Nesting(ParserBase &parser) : parser(parser) { ++parser.nesting_; }
    ~Nesting() { --parser.nesting_; }
    Nesting(const Nesting &) = delete;
    Nesting &operator=(const Nesting &) = delete;
    ParserBase &parser;
  };
  Status checkNesting() const;

  std::vector<Token> tokens_;
  size_t next_ = 0;
  uint32_t nesting_ = 0;
  Tree &tree_;
};

/// One method for each level of precedence, loosest first.
class ExpressionParser : protected ParserBase {
protected:
  using ParserBase::ParserBase;

  Status parseExpression(const Node *&out);
  Status parseOr(const Node *&out);
  Status parseUnary(bool filters, const Node *&out);
  Status parsePostfix(const Node *&out);

private:
  using Level = Status (ExpressionParser::*)(const Node *&);
  Status parseAnd(const Node *&out);
  Status parseNot(const Node *&out);
  Status parseCompare(const Node *&out);
  Status parseSum(const Node *&out);
  Status parseConcat(const Node *&out);
  Status parseProduct(const Node *&out);
  Status parsePower(const Node *&out);
  Status parseOperand(const Node *&out);
  Status parsePrimary(const Node *&out);
  Status parseBinary(Level level, std::initializer_list<const char *> operators,
                     const Node *&out);
  Status parseConstant(const Node *&out);
  Status parseGroup(const Node *&out);
  Status parseList(const Node *&out);
  Status parseDict(const Node *&out);
  Status parseAttribute(const Node *&out);
  Status parseSubscript(const Node *&out);
  Status parseFilters(const Node *&out);
  Status parseTest(const Node *&out);
  /// Reads "(a, b=c)" into `children` and the node's keyword arguments.
  Status parseArguments(Node *node, std::vector<const Node *> &children);
  bool startsTestArgument() const;
};

} // namespace qrt::jinja

#endif // QUANTRT_TOKENIZER_JINJA_PARSER_H
