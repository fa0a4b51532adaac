//===- expression_compiler.cpp - Words of an expression to a program ------===//

#include "tokenizer/expression.h"

#include <cstring>
#include <optional>

namespace qrt {

namespace {

/// An expression taken apart.
struct Node {
  enum Kind { Empty, Set, Sequence, Choice, Repeat, Look, Atomic, Edge };

  explicit Node(Kind kind) : kind(kind) {}

  Kind kind;
  uint32_t set = 0; ///< its number
  std::vector<Node> children;
  uint32_t least = 1, most = 1;
  Expression::Instruction::Greed greed = Expression::Instruction::Greedy;
  bool flag = false; ///< Look: must not match; Edge: the line's end

  /// Whether it may match nothing; whether its length has no bound.
  bool mayBeEmpty = false, unbounded = false;
};

constexpr uint32_t noBound = UINT32_MAX;
constexpr int deepest = 50;
constexpr size_t mostInstructions = 20000;
constexpr uint32_t mostRepeats = 1000;

} // namespace

/// Parses by recursive descent, bounded by `deepest`, then writes the program.
/// The first problem ends both.
class ExpressionCompiler {
public:
  ExpressionCompiler(std::string_view text, Expression &out)
      : text_(text), out_(out) {}

  Status run();

private:
  using Instruction = Expression::Instruction;

  bool atEnd() const { return i_ == text_.size(); }
  char peek() const { return atEnd() ? '\0' : text_[i_]; }
  bool accept(std::string_view wanted) {
    if (text_.substr(i_, wanted.size()) != wanted)
      return false;
    i_ += wanted.size();
    return true;
  }
  void fail(const std::string &what) {
    if (problem_.empty())
      problem_ = what + " at byte " + std::to_string(i_);
    i_ = text_.size(); // nothing is left to read
  }
  bool failed() const { return !problem_.empty(); }

  uint32_t character();
  std::optional<uint32_t> hexadecimal(size_t least, size_t most);
  Node choice(int depth);
  Node sequence(int depth);
  Node atom(int depth);
  Node group(int depth);
  Node quantified(Node body);
  bool quantifier(uint32_t &least, uint32_t &most, bool &isInterval);
  CharacterSet bracket(int depth);
  void bracketRange(CharacterSet &set, uint32_t first);
  bool classEscape(CharacterSet::Item &item);
  bool property(CharacterSet::Item &item);
  uint32_t characterEscape();
  Node setNode(CharacterSet set);

  void emit(const Node &node);
  void emitRepeat(const Node &node);
  void emitOptional(const Node &node, bool loops);
  uint32_t put(Instruction instruction);

