//===- cache_trim.cpp - Keeps the cache of modules from filling a disk ----===//

#include "tools/common/cache_trim.h"

#include <algorithm>
#include <cstdlib>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

using namespace lowbit::tools;

static constexpr uint64_t defaultGigabytes = 20;

uint64_t lowbit::tools::cacheLimit() {
  uint64_t gigabytes = defaultGigabytes;
  if (const char *text = std::getenv("LOWBIT_CACHE_GB"); text && *text) {
    char *end = nullptr;
    unsigned long long value = std::strtoull(text, &end, 10);
    if (*end == '\0' && value < (1u << 30))
      gigabytes = value;
  }
  return gigabytes ? gigabytes * 1000000000 : UINT64_MAX;
}

namespace {
struct Entry {
  std::string path;
  uint64_t bytes;
  time_t used; ///< read or written; most systems note a read once a day
};
} // namespace

static bool isModule(const std::string &name) {
  return name.size() > 3 && name.compare(name.size() - 3, 3, ".so") == 0;
}

static std::vector<Entry> modulesOf(const std::string &folder) {
  std::vector<Entry> entries;
  DIR *handle = ::opendir(folder.c_str());
  if (!handle)
    return entries;
  while (const dirent *file = ::readdir(handle)) {
    std::string path = folder + "/" + file->d_name;
    struct stat status;
    if (!isModule(file->d_name) || ::lstat(path.c_str(), &status) != 0 ||
        !S_ISREG(status.st_mode))
      continue;
    entries.push_back({path, static_cast<uint64_t>(status.st_blocks) * 512,
                       std::max(status.st_atime, status.st_mtime)});
  }
  ::closedir(handle);
  return entries;
}

void lowbit::tools::trimCache(const std::string &folder,
                              const std::string &keep, uint64_t limit) {
  std::vector<Entry> entries = modulesOf(folder);
  std::sort(entries.begin(), entries.end(), [](const Entry &a, const Entry &b) {
    return a.used != b.used ? a.used < b.used : a.path < b.path;
  });
  uint64_t bytes = 0;
  for (const Entry &entry : entries)
    bytes += entry.bytes;
  for (const Entry &entry : entries) {
    if (bytes <= limit)
      return;
    if (entry.path != keep && ::unlink(entry.path.c_str()) == 0)
      bytes -= entry.bytes;
  }
}
