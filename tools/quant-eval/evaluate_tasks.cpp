//===- evaluate_tasks.cpp - Accuracy on questions -------------------------===//

#include "tools/common/files.h"
#include "tools/quant-eval/choices.h"
#include "tools/quant-eval/evaluate.h"

#include <chrono>
#include <cstdio>

using namespace lowbit::tools;

/// "questions" of "data/questions.jsonl".
static std::string taskName(const std::string &path) {
  size_t slash = path.rfind('/');
  std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  size_t dot = name.rfind('.');
  return dot == std::string::npos || dot == 0 ? name : name.substr(0, dot);
}

Error lowbit::tools::runTasks(qrt_model *model, const EvalOptions &options) {
  using namespace std::chrono;
  TaskFile tasks;
  TOOLS_TRY(readTasks(options.tasks, tasks));
  size_t count = tasks.questions.size();
  steady_clock::time_point begin = steady_clock::now(), shown = begin;
  auto onQuestion = [&](size_t done, const TaskResult &sofar) {
    steady_clock::time_point now = steady_clock::now();
    if (done < count && now - shown < seconds(5))
      return;
    shown = now;
    double left = duration<double>(now - begin).count() / double(done) *
                  double(count - done);
    std::fprintf(stderr, "[%zu of %zu] acc %.4f +/- %.4f   (%.0f s left)\n",
                 done, count, sofar.acc.value(), sofar.acc.error(), left);
  };
  TaskResult result;
  TOOLS_TRY(scoreTasks(model, options.tasks, tasks, onQuestion, result));
  return writeStdout(options.json
                         ? dumpJson(tasksJson(tasks, result))
                         : tasksText(taskName(options.tasks), tasks, result));
}
