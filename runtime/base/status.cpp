//===- status.cpp - Errors of the runtime ---------------------------------===//

#include "base/status.h"

#include <cerrno>
#include <cstring>

namespace qrt {

Status ioError(const std::string &what, int errorNumber) {
  return Status(errorNumber == ENOMEM ? QRT_OUT_OF_MEMORY : QRT_IO,
                what + ": " + std::strerror(errorNumber));
}

} // namespace qrt
