//===- TasksTest.cpp - Questions with choices -----------------------------===//

#include "tools/quant-eval/tasks.h"

#include "ToolsTest.h"
#include "tools/quant-eval/choices.h"

#include <cmath>

using namespace lowbit::tools;

namespace {
class TasksTest : public ToolsTest {
protected:
  TaskFile tasks;

  /// log P(ids[from ...] | what stands before), by the definition.
  static double logLikelihood(const std::vector<int32_t> &ids, size_t from) {
    double sum = 0;
    for (size_t next = from; next < ids.size(); ++next) {
      double total = 0;
      for (int32_t v = 0; v < fake::vocabulary; ++v)
        total += std::exp(double(fake::logit(ids, next - 1, v)));
      sum += fake::logit(ids, next - 1, ids[next]) - std::log(total);
    }
    return sum;
  }
  static std::vector<int32_t> idsOf(const std::string &text) {
    std::vector<int32_t> ids{fake::bos};
    for (char c : text)
      ids.push_back(static_cast<uint8_t>(c));
    return ids;
  }
};
} // namespace

TEST_F(TasksTest, readsQuestions) {
  EXPECT_SUCCESS(readTasks(
      write("t", "{\"context\": \"a\", \"choices\": [\"x\", \"y\"], \"label\": "
                 "1}\n\n"
                 "{\"question\": \"b\", \"choices\": [\"u\", \"v\", \"w\"], "
                 "\"answer\": \"C\"}\r\n"
                 "{\"text\": \"c\", \"choices\": [\"u\", \"A\"], \"label\": "
                 "\"A\"}"),
      tasks));
  ASSERT_EQ(tasks.questions.size(), 3u);
  EXPECT_EQ(tasks.questions[0].label, 1u);
  EXPECT_EQ(tasks.questions[1].line, 3u);
  EXPECT_EQ(tasks.questions[1].label, 2u);
  EXPECT_EQ(tasks.questions[1].context, "b");
  EXPECT_EQ(tasks.questions[2].label, 1u) << "the choice comes before letters";
  EXPECT_TRUE(tasks.labels.empty());
}

TEST_F(TasksTest, readsAClassification) {
  EXPECT_SUCCESS(readTasks(write("t", "{\"text\": \"a\", \"label\": \"good\"}\n"
                                      "{\"text\": \"b\", \"label\": \"bad\"}\n"
                                      "{\"text\": \"c\", \"label\": \"good\"}"),
                           tasks));
  EXPECT_EQ(tasks.labels, (std::vector<std::string>{"good", "bad"}));
  EXPECT_EQ(tasks.questions[1].label, 1u);
  EXPECT_EQ(tasks.questions[2].label, 0u);
  EXPECT_EQ(tasks.questions[2].choices, tasks.labels);
}

TEST_F(TasksTest, saysWhichLineIsBad) {
  const std::string good =
      "{\"context\": \"a\", \"choices\": [\"x\", \"y\"], \"label\": 1}\n";
  struct {
    const char *line, *part;
  } cases[] = {
      {"{\"context\": ", "line 2: expected a JSON object"},
      {"[1, 2]", "line 2: expected a JSON object"},
      {"{\"choices\": [\"x\", \"y\"], \"label\": 1}", "line 2: no text"},
      {"{\"context\": 3, \"choices\": [\"x\", \"y\"]}", "line 2: no text"},
      {"{\"context\": \"a\", \"choices\": [\"x\"], \"label\": 0}",
       "two or more"},
      {"{\"context\": \"a\", \"choices\": \"xy\", \"label\": 0}",
       "two or more"},
      {"{\"context\": \"a\", \"choices\": [\"x\", \"\"], \"label\": 0}",
       "not empty"},
      {"{\"context\": \"a\", \"choices\": [\"x\", \"y\"]}", "no right choice"},
      {"{\"context\": \"a\", \"choices\": [\"x\", \"y\"], \"label\": 2}",
       "label 2"},
      {"{\"context\": \"a\", \"choices\": [\"x\", \"y\"], \"label\": -1}",
       "label -1"},
      {"{\"context\": \"a\", \"choices\": [\"x\", \"y\"], \"label\": 1e30}",
       "none of the 2 choices"},
      {"{\"context\": \"a\", \"choices\": [\"x\", \"y\"], \"label\": "
       "18446744073709551615}",
       "none of the 2 choices"},
      {"{\"context\": \"a\", \"choices\": [\"x\", \"y\"], \"label\": \"C\"}",
       "label \"C\""},
      {"{\"context\": \"a\", \"label\": 1}", "needs a word"},
      {"{\"context\": \"a\", \"label\": \"x\"}", "to all lines or to none"},
  };
  for (const auto &bad : cases)
    EXPECT_ERROR(readTasks(write("t", good + bad.line), tasks), bad.part);
  EXPECT_ERROR(readTasks(write("t", "\n"), tasks), "is empty");
  EXPECT_ERROR(
      readTasks(write("t", "{\"text\": \"a\", \"label\": \"x\"}"), tasks),
      "every line has the label 'x'");
}

