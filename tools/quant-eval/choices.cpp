//===- choices.cpp - Log-likelihoods of choices ---------------------------===//

#include "tools/quant-eval/choices.h"

#include "tools/quant-eval/softmax.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace lowbit::tools;

//===- Tokens -------------------------------------------------------------===//

namespace {
/// Ids of context and choice; those from `first` on are the choice's.
struct Continuation {
  std::vector<int32_t> ids;
  size_t first = 0;
};
} // namespace

/// White space at the end of a context belongs to the choice: tokenizers put
/// spaces in front of words.
static void joinTexts(const Question &question, const std::string &choice,
                      std::string &context, std::string &whole) {
  static constexpr const char *white = " \t\n\r";
  size_t end = question.context.find_last_not_of(white);
  end = end == std::string::npos ? 0 : end + 1;
  context = question.context.substr(0, end);
  std::string between = question.context.substr(end);
  if (between.empty() && !context.empty() &&
      std::string(white).find(choice[0]) == std::string::npos)
    between = " ";
  whole = context + between + choice;
}

static Error failAt(const std::string &path, const Question &question,
                    const std::string &what) {
  return Error("'" + path + "', line " + std::to_string(question.line) + ": " +
               what);
}

static Error makeContinuation(const qrt_model *model, const std::string &path,
                              const Question &question,
                              const std::string &choice, Continuation &result) {
  std::string context, whole;
  joinTexts(question, choice, context, whole);
  std::vector<int32_t> before;
  TOOLS_TRY(tokenize(model, context, true, false, before));
  TOOLS_TRY(tokenize(model, whole, true, false, result.ids));
  result.first = before.size();
  if (before.empty())
    return failAt(path, question,
                  "an empty text with a model that begins with no token; give "
                  "it a context");
  if (result.ids.size() <= before.size())
    return failAt(path, question,
                  "the choice '" + choice + "' adds no token to the text");
  size_t most = static_cast<size_t>(modelInfo(model).max_context);
  if (result.ids.size() > most + 1)
    return failAt(path, question,
                  "text and choice are " + std::to_string(result.ids.size()) +
                      " tokens, but the model's context holds " +
                      std::to_string(most) + "; shorten the text");
  return Error::success();
}

//===- Scores -------------------------------------------------------------===//

/// Tokens that all continuations begin with and that are not scored by any row.
static size_t countShared(const std::vector<Continuation> &all) {
  size_t shared = all.front().first - 1;
  for (const Continuation &other : all) {
    const std::vector<int32_t> &a = all.front().ids, &b = other.ids;
    size_t limit = std::min({shared, other.first - 1, b.size()});
    shared = static_cast<size_t>(
        std::mismatch(a.begin(), a.begin() + static_cast<ptrdiff_t>(limit),
                      b.begin())
            .first -
        a.begin());
  }
  return shared;
}

namespace {
struct ChoiceVisit {
  const Continuation &continuation;
  size_t shared, vocabulary;
  double sum = 0;

  void row(int32_t index, const float *logits) {
    size_t next = shared + static_cast<size_t>(index) + 1;
    sum +=
        double(logits[continuation.ids[next]]) - logSumExp(logits, vocabulary);
  }
};
} // namespace

static Error scoreContinuation(qrt_session *session, size_t vocabulary,
                               const Continuation &continuation, size_t shared,
                               double &logLikelihood) {
  TOOLS_TRY(check(qrt_session_truncate(session, static_cast<int32_t>(shared))));
  ChoiceVisit visit{continuation, shared, vocabulary};
  TOOLS_TRY(check(qrt_append_visit(
      session, &continuation.ids[shared],
      static_cast<int32_t>(continuation.ids.size() - 1 - shared),
      static_cast<int32_t>(continuation.first - 1 - shared),
      [](void *user, int32_t index, const float *logits, const float *) {
        static_cast<ChoiceVisit *>(user)->row(index, logits);
        return QRT_OK;
      },
      &visit)));
  logLikelihood = visit.sum;
  return Error::success();
}

/// Characters of UTF-8, as Python's len() counts them for lm-eval.
static double countCharacters(const std::string &text) {
  return double(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<uint8_t>(c) & 0xC0) != 0x80;
  }));
}

static void choose(const Question &question, Answer &answer) {
  const std::vector<double> &scores = answer.logLikelihoods;
  std::vector<double> normalized;
  for (size_t i = 0; i < scores.size(); ++i)
    normalized.push_back(scores[i] / countCharacters(question.choices[i]));
  auto best = [](const std::vector<double> &values) {
    return static_cast<size_t>(std::max_element(values.begin(), values.end()) -
                               values.begin());
  };
  answer.choice = best(scores);
  answer.normalized = best(normalized);
}

