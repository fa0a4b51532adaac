//===- normalizer.cpp - Text before it is split into words ----------------===//

#include "tokenizer/normalizer.h"

#include "tokenizer/unicode.h"

#include <algorithm>

namespace qrt {

//===- Names --------------------------------------------------------------===//

/// Hexadecimal to text; false: it is none.
static bool readHex(std::string_view digits, std::string &out) {
  if (digits.size() % 2)
    return false;
  auto value = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
  };
  for (size_t i = 0; i < digits.size(); i += 2) {
    int high = value(digits[i]), low = value(digits[i + 1]);
    if (high < 0 || low < 0)
      return false;
    out += static_cast<char>(high * 16 + low);
  }
  return true;
}

/// "replace:FROM:TO", "prepend:TO", "squeeze:TO", in hexadecimal.
Status Normalizer::readTexts(std::string_view name, Step &step) {
  size_t colon = name.find(':');
  std::string_view kind = name.substr(0, colon), texts = name.substr(colon + 1);
  std::string from, to;
  bool read = true;
  if (kind == "replace") {
    step.kind = Kind::Replace;
    colon = texts.find(':');
    read = colon != std::string_view::npos &&
           readHex(texts.substr(0, colon), from) && !from.empty();
    texts.remove_prefix(std::min(texts.size(), colon + 1));
  } else {
    step.kind = kind == "prepend" ? Kind::Prepend : Kind::Squeeze;
    read = kind == "prepend" || kind == "squeeze";
  }
  if (!read || !readHex(texts, to))
    return unsupported("tokenizer: unknown normalizer '" +
                       std::string(name.substr(0, 100)) + "'");
  step.from = pointsOf(from);
  step.to = pointsOf(to);
  return Status();
}

Status Normalizer::create(const std::vector<std::string_view> &names,
                          const std::vector<int32_t> &map, Normalizer &out) {
  static constexpr std::pair<std::string_view, Kind> kinds[] = {
      {"clean", Kind::Clean},
      {"chinese", Kind::Chinese},
      {"nfc", Kind::Nfc},
      {"nfd", Kind::Nfd},
      {"nfkc", Kind::Nfkc},
      {"nfkd", Kind::Nfkd},
      {"strip_nonspacing", Kind::StripNonspacing},
      {"strip_marks", Kind::StripMarks},
      {"lowercase", Kind::Lowercase},
      {"strip_left", Kind::StripLeft},
      {"strip_right", Kind::StripRight},
      {"nmt", Kind::Nmt},
      {"precompiled", Kind::Precompiled},
  };
  Normalizer made;
  for (std::string_view name : names) {
    Step step{Kind::Replace, {}, {}};
    auto known = std::find_if(std::begin(kinds), std::end(kinds),
                              [&](auto &kind) { return kind.first == name; });
    if (known != std::end(kinds))
      step.kind = known->second;
    else
      QRT_TRY(readTexts(name, step));
    if (step.kind == Kind::Precompiled)
      QRT_TRY(CharMap::create(map, made.map_));
    made.steps_.push_back(std::move(step));
  }
  out = std::move(made);
  return Status();
}

//===- Steps --------------------------------------------------------------===//

template <typename Unwanted>
static void removeAll(Points &points, Unwanted unwanted) {
  points.erase(std::remove_if(points.begin(), points.end(), unwanted),
               points.end());
}

static bool isSpace(uint32_t point) { return classOf(point) & ClassSpace; }

/// BertNormalizer keeps these three, whatever their category.
static bool isBlank(uint32_t point) {
  return point == '\t' || point == '\n' || point == '\r';
}

static void clean(Points &points) {
  removeAll(points, [](uint32_t point) {
    return point == 0 || point == 0xFFFD || (isOther(point) && !isBlank(point));
  });
  for (uint32_t &point : points)
    point = isBlank(point) || isSpace(point) ? ' ' : point;
}

