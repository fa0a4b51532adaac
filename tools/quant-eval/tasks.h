//===- tasks.h - Questions with choices from a file -------------*- C++ -*-===//

#ifndef TOOLS_QUANTEVAL_TASKS_H
#define TOOLS_QUANTEVAL_TASKS_H

#include "tools/common/error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace lowbit::tools {

/// A text and what may follow it.
struct Question {
  size_t line = 0; ///< in the file, from 1
  std::string context;
  std::vector<std::string> choices;
  size_t label = 0; ///< index of the right choice
};

struct TaskFile {
  std::vector<Question> questions;
  /// The label words of a classification: every question's choices. Empty: each
  /// question has choices of its own.
  std::vector<std::string> labels;
};

/// Reads JSON lines, one object each:
///
///   {"context": "The capital of France is", "choices": ["Paris", "Rome"],
///    "label": 0}
///   {"context": "Review: a delight.\nSentiment:", "label": "positive"}
///
/// "question" and "text" are other names of the context, "answer" of the label.
/// A label is the index of a choice, the choice itself, or its letter (A is the
/// first). Lines without choices are a classification, all or none: their
/// choices are the labels of the file, in the order in which they occur. Empty
/// lines are skipped. Errors name file and line.
Error readTasks(const std::string &path, TaskFile &tasks);

} // namespace lowbit::tools

#endif // TOOLS_QUANTEVAL_TASKS_H