static Error answerQuestion(qrt_model *model, const std::string &path,
                            const Question &question, Answer &answer) {
  std::vector<Continuation> all(question.choices.size());
  size_t longest = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    TOOLS_TRY(
        makeContinuation(model, path, question, question.choices[i], all[i]));
    longest = std::max(longest, all[i].ids.size());
  }
  SessionHandle session;
  TOOLS_TRY(createSession(model, static_cast<int32_t>(longest - 1), session));
  size_t shared = countShared(all);
  if (shared > 0)
    TOOLS_TRY(check(qrt_append(session.get(), all.front().ids.data(),
                               static_cast<int32_t>(shared), 0, nullptr)));
  size_t vocabulary = static_cast<size_t>(modelInfo(model).n_vocab);
  for (const Continuation &continuation : all) {
    double score = 0;
    TOOLS_TRY(scoreContinuation(session.get(), vocabulary, continuation, shared,
                                score));
    if (std::isnan(score))
      return failAt(path, question, "the model's logits hold NaN");
    answer.logLikelihoods.push_back(score);
  }
  choose(question, answer);
  return Error::success();
}

Error lowbit::tools::scoreTasks(qrt_model *model, const std::string &path,
                                const TaskFile &tasks,
                                const OnQuestion &onQuestion,
                                TaskResult &result) {
  for (const Question &question : tasks.questions) {
    Answer answer;
    TOOLS_TRY(answerQuestion(model, path, question, answer));
    result.acc.add(answer.choice == question.label);
    result.accNorm.add(answer.normalized == question.label);
    result.answers.push_back(std::move(answer));
    onQuestion(result.answers.size(), result);
  }
  return Error::success();
}

double lowbit::tools::macroF1(const TaskFile &tasks, const TaskResult &result) {
  double sum = 0;
  for (size_t label = 0; label < tasks.labels.size(); ++label) {
    double right = 0, answered = 0, wanted = 0;
    for (size_t i = 0; i < result.answers.size(); ++i) {
      bool isAnswer = result.answers[i].choice == label;
      bool isWanted = tasks.questions[i].label == label;
      right += isAnswer && isWanted;
      answered += isAnswer;
      wanted += isWanted;
    }
    // 2 p r / (p + r); a label that nobody names has 0.
    sum += answered + wanted > 0 ? 2 * right / (answered + wanted) : 0;
  }
  return tasks.labels.empty() ? 0 : sum / double(tasks.labels.size());
}

//===- Report -------------------------------------------------------------===//

static std::string metricLine(const std::string &name, const char *metric,
                              double value, const char *error) {
  char line[96];
  std::snprintf(line, sizeof line, "|none  |     0|%-8s|↑  |%6.4f|±  |%s|\n",
                metric, value, error);
  return "|" + name + "|      1" + line;
}

std::string lowbit::tools::tasksText(const std::string &name,
                                     const TaskFile &tasks,
                                     const TaskResult &result) {
  std::string column =
      name.size() < 5 ? name + std::string(5 - name.size(), ' ') : name;
  std::string text = "|Tasks" + std::string(column.size() - 5, ' ') +
                     "|Version|Filter|n-shot| Metric |   |Value |   |Stderr|\n"
                     "|-" +
                     std::string(column.size() - 1, '-') +
                     "|------:|------|-----:|--------|---|-----:|---|-----:|\n";
  auto line = [&](const char *metric, const Mean &mean) {
    char error[16];
    std::snprintf(error, sizeof error, "%6.4f", mean.error());
    text += metricLine(column, metric, mean.value(), error);
  };
  line("acc", result.acc);
  line("acc_norm", result.accNorm);
  if (!tasks.labels.empty())
    text += metricLine(column, "f1", macroF1(tasks, result), "   N/A");
  return text;
}

Json lowbit::tools::tasksJson(const TaskFile &tasks, const TaskResult &result) {
  Json object = {{"acc", result.acc.value()},
                 {"acc_stderr", result.acc.error()},
                 {"acc_norm", result.accNorm.value()},
                 {"acc_norm_stderr", result.accNorm.error()}};
  if (!tasks.labels.empty()) {
    object["f1"] = macroF1(tasks, result);
    object["labels"] = tasks.labels;
  }
  object["n"] = result.answers.size();
  object["samples"] = Json::array();
  for (size_t i = 0; i < result.answers.size(); ++i) {
    const Answer &answer = result.answers[i];
    const Question &question = tasks.questions[i];
    object["samples"].push_back({{"line", question.line},
                                 {"label", question.label},
                                 {"choice", answer.choice},
                                 {"choice_norm", answer.normalized},
                                 {"loglikelihoods", answer.logLikelihoods}});
  }
  return object;
}
