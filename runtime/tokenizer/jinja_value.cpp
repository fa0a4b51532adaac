//===- jinja_value.cpp - Values of chat templates -------------------------===//

#include "tokenizer/jinja_value.h"

#include "tokenizer/unicode.h"

#include <algorithm>

namespace qrt::jinja {

/// Of lists inside lists; deeper ones come from loops that nest on purpose.
static constexpr int maxValueDepth = 64;

Value Value::undefined(std::string_view name) {
  Value value;
  value.text = name;
  return value;
}

Value Value::none() {
  Value value;
  value.kind = Kind::None;
  return value;
}

Value Value::of(bool flag) {
  Value value;
  value.kind = Kind::Boolean;
  value.boolean = flag;
  return value;
}

Value Value::of(int64_t number) {
  Value value;
  value.kind = Kind::Integer;
  value.integer = number;
  return value;
}

Value Value::of(double number) {
  Value value;
  value.kind = Kind::Float;
  value.real = number;
  return value;
}

Value Value::view(std::string_view text) {
  Value value;
  value.kind = Kind::String;
  value.text = text;
  return value;
}

bool Value::truth() const {
  switch (kind) {
  case Kind::Undefined:
  case Kind::None:
    return false;
  case Kind::Boolean:
    return boolean;
  case Kind::Integer:
    return integer != 0;
  case Kind::Float:
    return real != 0;
  case Kind::String:
    return !text.empty();
  case Kind::List:
    return !list->empty();
  case Kind::Dict:
    return !dict->empty();
  default:
    return true;
  }
}

const char *nameOf(const Value &value) {
  switch (value.kind) {
  case Kind::Undefined:
    return "an undefined value";
  case Kind::None:
    return "none";
  case Kind::Boolean:
    return "a boolean";
  case Kind::Integer:
  case Kind::Float:
    return "a number";
  case Kind::String:
    return "a string";
  case Kind::List:
    return "a list";
  case Kind::Dict:
    return "a dict";
  case Kind::Namespace:
    return "a namespace";
  default:
    return "a function";
  }
}

Status Store::spend(size_t work) {
  work_ += std::min(work, maxWork);
  if (work_ > maxWork)
    return unsupported("a template of so many steps");
  return Status();
}

Status Store::charge(size_t bytes) {
  bytes_ += std::min(bytes, maxBytes);
  if (bytes_ > maxBytes)
    return unsupported("a prompt that takes more than " +
                       std::to_string(maxBytes >> 20) + " MiB");
  return Status();
}

Status Store::text(std::string text, Value &out) {
  QRT_TRY(charge(text.size() + sizeof(std::string)));
  texts_.push_back(std::move(text));
  out = Value::view(texts_.back());
  return Status();
}

Status Store::list(List items, Value &out) {
  QRT_TRY(charge(items.size() * sizeof(Value) + sizeof(List)));
  lists_.push_back(std::move(items));
  out = Value();
  out.kind = Kind::List;
  out.list = &lists_.back();
  return Status();
}

Status Store::dict(Dict items, Value &out, Kind kind) {
  QRT_TRY(charge(items.size() * sizeof(Dict::value_type) + sizeof(Dict)));
  dicts_.push_back(std::move(items));
  out = Value();
  out.kind = kind;
  out.dict = &dicts_.back();
  return Status();
}

const Value *findKey(const Dict &dict, std::string_view key) {
  for (const auto &[name, value] : dict)
    if (name.is(Kind::String) && name.text == key)
      return &value;
  return nullptr;
}

static Status equalsAt(Store &store, const Value &a, const Value &b, int depth,
                       bool &out);

static Status equalLists(Store &store, const List &a, const List &b, int depth,
                         bool &out) {
  out = a.size() == b.size();
  for (size_t i = 0; out && i < a.size(); ++i)
    QRT_TRY(equalsAt(store, a[i], b[i], depth, out));
  return Status();
}

static Status equalDicts(Store &store, const Dict &a, const Dict &b, int depth,
                         bool &out) {
  out = a.size() == b.size();
  for (size_t i = 0; out && i < a.size(); ++i) {
    bool found = false;
    for (size_t k = 0; !found && k < b.size(); ++k) {
      QRT_TRY(equalsAt(store, a[i].first, b[k].first, depth, found));
      if (found)
        QRT_TRY(equalsAt(store, a[i].second, b[k].second, depth, out));
    }
    out = out && found;
  }
  return Status();
}

static Status equalsAt(Store &store, const Value &a, const Value &b, int depth,
                       bool &out) {
  QRT_TRY(store.spend(1));
  if (depth > maxValueDepth)
    return unsupported("a comparison of values nested deeper than " +
                       std::to_string(maxValueDepth));
  out = false;
  if (a.isInteger() && b.isInteger())
    out = a.asInteger() == b.asInteger();
  else if (a.isNumber() && b.isNumber())
    out = a.asReal() == b.asReal();
  else if (a.kind != b.kind)
    out = false;
  else if (a.is(Kind::String))
    out = a.text == b.text;
  else if (a.is(Kind::List))
    return a.boolean == b.boolean
               ? equalLists(store, *a.list, *b.list, depth + 1, out)
               : Status();
  else if (a.is(Kind::Dict))
    return equalDicts(store, *a.dict, *b.dict, depth + 1, out);
  else if (a.is(Kind::Namespace))
    out = a.dict == b.dict;
  else if (a.is(Kind::Macro))
    out = a.macro == b.macro;
  else
    out = !a.is(Kind::Function) || a.text == b.text;
  return Status();
}

Status equals(Store &store, const Value &a, const Value &b, bool &out) {
  return equalsAt(store, a, b, 0, out);
}

Status isLess(const Value &a, const Value &b, bool &out) {
  if (a.isInteger() && b.isInteger())
    out = a.asInteger() < b.asInteger();
  else if (a.isNumber() && b.isNumber())
    out = a.asReal() < b.asReal();
  else if (a.is(Kind::String) && b.is(Kind::String))
    out = a.text < b.text;
  else
    return invalid(std::string(nameOf(a)) + " and " + nameOf(b) +
                   " have no order");
  return Status();
}

Status contains(Store &store, const Value &container, const Value &item,
                bool &out) {
  out = false;
  if (container.is(Kind::String)) {
    if (!item.is(Kind::String))
      return invalid(std::string("'in' looks for ") + nameOf(item) +
                     " in a string");
    QRT_TRY(store.spend(container.text.size() / 16));
    out = container.text.find(item.text) != std::string_view::npos;
    return Status();
  }
  if (container.is(Kind::List)) {
    for (size_t i = 0; !out && i < container.list->size(); ++i)
      QRT_TRY(equals(store, (*container.list)[i], item, out));
    return Status();
  }
  if (container.is(Kind::Dict)) {
    for (size_t i = 0; !out && i < container.dict->size(); ++i)
      QRT_TRY(equals(store, (*container.dict)[i].first, item, out));
    return Status();
  }
  if (container.is(Kind::Undefined))
    return Status();
  return invalid(std::string("'in' looks into ") + nameOf(container));
}

std::vector<std::string_view> charactersOf(std::string_view text) {
  std::vector<std::string_view> characters;
  for (size_t i = 0; i < text.size();) {
    uint32_t value = 0;
    size_t length = decodeUtf8(text, i, value);
    length = length ? length : 1;
    characters.push_back(text.substr(i, length));
    i += length;
  }
  return characters;
}

Status elements(Store &store, const Value &value, List &out) {
  out.clear();
  if (value.is(Kind::List)) {
    QRT_TRY(store.spend(value.list->size()));
    QRT_TRY(store.charge(value.list->size() * sizeof(Value)));
    out = *value.list;
  } else if (value.is(Kind::Dict)) {
    for (const auto &entry : *value.dict)
      out.push_back(entry.first);
  } else if (value.is(Kind::String)) {
    QRT_TRY(store.charge(value.text.size() * sizeof(Value)));
    for (std::string_view character : charactersOf(value.text))
      out.push_back(Value::view(character));
  } else if (!value.is(Kind::Undefined)) {
    return invalid(std::string(nameOf(value)) + " cannot be iterated");
  }
  return Status();
}

} // namespace qrt::jinja
