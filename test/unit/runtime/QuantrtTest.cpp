//===- QuantrtTest.cpp - Tests of the public C interface ------------------===//

#include "quantrt/quantrt.h"
#include "module/FakeModule.h"
#include "thread/cpu_mask.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <set>
#include <thread>

using qrt::FakeModule;
using qrt::TemporaryFolder;
using qrt::writeAll;

namespace {

class QuantrtTest : public ::testing::Test {
protected:
  QuantrtTest() {
    setenv("XDG_CACHE_HOME", (folder_ / "cache").c_str(), 1);
    forgetSettings();
  }
  ~QuantrtTest() override {
    qrt_unload(model_);
    forgetSettings();
    unsetenv("XDG_CACHE_HOME");
  }
  static void forgetSettings() {
    for (const char *name :
         {"QRT_CPU", "QRT_VERIFY", "QRT_AFFINITY", "QRT_HUGE_PAGES"})
      unsetenv(name);
  }

  qrt_status load(const FakeModule &fake,
                  const qrt_load_options *options = nullptr) {
    const std::string path = folder_ / "m.so";
    writeAll(path, fake.bytes());
    return qrt_load(path.c_str(), options, &model_);
  }

  static bool lastErrorHas(const char *text) {
    return std::string(qrt_last_error()).find(text) != std::string::npos;
  }

