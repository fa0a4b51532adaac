//===- tasks.cpp - Questions with choices from a file ---------------------===//

#include "tools/quant-eval/tasks.h"

#include "tools/common/files.h"
#include "tools/common/json.h"
#include "tools/common/text.h"

#include <algorithm>

using namespace lowbit::tools;

static constexpr const char *example =
    R"({"context": "The sky is", "choices": ["blue", "red"], "label": 0})";

namespace {
/// One line of the file.
class LineReader {
public:
  LineReader(const std::string &path, size_t line) : path_(path), line_(line) {}

  Error read(std::string_view text, Question &question, std::string &word);

private:
  Error fail(const std::string &what) const {
    return Error("'" + path_ + "', line " + std::to_string(line_) + ": " +
                 what);
  }
  Error readContext(const Json &object, Question &question) const;
  Error readChoices(const Json &object, Question &question) const;
  Error readLabel(const Json &object, Question &question,
                  std::string &word) const;

  const std::string &path_;
  size_t line_;
};
} // namespace

/// The value of the first key that there is; null: none.
static const Json *findAny(const Json &object,
                           std::initializer_list<const char *> keys) {
  for (const char *key : keys)
    if (auto found = object.find(key); found != object.end())
      return &*found;
  return nullptr;
}

Error LineReader::readContext(const Json &object, Question &question) const {
  const Json *context = findAny(object, {"context", "question", "text"});
  if (!context || !context->is_string())
    return fail("no text to go on from; give it as \"context\", \"question\" "
                "or \"text\"");
  question.context = context->get<std::string>();
  return Error::success();
}

Error LineReader::readChoices(const Json &object, Question &question) const {
  const Json *choices = findAny(object, {"choices"});
  if (!choices)
    return Error::success();
  if (!choices->is_array() || choices->size() < 2)
    return fail("\"choices\" must be a list of two or more texts");
  for (const Json &choice : *choices) {
    if (!choice.is_string() || choice.get_ref<const std::string &>().empty())
      return fail("\"choices\" must be texts that are not empty");
    question.choices.push_back(choice.get<std::string>());
  }
  return Error::success();
}

/// Index of the choice that a word names; the number of choices: none.
static size_t findChoice(const std::vector<std::string> &choices,
                         const std::string &word) {
  auto found = std::find(choices.begin(), choices.end(), word);
  if (found != choices.end())
    return static_cast<size_t>(found - choices.begin());
  bool isLetter = word.size() == 1 && word[0] >= 'A' && word[0] <= 'Z';
  size_t index = isLetter ? static_cast<size_t>(word[0] - 'A') : choices.size();
  return std::min(index, choices.size());
}

Error LineReader::readLabel(const Json &object, Question &question,
                            std::string &word) const {
  const Json *label = findAny(object, {"label", "answer"});
  if (!label)
    return fail("no right choice; give its index, its letter or its text as "
                "\"label\" or \"answer\"");
  if (question.choices.empty()) {
    if (!label->is_string() || label->get_ref<const std::string &>().empty())
      return fail("a line without \"choices\" needs a word as its \"label\"");
    word = label->get<std::string>();
    return Error::success();
  }
  size_t count = question.choices.size();
  if (label->is_string())
    question.label =
        findChoice(question.choices, label->get_ref<const std::string &>());
  else if (label->is_number_integer() && label->get<int64_t>() >= 0)
    question.label =
        static_cast<size_t>(std::min<uint64_t>(label->get<uint64_t>(), count));
  else
    question.label = count;
  if (question.label < count)
    return Error::success();
  return fail("the label " + dumpJson(*label) + " names none of the " +
              std::to_string(count) +
              " choices; indices count from 0, letters from A");
}

Error LineReader::read(std::string_view text, Question &question,
                       std::string &word) {
  Json object = Json::parse(text.begin(), text.end(), nullptr, false);
  if (!object.is_object())
    return fail(std::string("expected a JSON object such as ") + example);
  question.line = line_;
  TOOLS_TRY(readContext(object, question));
  TOOLS_TRY(readChoices(object, question));
  return readLabel(object, question, word);
}

/// Gives a classification's questions their choices.
static Error addLabels(const std::string &path,
                       const std::vector<std::string> &words, TaskFile &tasks) {
  for (const std::string &word : words)
    if (std::find(tasks.labels.begin(), tasks.labels.end(), word) ==
        tasks.labels.end())
      tasks.labels.push_back(word);
  if (tasks.labels.size() < 2)
    return Error("'" + path + "': every line has the label '" + words.front() +
                 "'; a classification needs two or more, or give \"choices\"");
  for (size_t i = 0; i < words.size(); ++i) {
    tasks.questions[i].choices = tasks.labels;
    tasks.questions[i].label = findChoice(tasks.labels, words[i]);
  }
  return Error::success();
}

Error lowbit::tools::readTasks(const std::string &path, TaskFile &tasks) {
  std::string content;
  TOOLS_TRY(readFile(path, content));
  tasks = TaskFile();
  std::vector<std::string> words; ///< labels of lines without choices
  size_t number = 0;
  for (std::string_view line : splitLines(content)) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos)
      continue;
    Question question;
    std::string word;
    TOOLS_TRY(LineReader(path, number).read(line, question, word));
    if (!word.empty())
      words.push_back(word);
    tasks.questions.push_back(std::move(question));
    if (!words.empty() && words.size() != tasks.questions.size())
      return Error("'" + path + "', line " + std::to_string(number) +
                   ": some lines have \"choices\" and some have none; give "
                   "them to all lines or to none");
  }
  if (tasks.questions.empty())
    return Error("'" + path + "' is empty; it must hold lines such as " +
                 example);
  return words.empty() ? Error::success() : addLabels(path, words, tasks);
}
