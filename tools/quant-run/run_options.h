//===- run_options.h - Command line of quant-run ----------------*- C++ -*-===//

#ifndef TOOLS_QUANTRUN_RUN_OPTIONS_H
#define TOOLS_QUANTRUN_RUN_OPTIONS_H

#include "tools/common/model.h"
#include "tools/quant-run/embed.h"

#include <string>
#include <vector>

namespace lowbit::tools {

struct RunOptions {
  ModelOptions model;

  bool hasPrompt = false;
  std::string prompt; ///< escapes processed
  int32_t maxTokens = -1;
  int32_t context = 0;
  bool ignoreEos = false;
  bool json = false;
  qrt_sampling sampling;
  std::vector<qrt_logit_bias> biases;

  bool chat = false;
  bool singleTurn = false;
  std::string system;

  std::string tokenizeFile, detokenizeFile;
  bool tokenize = false, detokenize = false;

  EmbedOptions embed;

  std::string call;
  std::vector<std::string> inputs, outputs;
};

/// Reads the command line; checks that its parts go together.
Error parseRunOptions(int argc, const char *const *argv, RunOptions &options,
                      bool &helpShown);

} // namespace lowbit::tools

#endif // TOOLS_QUANTRUN_RUN_OPTIONS_H