  TemporaryFolder folder_;
  qrt_model *model_ = nullptr;
};

TEST_F(QuantrtTest, DescribesTheModel) {
  FakeModule fake;
  fake.addMetadata("general.architecture", "fake");
  fake.addMetadata("tokenizer.chat_template", "{{ messages }}");
  qrt_load_options options = {2, "first", "always", nullptr, nullptr};
  ASSERT_EQ(load(fake, &options), QRT_OK) << qrt_last_error();
  qrt_model_info info;
  qrt_get_model_info(model_, &info);
  EXPECT_STREQ(info.name, "m.so");
  EXPECT_STREQ(info.architecture, "fake");
  EXPECT_STREQ(info.level, "first");
  EXPECT_STREQ(info.chat_template, "{{ messages }}");
  EXPECT_EQ(info.n_vocab, 37);
  EXPECT_EQ(info.max_context, 100);
  EXPECT_EQ(info.threads, 2);
  EXPECT_EQ(info.bos_id, -1);
  EXPECT_EQ(info.n_parameters, 41u);
  EXPECT_EQ(info.source_bytes, 4u * 41);
  EXPECT_EQ(info.file_bytes, fake.bytes().size());
}

TEST_F(QuantrtTest, CountsTheTimeOfRegions) {
  FakeModule fake;
  for (const char *name : {"between calls", "barrier", "logits"})
    fake.addRegion(name);
  ASSERT_EQ(load(fake), QRT_OK) << qrt_last_error();
  ASSERT_EQ(qrt_region_count(model_), 3);
  ASSERT_EQ(qrt_set_threads(model_, 2), QRT_OK);
  qrt_session *session;
  ASSERT_EQ(qrt_session_create(model_, nullptr, &session), QRT_OK);
  const int32_t ids[] = {1, 2, 3};
  float logits[37];
  qrt_region_info info;
  for (int32_t id : ids)
    ASSERT_EQ(qrt_append(session, &id, 1, 1, logits), QRT_OK);
  uint64_t sum = 0;
  for (int32_t region = 0; region < 3; ++region) {
    ASSERT_EQ(qrt_get_region(model_, region, &info), QRT_OK);
    EXPECT_EQ(info.count, 3u) << info.name;
    EXPECT_EQ(info.function, 0);
    sum += info.nanoseconds;
  }
  EXPECT_STREQ(info.name, "logits");
  EXPECT_GT(sum, 0u);
  qrt_reset_regions(model_);
  ASSERT_EQ(qrt_get_region(model_, 2, &info), QRT_OK);
  EXPECT_EQ(info.nanoseconds, 0u);
  for (int32_t region : {-1, 3})
    EXPECT_EQ(qrt_get_region(model_, region, &info), QRT_INVALID_ARGUMENT);
  qrt_session_destroy(session);
}

TEST_F(QuantrtTest, CountsNothingWithoutRegions) {
  ASSERT_EQ(load(FakeModule()), QRT_OK);
  EXPECT_EQ(qrt_region_count(model_), 0);
  qrt_reset_regions(model_);
  qrt_region_info info;
  EXPECT_EQ(qrt_get_region(model_, 0, &info), QRT_INVALID_ARGUMENT);
  EXPECT_TRUE(lastErrorHas("--profile"));
}

TEST_F(QuantrtTest, EnvironmentChoosesTheLevel) {
  setenv("QRT_CPU", "first", 1);
  ASSERT_EQ(load(FakeModule()), QRT_OK);
  qrt_model_info info;
  qrt_get_model_info(model_, &info);
  EXPECT_STREQ(info.level, "first");
}

TEST_F(QuantrtTest, RefusesUnknownSettings) {
  setenv("QRT_CPU", "neon", 1);
  EXPECT_EQ(load(FakeModule()), QRT_UNSUPPORTED);
  EXPECT_TRUE(lastErrorHas("no level neon; this module has first, second"));
  unsetenv("QRT_CPU");
  setenv("QRT_VERIFY", "sometimes", 1);
  EXPECT_EQ(load(FakeModule()), QRT_INVALID_ARGUMENT);
  EXPECT_TRUE(lastErrorHas("always, once or never"));
  unsetenv("QRT_VERIFY");
  setenv("QRT_AFFINITY", "0-", 1);
  EXPECT_EQ(load(FakeModule()), QRT_INVALID_ARGUMENT);
  EXPECT_TRUE(lastErrorHas("affinity \"0-\": expected none, compact"));
  unsetenv("QRT_AFFINITY");
  setenv("QRT_HUGE_PAGES", "on", 1);
  EXPECT_EQ(load(FakeModule()), QRT_INVALID_ARGUMENT);
  EXPECT_TRUE(lastErrorHas("huge pages \"on\": expected off, advise or copy"));
  unsetenv("QRT_HUGE_PAGES");
  qrt_load_options options = {-3, nullptr, nullptr, "compact", nullptr};
  EXPECT_EQ(load(FakeModule(), &options), QRT_INVALID_ARGUMENT);
  EXPECT_TRUE(lastErrorHas("between 1 and 1024, but is -3"));
  EXPECT_EQ(model_, nullptr);
}

TEST_F(QuantrtTest, ErrorsAreOneLine) {
  setenv("QRT_CPU", "a\nb", 1);
  EXPECT_EQ(load(FakeModule()), QRT_UNSUPPORTED);
  EXPECT_TRUE(lastErrorHas("no level a b"));
}

TEST_F(QuantrtTest, SettingsOfTheCallWin) {
  setenv("QRT_CPU", "neon", 1);
  setenv("QRT_VERIFY", "sometimes", 1);
  setenv("QRT_AFFINITY", "far", 1);
  setenv("QRT_HUGE_PAGES", "on", 1);
  qrt_load_options options = {1, "second", "never", "none", "off"};
  EXPECT_EQ(load(FakeModule(), &options), QRT_OK) << qrt_last_error();
}

/// CPUs of the runtime's own threads, as /proc lists them.
std::multiset<std::string> placesOfWorkers() {
  std::multiset<std::string> places;
  for (const auto &task :
       std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream status(task.path() / "status");
    bool worker = false;
    for (std::string line; std::getline(status, line);) {
      worker |= line == "Name:\tquantrt";
      if (worker && line.compare(0, 18, "Cpus_allowed_list:") == 0)
        places.insert(line.substr(19));
    }
  }
  return places;
}

TEST_F(QuantrtTest, AffinityOutlivesAChangeOfThreads) {
  qrt::CpuMask mask;
  ASSERT_TRUE(mask.read());
  const std::string last = std::to_string(mask.cpus().back());
  qrt_load_options options = {0, nullptr, nullptr, last.c_str(), nullptr};
  ASSERT_EQ(load(FakeModule(), &options), QRT_OK) << qrt_last_error();
  qrt_model_info info;
  qrt_get_model_info(model_, &info);
  EXPECT_EQ(info.threads, 1);
  ASSERT_EQ(qrt_set_threads(model_, 3), QRT_OK) << qrt_last_error();
  // A new thread has its name a moment later.
  float x[4] = {1, 2, 3, 4}, y[4] = {};
  void *arguments[] = {x, y};
  ASSERT_EQ(qrt_call(model_, 1, arguments), QRT_OK);
  EXPECT_EQ(placesOfWorkers(), (std::multiset<std::string>{last, last}));
  qrt::CpuMask after;
  ASSERT_TRUE(after.read());
  EXPECT_EQ(after.cpus(), mask.cpus());
}

TEST_F(QuantrtTest, DamagedWeightsAreRefusedOnceVerified) {
  FakeModule fake;
  std::string file = fake.bytes();
  file.back() ^= 1;
  const std::string path = folder_ / "damaged.so";
  writeAll(path, file);
  EXPECT_EQ(qrt_load(path.c_str(), nullptr, &model_), QRT_CORRUPT);
  EXPECT_TRUE(lastErrorHas("do not match their hash"));
  setenv("QRT_VERIFY", "never", 1);
  EXPECT_EQ(qrt_load(path.c_str(), nullptr, &model_), QRT_OK);
}

TEST_F(QuantrtTest, ErrorsBelongToAThread) {
  EXPECT_EQ(qrt_load("/none.so", nullptr, &model_), QRT_IO);
  EXPECT_TRUE(lastErrorHas("/none.so"));
  std::thread([] { EXPECT_STREQ(qrt_last_error(), ""); }).join();
}

TEST_F(QuantrtTest, NullIsAnError) {
  EXPECT_EQ(qrt_load(nullptr, nullptr, &model_), QRT_INVALID_ARGUMENT);
  EXPECT_EQ(qrt_load("x", nullptr, nullptr), QRT_INVALID_ARGUMENT);
  EXPECT_EQ(qrt_session_create(nullptr, nullptr, nullptr),
            QRT_INVALID_ARGUMENT);
  EXPECT_EQ(qrt_append(nullptr, nullptr, 0, 0, nullptr), QRT_INVALID_ARGUMENT);
  EXPECT_EQ(qrt_call(nullptr, 0, nullptr), QRT_INVALID_ARGUMENT);
  EXPECT_EQ(qrt_generate(nullptr, "", nullptr, nullptr, nullptr),
            QRT_INVALID_ARGUMENT);
  qrt_unload(nullptr);
  qrt_session_destroy(nullptr);
  qrt_sampler_destroy(nullptr);
}

TEST_F(QuantrtTest, AppendsAndSamples) {
  ASSERT_EQ(load(FakeModule()), QRT_OK);
  qrt_session *session = nullptr;
  qrt_sampler *sampler = nullptr;
  ASSERT_EQ(qrt_session_create(model_, nullptr, &session), QRT_OK);
  qrt_sampling sampling;
  qrt_sampling_default(&sampling);
  sampling.temperature = 0;
  ASSERT_EQ(qrt_sampler_create(model_, &sampling, &sampler), QRT_OK);
  const int32_t ids[] = {1, 2, 3};
  float logits[37];
  ASSERT_EQ(qrt_append(session, ids, 3, 1, logits), QRT_OK);
  EXPECT_EQ(qrt_session_length(session), 3);
  EXPECT_EQ(qrt_sample(sampler, logits), 0) << "level second adds 1000";
  ASSERT_EQ(qrt_session_truncate(session, 1), QRT_OK);
  EXPECT_EQ(qrt_session_length(session), 1);
  EXPECT_EQ(qrt_set_threads(model_, 3), QRT_OK);
  float again[37];
  ASSERT_EQ(qrt_append(session, ids + 1, 2, 1, again), QRT_OK);
  EXPECT_EQ(std::memcmp(logits, again, sizeof logits), 0);
  qrt_sampler_destroy(sampler);
  qrt_session_destroy(session);
}

TEST_F(QuantrtTest, SamplersAcceptTokensOfThePrompt) {
  ASSERT_EQ(load(FakeModule()), QRT_OK);
  qrt_sampling sampling;
  qrt_sampling_default(&sampling);
  sampling.temperature = 0;
  sampling.repeat_penalty = 2;
  sampling.repeat_last_n = 2;
  qrt_sampler *sampler = nullptr;
  ASSERT_EQ(qrt_sampler_create(model_, &sampling, &sampler), QRT_OK);
  float logits[37] = {};
  logits[7] = 4;
  logits[8] = 3;
  logits[9] = 2.5f;
  qrt_sampler_accept(sampler, 7);
  EXPECT_EQ(qrt_sample(sampler, logits), 8);
  EXPECT_EQ(qrt_sample(sampler, logits), 9) << "7 and 8 count";
  EXPECT_EQ(qrt_sample(sampler, logits), 7) << "8 and 9 count";
  qrt_sampler_accept(sampler, -1);
  qrt_sampler_accept(sampler, 37);
  EXPECT_EQ(qrt_sample(sampler, logits), 8) << "no tokens, not remembered";
  qrt_sampler_destroy(sampler);
}

TEST_F(QuantrtTest, SessionsOfTwoThreadsShareAModel) {
  qrt_load_options options = {2, "first", nullptr, nullptr, nullptr};
  ASSERT_EQ(load(FakeModule(), &options), QRT_OK);
  auto talk = [&](std::vector<float> *out) {
    qrt_session *session = nullptr;
    ASSERT_EQ(qrt_session_create(model_, nullptr, &session), QRT_OK);
    out->resize(37);
    for (int32_t id = 0; id < 37; ++id)
      ASSERT_EQ(qrt_append(session, &id, 1, 1, out->data()), QRT_OK);
    qrt_session_destroy(session);
  };
  std::vector<float> first, second;
  std::thread other(talk, &first);
  talk(&second);
  other.join();
  EXPECT_EQ(first, second);
}

TEST_F(QuantrtTest, CallsPlainFunctions) {
  ASSERT_EQ(load(FakeModule()), QRT_OK);
  EXPECT_EQ(qrt_function_count(model_), 2);
  const int32_t scale = qrt_function_find(model_, "scale");
  ASSERT_EQ(scale, 1);
  EXPECT_STREQ(qrt_function_name(model_, scale), "scale");
  EXPECT_EQ(qrt_function_name(model_, 2), nullptr);
  EXPECT_EQ(qrt_function_find(model_, "none"), -1);
  EXPECT_EQ(qrt_function_inputs(model_, scale), 1);
  EXPECT_EQ(qrt_function_outputs(model_, scale), 1);
  qrt_tensor_info info;
  ASSERT_EQ(qrt_function_argument(model_, scale, 1, &info), QRT_OK);
  EXPECT_STREQ(info.name, "y");
  EXPECT_EQ(info.rank, 1);
  EXPECT_EQ(info.dims[0], 4);
  EXPECT_EQ(qrt_function_argument(model_, scale, 2, &info),
            QRT_INVALID_ARGUMENT);
  for (int32_t threads : {1, 2, 3}) {
    ASSERT_EQ(qrt_set_threads(model_, threads), QRT_OK);
    float x[4] = {1, 2, 3, 4}, y[4] = {};
    const float factors[4] = {1, 10, 100, 1000};
    void *arguments[] = {x, y};
    ASSERT_EQ(qrt_call(model_, scale, arguments), QRT_OK);
    for (int i = 0; i < 4; ++i)
      EXPECT_EQ(y[i], x[i] * factors[i]);
  }
  const float doubled[4 + 16] = {2, 20, 200, 2000};
  EXPECT_EQ(qrt_bind_weight(model_, "none", doubled, 16),
            QRT_INVALID_ARGUMENT);
  EXPECT_EQ(qrt_bind_weight(model_, "factors", doubled, 12),
            QRT_INVALID_ARGUMENT);
  EXPECT_NE(std::string(qrt_last_error()).find("takes 16 bytes, but got 12"),
            std::string::npos);
  for (bool own : {false, true}) {
    ASSERT_EQ(qrt_bind_weight(model_, "factors", own ? nullptr : doubled, 16),
              QRT_OK);
    float x[4] = {1, 1, 1, 1}, y[4] = {};
    void *arguments[] = {x, y};
    ASSERT_EQ(qrt_call(model_, scale, arguments), QRT_OK);
    EXPECT_EQ(y[2], own ? 100 : 200);
  }
  void *missing[] = {nullptr, nullptr};
  EXPECT_EQ(qrt_call(model_, scale, missing), QRT_INVALID_ARGUMENT);
  EXPECT_EQ(qrt_call(model_, 0, missing), QRT_INVALID_ARGUMENT);
  EXPECT_EQ(qrt_call(model_, 9, missing), QRT_INVALID_ARGUMENT);
}

TEST_F(QuantrtTest, ModulesWithoutText) {
  FakeModule fake;
  fake.functions[0].kind = QRT_FUNCTION_PLAIN;
  fake.header.text = {};
  ASSERT_EQ(load(fake), QRT_OK) << qrt_last_error();
  qrt_session *session = nullptr;
  EXPECT_EQ(qrt_session_create(model_, nullptr, &session), QRT_UNSUPPORTED);
  EXPECT_TRUE(lastErrorHas("no function text"));
}

TEST_F(QuantrtTest, ModelsWithoutVocabulary) {
  ASSERT_EQ(load(FakeModule()), QRT_OK);
  size_t count = 0;
  EXPECT_EQ(qrt_tokenize(model_, "a", 1, 1, 1, nullptr, &count),
            QRT_UNSUPPORTED);
  EXPECT_TRUE(lastErrorHas("carries no vocabulary"));
  EXPECT_EQ(qrt_generate(model_, "a", nullptr, nullptr, nullptr),
            QRT_UNSUPPORTED);
  EXPECT_EQ(qrt_is_end(model_, 0), 0);
  EXPECT_EQ(qrt_apply_template(model_, nullptr, 0, 0, nullptr, &count),
            QRT_UNSUPPORTED);
}

/// A vocabulary of the letters, a space, <|end|> (28) and fillers.
FakeModule withVocabulary() {
  FakeModule fake;
  std::vector<std::string> tokens;
  std::vector<int32_t> types;
  for (char c = 'a'; c <= 'z'; ++c)
    tokens.push_back(std::string(1, c));
  tokens.push_back("\u0120"); // how byte-level BPE spells a space
  tokens.push_back("\u00c3"); // the byte C3, which begins a character
  tokens.push_back("<|end|>");
  while (tokens.size() < 37)
    tokens.push_back("filler" + std::to_string(tokens.size()));
  tokens[36] = "ab";
  types.assign(37, 1);
  types[28] = 3; // control
  fake.addMetadata("tokenizer.ggml.model", "gpt2");
  fake.addMetadata("tokenizer.ggml.pre", "gpt-2");
  fake.addMetadata("tokenizer.ggml.tokens", tokens);
  fake.addMetadata("tokenizer.ggml.token_type", types);
  fake.addMetadata("tokenizer.ggml.merges", std::vector<std::string>{"a b"});
  fake.addMetadata("tokenizer.ggml.eos_token_id", 28);
  return fake;
}

int collect(void *user, const char *text, size_t bytes) {
  static_cast<std::string *>(user)->append(text, bytes);
  return 0;
}

class GenerateTest : public QuantrtTest {
protected:
  GenerateTest() {
    qrt_load_options options = {2, "first", nullptr, nullptr, nullptr};
    EXPECT_EQ(load(withVocabulary(), &options), QRT_OK) << qrt_last_error();
    qrt_generate_options_default(&options_);
    options_.sampling.temperature = 0;
  }