  std::string_view text_;
  Expression &out_;
  size_t i_ = 0;
  bool anyCase_ = false;
  std::string problem_;
};

//===- Characters ---------------------------------------------------------===//

uint32_t ExpressionCompiler::character() {
  uint32_t value = 0;
  size_t length = atEnd() ? 0 : decodeUtf8(text_, i_, value);
  if (length == 0)
    fail("a character is missing");
  i_ += length;
  return value;
}

std::optional<uint32_t> ExpressionCompiler::hexadecimal(size_t least,
                                                        size_t most) {
  uint32_t value = 0;
  size_t count = 0;
  for (; count < most; ++count, ++i_) {
    static constexpr char digits[] = "0123456789abcdefABCDEF";
    const char *found = atEnd() ? nullptr : std::strchr(digits, peek());
    if (!found || !*found)
      break;
    auto digit = static_cast<uint32_t>(found - digits);
    value = value * 16 + (digit < 16 ? digit : digit - 6);
  }
  if (count < least || value > 0x10FFFF)
    return std::nullopt;
  return value;
}

/// Behind the backslash: one character.
uint32_t ExpressionCompiler::characterEscape() {
  static constexpr std::string_view names = "nrtfvae",
                                    values = "\n\r\t\f\v\a\x1B";
  if (size_t at = names.find(peek()); !atEnd() && at != names.npos) {
    ++i_;
    return static_cast<uint32_t>(values[at]);
  }
  std::optional<uint32_t> value;
  if (accept("x{")) {
    value = hexadecimal(1, 8);
    if (!accept("}"))
      value.reset();
  } else if (accept("x")) {
    value = hexadecimal(2, 2);
  } else if (accept("u")) {
    value = hexadecimal(4, 4);
  } else {
    char c = peek();
    bool isWord = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                  (c >= 'a' && c <= 'z');
    if (isWord) // a class, a back reference, an anchor that we do not know
      fail(std::string("\\") + c + " is not supported");
    return character();
  }
  if (!value)
    fail("a hexadecimal number is missing");
  return value.value_or(0);
}

/// Behind "\p" or "\P": {Lu}, {^L} or one letter.
bool ExpressionCompiler::property(CharacterSet::Item &item) {
  item.negated = peek() == 'P';
  ++i_;
  std::string_view name = text_.substr(i_, 1);
  if (accept("{")) {
    if (accept("^"))
      item.negated = !item.negated;
    size_t end = text_.find('}', i_);
    name = text_.substr(i_, end == text_.npos ? 0 : end - i_);
    i_ = end == text_.npos ? i_ : end;
  }
  item.categories = categoriesOf(name);
  if (item.categories == 0)
    fail("\\p{" + std::string(name.substr(0, 40)) + "} is not supported");
  else
    ++i_;
  return true;
}

/// Behind the backslash: \s, \p{..} and the like. False: none of them.
bool ExpressionCompiler::classEscape(CharacterSet::Item &item) {
  char c = peek();
  if (c == 'p' || c == 'P')
    return property(item);
  switch (c) {
  case 's':
  case 'S':
    item.space = true;
    break;
  case 'd':
  case 'D':
    item.categories = categoriesOf("Nd");
    break;
  case 'w':
  case 'W':
    item.categories = categoriesOf("L") | categoriesOf("M") |
                      categoriesOf("Nd") | categoriesOf("Pc");
    break;
  default:
    return false;
  }
  item.negated = c == 'S' || c == 'D' || c == 'W';
  ++i_;
  return true;
}

/// `first` or `first`-`last`.
void ExpressionCompiler::bracketRange(CharacterSet &set, uint32_t first) {
  CharacterSet::Item item;
  item.first = item.last = first;
  bool isRange = peek() == '-' && i_ + 1 < text_.size() && text_[i_ + 1] != ']';
  if (isRange) {
    ++i_;
    item.last = accept("\\") ? characterEscape() : character();
    if (item.last < item.first)
      fail("a range is empty");
  }
  set.items.push_back(std::move(item));
}

/// Behind "[".
CharacterSet ExpressionCompiler::bracket(int depth) {
  CharacterSet set;
  set.negated = accept("^");
  if (depth > deepest)
    fail("too deep");
  bool first = true;
  while (!failed() && (first || peek() != ']')) {
    first = false;
    if (atEnd()) {
      fail("] is missing");
    } else if (text_.substr(i_, 2) == "&&" || text_.substr(i_, 2) == "[:") {
      fail("&& and [: are not supported");
    } else if (accept("[")) {
      CharacterSet::Item item;
      item.nested.push_back(bracket(depth + 1));
      set.items.push_back(std::move(item));
    } else if (accept("\\")) {
      CharacterSet::Item item;
      if (classEscape(item))
        set.items.push_back(std::move(item));
      else
        bracketRange(set, characterEscape());
    } else {
      bracketRange(set, character());
    }
  }
  accept("]");
  return set;
}

//===- Structure ----------------------------------------------------------===//

Node ExpressionCompiler::setNode(CharacterSet set) {
  set.anyCase = anyCase_;
  Node node(Node::Set);
  node.set = static_cast<uint32_t>(out_.sets_.size());
  out_.sets_.push_back(std::move(set));
  return node;
}

/// Behind "(".
Node ExpressionCompiler::group(int depth) {
  bool before = anyCase_;
  Node node(Node::Empty);
  if (accept("?=") || accept("?!")) {
    node.kind = Node::Look;
    node.flag = text_[i_ - 1] == '!';
    node.mayBeEmpty = true;
  } else if (accept("?>")) {
    node.kind = Node::Atomic;
  } else if (accept("?i:")) {
    anyCase_ = true;
  } else if (!accept("?:") && peek() == '?') {
    fail("this kind of group is not supported");
  }
  Node body = choice(depth + 1);
  anyCase_ = before;
  if (!accept(")"))
    fail(") is missing");
  if (node.kind == Node::Empty)
    return body;
  if (node.kind == Node::Atomic) {
    node.mayBeEmpty = body.mayBeEmpty;
    node.unbounded = body.unbounded;
  }
  node.children.push_back(std::move(body));
  return node;
}

Node ExpressionCompiler::atom(int depth) {
  if (accept("("))
    return group(depth);
  if (accept("["))
    return setNode(bracket(depth));
  if (peek() == '^' || peek() == '$') {
    Node node(Node::Edge);
    node.flag = peek() == '$';
    node.mayBeEmpty = true;
    ++i_;
    return node;
  }
  CharacterSet set;
  CharacterSet::Item item;
  if (accept(".")) {
    item.first = item.last = '\n';
    set.negated = true;
  } else if (peek() == '*' || peek() == '+' || peek() == '?') {
    fail("nothing to repeat");
  } else if (accept("\\")) {
    if (!classEscape(item))
      item.first = item.last = characterEscape();
  } else {
    item.first = item.last = character();
  }
  set.items.push_back(std::move(item));
  return setNode(std::move(set));
}

/// ?, *, + or {m,n}; a brace that is none of these is a character.
bool ExpressionCompiler::quantifier(uint32_t &least, uint32_t &most,
                                    bool &isInterval) {
  isInterval = false;
  least = 0;
  most = noBound;
  if (accept("*"))
    return true;
  if (accept("+")) {
    least = 1;
    return true;
  }
  if (accept("?")) {
    most = 1;
    return true;
  }
  size_t start = i_;
  if (!accept("{"))
    return false;
  auto number = [&](uint32_t &value) {
    size_t first = i_;
    for (value = 0; peek() >= '0' && peek() <= '9' && i_ - first < 6; ++i_)
      value = value * 10 + static_cast<uint32_t>(peek() - '0');
    return i_ > first;
  };
  bool low = number(least), comma = accept(","), high = comma && number(most);
  if (!comma)
    most = least;
  else if (!high)
    most = noBound;
  isInterval = (low || high) && accept("}");
  if (!isInterval)
    i_ = start;
  else if (most < least || least > mostRepeats ||
           (most != noBound && most > mostRepeats))
    fail("an interval is too large");
  return isInterval;
}

Node ExpressionCompiler::quantified(Node body) {
  uint32_t least, most;
  bool isInterval;
  while (!failed() && quantifier(least, most, isInterval)) {
    Node node(Node::Repeat);
    node.least = least;
    node.most = most;
    if (accept("?"))
      node.greed = Instruction::Lazy;
    else if (!isInterval && accept("+"))
      node.greed = Instruction::Possessive;
    // Both would make a match take time without bound.
    if (most > 1 && (body.unbounded || body.mayBeEmpty))
      fail("a repetition of what repeats or may be empty is not supported");
    node.mayBeEmpty = least == 0 || body.mayBeEmpty;
    node.unbounded = most == noBound || body.unbounded;
    node.children.push_back(std::move(body));
    body = std::move(node);
  }
  return body;
}

Node ExpressionCompiler::sequence(int depth) {
  Node node(Node::Sequence);
  node.mayBeEmpty = true;
  while (!atEnd() && peek() != '|' && peek() != ')') {
    Node child = quantified(atom(depth));
    node.mayBeEmpty = node.mayBeEmpty && child.mayBeEmpty;
    node.unbounded = node.unbounded || child.unbounded;
    node.children.push_back(std::move(child));
  }
  return node;
}

Node ExpressionCompiler::choice(int depth) {
  Node node(Node::Choice);
  if (depth > deepest) {
    fail("too deep");
    return node;
  }
  do {
    Node child = sequence(depth);
    node.mayBeEmpty = node.mayBeEmpty || child.mayBeEmpty;
    node.unbounded = node.unbounded || child.unbounded;
    node.children.push_back(std::move(child));
  } while (accept("|"));
  return node;
}

//===- Program ------------------------------------------------------------===//

uint32_t ExpressionCompiler::put(Instruction instruction) {
  if (out_.program_.size() >= mostInstructions)
    fail("the expression is too long");
  else
    out_.program_.push_back(instruction);
  return static_cast<uint32_t>(out_.program_.size() - 1);
}

/// `node`'s body once or not at all; with `loops` any number of times.
void ExpressionCompiler::emitOptional(const Node &node, bool loops) {
  uint32_t split = put({Instruction::Split});
  emit(node.children.front());
  if (loops)
    put({Instruction::Jump, Instruction::Greedy, split});
  auto next = static_cast<uint32_t>(out_.program_.size());
  Instruction &instruction = out_.program_[split];
  bool isLazy = node.greed == Instruction::Lazy;
  instruction.a = isLazy ? next : split + 1;
  instruction.b = isLazy ? split + 1 : next;
}

void ExpressionCompiler::emitRepeat(const Node &node) {
  const Node &body = node.children.front();
  if (body.kind == Node::Set) {
    put({Instruction::RepeatSet, node.greed, body.set, 0, node.least,
         node.most});
    return;
  }
  bool possessive = node.greed == Instruction::Possessive;
  uint32_t atomic = possessive ? put({Instruction::Atomic}) : 0;
  for (uint32_t i = 0; i < node.least && !failed(); ++i)
    emit(body);
  if (node.most == noBound)
    emitOptional(node, true);
  else
    for (uint32_t i = node.least; i < node.most && !failed(); ++i)
      emitOptional(node, false);
  if (possessive) {
    put({Instruction::Accept});
    out_.program_[atomic].a = static_cast<uint32_t>(out_.program_.size());
  }
}

void ExpressionCompiler::emit(const Node &node) {
  switch (node.kind) {
  case Node::Empty:
    break;
  case Node::Set:
    put({Instruction::Set, Instruction::Greedy, node.set});
    break;
  case Node::Sequence:
    for (const Node &child : node.children)
      emit(child);
    break;
  case Node::Choice: {
    std::vector<uint32_t> ends;
    for (size_t i = 0; i < node.children.size(); ++i) {
      bool isLast = i + 1 == node.children.size();
      uint32_t split = isLast ? 0 : put({Instruction::Split});
      emit(node.children[i]);
      if (isLast)
        break;
      ends.push_back(put({Instruction::Jump}));
      out_.program_[split].a = split + 1;
      out_.program_[split].b = static_cast<uint32_t>(out_.program_.size());
    }
    for (uint32_t end : ends)
      out_.program_[end].a = static_cast<uint32_t>(out_.program_.size());
    break;
  }
  case Node::Repeat:
    emitRepeat(node);
    break;
  case Node::Look:
  case Node::Atomic: {
    Instruction::Op op = node.kind == Node::Atomic ? Instruction::Atomic
                         : node.flag               ? Instruction::NotAhead
                                                   : Instruction::Ahead;
    uint32_t start = put({op});
    emit(node.children.front());
    put({Instruction::Accept});
    out_.program_[start].a = static_cast<uint32_t>(out_.program_.size());
    break;
  }
  case Node::Edge:
    put({node.flag ? Instruction::LineEnd : Instruction::LineBegin});
    break;
  }
}

Status ExpressionCompiler::run() {
  Node whole = choice(0);
  if (!failed() && !atEnd())
    fail(") without (");
  if (!failed())
    emit(whole);
  if (!failed())
    put({Instruction::Accept});
  if (!failed())
    return Status();
  return unsupported("tokenizer: expression '" +
                     std::string(text_.substr(0, 200)) + "': " + problem_);
}

Status Expression::compile(std::string_view text,
                           std::unique_ptr<const Expression> &out) {
  auto expression = std::make_unique<Expression>();
  QRT_TRY(ExpressionCompiler(text, *expression).run());
  out = std::move(expression);
  return Status();
}

} // namespace qrt
