//===- unicode_forms.cpp - Normal forms, case and marks -------------------===//

#include "tokenizer/unicode_forms.h"

#include "tokenizer/unicode.h"

#include <algorithm>
#include <utf8proc.h>
#include <utility>

namespace qrt {

Points pointsOf(std::string_view text) {
  Points points;
  points.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    uint32_t value = 0xFFFD;
    size_t length = decodeUtf8(text, i, value);
    points.push_back(length ? value : 0xFFFD);
    i += length ? length : 1;
  }
  return points;
}

static uint64_t combiningClass(uint32_t point) {
  return utf8proc_get_property(static_cast<utf8proc_int32_t>(point))
      ->combining_class;
}

/// Sorts each run of marks by combining class; equal ones keep their order.
static void orderMarks(Points &points) {
  std::vector<std::pair<uint64_t, uint32_t>> marks;
  auto sortMarks = [&](size_t end) {
    std::sort(marks.begin(), marks.end());
    for (size_t i = 0; i < marks.size(); ++i)
      points[end - marks.size() + i] = marks[i].second;
    marks.clear();
  };
  for (size_t i = 0; i < points.size(); ++i)
    if (uint64_t order = combiningClass(points[i]))
      marks.push_back({order << 32 | i, points[i]});
    else
      sortMarks(i);
  sortMarks(points.size());
}

void decompose(Points &points, bool compatible) {
  int options = UTF8PROC_DECOMPOSE | UTF8PROC_STABLE;
  if (compatible)
    options |= UTF8PROC_COMPAT;
  Points out;
  out.reserve(points.size());
  for (uint32_t point : points) {
    // The longest is that of U+FDFA, 18 characters.
    utf8proc_int32_t parts[32];
    utf8proc_ssize_t count = utf8proc_decompose_char(
        static_cast<utf8proc_int32_t>(point), parts, 32,
        static_cast<utf8proc_option_t>(options), nullptr);
    if (count < 1 || count > 32)
      out.push_back(point);
    else
      out.insert(out.end(), parts, parts + count);
  }
  points = std::move(out);
  orderMarks(points);
}

void compose(Points &points) {
  std::vector<utf8proc_int32_t> signedPoints(points.begin(), points.end());
  utf8proc_ssize_t count = utf8proc_normalize_utf32(
      signedPoints.data(), static_cast<utf8proc_ssize_t>(signedPoints.size()),
      static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  if (count >= 0)
    points.assign(signedPoints.begin(), signedPoints.begin() + count);
}

void appendLower(uint32_t point, Points &out) {
  // The only character whose lower case is two, whatever the language.
  if (point == 0x130) {
    out.push_back('i');
    out.push_back(0x307);
    return;
  }
  out.push_back(static_cast<uint32_t>(
      utf8proc_tolower(static_cast<utf8proc_int32_t>(point))));
}

static utf8proc_category_t categoryOf(uint32_t point) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(point));
}

bool isNonspacingMark(uint32_t point) {
  return categoryOf(point) == UTF8PROC_CATEGORY_MN;
}

bool isMark(uint32_t point) { return classOf(point) & ClassMark; }

bool isWordCharacter(uint32_t point) {
  // The joiners, and letters in circles and squares, which are symbols.
  if (point == 0x200C || point == 0x200D ||
      (point >= 0x24B6 && point <= 0x24E9) ||
      (point >= 0x1F130 && point <= 0x1F149) ||
      (point >= 0x1F150 && point <= 0x1F169) ||
      (point >= 0x1F170 && point <= 0x1F189))
    return true;
  utf8proc_category_t category = categoryOf(point);
  return category == UTF8PROC_CATEGORY_PC || category == UTF8PROC_CATEGORY_ND ||
         category == UTF8PROC_CATEGORY_NL ||
         (classOf(point) & (ClassLetter | ClassMark)) != 0;
}

bool isOther(uint32_t point) {
  switch (categoryOf(point)) {
  case UTF8PROC_CATEGORY_CC:
  case UTF8PROC_CATEGORY_CF:
  case UTF8PROC_CATEGORY_CO:
    return true;
  default:
    return false;
  }
}

} // namespace qrt
