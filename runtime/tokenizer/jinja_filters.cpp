//===- jinja_filters.cpp - What stands behind | ---------------------------===//

#include "tokenizer/jinja_builtins.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace qrt::jinja {

const Value *Call::argument(size_t index, std::string_view key) const {
  if (index < arguments.size())
    return &arguments[index];
  for (const auto &[name, value] : named)
    if (!key.empty() && name == key)
      return &value;
  return nullptr;
}

Status Call::string(size_t index, std::string_view key,
                    std::string_view fallback, std::string_view &out) const {
  const Value *value = argument(index, key);
  if (value && !value->is(Kind::String))
    return invalid("'" + std::string(name) + "' wants a string, but got " +
                   nameOf(*value));
  out = value ? value->text : fallback;
  return Status();
}

Status Call::integer(size_t index, std::string_view key, int64_t fallback,
                     int64_t &out) const {
  const Value *value = argument(index, key);
  if (value && !value->isInteger())
    return invalid("'" + std::string(name) + "' wants an integer, but got " +
                   nameOf(*value));
  out = value ? value->asInteger() : fallback;
  return Status();
}

Status Call::atMost(size_t count) const {
  if (arguments.size() + named.size() <= count)
    return Status();
  return invalid("'" + std::string(name) + "' takes at most " +
                 std::to_string(count) + " arguments");
}

Value attributeOf(const Value &value, std::string_view name) {
  if (value.isDict())
    if (const Value *found = findKey(*value.dict, name))
      return *found;
  return Value::undefined(name);
}