static bool isIdeograph(uint32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
         (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

template <typename Append> static void rewrite(Points &points, Append append) {
  Points out;
  out.reserve(points.size());
  for (uint32_t point : points)
    append(point, out);
  points = std::move(out);
}

static void spaceIdeographs(Points &points) {
  if (std::none_of(points.begin(), points.end(), isIdeograph))
    return;
  rewrite(points, [](uint32_t point, Points &out) {
    bool spaced = isIdeograph(point);
    if (spaced)
      out.push_back(' ');
    out.push_back(point);
    if (spaced)
      out.push_back(' ');
  });
}

static void replaceAll(Points &points, const Points &from, const Points &to) {
  Points out;
  auto at = points.begin();
  while (true) {
    auto found = std::search(at, points.end(), from.begin(), from.end());
    out.insert(out.end(), at, found);
    if (found == points.end())
      break;
    out.insert(out.end(), to.begin(), to.end());
    at = found + static_cast<ptrdiff_t>(from.size());
  }
  points = std::move(out);
}

/// As tokenizers' Nmt.
static void mapControls(Points &points) {
  removeAll(points, [](uint32_t c) {
    return (c >= 1 && c <= 8) || c == 0x0B || (c >= 0x0E && c <= 0x1F) ||
           c == 0x7F || c == 0x8F || c == 0x9F;
  });
  for (uint32_t &c : points)
    if (c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 ||
        (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 ||
        c == 0x2581 || c == 0xFEFF || c == 0xFFFD)
      c = ' ';
}

static void squeezeSpaces(Points &points, const Points &to) {
  Points out;
  for (size_t i = 0; i < points.size();) {
    size_t end = i;
    while (end < points.size() && points[end] == ' ')
      ++end;
    if (end - i >= 2) {
      out.insert(out.end(), to.begin(), to.end());
      i = end;
    } else {
      out.push_back(points[i++]);
    }
  }
  points = std::move(out);
}

void Normalizer::applyStep(const Step &step, Points &points) const {
  switch (step.kind) {
  case Kind::Clean:
    return clean(points);
  case Kind::Chinese:
    return spaceIdeographs(points);
  case Kind::Nfc:
  case Kind::Nfkc:
    decompose(points, step.kind == Kind::Nfkc);
    return compose(points);
  case Kind::Nfd:
  case Kind::Nfkd:
    return decompose(points, step.kind == Kind::Nfkd);
  case Kind::StripNonspacing:
    return removeAll(points, isNonspacingMark);
  case Kind::StripMarks:
    return removeAll(points, isMark);
  case Kind::Lowercase:
    return rewrite(points, appendLower);
  case Kind::StripLeft:
    points.erase(points.begin(),
                 std::find_if_not(points.begin(), points.end(), isSpace));
    return;
  case Kind::StripRight:
    points.erase(
        std::find_if_not(points.rbegin(), points.rend(), isSpace).base(),
        points.end());
    return;
  case Kind::Nmt:
    return mapControls(points);
  case Kind::Precompiled:
    return map_.apply(points);
  case Kind::Replace:
    return replaceAll(points, step.from, step.to);
  case Kind::Prepend:
    if (!points.empty())
      points.insert(points.begin(), step.to.begin(), step.to.end());
    return;
  case Kind::Squeeze:
    return squeezeSpaces(points, step.to);
  }
}

void Normalizer::apply(Points &points) const {
  for (const Step &step : steps_)
    applyStep(step, points);
}

//===- Words --------------------------------------------------------------===//

Status WordSteps::create(const std::vector<std::string_view> &names,
                         WordSteps &out) {
  static constexpr std::pair<std::string_view, Kind> kinds[] = {
      {"spaces", Kind::Spaces}, {"punctuation", Kind::Punctuation},
      {"words", Kind::Words},   {"digits", Kind::Digits},
      {"digit", Kind::Digit},
  };
  WordSteps made;
  for (std::string_view name : names) {
    auto known = std::find_if(std::begin(kinds), std::end(kinds),
                              [&](auto &kind) { return kind.first == name; });
    if (known == std::end(kinds))
      return unsupported("tokenizer: unknown way to split '" +
                         std::string(name.substr(0, 100)) + "'");
    made.steps_.push_back(known->second);
  }
  out = std::move(made);
  return Status();
}

static bool isPunctuation(uint32_t point) {
  if (point < 0x80)
    return (point > ' ' && point < '0') || (point > '9' && point < 'A') ||
           (point > 'Z' && point < 'a') || (point > 'z' && point < 0x7F);
  return classOf(point) & ClassPunctuation;
}

static bool isDigit(uint32_t point) { return classOf(point) & ClassNumber; }

namespace {
/// What a character does where words are made.
struct Role {
  int group;  ///< characters of one group go together
  bool alone; ///< it is a word by itself
  bool drop;  ///< it is in no word
};
} // namespace

template <typename RoleOf>
static void splitBy(const Points &points, RoleOf roleOf,
                    WordSteps::Words &words) {
  WordSteps::Words out;
  for (auto [begin, end] : words)
    for (size_t i = begin; i < end;) {
      Role role = roleOf(points[i]);
      size_t next = i + 1;
      while (!role.alone && next < end && !roleOf(points[next]).alone &&
             roleOf(points[next]).group == role.group)
        ++next;
      if (!role.drop)
        out.push_back({i, next});
      i = next;
    }
  words = std::move(out);
}

void WordSteps::split(const Points &points, Words &words) const {
  words.clear();
  if (!points.empty())
    words.push_back({0, points.size()});
  for (Kind step : steps_)
    splitBy(
        points,
        [&](uint32_t point) -> Role {
          switch (step) {
          case Kind::Spaces:
            return {isSpace(point), false, isSpace(point)};
          case Kind::Punctuation:
            return {0, isPunctuation(point), false};
          case Kind::Words:
            return {isSpace(point) ? 0 : 1 + isWordCharacter(point), false,
                    isSpace(point)};
          case Kind::Digits:
            return {isDigit(point), false, false};
          case Kind::Digit:
            return {0, isDigit(point), false};
          }
          return {};
        },
        words);
}

} // namespace qrt
