//===- error.h - One line about what went wrong -----------------*- C++ -*-===//
//
// The tools neither throw nor exit in the middle: a function that can fail
// returns an Error, which converts to true if there is one, and main prints it.
//
//===----------------------------------------------------------------------===//

#ifndef TOOLS_COMMON_ERROR_H
#define TOOLS_COMMON_ERROR_H

#include <cstring>
#include <string>
#include <utility>

namespace lowbit::tools {

class [[nodiscard]] Error {
public:
  static Error success() { return Error(); }
  /// The user has been told already, by a child process.
  static Error told() { return Error(std::string()); }
  explicit Error(std::string message)
      : failed_(true), message_(std::move(message)) {}

  explicit operator bool() const { return failed_; }
  const std::string &message() const { return message_; }

private:
  Error() = default;

  bool failed_ = false;
  std::string message_;
};

/// `what`: what was tried and on which path; adds the system's reason.
inline Error systemError(const std::string &what, int errorNumber) {
  return Error(what + ": " + std::strerror(errorNumber));
}

/// Prints the error, if there is one, as one line on stderr; the exit status.
int exitStatus(const char *tool, const Error &error);

} // namespace lowbit::tools

/// Leaves the function with the error, if there is one.
#define TOOLS_TRY(expression)                                                  \
  do {                                                                         \
    if (::lowbit::tools::Error tried = (expression))                           \
      return tried;                                                            \
  } while (false)

#endif // TOOLS_COMMON_ERROR_H