namespace {

/// The value as text: filters on strings take numbers, too.
Status selfText(Call &call, std::string_view &out) {
  if (!call.self.is(Kind::String)) {
    std::string text;
    QRT_TRY(appendText(call.store, call.self, text));
    QRT_TRY(call.store.text(std::move(text), call.self));
  }
  out = call.self.text;
  return Status();
}

Status trimFilter(Call &call, Value &out) {
  std::string_view ignored;
  QRT_TRY(selfText(call, ignored));
  return stripText(call, true, true, out);
}

Status caseFilter(Call &call, Value &out) {
  std::string_view text;
  QRT_TRY(selfText(call, text));
  return changeCase(call.store, call.name, text, out);
}

Status replaceFilter(Call &call, Value &out) {
  std::string_view ignored;
  QRT_TRY(selfText(call, ignored));
  return replaceText(call, out);
}

Status lengthFilter(Call &call, Value &out) {
  const Value &self = call.self;
  size_t length = 0;
  if (self.is(Kind::String)) {
    QRT_TRY(call.store.spend(self.text.size() / 16));
    length = charactersOf(self.text).size();
  } else if (self.is(Kind::List)) {
    length = self.list->size();
  } else if (self.is(Kind::Dict)) {
    length = self.dict->size();
  } else if (!self.is(Kind::Undefined)) {
    return invalid(std::string(nameOf(self)) + " has no length");
  }
  out = Value::of(static_cast<int64_t>(length));
  return Status();
}

Status joinFilter(Call &call, Value &out) {
  List items;
  QRT_TRY(elements(call.store, call.self, items));
  std::string_view separator, attribute;
  QRT_TRY(call.string(0, "d", "", separator));
  QRT_TRY(call.string(1, "attribute", "", attribute));
  if (!attribute.empty())
    for (Value &item : items)
      item = attributeOf(item, attribute);
  return joinTexts(call.store, items, separator, out);
}

Status jsonFilter(Call &call, Value &out) {
  for (const auto &argument : call.named)
    if (argument.first != "indent" && argument.first != "ensure_ascii")
      return unsupported("'tojson' with '" + std::string(argument.first) + "'");
  int64_t indent = -1;
  const Value *given = call.argument(0, "indent");
  if (given && !given->is(Kind::None))
    QRT_TRY(call.integer(0, "indent", -1, indent));
  std::string text;
  QRT_TRY(appendJson(call.store, call.self,
                     static_cast<int>(std::clamp<int64_t>(indent, -1, 100)),
                     text));
  return call.store.text(std::move(text), out);
}

Status defaultFilter(Call &call, Value &out) {
  const Value *fallback = call.argument(0, "default_value");
  const Value *falsy = call.argument(1, "boolean");
  bool replaced = call.self.is(Kind::Undefined) ||
                  (falsy && falsy->truth() && !call.self.truth());
  out = !replaced ? call.self : fallback ? *fallback : Value::view("");
  return Status();
}

Status endFilter(Call &call, Value &out) {
  List items;
  QRT_TRY(elements(call.store, call.self, items));
  if (items.empty())
    out = Value::undefined(call.name);
  else
    out = call.name == "first" ? items.front() : items.back();
  return Status();
}

Status listFilter(Call &call, Value &out) {
  List items;
  QRT_TRY(elements(call.store, call.self, items));
  if (call.name == "reverse")
    std::reverse(items.begin(), items.end());
  return call.store.list(std::move(items), out);
}

Status uniqueFilter(Call &call, Value &out) {
  QRT_TRY(call.atMost(0));
  List items, kept;
  QRT_TRY(elements(call.store, call.self, items));
  for (const Value &item : items) {
    bool known = false;
    for (size_t i = 0; !known && i < kept.size(); ++i)
      QRT_TRY(equals(call.store, kept[i], item, known));
    if (!known)
      kept.push_back(item);
  }
  return call.store.list(std::move(kept), out);
}

Status itemsFilter(Call &call, Value &out) {
  if (call.self.is(Kind::Undefined))
    return call.store.list({}, out);
  if (!call.self.is(Kind::Dict))
    return invalid(std::string("'items' wants a dict, but got ") +
                   nameOf(call.self));
  return dictItems(call.store, *call.self.dict, out);
}

/// map and select take none for an empty list.
Status elementsIfAny(Call &call, List &items) {
  return call.self.truth() ? elements(call.store, call.self, items) : Status();
}

/// select, reject, selectattr, rejectattr: (attribute,) test, arguments
Status selectFilter(Call &call, Value &out) {
  bool byAttribute = call.name.size() > 6;
  bool wanted = call.name.substr(0, 6) == "select";
  std::string_view attribute, test;
  if (byAttribute)
    QRT_TRY(call.string(0, "", "", attribute));
  QRT_TRY(call.string(byAttribute, "", "", test));
  List items, kept;
  QRT_TRY(elementsIfAny(call, items));
  size_t used = std::min<size_t>(byAttribute + 1, call.arguments.size());
  for (const Value &item : items) {
    Value subject = byAttribute ? attributeOf(item, attribute) : item;
    bool holds = subject.truth();
    if (!test.empty()) {
      Call inner{call.store,
                 test,
                 subject,
                 List(call.arguments.begin() + used, call.arguments.end()),
                 {}};
      QRT_TRY(applyTest(inner, holds));
    }
    if (holds == wanted)
      kept.push_back(item);
  }
  return call.store.list(std::move(kept), out);
}

/// map(attribute="x", default=..) or map("filter", arguments)
Status mapFilter(Call &call, Value &out) {
  List items;
  QRT_TRY(elementsIfAny(call, items));
  std::string_view attribute, filter;
  QRT_TRY(call.string(SIZE_MAX, "attribute", "", attribute));
  QRT_TRY(call.string(0, "", "", filter));
  const Value *fallback = call.argument(SIZE_MAX, "default");
  if (attribute.empty() && (filter.empty() || filter == "map"))
    return unsupported("'map' without a plain filter or an attribute");
  for (Value &item : items) {
    if (!attribute.empty()) {
      item = attributeOf(item, attribute);
      if (item.is(Kind::Undefined) && fallback)
        item = *fallback;
      continue;
    }
    Call inner{call.store, filter, item,
               List(call.arguments.begin() + 1, call.arguments.end()),
               call.named};
    QRT_TRY(applyFilter(inner, item));
  }
  return call.store.list(std::move(items), out);
}

Status stringFilter(Call &call, Value &out) {
  std::string_view text;
  QRT_TRY(selfText(call, text));
  out = call.self;
  return Status();
}

/// int and float; what is not a number becomes the first argument or 0.
Status numberFilter(Call &call, Value &out) {
  bool whole = call.name == "int";
  const Value *fallback = call.argument(0, "default");
  out = fallback ? *fallback : whole ? Value::of(int64_t(0)) : Value::of(0.0);
  double value = 0;
  if (call.self.isNumber()) {
    value = call.self.asReal();
  } else if (call.self.is(Kind::String)) {
    std::string text(call.self.text.substr(0, 64));
    char *end = nullptr;
    value = std::strtod(text.c_str(), &end);
    while (*end == ' ' || *end == '\n')
      ++end;
    if (end == text.c_str() || *end != '\0')
      return Status();
  } else {
    return Status();
  }
  if (!whole)
    out = Value::of(value);
  else if (call.self.isInteger())
    out = Value::of(call.self.asInteger());
  else if (std::fabs(value) < 9e15) // integers are exact in a double
    out = Value::of(static_cast<int64_t>(value));
  else
    return unsupported("'int' of so large a number");
  return Status();
}

Status absFilter(Call &call, Value &out) {
  if (!call.self.isNumber())
    return invalid(std::string("'abs' wants a number, but got ") +
                   nameOf(call.self));
  if (!call.self.isInteger())
    out = Value::of(std::fabs(call.self.real));
  else if (call.self.asInteger() == INT64_MIN)
    return unsupported("so large a number");
  else
    out = Value::of(std::abs(call.self.asInteger()));
  return Status();
}

Status sameFilter(Call &call, Value &out) {
  out = call.self;
  return Status();
}

struct NamedFilter {
  std::string_view name;
  Status (*apply)(Call &, Value &);
};

constexpr NamedFilter filters[] = {
    {"trim", trimFilter},         {"upper", caseFilter},
    {"lower", caseFilter},        {"capitalize", caseFilter},
    {"title", caseFilter},        {"replace", replaceFilter},
    {"length", lengthFilter},     {"count", lengthFilter},
    {"join", joinFilter},         {"tojson", jsonFilter},
    {"default", defaultFilter},   {"d", defaultFilter},
    {"first", endFilter},         {"last", endFilter},
    {"list", listFilter},         {"reverse", listFilter},
    {"unique", uniqueFilter},     {"items", itemsFilter},
    {"select", selectFilter},     {"reject", selectFilter},
    {"selectattr", selectFilter}, {"rejectattr", selectFilter},
    {"map", mapFilter},           {"string", stringFilter},
    {"int", numberFilter},        {"float", numberFilter},
    {"abs", absFilter},           {"safe", sameFilter},
};

} // namespace

Status applyFilter(Call &call, Value &out) {
  for (const NamedFilter &filter : filters)
    if (filter.name == call.name)
      return filter.apply(call, out);
  return unsupported("the filter '" + std::string(call.name.substr(0, 40)) +
                     "'");
}

} // namespace qrt::jinja
