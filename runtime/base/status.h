//===- status.h - Errors of the runtime -------------------------*- C++ -*-===//
//
// A status is a code and, when it is an error, one line: what, where, what to
// do. Nothing in the runtime throws, asserts on input or exits.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTRT_BASE_STATUS_H
#define QUANTRT_BASE_STATUS_H

#include "quantrt/quantrt.h"

#include <string>
#include <utility>

namespace qrt {

class [[nodiscard]] Status {
public:
  Status() = default;
  Status(qrt_status code, std::string message)
      : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == QRT_OK; }
  qrt_status code() const { return code_; }
  const std::string &message() const { return message_; }

private:
  qrt_status code_ = QRT_OK;
  std::string message_;
};

inline Status invalid(std::string message) {
  return Status(QRT_INVALID_ARGUMENT, std::move(message));
}
inline Status corrupt(std::string message) {
  return Status(QRT_CORRUPT, std::move(message));
}
inline Status unsupported(std::string message) {
  return Status(QRT_UNSUPPORTED, std::move(message));
}
/// `what`: what was tried and on which path; adds the system's reason.
Status ioError(const std::string &what, int errorNumber);

} // namespace qrt

/// Leaves the function with the error, if there is one.
#define QRT_TRY(expression)                                                    \
  do {                                                                         \
    if (::qrt::Status tried = (expression); !tried.ok())                       \
      return tried;                                                            \
  } while (false)

#endif // QUANTRT_BASE_STATUS_H
