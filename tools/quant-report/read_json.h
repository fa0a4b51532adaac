//===- read_json.h - JSON that may be anything ------------------*- C++ -*-===//
//
// A report's JSON may have been edited, or be another file altogether: what is
// missing or of another type reads as nothing, and the library never throws.
//
//===----------------------------------------------------------------------===//

#ifndef TOOLS_QUANTREPORT_READ_JSON_H
#define TOOLS_QUANTREPORT_READ_JSON_H

#include "tools/common/json.h"

#include <limits>
#include <string>

namespace lowbit::tools::report {

/// null where there is no such member.
inline const Json &memberOf(const Json &object, const char *key) {
  static const Json nothing;
  if (!object.is_object())
    return nothing;
  auto found = object.find(key);
  return found == object.end() ? nothing : *found;
}

/// NaN where there is no number.
inline double numberIn(const Json &object, const char *key) {
  const Json &value = memberOf(object, key);
  return value.is_number() ? value.get<double>()
                           : std::numeric_limits<double>::quiet_NaN();
}

/// "" where there is no string.
inline std::string textIn(const Json &object, const char *key) {
  const Json &value = memberOf(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

/// The elements of a list; nothing of what is no list.
inline const Json &listIn(const Json &object, const char *key) {
  static const Json empty = Json::array();
  const Json &value = memberOf(object, key);
  return value.is_array() ? value : empty;
}

} // namespace lowbit::tools::report

#endif // TOOLS_QUANTREPORT_READ_JSON_H
