//===- compile_cache.cpp - Models compiled once ---------------------------===//

#include "tools/common/compile_cache.h"

#include "tools/common/cache_trim.h"
#include "tools/common/files.h"
#include "tools/common/process.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace lowbit::tools;

/// Of each source file, so much is hashed: it holds the metadata and the tensor
/// table's beginning; the rest is watched by size, time and inode.
static constexpr size_t hashedBytes = 1 << 20;
/// Changes when entries of older tools must not be used any more.
static constexpr const char *cacheVersion = "lowbit-cache-1";

std::vector<std::string> CompileOptions::arguments() const {
  std::vector<std::string> result;
  auto add = [&](const char *name, const std::string &value) {
    if (!value.empty())
      result.push_back(name + value);
  };
  add("--activations=", activations);
  add("--scheme=", scheme);
  add("--tensors=", tensors);
  add("--kv=", kv);
  add("--probe=", probe);
  add("--target-cpu=", level);
  add("--tuning=", tuning);
  add("--shape=", shape);
  add("--linear=", linear);
  add("--rows=", rows);
  add("--fill=", fill);
  if (rotateHeads)
    result.push_back("--rotate-heads");
  if (profile)
    result.push_back("--profile");
  if (embedding)
    result.push_back("--embedding");
  return result;
}

std::string lowbit::tools::levelForThisMachine() {
  const char *level = std::getenv("QRT_CPU");
  return level && *level ? level : "host";
}

Error lowbit::tools::cacheFolder(std::string &folder) {
  const char *cache = std::getenv("XDG_CACHE_HOME");
  if (cache && cache[0] == '/') {
    folder = std::string(cache) + "/lowbit";
    return Error::success();
  }
  const char *home = std::getenv("HOME");
  if (!home || !*home)
    return Error("there is no place for the compiled model: set HOME or "
                 "XDG_CACHE_HOME, or use --no-cache");
  folder = std::string(home) + "/.cache/lowbit";
  return Error::success();
}

static bool endsWith(const std::string &text, const std::string &end) {
  return text.size() >= end.size() &&
         text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// Names of a Hugging Face folder's files that a module depends on.
static bool isPartOfFolder(const std::string &name) {
  for (const char *extension : {".json", ".safetensors", ".jinja"})
    if (endsWith(name, extension))
      return true;
  return false;
}

/// Sorted, so that the order in the folder does not matter.
static std::vector<std::string> filesOf(const std::string &folder) {
  std::vector<std::string> result;
  DIR *handle = ::opendir(folder.c_str());
  if (!handle)
    return result;
  while (const dirent *entry = ::readdir(handle))
    if (isPartOfFolder(entry->d_name))
      result.push_back(folder + "/" + entry->d_name);
  ::closedir(handle);
  // Where sentence-transformers puts the one file inside that counts.
  struct stat status;
  std::string pooling = folder + "/1_Pooling/config.json";
  if (::stat(pooling.c_str(), &status) == 0)
    result.push_back(pooling);
  std::sort(result.begin(), result.end());
  return result;
}

/// All parts of "x-00001-of-00003.gguf", the files of a folder, or the path
/// alone.
static std::vector<std::string> parts(const std::string &path) {
  if (isFolder(path))
    return filesOf(path);
  static constexpr size_t tail = 20; // "-00001-of-00003.gguf"
  std::vector<std::string> result{path};
  int part = 0, count = 0, end = 0;
  if (path.size() <= tail ||
      std::sscanf(path.c_str() + path.size() - tail, "-%5d-of-%5d.gguf%n",
                  &part, &count, &end) != 2 ||
      end != static_cast<int>(tail))
    return result;
  for (int i = 1; i <= count; ++i) {
    char name[tail + 1];
    std::snprintf(name, sizeof name, "-%05d-of-%05d.gguf", i, count);
    std::string other = path.substr(0, path.size() - tail) + name;
    if (other != path)
      result.push_back(other);
  }
  return result;
}

/// What the hash is computed over: "name=value" lines.
static void addFact(std::string &facts, const char *name,
                    const std::string &value) {
  facts += std::string(name) + "=" + std::to_string(value.size()) + ":" +
           value + "\n";
}

static bool addFileFacts(std::string &facts, const char *name,
                         const std::string &path) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0)
    return false;
  char text[160];
  std::snprintf(text, sizeof text, "%llu %lld.%09ld %llu:%llu",
                static_cast<unsigned long long>(status.st_size),
                static_cast<long long>(status.st_mtim.tv_sec),
                status.st_mtim.tv_nsec,
                static_cast<unsigned long long>(status.st_dev),
                static_cast<unsigned long long>(status.st_ino));
  addFact(facts, name, text);
  return true;
}

