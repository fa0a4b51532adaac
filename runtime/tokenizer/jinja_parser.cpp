//===- jinja_parser.cpp - Statements of chat templates --------------------===//

#include "tokenizer/jinja_parser.h"

#include <algorithm>

namespace qrt::jinja {

namespace {

class StatementParser : ExpressionParser {
public:
  StatementParser(std::vector<Token> tokens, Tree &tree)
      : ExpressionParser(std::move(tokens), tree) {}

  Status run() {
    QRT_TRY(parseBlock({}, tree_.root));
    if (here().kind == TokenKind::End)
      return Status();
    return unexpectedTag();
  }

private:
  /// Reads statements up to a tag that begins with one of `ends`, which stays,
  /// or up to the template's end.
  Status parseBlock(std::initializer_list<std::string_view> ends,
                    const Node *&out) {
    Nesting nesting(*this);
    QRT_TRY(checkNesting());
    Node *block = make(NodeKind::Block, here().line);
    std::vector<const Node *> statements;
    while (here().kind != TokenKind::End) {
      if (here().kind == TokenKind::StatementBegin) {
        const Token &word = ahead();
        if (word.kind == TokenKind::Name && isBlockWord(word.text)) {
          if (std::find(ends.begin(), ends.end(), word.text) != ends.end())
            break;
          return unexpectedTag();
        }
      }
      const Node *statement = nullptr;
      QRT_TRY(parseStatement(statement));
      if (statement)
        statements.push_back(statement);
    }
    if (here().kind == TokenKind::End && ends.size() != 0)
      return syntaxError(here().line, "the template ends before '" +
                                          std::string(*(ends.end() - 1)) + "'");
    return finish(block, std::move(statements), out);
  }

  static bool isBlockWord(std::string_view word) {
    return word == "elif" || word == "else" ||
           (word.substr(0, 3) == "end" && word != "endgeneration");
  }

  Status unexpectedTag() const {
    return syntaxError(here().line,
                       "unexpected '" + ahead().text.substr(0, 40) + "'");
  }

  Status endTag() {
    if (here().kind != TokenKind::StatementEnd)
      return unexpected("'%}'");
    advance();
    return Status();
  }

  /// Steps over "{% word %}".
  Status takeTag(std::string_view word) {
    advance();
    if (!takeName(word))
      return unexpected(std::string(word).c_str());
    return endTag();
  }

  Status parseStatement(const Node *&out) {
    Node *node = make(NodeKind::Text, here().line);
    if (here().kind == TokenKind::Text) {
      node->text = here().text;
      advance();
      return finish(node, {}, out);
    }
    if (here().kind == TokenKind::OutputBegin) {
      advance();
      node->kind = NodeKind::Output;
      const Node *expression = nullptr;
      QRT_TRY(parseExpression(expression));
      if (here().kind != TokenKind::OutputEnd)
        return unexpected("'}}'");
      advance();
      return finish(node, {expression}, out);
    }
    advance();
    std::string word;
    QRT_TRY(expectName(word));
    return parseTag(word, node, out);
  }

  Status parseTag(const std::string &word, Node *node, const Node *&out) {
    if (word == "if")
      return parseIf(node, out);
    if (word == "for")
      return parseFor(node, out);
    if (word == "set")
      return parseSet(node, out);
    if (word == "macro")
      return parseMacro(node, out);
    // transformers' marks for training; they print nothing.
    if (word == "generation" || word == "endgeneration")
      return endTag();
    if (word == "break" || word == "continue") {
      node->kind = word == "break" ? NodeKind::Break : NodeKind::Continue;
      if (loops_ == 0)
        return syntaxError(node->line, "'" + word + "' outside of a loop");
      QRT_TRY(endTag());
      return finish(node, {}, out);
    }
    return unsupportedAt(node->line,
                         "the statement '" + word.substr(0, 40) + "'");
  }

