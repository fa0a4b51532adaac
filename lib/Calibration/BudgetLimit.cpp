//===- BudgetLimit.cpp - What --budget says -------------------------------===//

#include "lowbit/Calibration/Budget.h"

#include <cmath>

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

namespace {
struct Unit {
  llvm::StringRef word;
  double factor;
};
} // namespace

/// A number above 0 and its unit; nothing where it is neither.
static std::optional<double> quantityOf(llvm::StringRef text,
                                        llvm::ArrayRef<Unit> units) {
  for (const Unit &unit : units) {
    llvm::StringRef number = text;
    double value = 0;
    if (!number.consume_back_insensitive(unit.word))
      continue;
    // Not hexadecimal, not "nan".
    if (number.trim().find_first_not_of("0123456789.eE+-") !=
            llvm::StringRef::npos ||
        number.trim().getAsDouble(value))
      continue;
    value *= unit.factor;
    if (std::isfinite(value) && value > 0)
      return value;
  }
  return std::nullopt;
}

llvm::Expected<BudgetLimit> parseBudget(llvm::StringRef text) {
  static const Unit bytes[] = {{"KiB", 1024.0},
                               {"MiB", 1024.0 * 1024},
                               {"GiB", 1024.0 * 1024 * 1024},
                               {"kB", 1e3},
                               {"MB", 1e6},
                               {"GB", 1e9},
                               {"B", 1},
                               {"", 1}};
  static const Unit times[] = {{"us", 1}, {"ms", 1e3}, {"s", 1e6}};
  static const Unit parts[] = {{"%", 0.01}};
  static const Unit plain[] = {{"", 1}};
  struct Form {
    llvm::StringRef word;
    BudgetLimit::Kind kind;
    llvm::ArrayRef<Unit> units;
    llvm::StringRef example;
  };
  static const Form forms[] = {
      {"size", BudgetLimit::Size, bytes, "size=90MB"},
      {"bpw", BudgetLimit::BitsPerWeight, plain, "bpw=4.5"},
      {"latency", BudgetLimit::Latency, times, "latency=12ms"},
      {"ppl", BudgetLimit::Perplexity, parts, "ppl=+2%"}};
  auto [word, value] = text.split('=');
  for (const Form &form : forms) {
    if (word.trim() != form.word)
      continue;
    if (auto number = quantityOf(value.trim(), form.units))
      return BudgetLimit{form.kind, *number, text.str()};
    return failure("budget: expected a number above 0 such as " + form.example +
                   ", but got '" + text + "'");
  }
  return failure("budget: expected size=90MB, bpw=4.5, latency=12ms or "
                 "ppl=+2%, but got '" +
                 text + "'");
}

llvm::Expected<double> parseDuration(llvm::StringRef text) {
  static const Unit units[] = {{"h", 3600}, {"m", 60}, {"s", 1}, {"", 1}};
  if (auto seconds = quantityOf(text.trim(), units))
    return *seconds;
  return failure("expected a time such as 90s, 10m or 1h, but got '" + text +
                 "'");
}

} // namespace lowbit
