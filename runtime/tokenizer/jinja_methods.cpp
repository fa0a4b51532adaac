//===- jinja_methods.cpp - Methods of strings and dicts, functions --------===//

#include "tokenizer/jinja_builtins.h"

#include "tokenizer/unicode.h"

#include <algorithm>
#include <ctime>
#include <utf8proc.h>

namespace qrt::jinja {

namespace {

/// Python's str.isspace: White_Space and the four information separators.
bool isSpace(std::string_view character) {
  uint32_t value = 0;
  return decodeUtf8(character, 0, value) != 0 &&
         ((classOf(value) & ClassSpace) || (value >= 0x1C && value <= 0x1F));
}

uint32_t codePoint(std::string_view character) {
  uint32_t value = 0;
  return decodeUtf8(character, 0, value) ? value : 0xFFFD;
}

/// Appends a character in upper, title or lower case, where it has one.
void appendCased(std::string_view character, bool upper, std::string &out) {
  uint32_t value = 0;
  if (decodeUtf8(character, 0, value) == 0) {
    out += character;
    return;
  }
  auto point = static_cast<utf8proc_int32_t>(value);
  appendUtf8(static_cast<uint32_t>(upper ? utf8proc_toupper(point)
                                         : utf8proc_tolower(point)),
             out);
}

Status splitMethod(Call &call, Value &out) {
  std::string_view separator, text = call.self.text;
  const Value *given = call.argument(0, "sep");
  bool bySpace = !given || given->is(Kind::None);
  int64_t limit = -1;
  if (!bySpace)
    QRT_TRY(call.string(0, "sep", "", separator));
  QRT_TRY(call.integer(1, "maxsplit", -1, limit));
  if (!bySpace && separator.empty())
    return invalid("'split' with an empty separator");
  List parts;
  if (bySpace) {
    if (limit >= 0)
      return unsupported("'split' by white space with a limit");
    std::vector<std::string_view> characters = charactersOf(text);
    for (size_t i = 0; i < characters.size();) {
      size_t end = i;
      while (end < characters.size() && !isSpace(characters[end]))
        ++end;
      if (end > i)
        parts.push_back(
            Value::view({characters[i].data(),
                         static_cast<size_t>(characters[end - 1].data() +
                                             characters[end - 1].size() -
                                             characters[i].data())}));
      i = end + 1;
    }
    return call.store.list(std::move(parts), out);
  }
  size_t begin = 0;
  for (size_t found = text.find(separator);
       found != std::string_view::npos && limit != 0;
       found = text.find(separator, begin), --limit) {
    parts.push_back(Value::view(text.substr(begin, found - begin)));
    begin = found + separator.size();
  }
  parts.push_back(Value::view(text.substr(begin)));
  return call.store.list(std::move(parts), out);
}

Status splitLinesMethod(Call &call, Value &out) {
  QRT_TRY(call.atMost(0));
  List lines;
  std::string_view text = call.self.text;
  size_t begin = 0;
  while (begin < text.size()) {
    size_t end = std::min(text.find_first_of("\r\n\v\f\x1C\x1D\x1E", begin),
                          text.size());
    lines.push_back(Value::view(text.substr(begin, end - begin)));
    begin = end + (text.substr(end, 2) == "\r\n" ? 2 : 1);
  }
  return call.store.list(std::move(lines), out);
}

/// startswith and endswith, with a string or a tuple of them.
Status affixMethod(Call &call, Value &out) {
  QRT_TRY(call.atMost(1));
  bool atStart = call.name == "startswith";
  std::string_view text = call.self.text;
  List affixes = call.arguments;
  if (affixes.size() == 1 && affixes[0].is(Kind::List))
    affixes = List(*affixes[0].list);
  bool holds = false;
  for (const Value &affix : affixes) {
    if (!affix.is(Kind::String))
      return invalid("'" + std::string(call.name) +
                     "' wants strings, but got " + nameOf(affix));
    size_t size = affix.text.size();
    holds = holds ||
            (size <= text.size() &&
             text.substr(atStart ? 0 : text.size() - size, size) == affix.text);
  }
  out = Value::of(holds);
  return Status();
}

Status removeAffixMethod(Call &call, Value &out) {
  std::string_view affix, text = call.self.text;
  QRT_TRY(call.string(0, "", "", affix));
  bool atStart = call.name == "removeprefix";
  bool has = affix.size() <= text.size() &&
             text.substr(atStart ? 0 : text.size() - affix.size(),
                         affix.size()) == affix;
  if (has && atStart)
    text.remove_prefix(affix.size());
  else if (has)
    text.remove_suffix(affix.size());
  out = Value::view(text);
  return Status();
}

/// find, rfind and count.
Status searchMethod(Call &call, Value &out) {
  QRT_TRY(call.atMost(1));
  std::string_view wanted, text = call.self.text;
  QRT_TRY(call.string(0, "", "", wanted));
  if (call.name == "count") {
    if (wanted.empty())
      return unsupported("'count' of an empty string");
    int64_t count = 0;
    for (size_t i = text.find(wanted); i != std::string_view::npos;
         i = text.find(wanted, i + wanted.size()))
      ++count;
    out = Value::of(count);
    return Status();
  }
  size_t found = call.name == "find" ? text.find(wanted) : text.rfind(wanted);
  out = Value::of(
      found == std::string_view::npos
          ? int64_t(-1)
          : static_cast<int64_t>(countCharacters(text.substr(0, found))));
  return Status();
}

/// isdigit, isalpha, isalnum, isspace, isupper, islower
Status classMethod(Call &call, Value &out) {
  QRT_TRY(call.atMost(0));
  bool all = !call.self.text.empty(), cased = false;
  for (std::string_view character : charactersOf(call.self.text)) {
    uint16_t classes = classOf(codePoint(character));
    if (call.name == "isspace")
      all = all && isSpace(character);
    else if (call.name == "isdigit")
      all = all && (classes & ClassNumber);
    else if (call.name == "isalpha")
      all = all && (classes & ClassLetter);
    else if (call.name == "isalnum")
      all = all && (classes & (ClassLetter | ClassNumber));
    else
      all = all &&
            !(classes & (call.name == "isupper" ? ClassLower : ClassUpper));
    cased = cased || (classes & (ClassUpper | ClassLower));
  }
  bool needsCased = call.name == "isupper" || call.name == "islower";
  out = Value::of(all && (cased || !needsCased));
  return Status();
}

Status stripMethod(Call &call, Value &out) {
  return stripText(call, call.name != "rstrip", call.name != "lstrip", out);
}

Status caseMethod(Call &call, Value &out) {
  QRT_TRY(call.atMost(0));
  return changeCase(call.store, call.name, call.self.text, out);
}

Status joinMethod(Call &call, Value &out) {
  List items;
  if (const Value *given = call.argument(0))
    QRT_TRY(elements(call.store, *given, items));
  for (const Value &item : items)
    if (!item.is(Kind::String))
      return invalid(std::string("'join' wants strings, but got ") +
                     nameOf(item));
  return joinTexts(call.store, items, call.self.text, out);
}

struct Method {
  std::string_view name;
  Status (*call)(Call &, Value &);
};

constexpr Method stringMethods[] = {
    {"strip", stripMethod},
    {"lstrip", stripMethod},
    {"rstrip", stripMethod},
    {"split", splitMethod},
    {"splitlines", splitLinesMethod},
    {"startswith", affixMethod},
    {"endswith", affixMethod},
    {"removeprefix", removeAffixMethod},
    {"removesuffix", removeAffixMethod},
    {"find", searchMethod},
    {"rfind", searchMethod},
    {"count", searchMethod},
    {"replace", replaceText},
    {"upper", caseMethod},
    {"lower", caseMethod},
    {"title", caseMethod},
    {"capitalize", caseMethod},
    {"join", joinMethod},
    {"isdigit", classMethod},
    {"isalpha", classMethod},
    {"isalnum", classMethod},
    {"isspace", classMethod},
    {"isupper", classMethod},
    {"islower", classMethod},
};

Status dictMethod(Call &call, Value &out) {
  const Dict &dict = *call.self.dict;
  if (call.name == "items") {
    QRT_TRY(call.atMost(0));
    return dictItems(call.store, dict, out);
  }
  if (call.name == "get") {
    const Value *key = call.argument(0);
    const Value *fallback = call.argument(1);
    out = fallback ? *fallback : Value::none();
    for (size_t i = 0; key && i < dict.size(); ++i) {
      bool same = false;
      QRT_TRY(equals(call.store, dict[i].first, *key, same));
      if (same)
        out = dict[i].second;
    }
    return Status();
  }
  QRT_TRY(call.atMost(0));
  List parts;
  for (const auto &[key, value] : dict)
    parts.push_back(call.name == "keys" ? key : value);
  return call.store.list(std::move(parts), out);
}

bool isDictMethod(std::string_view name) {
  return name == "items" || name == "get" || name == "keys" || name == "values";
}

Status rangeFunction(Call &call, Value &out) {
  int64_t start = 0, stop = 0, step = 1;
  bool single = call.arguments.size() == 1;
  QRT_TRY(call.integer(0, "", 0, single ? stop : start));
  if (!single)
    QRT_TRY(call.integer(1, "", 0, stop));
  QRT_TRY(call.integer(2, "", 1, step));
  if (step == 0 || call.arguments.empty())
    return invalid("'range' with no end or with step 0");
  // Jinja's sandbox has the same bound.
  constexpr int64_t maxRange = 100000;
  List items;
  for (int64_t i = start; step > 0 ? i < stop : i > stop;) {
    if (static_cast<int64_t>(items.size()) >= maxRange)
      return unsupported("'range' over more than " + std::to_string(maxRange) +
                         " numbers");
    items.push_back(Value::of(i));
    if (__builtin_add_overflow(i, step, &i))
      break;
  }
  QRT_TRY(call.store.spend(items.size()));
  return call.store.list(std::move(items), out);
}

Status timeFunction(Call &call, Value &out) {
  std::string_view format;
  QRT_TRY(call.string(0, "", "", format));
  std::time_t now = std::time(nullptr);
  std::tm local{};
  char buffer[256];
  if (format.size() > 64 || !localtime_r(&now, &local))
    return unsupported("so long a time format");
  size_t size = std::strftime(buffer, sizeof(buffer),
                              std::string(format).c_str(), &local);
  return call.store.text(std::string(buffer, size), out);
}

} // namespace

Status stripText(Call &call, bool left, bool right, Value &out) {
  QRT_TRY(call.atMost(1));
  std::string_view set, text = call.self.text;
  const Value *given = call.argument(0, "chars");
  if (given && !given->is(Kind::None))
    QRT_TRY(call.string(0, "chars", "", set));
  else
    given = nullptr;
  std::vector<std::string_view> members = charactersOf(set);
  auto strips = [&](std::string_view character) {
    if (!given)
      return isSpace(character);
    return std::find(members.begin(), members.end(), character) !=
           members.end();
  };
  QRT_TRY(call.store.spend(text.size() / 16));
  std::vector<std::string_view> characters = charactersOf(text);
  size_t begin = 0, end = characters.size();
  while (left && begin < end && strips(characters[begin]))
    ++begin;
  while (right && begin < end && strips(characters[end - 1]))
    --end;
  size_t first = begin < end ? characters[begin].data() - text.data() : 0;
  size_t last = begin < end ? characters[end - 1].data() +
                                  characters[end - 1].size() - text.data()
                            : 0;
  out = Value::view(text.substr(first, last - first));
  return Status();
}

Status replaceText(Call &call, Value &out) {
  std::string_view from, to, text = call.self.text;
  int64_t limit = -1;
  QRT_TRY(call.atMost(3));
  QRT_TRY(call.string(0, "old", "", from));
  QRT_TRY(call.string(1, "new", "", to));
  QRT_TRY(call.integer(2, "count", -1, limit));
  if (from.empty())
    return unsupported("'replace' of an empty string");
  QRT_TRY(call.store.spend(text.size() / 16));
  std::string result;
  size_t begin = 0;
  for (size_t found = text.find(from);
       found != std::string_view::npos && limit != 0;
       found = text.find(from, begin), --limit) {
    QRT_TRY(call.store.charge(to.size()));
    result.append(text, begin, found - begin).append(to);
    begin = found + from.size();
  }
  result.append(text, begin, std::string_view::npos);
  return call.store.text(std::move(result), out);
}

Status joinTexts(Store &store, const List &items, std::string_view separator,
                 Value &out) {
  std::string text;
  for (size_t i = 0; i < items.size(); ++i) {
    QRT_TRY(store.charge(separator.size()));
    if (i != 0)
      text += separator;
    QRT_TRY(appendText(store, items[i], text));
  }
  return store.text(std::move(text), out);
}

Status changeCase(Store &store, std::string_view name, std::string_view text,
                  Value &out) {
  QRT_TRY(store.spend(text.size() / 4));
  std::string result;
  bool wordStarts = true;
  for (std::string_view character : charactersOf(text)) {
    bool upper = name == "upper" || (name != "lower" && wordStarts);
    appendCased(character, upper, result);
    bool letter = classOf(codePoint(character)) & ClassLetter;
    wordStarts = name == "title" && !letter;
  }
  return store.text(std::move(result), out);
}

Status dictItems(Store &store, const Dict &dict, Value &out) {
  List items(dict.size());
  for (size_t i = 0; i < dict.size(); ++i) {
    QRT_TRY(store.list({dict[i].first, dict[i].second}, items[i]));
    items[i].boolean = true;
  }
  return store.list(std::move(items), out);
}

bool isMethod(const Value &self, std::string_view name) {
  if (self.is(Kind::Dict))
    return isDictMethod(name);
  return self.is(Kind::String) &&
         std::any_of(std::begin(stringMethods), std::end(stringMethods),
                     [&](const Method &method) { return method.name == name; });
}

Status callMethod(Call &call, Value &out) {
  if (call.self.is(Kind::Dict) && isDictMethod(call.name))
    return dictMethod(call, out);
  if (call.self.is(Kind::String))
    for (const Method &method : stringMethods)
      if (method.name == call.name) {
        QRT_TRY(call.store.spend(call.self.text.size() / 16));
        return method.call(call, out);
      }
  return unsupported("the method '" + std::string(call.name.substr(0, 40)) +
                     "' of " + nameOf(call.self));
}

bool isFunction(std::string_view name) {
  return name == "range" || name == "strftime_now" || name == "namespace" ||
         name == "raise_exception" || name == "dict";
}

Status callFunction(Call &call, Value &out) {
  if (call.name == "range")
    return rangeFunction(call, out);
  if (call.name == "strftime_now")
    return timeFunction(call, out);
  if (call.name == "raise_exception") {
    std::string_view message;
    QRT_TRY(call.string(0, "", "", message));
    return invalid("the template refuses these messages: " +
                   std::string(message.substr(0, 500)));
  }
  // namespace() and dict(): keyword arguments, and at most one dict.
  QRT_TRY(call.atMost(call.named.size() + 1));
  Dict items;
  if (const Value *base = call.argument(0)) {
    if (!base->is(Kind::Dict))
      return invalid("'" + std::string(call.name) + "' wants a dict, but got " +
                     nameOf(*base));
    items = *base->dict;
  }
  for (const auto &given : call.named) {
    auto entry =
        std::find_if(items.begin(), items.end(), [&](const auto &item) {
          return item.first.is(Kind::String) && item.first.text == given.first;
        });
    if (entry == items.end())
      items.emplace_back(Value::view(given.first), given.second);
    else
      entry->second = given.second;
  }
  return call.store.dict(std::move(items), out,
                         call.name == "dict" ? Kind::Dict : Kind::Namespace);
}

} // namespace qrt::jinja
