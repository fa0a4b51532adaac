//===- choices.h - Log-likelihoods of choices -------------------*- C++ -*-===//
//
// Multiple choice as lm-eval does it: the choice that the model finds most
// likely behind the context is its answer.
//
//===----------------------------------------------------------------------===//

#ifndef TOOLS_QUANTEVAL_CHOICES_H
#define TOOLS_QUANTEVAL_CHOICES_H

#include "tools/common/json.h"
#include "tools/common/runtime.h"
#include "tools/quant-eval/statistics.h"
#include "tools/quant-eval/tasks.h"

#include <functional>
#include <vector>

namespace lowbit::tools {

/// What a model says to one question.
struct Answer {
  std::vector<double> logLikelihoods; ///< of each choice, in nats
  size_t choice = 0;     ///< of the largest; the first of equal ones
  size_t normalized = 0; ///< of the largest for a character of the choice
};

struct TaskResult {
  std::vector<Answer> answers;
  Mean acc, accNorm;
};

using OnQuestion = std::function<void(size_t done, const TaskResult &sofar)>;

/// Scores each question: the log-likelihoods of the tokens by which the tokens
/// of context and choice are longer than those of the context. A space joins
/// the two, unless white space is there already.
Error scoreTasks(qrt_model *model, const std::string &path,
                 const TaskFile &tasks, const OnQuestion &onQuestion,
                 TaskResult &result);

/// Mean over the labels of the harmonic mean of precision and recall.
double macroF1(const TaskFile &tasks, const TaskResult &result);

/// As lm-eval's table and with its names. `name`: of the task.
std::string tasksText(const std::string &name, const TaskFile &tasks,
                      const TaskResult &result);
Json tasksJson(const TaskFile &tasks, const TaskResult &result);

} // namespace lowbit::tools

#endif // TOOLS_QUANTEVAL_CHOICES_H
