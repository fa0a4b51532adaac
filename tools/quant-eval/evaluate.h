//===- evaluate.h - The two modes of quant-eval -----------------*- C++ -*-===//

#ifndef TOOLS_QUANTEVAL_EVALUATE_H
#define TOOLS_QUANTEVAL_EVALUATE_H

#include "tools/quant-eval/eval_options.h"

namespace lowbit::tools {

/// `probes`: how many the module has, if layers are wanted.
Error runPerplexity(qrt_model *model, int32_t probes,
                    const EvalOptions &options);
Error runPrompts(qrt_model *model, int32_t probes, const EvalOptions &options);
/// Answers the questions of options.tasks.
Error runTasks(qrt_model *model, const EvalOptions &options);
/// Compares with options.reference, which it loads. `path`: the model's module.
Error runAgainst(qrt_model *model, const std::string &path,
                 const EvalOptions &options);

/// Histograms of weights and, with a text, of layers. `path`: as above.
Error runHistograms(qrt_model *model, const std::string &path,
                    const EvalOptions &options);

} // namespace lowbit::tools

#endif // TOOLS_QUANTEVAL_EVALUATE_H
