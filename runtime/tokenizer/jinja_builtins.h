//===- jinja_builtins.h - Filters, tests and methods ------------*- C++ -*-===//

#ifndef QUANTRT_TOKENIZER_JINJA_BUILTINS_H
#define QUANTRT_TOKENIZER_JINJA_BUILTINS_H

#include "tokenizer/jinja_value.h"

namespace qrt::jinja {

/// The call of a filter, test, method or function.
struct Call {
  Store &store;
  std::string_view name;
  Value self; ///< what stands in front of "|", "is" or "."
  List arguments;
  std::vector<std::pair<std::string_view, Value>> named;

  /// The argument at `index` or with that name; nullptr: absent.
  const Value *argument(size_t index, std::string_view key = {}) const;
  /// A string argument; `fallback` where it is absent.
  Status string(size_t index, std::string_view key, std::string_view fallback,
                std::string_view &out) const;
  Status integer(size_t index, std::string_view key, int64_t fallback,
                 int64_t &out) const;
  /// Refuses more arguments than `count`.
  Status atMost(size_t count) const;
};

/// Errors have no line: the caller adds it.
Status applyFilter(Call &call, Value &out);
Status applyTest(Call &call, bool &out);
Status callMethod(Call &call, Value &out);
/// range(), strftime_now(), ...
Status callFunction(Call &call, Value &out);

/// Whether a name outside of all variables is a function.
bool isFunction(std::string_view name);
/// Whether values of this kind have a method of this name in Python.
bool isMethod(const Value &self, std::string_view name);

/// Operations that filters and methods share.
Status stripText(Call &call, bool left, bool right, Value &out);
Status replaceText(Call &call, Value &out);
Status joinTexts(Store &store, const List &items, std::string_view separator,
                 Value &out);
Status changeCase(Store &store, std::string_view name, std::string_view text,
                  Value &out);
Status dictItems(Store &store, const Dict &dict, Value &out);
/// value.name, value[name]: undefined if there is none.
Value attributeOf(const Value &value, std::string_view name);

} // namespace qrt::jinja

#endif // QUANTRT_TOKENIZER_JINJA_BUILTINS_H
