//===- json.h - JSON that is always valid -----------------------*- C++ -*-===//

#ifndef TOOLS_COMMON_JSON_H
#define TOOLS_COMMON_JSON_H

#include <nlohmann/json.hpp>

#include <string>

namespace lowbit::tools {

/// Keys stay in the order in which they were set.
using Json = nlohmann::ordered_json;

/// One line, or several if `indent` is not negative. Bytes that are not UTF-8
/// become U+FFFD (the library would throw).
inline std::string dumpJson(const Json &value, int indent = -1) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace lowbit::tools

#endif // TOOLS_COMMON_JSON_H