  qrt_status generate(const char *prompt) {
    text_.clear();
    return qrt_generate(model_, prompt, &options_, collect, &text_);
  }
  /// Greedy decoding chooses `id` always.
  void force(int32_t id) {
    bias_ = {id, 1e9f};
    options_.sampling.biases = &bias_;
    options_.sampling.n_biases = 1;
  }

  qrt_generate_options options_;
  qrt_logit_bias bias_;
  std::string text_;
};

// Token 3 has the largest weight, and the lowest id among equals.
TEST_F(GenerateTest, WritesAsManyTokensAsAskedFor) {
  for (int32_t count : {0, 1, 5}) {
    options_.max_tokens = count;
    ASSERT_EQ(generate("hello there"), QRT_OK) << qrt_last_error();
    EXPECT_EQ(text_, std::string(size_t(count), 'd'));
  }
}

// Of equal weight are d (3), o (14), z (25) and ab (36).
TEST_F(GenerateTest, PenaltyCoversThePrompt) {
  options_.sampling.repeat_penalty = 1e6f;
  options_.max_tokens = 2;
  ASSERT_EQ(generate("do"), QRT_OK) << qrt_last_error();
  EXPECT_EQ(text_, "zab");
  options_.sampling.repeat_last_n = 1;
  ASSERT_EQ(generate("do"), QRT_OK);
  EXPECT_EQ(text_, "do");
}

TEST_F(GenerateTest, StopsWhenTheContextIsFull) {
  options_.n_ctx = 10;
  ASSERT_EQ(generate("hello"), QRT_OK);
  EXPECT_EQ(text_, "dddddd") << "the last one needs no position";
}

TEST_F(GenerateTest, StopsAtTheEnd) {
  force(28);
  ASSERT_EQ(generate("hello"), QRT_OK);
  EXPECT_EQ(text_, "");
  options_.ignore_eos = 1;
  options_.max_tokens = 3;
  EXPECT_EQ(generate("hello"), QRT_OK);
}

TEST_F(GenerateTest, NeverCutsACharacter) {
  force(27);
  options_.max_tokens = 2;
  ASSERT_EQ(generate("hello"), QRT_OK);
  EXPECT_EQ(text_, "\ufffd\ufffd");
}

TEST_F(GenerateTest, CallbackMayStop) {
  options_.max_tokens = 50;
  int calls = 0;
  EXPECT_EQ(qrt_generate(
                model_, "hello", &options_,
                [](void *user, const char *, size_t) {
                  return int(++*static_cast<int *>(user) == 3);
                },
                &calls),
            QRT_CANCELLED);
  EXPECT_EQ(calls, 3);
}

TEST_F(GenerateTest, RefusesPromptsThatDoNotFit) {
  options_.n_ctx = 4;
  EXPECT_EQ(generate("hello"), QRT_CONTEXT_FULL);
  EXPECT_TRUE(lastErrorHas("5 tokens do not fit"));
  EXPECT_EQ(generate(""), QRT_INVALID_ARGUMENT);
  EXPECT_TRUE(lastErrorHas("prompt is empty"));
}

TEST_F(GenerateTest, SeedsRepeatForAnyThreadCount) {
  qrt_sampling_default(&options_.sampling);
  options_.sampling.temperature = 1e4f;
  options_.sampling.min_p = 0;
  options_.sampling.top_p = 1;
  options_.max_tokens = 40;
  ASSERT_EQ(generate("hello"), QRT_OK);
  const std::string first = text_;
  ASSERT_EQ(qrt_set_threads(model_, 1), QRT_OK);
  ASSERT_EQ(generate("hello"), QRT_OK);
  EXPECT_EQ(text_, first);
  options_.sampling.seed = 1;
  ASSERT_EQ(generate("hello"), QRT_OK);
  EXPECT_NE(text_, first);
}

TEST_F(GenerateTest, TokenizesAndBack) {
  const std::string text = "some words<|end|>";
  size_t count = 0;
  ASSERT_EQ(
      qrt_tokenize(model_, text.data(), text.size(), 1, 1, nullptr, &count),
      QRT_OK);
  EXPECT_EQ(count, 11u);
  std::vector<int32_t> ids(count);
  count = 3;
  EXPECT_EQ(
      qrt_tokenize(model_, text.data(), text.size(), 1, 1, ids.data(), &count),
      QRT_INVALID_ARGUMENT);
  EXPECT_EQ(count, 11u);
  ASSERT_EQ(
      qrt_tokenize(model_, text.data(), text.size(), 1, 1, ids.data(), &count),
      QRT_OK);
  EXPECT_EQ(ids.back(), 28);
  EXPECT_EQ(qrt_is_end(model_, 28), 1);
  EXPECT_EQ(qrt_is_end(model_, 3), 0);
  char back[40];
  for (int special : {0, 1}) {
    size_t bytes = sizeof back;
    ASSERT_EQ(qrt_detokenize(model_, ids.data(), count, special, back, &bytes),
              QRT_OK);
    EXPECT_EQ(std::string(back, bytes), special ? text : "some words");
  }
}

TEST_F(QuantrtTest, RendersTheChatTemplate) {
  FakeModule fake = withVocabulary();
  fake.addMetadata("tokenizer.chat_template",
                   "{% for m in messages %}{{ m.role }}: {{ m.content }}"
                   "{{ eos_token }}{% endfor %}"
                   "{% if add_generation_prompt %}you: {% endif %}");
  ASSERT_EQ(load(fake), QRT_OK) << qrt_last_error();
  const qrt_message messages[] = {{"me", "hello"}, {"you", nullptr}};
  size_t bytes = 0;
  ASSERT_EQ(qrt_apply_template(model_, messages, 1, 1, nullptr, &bytes), QRT_OK)
      << qrt_last_error();
  std::string text(bytes, '\0');
  ASSERT_EQ(qrt_apply_template(model_, messages, 1, 1, text.data(), &bytes),
            QRT_OK);
  EXPECT_EQ(text, "me: hello<|end|>you: ");
  EXPECT_EQ(qrt_apply_template(model_, messages, 2, 0, text.data(), &bytes),
            QRT_INVALID_ARGUMENT);
  EXPECT_TRUE(lastErrorHas("message 1 has no role or no content"));
}

TEST_F(QuantrtTest, AppendsToSeveralSessions) {
  qrt_load_options options = {2, "first", "always", nullptr, nullptr};
  ASSERT_EQ(load(FakeModule(), &options), QRT_OK) << qrt_last_error();
  qrt_session *sessions[2] = {}, *alone = nullptr;
  for (qrt_session *&session : sessions)
    ASSERT_EQ(qrt_session_create(model_, nullptr, &session), QRT_OK);
  ASSERT_EQ(qrt_session_create(model_, nullptr, &alone), QRT_OK);
  const int32_t ids[] = {3, 1, 4, 1, 5}, counts[] = {2, 3};
  float logits[2 * FakeModule::vocabulary], expected[FakeModule::vocabulary];
  EXPECT_EQ(qrt_append_batch(sessions, 2, ids, counts, logits), QRT_OK);
  EXPECT_EQ(qrt_append(alone, ids + 2, 3, 1, expected), QRT_OK);
  EXPECT_EQ(std::memcmp(logits + FakeModule::vocabulary, expected,
                        sizeof expected),
            0);
  EXPECT_EQ(qrt_append_batch(sessions, 2, ids, nullptr, nullptr), QRT_OK);
  EXPECT_EQ(qrt_session_length(sessions[0]), 3);
  EXPECT_EQ(qrt_session_length(sessions[1]), 4);
  EXPECT_EQ(qrt_append_batch(sessions, 0, nullptr, nullptr, nullptr), QRT_OK);
  EXPECT_EQ(qrt_append_batch(sessions, -1, ids, nullptr, nullptr),
            QRT_INVALID_ARGUMENT);
  EXPECT_EQ(qrt_append_batch(nullptr, 2, ids, nullptr, nullptr),
            QRT_INVALID_ARGUMENT);
  qrt_session_destroy(sessions[1]);
  sessions[1] = nullptr;
  EXPECT_EQ(qrt_append_batch(sessions, 2, ids, nullptr, nullptr),
            QRT_INVALID_ARGUMENT);
  qrt_session_destroy(sessions[0]);
  qrt_session_destroy(alone);
}

} // namespace
