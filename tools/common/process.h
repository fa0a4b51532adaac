//===- process.h - Child processes ------------------------------*- C++ -*-===//

#ifndef TOOLS_COMMON_PROCESS_H
#define TOOLS_COMMON_PROCESS_H

#include "tools/common/error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace lowbit::tools {

/// The path of `program`: beside the running executable, else in $PATH, else
/// "".
std::string findProgram(const std::string &program);

/// Runs a program with its stdout on our stderr and waits for it. Ctrl-C ends
/// the child; the caller lives on and can clean up. Error::told() if it exits
/// with 1, as our programs do after an error of their own.
Error runProgram(const std::string &path,
                 const std::vector<std::string> &arguments);

/// What a program did.
struct ProgramResult {
  std::string output;     ///< all of its stdout
  uint64_t peakBytes = 0; ///< of memory that it had resident at one time
};

/// The same, but its stdout comes back; stderr stays ours.
Error captureProgram(const std::string &path,
                     const std::vector<std::string> &arguments,
                     ProgramResult &result);

} // namespace lowbit::tools

#endif // TOOLS_COMMON_PROCESS_H