/// A cache shared by several machines (a home folder on the network) keeps one
/// module for each kind.
static std::string machine() {
  struct utsname name{};
  ::uname(&name);
  std::string result = name.machine;
#ifdef __x86_64__
  __builtin_cpu_init();
  result += __builtin_cpu_supports("avx2") ? " avx2" : "";
  result += __builtin_cpu_supports("avxvnni") ? " avxvnni" : "";
  result += __builtin_cpu_supports("avx512bw") ? " avx512bw" : "";
  result += __builtin_cpu_supports("avx512vnni") ? " avx512vnni" : "";
  result += __builtin_cpu_supports("avx512bf16") ? " avx512bf16" : "";
#elif defined(__aarch64__)
  result += ::getauxval(AT_HWCAP) & HWCAP_ASIMDDP ? " dotprod" : "";
  result += ::getauxval(AT_HWCAP2) & HWCAP2_I8MM ? " i8mm" : "";
  result += ::getauxval(AT_HWCAP2) & HWCAP2_BF16 ? " bf16" : "";
#endif
  return result;
}

Error lowbit::tools::cacheKey(const std::string &source,
                              const std::string &compiler,
                              const CompileOptions &options, std::string &key) {
  std::string facts, content;
  addFact(facts, "version", cacheVersion);
  if (!options.isRandom())
    for (const std::string &part : parts(source)) {
      // A part that is missing is the compiler's to complain about.
      if (!addFileFacts(facts, "source", part))
        continue;
      addFact(facts, "part", part.substr(part.rfind('/') + 1));
      TOOLS_TRY(readBeginning(part, hashedBytes, content));
      addFact(facts, "content", content);
    }
  addFileFacts(facts, "compiler", compiler);
  for (const std::string &argument : options.arguments())
    addFact(facts, "option", argument);
  size_t hash = options.scheme.rfind('#');
  if (hash != std::string::npos) {
    TOOLS_TRY(readFile(options.scheme.substr(0, hash), content));
    addFact(facts, "scheme", content);
  }
  if (!options.tuning.empty()) {
    TOOLS_TRY(readFile(options.tuning, content));
    addFact(facts, "tuning", content);
  }
  if (endsWith(options.shape, ".json")) {
    TOOLS_TRY(readFile(options.shape, content));
    addFact(facts, "shape", content);
  }
  if (options.level == "host")
    addFact(facts, "machine", machine());
  XXH128_hash_t digest = XXH3_128bits(facts.data(), facts.size());
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx",
                static_cast<unsigned long long>(digest.high64),
                static_cast<unsigned long long>(digest.low64));
  key = text;
  return Error::success();
}

static Error makeFolders(const std::string &folder) {
  for (size_t slash = folder.find('/', 1);; slash = folder.find('/', slash)) {
    std::string prefix = folder.substr(0, slash);
    if (::mkdir(prefix.c_str(), 0777) != 0 && errno != EEXIST)
      return systemError("cannot make the folder '" + prefix +
                             "'; set XDG_CACHE_HOME or use --no-cache",
                         errno);
    if (slash == std::string::npos)
      return Error::success();
    ++slash;
  }
}

/// What is compiled, for messages.
static std::string titleOf(const std::string &source,
                           const CompileOptions &options) {
  if (!options.isRandom())
    return source;
  return options.shape.empty() ? "linear " + options.linear : options.shape;
}