  Status parseIf(Node *node, const Node *&out) {
    node->kind = NodeKind::If;
    std::vector<const Node *> children;
    while (true) {
      children.insert(children.end(), 2, nullptr);
      QRT_TRY(parseExpression(children[children.size() - 2]));
      QRT_TRY(endTag());
      QRT_TRY(parseBlock({"elif", "else", "endif"}, children.back()));
      if (ahead().text != "elif")
        break;
      advance();
      advance();
    }
    if (ahead().text == "else") {
      QRT_TRY(takeTag("else"));
      children.push_back(nullptr);
      QRT_TRY(parseBlock({"endif"}, children.back()));
    }
    QRT_TRY(takeTag("endif"));
    return finish(node, std::move(children), out);
  }

  /// a or a, b or (a, b)
  Status parseTargets(std::vector<std::string> &names) {
    bool bracket = takeOperator("(");
    do {
      names.emplace_back();
      QRT_TRY(expectName(names.back()));
    } while (takeOperator(","));
    return bracket ? expectOperator(")") : Status();
  }

  Status parseFor(Node *node, const Node *&out) {
    node->kind = NodeKind::For;
    std::vector<const Node *> children(4, nullptr);
    QRT_TRY(parseTargets(node->names));
    if (!takeName("in"))
      return unexpected("'in'");
    QRT_TRY(parseOr(children[0]));
    if (takeName("if"))
      QRT_TRY(parseExpression(children[1]));
    if (isName("recursive"))
      return unsupportedAt(node->line, "a recursive loop");
    QRT_TRY(endTag());
    ++loops_;
    QRT_TRY(parseBlock({"else", "endfor"}, children[2]));
    --loops_;
    if (ahead().text == "else") {
      QRT_TRY(takeTag("else"));
      QRT_TRY(parseBlock({"endfor"}, children[3]));
    }
    QRT_TRY(takeTag("endfor"));
    return finish(node, std::move(children), out);
  }

  Status parseSet(Node *node, const Node *&out) {
    node->kind = NodeKind::Set;
    QRT_TRY(parseTargets(node->names));
    if (node->names.size() == 1 && takeOperator("."))
      QRT_TRY(expectName(node->text));
    const Node *value = nullptr;
    if (takeOperator("=")) {
      QRT_TRY(parseExpression(value));
      if (isOperator(","))
        QRT_TRY(parseRestOfTuple(value));
      QRT_TRY(endTag());
      return finish(node, {value}, out);
    }
    if (here().kind != TokenKind::StatementEnd || !node->text.empty() ||
        node->names.size() != 1)
      return unexpected("'='");
    node->kind = NodeKind::SetBlock;
    QRT_TRY(endTag());
    QRT_TRY(parseBlock({"endset"}, value));
    QRT_TRY(takeTag("endset"));
    return finish(node, {value}, out);
  }

  /// The value of {% set a, b = 1, 2 %}.
  Status parseRestOfTuple(const Node *&value) {
    std::vector<const Node *> items{value};
    while (takeOperator(",")) {
      if (here().kind == TokenKind::StatementEnd)
        break;
      items.push_back(nullptr);
      QRT_TRY(parseExpression(items.back()));
    }
    Node *tuple = make(NodeKind::List, here().line);
    tuple->integer = 1;
    return finish(tuple, std::move(items), value);
  }

  Status parseMacro(Node *node, const Node *&out) {
    node->kind = NodeKind::Macro;
    std::vector<const Node *> children(1, nullptr);
    QRT_TRY(expectName(node->text));
    QRT_TRY(expectOperator("("));
    while (!isOperator(")")) {
      node->names.emplace_back();
      QRT_TRY(expectName(node->names.back()));
      children.push_back(nullptr);
      if (takeOperator("="))
        QRT_TRY(parseExpression(children.back()));
      if (!takeOperator(","))
        break;
    }
    QRT_TRY(expectOperator(")"));
    QRT_TRY(endTag());
    int loops = loops_;
    loops_ = 0;
    QRT_TRY(parseBlock({"endmacro"}, children[0]));
    loops_ = loops;
    advance();
    advance();
    // {% endmacro name %} is allowed.
    takeName(node->text);
    QRT_TRY(endTag());
    return finish(node, std::move(children), out);
  }

  int loops_ = 0; ///< open loops, for break and continue
};

} // namespace

Status parse(std::string_view source, Tree &tree) {
  std::vector<Token> tokens;
  QRT_TRY(lex(source, tokens));
  return StatementParser(std::move(tokens), tree).run();
}

} // namespace qrt::jinja
