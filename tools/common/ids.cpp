//===- ids.cpp - Token ids as text ----------------------------------------===//

#include "tools/common/ids.h"

#include "tools/common/json.h"

using namespace lowbit::tools;

Error lowbit::tools::parseIds(std::string_view line, int32_t vocabulary,
                              const std::string &where,
                              std::vector<int32_t> &ids) {
  Json array = Json::parse(line, nullptr, false);
  if (!array.is_array())
    return Error(where + ": expected a JSON array of ids such as [1,2,3]");
  ids.clear();
  for (const Json &element : array) {
    if (!element.is_number_integer() || element.get<int64_t>() < 0 ||
        element.get<int64_t>() >= vocabulary)
      return Error(where + ": expected ids from 0 to " +
                   std::to_string(vocabulary - 1) + ", but got " +
                   dumpJson(element));
    ids.push_back(element.get<int32_t>());
  }
  return Error::success();
}
