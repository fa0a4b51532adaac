//===- process.cpp - Child processes --------------------------------------===//

#include "tools/common/process.h"

#include "tools/common/files.h"

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lowbit::tools;

static bool isExecutable(const std::string &path) {
  struct stat status;
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

std::string lowbit::tools::findProgram(const std::string &program) {
  char self[PATH_MAX];
  ssize_t length = ::readlink("/proc/self/exe", self, sizeof self);
  if (length > 0 && length < static_cast<ssize_t>(sizeof self)) {
    std::string folder(self, static_cast<size_t>(length));
    folder.resize(folder.rfind('/') + 1);
    if (isExecutable(folder + program))
      return folder + program;
  }
  const char *path = std::getenv("PATH");
  std::string folders = path ? path : "";
  for (size_t begin = 0; begin < folders.size();) {
    size_t end = std::min(folders.find(':', begin), folders.size());
    std::string found = folders.substr(begin, end - begin) + "/" + program;
    if (end > begin && isExecutable(found))
      return found;
    begin = end + 1;
  }
  return "";
}

namespace {
/// Ignores the signals of the keyboard while it lives.
class KeyboardIgnored {
public:
  KeyboardIgnored() {
    struct sigaction ignore{};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGINT, &ignore, &interrupt_);
    ::sigaction(SIGQUIT, &ignore, &quit_);
  }
  ~KeyboardIgnored() {
    ::sigaction(SIGINT, &interrupt_, nullptr);
    ::sigaction(SIGQUIT, &quit_, nullptr);
  }

private:
  struct sigaction interrupt_, quit_;
};
} // namespace

/// `output`: what becomes the child's stdout.
static int spawn(const std::string &path,
                 const std::vector<std::string> &arguments, int output,
                 pid_t &child) {
  std::vector<char *> argv{const_cast<char *>(path.c_str())};
  for (const std::string &argument : arguments)
    argv.push_back(const_cast<char *>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  if (int code = ::posix_spawn_file_actions_init(&actions))
    return code;
  if (int code = ::posix_spawnattr_init(&attributes)) {
    ::posix_spawn_file_actions_destroy(&actions);
    return code;
  }
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  sigset_t keyboard;
  ::sigemptyset(&keyboard);
  ::sigaddset(&keyboard, SIGINT);
  ::sigaddset(&keyboard, SIGQUIT);
  ::posix_spawnattr_setsigdefault(&attributes, &keyboard);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  int code = ::posix_spawn(&child, path.c_str(), &actions, &attributes,
                           argv.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  return code;
}

static Error waitFor(const std::string &path, pid_t child, rusage &usage) {
  int status = 0;
  while (::wait4(child, &status, 0, &usage) < 0)
    if (errno != EINTR)
      return systemError("cannot wait for '" + path + "'", errno);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
    return Error::success();
  // Our programs say why before they exit with 1.
  if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
    return Error::told();
  if (WIFEXITED(status))
    return Error("'" + path + "' failed with status " +
                 std::to_string(WEXITSTATUS(status)));
  return Error("'" + path + "' was ended by signal " +
               std::to_string(WTERMSIG(status)));
}

Error lowbit::tools::runProgram(const std::string &path,
                                const std::vector<std::string> &arguments) {
  KeyboardIgnored ignored;
  pid_t child = 0;
  if (int code = spawn(path, arguments, STDERR_FILENO, child))
    return systemError("cannot start '" + path + "'", code);
  rusage usage{};
  return waitFor(path, child, usage);
}

/// Until the other end is closed.
static void readAll(int fd, std::string &text) {
  char piece[1 << 16];
  while (true) {
    ssize_t count = ::read(fd, piece, sizeof piece);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return;
    text.append(piece, static_cast<size_t>(count));
  }
}

Error lowbit::tools::captureProgram(const std::string &path,
                                    const std::vector<std::string> &arguments,
                                    ProgramResult &result) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC))
    return systemError("cannot start '" + path + "'", errno);
  FileDescriptor reading(ends[0]), writing(ends[1]);
  KeyboardIgnored ignored;
  pid_t child = 0;
  if (int code = spawn(path, arguments, writing.get(), child))
    return systemError("cannot start '" + path + "'", code);
  writing.reset(-1);
  result.output.clear();
  readAll(reading.get(), result.output);
  rusage usage{};
  TOOLS_TRY(waitFor(path, child, usage));
  result.peakBytes = static_cast<uint64_t>(usage.ru_maxrss) * 1024;
  return Error::success();
}
