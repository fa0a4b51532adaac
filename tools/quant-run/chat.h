//===- chat.h - Conversations -----------------------------------*- C++ -*-===//

#ifndef TOOLS_QUANTRUN_CHAT_H
#define TOOLS_QUANTRUN_CHAT_H

#include "tools/quant-run/run_options.h"

namespace lowbit::tools {

/// The -cnv mode: messages from -p and stdin, answers on stdout.
Error runChat(qrt_model *model, const RunOptions &options, double loadMs);

} // namespace lowbit::tools

#endif // TOOLS_QUANTRUN_CHAT_H
