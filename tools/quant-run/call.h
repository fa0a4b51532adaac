//===- call.h - Functions on .npy files -------------------------*- C++ -*-===//

#ifndef TOOLS_QUANTRUN_CALL_H
#define TOOLS_QUANTRUN_CALL_H

#include "tools/quant-run/run_options.h"

namespace lowbit::tools {

/// The --call mode: inputs and outputs are .npy files.
Error runCall(qrt_model *model, const RunOptions &options);

} // namespace lowbit::tools

#endif // TOOLS_QUANTRUN_CALL_H
