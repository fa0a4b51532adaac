//===- eval_options.h - Command line of quant-eval --------------*- C++ -*-===//

#ifndef TOOLS_QUANTEVAL_EVAL_OPTIONS_H
#define TOOLS_QUANTEVAL_EVAL_OPTIONS_H

#include "tools/common/model.h"

#include <string>

namespace lowbit::tools {

struct EvalOptions {
  ModelOptions model;
  std::string text; ///< perplexity of this file
  int32_t context = 512;
  int32_t chunks = -1;     ///< -1: all
  std::string prompts;     ///< logits after each line of this file
  std::string ids;         ///< the same of ids in place of text
  std::string logits;      ///< where they go
  std::string layers;      ///< where probed layers go
  std::string tasks;       ///< questions with choices
  ModelOptions reference;  ///< of --against; its path is empty without
  bool sqnr = false;       ///< layers and weights beside the reference's
  bool histograms = false; ///< of weights and layers' outputs
  int32_t worst = 10;      ///< tokens of the largest divergence to show
  bool json = false;
};

Error parseEvalOptions(int argc, const char *const *argv, EvalOptions &options,
                       bool &helpShown);

} // namespace lowbit::tools

#endif // TOOLS_QUANTEVAL_EVAL_OPTIONS_H
