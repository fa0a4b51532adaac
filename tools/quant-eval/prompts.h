//===- prompts.h - Logits after prompts -------------------------*- C++ -*-===//

#ifndef TOOLS_QUANTEVAL_PROMPTS_H
#define TOOLS_QUANTEVAL_PROMPTS_H

#include "tools/common/runtime.h"
#include "tools/quant-eval/layers.h"

#include <string>
#include <vector>

namespace lowbit::tools {

/// The ids of each line of a file of prompts: of text, with BOS where the model
/// adds it, or of JSON arrays of ids.
Error readPrompts(const qrt_model *model, const std::string &path, bool isText,
                  std::vector<std::vector<int32_t>> &prompts);

/// Writes the logits after each prompt to `logitsPath`, and its layers to
/// `layers`; "" and null: not wanted.
Error evaluatePrompts(qrt_model *model,
                      const std::vector<std::vector<int32_t>> &prompts,
                      const std::string &logitsPath, LayerWriter *layers);

} // namespace lowbit::tools

#endif // TOOLS_QUANTEVAL_PROMPTS_H