TEST_F(TasksTest, scoresChoicesBehindTheContext) {
  tasks.questions.push_back({1, "ab", {"c", "cd", " e"}, 1});
  tasks.questions.push_back({2, "ab \n", {"x", "yz"}, 0});
  TaskResult result;
  EXPECT_SUCCESS(scoreTasks(
      loadFake(), "t", tasks, [](size_t, const TaskResult &) {}, result));
  const char *texts[2][3] = {{"ab c", "ab cd", "ab e"},
                             {"ab \nx", "ab \nyz", nullptr}};
  for (size_t q = 0; q < 2; ++q)
    for (size_t i = 0; i < tasks.questions[q].choices.size(); ++i)
      EXPECT_NEAR(result.answers[q].logLikelihoods[i],
                  logLikelihood(idsOf(texts[q][i]), 3), 1e-9)
          << texts[q][i];
  EXPECT_EQ(fake::counters.sessions, 2);
}

TEST_F(TasksTest, choosesAndCounts) {
  tasks.questions.push_back({1, "ab", {"c", "defghi"}, 0});
  TaskResult result;
  EXPECT_SUCCESS(scoreTasks(
      loadFake(), "t", tasks, [](size_t, const TaskResult &) {}, result));
  const Answer &answer = result.answers[0];
  double a = answer.logLikelihoods[0], b = answer.logLikelihoods[1];
  EXPECT_EQ(answer.choice, a >= b ? 0u : 1u);
  EXPECT_EQ(answer.normalized, a >= b / 6 ? 0u : 1u);
  EXPECT_EQ(result.acc.value(), answer.choice == 0);
  EXPECT_EQ(result.accNorm.value(), answer.normalized == 0);
}

TEST_F(TasksTest, refusesWhatHasNoLikelihood) {
  auto quiet = [](size_t, const TaskResult &) {};
  TaskResult result;
  tasks.questions.push_back({7, std::string(200, 'a'), {"x", "y"}, 0});
  EXPECT_ERROR(scoreTasks(loadFake(), "t", tasks, quiet, result),
               "'t', line 7: text and choice are 203 tokens");
  tasks.questions[0].context = "";
  EXPECT_SUCCESS(scoreTasks(model.get(), "t", tasks, quiet, result));
  EXPECT_NEAR(result.answers[0].logLikelihoods[0], logLikelihood(idsOf("x"), 1),
              1e-9);
  fake::config.addBos = 0;
  EXPECT_ERROR(scoreTasks(loadFake(), "t", tasks, quiet, result),
               "'t', line 7: an empty text");
}

TEST_F(TasksTest, macroF1IsTheMeanOverLabels) {
  tasks.labels = {"a", "b", "c"};
  TaskResult result;
  const size_t wanted[] = {0, 0, 1, 1, 2}, answered[] = {0, 1, 1, 1, 0};
  for (size_t i = 0; i < 5; ++i) {
    tasks.questions.push_back({i + 1, "x", tasks.labels, wanted[i]});
    result.answers.push_back({{0, 0, 0}, answered[i], answered[i]});
  }
  // a: precision 1/2, recall 1/2; b: 2/3, 1; c: nothing.
  EXPECT_NEAR(macroF1(tasks, result), (0.5 + 0.8 + 0) / 3, 1e-12);
}

TEST_F(TasksTest, tableOfLmEval) {
  TaskResult result;
  for (int i = 0; i < 4; ++i) {
    result.acc.add(i != 0);
    result.accNorm.add(i % 2);
  }
  EXPECT_EQ(tasksText("arc", tasks, result),
            "|Tasks|Version|Filter|n-shot| Metric |   |Value |   |Stderr|\n"
            "|-----|------:|------|-----:|--------|---|-----:|---|-----:|\n"
            "|arc  |      1|none  |     0|acc     |↑  |0.7500|±  |0.2500|\n"
            "|arc  |      1|none  |     0|acc_norm|↑  |0.5000|±  |0.2887|\n");
}
