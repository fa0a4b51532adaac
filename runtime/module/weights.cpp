//===- weights.cpp - Checksums of a module's weights ----------------------===//

#include "module/weights.h"
#include "base/hash.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

namespace qrt {

Status verifyWeights(const ModuleView &module, const std::string &name,
                     const OnEachThread &onEachThread) {
  const std::string_view weights = module.weights;
  const size_t chunks = module.hashes.size;
  std::atomic<size_t> next{0}, firstBad{chunks};
  onEachThread([&] {
    for (size_t i; (i = next.fetch_add(1)) < chunks;) {
      const uint64_t begin = uint64_t(i) * QRT_HASH_CHUNK;
      if (hash64(weights.substr(begin, QRT_HASH_CHUNK)) == module.hashes[i])
        continue;
      size_t known = firstBad.load();
      while (i < known && !firstBad.compare_exchange_weak(known, i))
        ;
    }
  });
  if (firstBad == chunks)
    return {};
  const uint64_t begin = uint64_t(firstBad) * QRT_HASH_CHUNK;
  const uint64_t end =
      std::min<uint64_t>(begin + QRT_HASH_CHUNK, weights.size());
  const uint64_t base = module.header.weights_offset;
  return corrupt(name + ": damaged: the weights in bytes " +
                 std::to_string(base + begin) + " to " +
                 std::to_string(base + end) +
                 " do not match their hash: copy the file or compile it again");
}

Status readInto(Arena &memory, int descriptor, uint64_t offset,
                const std::string &name, const OnEachThread &onEachThread) {
  // Small enough to balance the threads, large enough to touch each huge page
  // from one of them.
  constexpr uint64_t piece = 4u << 20;
  std::atomic<uint64_t> next{0};
  std::atomic<int> error{0};
  onEachThread([&] {
    for (uint64_t at; (at = next.fetch_add(piece)) < memory.bytes();) {
      const uint64_t end = std::min(at + piece, memory.bytes());
      while (at < end && !error) {
        const ssize_t bytes =
            pread(descriptor, memory.data() + at, end - at, off_t(offset + at));
        if (bytes > 0)
          at += uint64_t(bytes);
        else if (bytes == 0 || errno != EINTR)
          error = bytes == 0 ? EIO : errno;
      }
    }
  });
  return error ? ioError("cannot read the weights of " + name, error)
               : Status();
}

namespace {

std::string cacheFolder() {
  if (const char *cache = std::getenv("XDG_CACHE_HOME"); cache && *cache == '/')
    return cache;
  if (const char *home = std::getenv("HOME"); home && *home == '/')
    return std::string(home) + "/.cache";
  return {};
}

bool makeFolders(const std::string &path) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    if (mkdir(parent.c_str(), 0700) != 0 && errno != EEXIST)
      return false;
    if (slash == std::string::npos)
      return true;
  }
}

/// One file for each device and inode, so that entries do not pile up as
/// modules are compiled again.
std::string entryPath(const std::string &folder, const struct stat &file) {
  char name[64];
  std::snprintf(name, sizeof name, "/%llx-%llx",
                static_cast<unsigned long long>(file.st_dev),
                static_cast<unsigned long long>(file.st_ino));
  return folder + name;
}

std::string entryText(const struct stat &file, uint64_t headerHash) {
  char text[160];
  std::snprintf(
      text, sizeof text, "1 %lld %lld.%09ld %lld.%09ld %016llx\n",
      static_cast<long long>(file.st_size),
      static_cast<long long>(file.st_mtim.tv_sec), file.st_mtim.tv_nsec,
      static_cast<long long>(file.st_ctim.tv_sec), file.st_ctim.tv_nsec,
      static_cast<unsigned long long>(headerHash));
  return text;
}

/// A file that changes twice within one tick of the kernel's clock keeps its
/// times; ticks are at most 10 ms (HZ = 100).
bool settled(const struct stat &file) {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  const int64_t age = (int64_t(now.tv_sec) - file.st_ctim.tv_sec) * 1000000000 +
                      (now.tv_nsec - file.st_ctim.tv_nsec);
  return age > 20000000;
}

} // namespace

VerifiedFiles::VerifiedFiles() {
  if (std::string cache = cacheFolder(); !cache.empty())
    folder_ = cache + "/lowbit/verified";
}

bool VerifiedFiles::contains(const struct stat &file,
                             uint64_t headerHash) const {
  if (folder_.empty())
    return false;
  const int entry =
      open(entryPath(folder_, file).c_str(), O_RDONLY | O_CLOEXEC);
  if (entry < 0)
    return false;
  char text[160];
  const ssize_t bytes = read(entry, text, sizeof text);
  close(entry);
  return bytes > 0 &&
         std::string_view(text, size_t(bytes)) == entryText(file, headerHash);
}

void VerifiedFiles::add(const struct stat &file, uint64_t headerHash) const {
  if (folder_.empty() || !settled(file) || !makeFolders(folder_))
    return;
  const std::string path = entryPath(folder_, file);
  const std::string temporary =
      path + "." + std::to_string(static_cast<long>(getpid()));
  const int entry =
      open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (entry < 0)
    return;
  const std::string text = entryText(file, headerHash);
  const bool written =
      write(entry, text.data(), text.size()) == ssize_t(text.size());
  close(entry);
  if (!written || rename(temporary.c_str(), path.c_str()) != 0)
    unlink(temporary.c_str());
}

} // namespace qrt
