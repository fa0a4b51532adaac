//===- ids.h - Token ids as text --------------------------------*- C++ -*-===//

#ifndef TOOLS_COMMON_IDS_H
#define TOOLS_COMMON_IDS_H

#include "tools/common/error.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lowbit::tools {

/// Reads a JSON array of ids below `vocabulary`; `where` begins the message.
Error parseIds(std::string_view line, int32_t vocabulary,
               const std::string &where, std::vector<int32_t> &ids);

} // namespace lowbit::tools

#endif // TOOLS_COMMON_IDS_H
