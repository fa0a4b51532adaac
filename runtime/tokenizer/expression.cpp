//===- expression.cpp - Regular expressions of words ----------------------===//

#include "tokenizer/expression.h"

#include <algorithm>

namespace qrt {

namespace {
constexpr size_t noMatch = SIZE_MAX;
} // namespace

/// One attempt at one place.
class Expression::Run {
public:
  Run(const Expression &expression, const Character *text, size_t first,
      size_t begin, size_t end)
      : expression_(expression), text_(text), first_(first), end_(end),
        steps_(4096 + 256 * (end - begin)) {}

  /// The end of the match of the program from `pc` on, or noMatch. Recurses for
  /// what stands in (?=..) and the like, whose nesting the parser bounds.
  size_t match(uint32_t pc, size_t position);

private:
  /// Where to go on when what was tried fails: at `pc`, with `position` down to
  /// `least` characters (greedy) or up to `most` (lazy).
  struct Choice {
    uint32_t pc;
    size_t position, last;
    bool isLazy;
  };

  /// The next choice that is left; false: none.
  bool goBack(size_t depth, uint32_t &pc, size_t &position);
  bool repeat(const Instruction &instruction, uint32_t &pc, size_t &position);
  bool step(uint32_t &pc, size_t &position);

  const Expression &expression_;
  const Character *text_;
  size_t first_, end_, steps_;
  std::vector<Choice> choices_;
};

bool Expression::Run::goBack(size_t depth, uint32_t &pc, size_t &position) {
  if (choices_.size() <= depth)
    return false;
  Choice &choice = choices_.back();
  pc = choice.pc;
  position = choice.position;
  if (choice.position == choice.last)
    choices_.pop_back();
  else
    choice.position += choice.isLazy ? 1 : size_t(-1);
  return true;
}

bool Expression::Run::repeat(const Instruction &instruction, uint32_t &pc,
                             size_t &position) {
  const CharacterSet &set = expression_.sets_[instruction.a];
  size_t most = std::min<size_t>(end_ - position, instruction.most);
  size_t count = 0;
  while (count < most && set.contains(text_[position + count]))
    ++count;
  if (count < instruction.least)
    return false;
  steps_ -= std::min(steps_, count);
  size_t least = position + instruction.least, last = position + count;
  ++pc;
  if (instruction.greed == Instruction::Lazy) {
    position = least;
    if (least < last)
      choices_.push_back({pc, least + 1, last, true});
    return true;
  }
  position = last;
  if (instruction.greed == Instruction::Greedy && least < last)
    choices_.push_back({pc, last - 1, least, false});
  return true;
}

/// Carries out one instruction; false: it fails.
bool Expression::Run::step(uint32_t &pc, size_t &position) {
  const Instruction &instruction = expression_.program_[pc];
  switch (instruction.op) {
  case Instruction::Set:
    if (position == end_ ||
        !expression_.sets_[instruction.a].contains(text_[position]))
      return false;
    ++position;
    break;
  case Instruction::RepeatSet:
    return repeat(instruction, pc, position);
  case Instruction::Split:
    choices_.push_back({instruction.b, position, position, false});
    pc = instruction.a;
    return true;
  case Instruction::Jump:
    pc = instruction.a;
    return true;
  case Instruction::Ahead:
  case Instruction::NotAhead:
  case Instruction::Atomic: {
    size_t last = match(pc + 1, position);
    if ((last == noMatch) != (instruction.op == Instruction::NotAhead))
      return false;
    position = instruction.op == Instruction::Atomic ? last : position;
    pc = instruction.a;
    return true;
  }
  case Instruction::LineBegin:
    if (position != first_ && text_[position - 1].value != '\n')
      return false;
    break;
  case Instruction::LineEnd:
    if (position != end_ && text_[position].value != '\n')
      return false;
    break;
  case Instruction::Accept:
    break;
  }
  ++pc;
  return true;
}

size_t Expression::Run::match(uint32_t pc, size_t position) {
  size_t depth = choices_.size();
  while (expression_.program_[pc].op != Instruction::Accept) {
    if (steps_ == 0)
      position = noMatch;
    else
      --steps_;
    if (position == noMatch ||
        (!step(pc, position) && !goBack(depth, pc, position))) {
      position = noMatch;
      break;
    }
  }
  choices_.resize(depth);
  return position;
}

size_t Expression::match(const Character *text, size_t first, size_t begin,
                         size_t end) const {
  size_t last = Run(*this, text, first, begin, end).match(0, begin);
  return last == noMatch ? begin : last;
}

} // namespace qrt
