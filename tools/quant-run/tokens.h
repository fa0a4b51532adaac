//===- tokens.h - Text to ids and back --------------------------*- C++ -*-===//

#ifndef TOOLS_QUANTRUN_TOKENS_H
#define TOOLS_QUANTRUN_TOKENS_H

#include "tools/common/runtime.h"

namespace lowbit::tools {

/// A JSON array for each line of the file, on stdout.
Error runTokenize(const qrt_model *model, const std::string &path);
/// A line of text for each JSON array of the file, on stdout.
Error runDetokenize(const qrt_model *model, const std::string &path);

} // namespace lowbit::tools

#endif // TOOLS_QUANTRUN_TOKENS_H
