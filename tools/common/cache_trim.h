//===- cache_trim.h - Keeps the cache of modules from filling a disk ------===//

#ifndef TOOLS_COMMON_CACHE_TRIM_H
#define TOOLS_COMMON_CACHE_TRIM_H

#include <cstdint>
#include <string>

namespace lowbit::tools {

/// Bytes that modules in the cache may take: $LOWBIT_CACHE_GB, by default 20;
/// 0: as many as there are.
uint64_t cacheLimit();

/// Removes modules (.so) of `folder`, those first that nobody has read or
/// written for longest, until the others take `limit` bytes; never `keep`. A
/// process that has one mapped goes on with it. What cannot be removed stays.
void trimCache(const std::string &folder, const std::string &keep,
               uint64_t limit);

} // namespace lowbit::tools

#endif // TOOLS_COMMON_CACHE_TRIM_H