static std::string stem(std::string title) {
  while (title.size() > 1 && title.back() == '/') // of a folder
    title.pop_back();
  std::string name = title.substr(title.rfind('/') + 1); // npos + 1 is 0
  for (const char *extension : {".gguf", ".json"})
    if (endsWith(name, extension))
      name.resize(name.size() - std::strlen(extension));
  std::replace(name.begin(), name.end(), ' ', '-');
  // Names are at most 255 bytes; key, ".so.tmp" and dots need 45.
  return name.substr(0, 200);
}

static Error compile(const std::string &source, const std::string &compiler,
                     const CompileOptions &options, const std::string &module) {
  std::string title = titleOf(source, options);
  if (::isatty(STDERR_FILENO))
    std::fprintf(stderr, "compiling '%s' (once)\n", title.c_str());
  std::vector<std::string> arguments{"-o", module};
  if (!options.isRandom())
    arguments.insert(arguments.begin(), source);
  for (const std::string &argument : options.arguments())
    arguments.push_back(argument);
  if (Error error = runProgram(compiler, arguments)) {
    ::unlink(module.c_str());
    if (error.message().empty())
      return error;
    return Error("cannot compile '" + title + "': " + error.message());
  }
  return Error::success();
}

/// Takes the lock, of which there is one file: whoever holds it may remove it,
/// and whoever waited for a removed one starts again.
static Error lock(const std::string &path, FileDescriptor &file) {
  bool told = false;
  while (true) {
    // Inherited by the compiler: it still holds the lock if this process dies.
    file.reset(::open(path.c_str(), O_RDWR | O_CREAT, 0666));
    if (!file.valid())
      return systemError("cannot make '" + path + "'; use --no-cache", errno);
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
      if (!told)
        std::fprintf(stderr, "waiting for another process that compiles the "
                             "same model\n");
      told = true;
      while (::flock(file.get(), LOCK_EX) != 0)
        if (errno != EINTR)
          return systemError("cannot lock '" + path + "'; use --no-cache",
                             errno);
    }
    struct stat held, named;
    if (::fstat(file.get(), &held) == 0 && ::stat(path.c_str(), &named) == 0 &&
        held.st_ino == named.st_ino && held.st_dev == named.st_dev)
      return Error::success();
  }
}

Error lowbit::tools::compileCached(const std::string &source,
                                   const std::string &compiler,
                                   const CompileOptions &options,
                                   std::string &module) {
  std::string folder, key;
  TOOLS_TRY(cacheFolder(folder));
  TOOLS_TRY(cacheKey(source, compiler, options, key));
  module = folder + "/" + stem(titleOf(source, options)) + "." + key + ".so";
  if (::access(module.c_str(), R_OK) == 0)
    return Error::success();
  TOOLS_TRY(makeFolders(folder));
  FileDescriptor held;
  std::string lockPath = module + ".lock";
  TOOLS_TRY(lock(lockPath, held));
  Error error = Error::success();
  if (::access(module.c_str(), R_OK) != 0) {
    std::string temporary = module + ".tmp";
    error = compile(source, compiler, options, temporary);
    if (!error && ::rename(temporary.c_str(), module.c_str()) != 0)
      error = systemError("cannot write '" + module + "'", errno);
    if (!error)
      trimCache(folder, module, cacheLimit());
  }
  ::unlink(lockPath.c_str());
  return error;
}

Error lowbit::tools::compileUncached(const std::string &source,
                                     const std::string &compiler,
                                     const CompileOptions &options,
                                     std::string &module) {
  const char *temporary = std::getenv("TMPDIR");
  std::string folder =
      std::string(temporary && *temporary ? temporary : "/tmp") +
      "/lowbit-XXXXXX";
  if (!::mkdtemp(&folder[0]))
    return systemError("cannot make a folder '" + folder + "'", errno);
  module = folder + "/" + stem(titleOf(source, options)) + ".so";
  Error error = compile(source, compiler, options, module);
  if (error)
    removeUncached(module);
  return error;
}

void lowbit::tools::removeUncached(const std::string &module) {
  ::unlink(module.c_str());
  ::rmdir(module.substr(0, module.rfind('/')).c_str());
}
