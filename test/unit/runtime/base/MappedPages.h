//===- MappedPages.h - What the kernel says of memory -----------*- C++ -*-===//

#ifndef LOWBIT_TEST_UNIT_RUNTIME_BASE_MAPPEDPAGES_H
#define LOWBIT_TEST_UNIT_RUNTIME_BASE_MAPPEDPAGES_H

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace qrt {

inline bool systemHasHugePages() {
  return access("/sys/kernel/mm/transparent_hugepage", F_OK) == 0;
}

/// Whether huge pages were asked for where `address` is.
inline bool advisedHuge(const void *address) {
  const unsigned long long wanted = reinterpret_cast<uintptr_t>(address);
  std::ifstream file("/proc/self/smaps");
  bool here = false;
  for (std::string line; std::getline(file, line);) {
    unsigned long long begin, end;
    if (std::sscanf(line.c_str(), "%llx-%llx ", &begin, &end) == 2)
      here = begin <= wanted && wanted < end;
    else if (here && line.compare(0, 8, "VmFlags:") == 0)
      return line.find(" hg") != std::string::npos;
  }
  return false;
}

/// Number of pages in [data, data + bytes) that are in memory; `data` is at the
/// beginning of a page.
inline size_t residentPages(uint8_t *data, size_t bytes) {
  const size_t page = size_t(sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> resident((bytes + page - 1) / page);
  if (mincore(data, bytes, resident.data()) != 0)
    return SIZE_MAX;
  size_t count = 0;
  for (unsigned char byte : resident)
    count += byte & 1;
  return count;
}

} // namespace qrt

#endif // LOWBIT_TEST_UNIT_RUNTIME_BASE_MAPPEDPAGES_H
