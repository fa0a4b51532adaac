//===- SessionTest.cpp - Tests of session/session.h -----------------------===//

#include "session/session.h"
#include "../module/FakeModule.h"

#include <gtest/gtest.h>

using namespace qrt;

namespace {

class SessionTest : public ::testing::Test {
protected:
  /// A model of `fake`, run by `threads`.
  std::unique_ptr<Model> load(const FakeModule &fake, int32_t threads = 1,
                              const char *affinity = nullptr,
                              const char *hugePages = nullptr) {
    const std::string path = folder_ / ("m" + std::to_string(files_++) + ".so");
    writeAll(path, fake.bytes());
    qrt_load_options options = {};
    options.threads = threads;
    options.level = "first";
    options.verify = "always";
    options.affinity = affinity;
    options.huge_pages = hugePages;
    std::unique_ptr<Model> model;
    const Status status = Model::load(path, options, model);
    EXPECT_TRUE(status.ok()) << status.message();
    return model;
  }

  static std::vector<int32_t> someIds(int32_t count) {
    std::vector<int32_t> ids(count);
    for (int32_t i = 0; i < count; ++i)
      ids[i] = (i * 17 + 5) % FakeModule::vocabulary;
    return ids;
  }

  /// What FakeCode.c says of logit `v` after ids [0, end).
  static float expected(const std::vector<int32_t> &ids, int32_t end,
                        int32_t v) {
    float sum = 0;
    for (int32_t p = 0; p < end; ++p)
      sum += float(1 + p % 3) * (float(ids[p]) * 0.5f + float(p));
    return FakeModule::weight(v) * sum;
  }

  static void expectRow(const float *logits, const std::vector<int32_t> &ids,
                        int32_t end) {
    for (int32_t v = 0; v < FakeModule::vocabulary; ++v)
      ASSERT_EQ(logits[v], expected(ids, end, v)) << end << " " << v;
  }

  TemporaryFolder folder_;
  int files_ = 0;
};

TEST_F(SessionTest, LogitsDoNotDependOnThreadsOrPieces) {
  const std::vector<int32_t> ids = someIds(61);
  for (int32_t threads : {1, 2, 3}) {
    auto model = load(FakeModule(), threads);
    for (int32_t piece : {1, 3, 8, 20, 61}) {
      std::unique_ptr<Session> session;
      ASSERT_TRUE(Session::create(*model, 0, session).ok());
      for (int32_t begin = 0; begin < 61; begin += piece) {
        const int32_t count = std::min(piece, 61 - begin);
        std::vector<float> logits(size_t(count) * FakeModule::vocabulary);
        ASSERT_TRUE(
            session->append(ids.data() + begin, count, count, logits.data())
                .ok());
        for (int32_t i = 0; i < count; ++i)
          expectRow(&logits[size_t(i) * FakeModule::vocabulary], ids,
                    begin + i + 1);
      }
      EXPECT_EQ(session->length(), 61);
    }
  }
}

TEST_F(SessionTest, LogitsDoNotDependOnPlacesOrPages) {
  const std::vector<int32_t> ids = someIds(61);
  for (const char *affinity : {"none", "compact", "spread"})
    for (const char *pages : {"off", "advise", "copy"})
      for (int32_t threads : {1, 2, 3}) {
        auto model = load(FakeModule(), threads, affinity, pages);
        ASSERT_NE(model, nullptr);
        std::unique_ptr<Session> session;
        ASSERT_TRUE(Session::create(*model, 0, session).ok());
        std::vector<float> logits(61 * FakeModule::vocabulary);
        ASSERT_TRUE(session->append(ids.data(), 61, 61, logits.data()).ok());
        for (int32_t i = 0; i < 61; ++i)
          expectRow(&logits[size_t(i) * FakeModule::vocabulary], ids, i + 1);
      }
}

TEST_F(SessionTest, EmbeddingsMayStandForTokens) {
  const std::vector<int32_t> ids = someIds(61);
  std::vector<float> rows(61 * FakeModule::embedding);
  for (size_t i = 0; i < 61; ++i)
    rows[i * FakeModule::embedding] = float(ids[i]);
  for (int32_t threads : {1, 3}) {
    auto model = load(FakeModule(), threads);
    std::unique_ptr<Session> session;
    ASSERT_TRUE(Session::create(*model, 0, session).ok());
    // Tokens, 30 rows (several calls of 8), tokens.
    std::vector<float> logits(30 * FakeModule::vocabulary);
    ASSERT_TRUE(session->append(ids.data(), 5, 0, nullptr).ok());
    ASSERT_TRUE(
        session->append(&rows[5 * FakeModule::embedding], 30, 30, logits.data())
            .ok());
    for (int32_t i = 0; i < 30; ++i)
      expectRow(&logits[size_t(i) * FakeModule::vocabulary], ids, 5 + i + 1);
    ASSERT_TRUE(session->append(&ids[35], 26, 1, logits.data()).ok());
    expectRow(logits.data(), ids, 61);
    EXPECT_EQ(session->length(), 61);
  }
}

TEST_F(SessionTest, RefusesBadEmbeddings) {
  auto model = load(FakeModule());
  std::unique_ptr<Session> session;
  ASSERT_TRUE(Session::create(*model, 4, session).ok());
  const std::vector<float> rows(5 * FakeModule::embedding);
  float logits[FakeModule::vocabulary];
  const float *none = nullptr;
  EXPECT_EQ(session->append(none, 1, 0, nullptr).code(), QRT_INVALID_ARGUMENT);
  EXPECT_EQ(session->append(rows.data(), -1, 0, nullptr).code(),
            QRT_INVALID_ARGUMENT);
  EXPECT_EQ(session->append(rows.data(), 1, 2, logits).code(),
            QRT_INVALID_ARGUMENT);
  EXPECT_EQ(session->append(rows.data(), 5, 0, nullptr).code(),
            QRT_CONTEXT_FULL);
  EXPECT_TRUE(session->append(none, 0, 0, nullptr).ok());
  EXPECT_EQ(session->length(), 0);
}

TEST_F(SessionTest, LogitsOfTheLastRowsOnly) {
  auto model = load(FakeModule(), 2);
  const std::vector<int32_t> ids = someIds(30);
  for (int32_t wanted : {0, 1, 5, 9, 30}) {
    std::unique_ptr<Session> session;
    ASSERT_TRUE(Session::create(*model, 40, session).ok());
    std::vector<float> logits(size_t(wanted) * FakeModule::vocabulary);
    ASSERT_TRUE(session->append(ids.data(), 30, wanted, logits.data()).ok());
    for (int32_t i = 0; i < wanted; ++i)
      expectRow(&logits[size_t(i) * FakeModule::vocabulary], ids,
                30 - wanted + i + 1);
  }
}

struct Visited {
  std::vector<int32_t> indices;
  std::vector<float> logits, probes;
  int32_t stopAt = -1;
};

qrt_status visit(void *user, int32_t index, const float *logits,
                 const float *probes) {
  Visited &visited = *static_cast<Visited *>(user);
  if (index == visited.stopAt)
    return QRT_CANCELLED;
  visited.indices.push_back(index);
  visited.logits.insert(visited.logits.end(), logits,
                        logits + FakeModule::vocabulary);
  if (probes)
    visited.probes.insert(visited.probes.end(), probes, probes + 6);
  return QRT_OK;
}

TEST_F(SessionTest, VisitsEachRowOnce) {
  auto model = load(FakeModule());
  const std::vector<int32_t> ids = someIds(30);
  for (int32_t first : {0, 7, 29, 30}) {
    std::unique_ptr<Session> session;
    ASSERT_TRUE(Session::create(*model, 40, session).ok());
    Visited visited;
    ASSERT_TRUE(
        session->appendVisit(ids.data(), 30, first, visit, &visited).ok());
    ASSERT_EQ(visited.indices.size(), size_t(30 - first));
    EXPECT_TRUE(visited.probes.empty());
    for (int32_t i = 0; i < 30 - first; ++i) {
      EXPECT_EQ(visited.indices[i], first + i);
      expectRow(&visited.logits[size_t(i) * FakeModule::vocabulary], ids,
                first + i + 1);
    }
  }
}

TEST_F(SessionTest, VisitorGetsProbesOfItsRow) {
  FakeModule fake;
  fake.header.text.n_probes = 2;
  auto model = load(fake);
  const std::vector<int32_t> ids = someIds(13);
  std::unique_ptr<Session> session;
  ASSERT_TRUE(Session::create(*model, 40, session).ok());
  Visited visited;
  ASSERT_TRUE(session->appendVisit(ids.data(), 13, 0, visit, &visited).ok());
  ASSERT_EQ(visited.probes.size(), 13u * 6);
  for (int32_t row = 0; row < 13; ++row)
    for (int32_t probe = 0; probe < 2; ++probe)
      for (int32_t e = 0; e < 3; ++e)
        EXPECT_EQ(visited.probes[size_t(row * 6 + probe * 3 + e)],
                  float(ids[row] + 100 * probe + 1000 * e));
}

TEST_F(SessionTest, VisitorMayStop) {
  auto model = load(FakeModule());
  std::unique_ptr<Session> session;
  ASSERT_TRUE(Session::create(*model, 40, session).ok());
  Visited visited;
  visited.stopAt = 10;
  const std::vector<int32_t> ids = someIds(30);
  const Status status =
      session->appendVisit(ids.data(), 30, 0, visit, &visited);
  EXPECT_EQ(status.code(), QRT_CANCELLED);
  EXPECT_EQ(visited.indices.size(), 10u);
  EXPECT_EQ(session->length(), 16);
}

TEST_F(SessionTest, FullContextChangesNothing) {
  auto model = load(FakeModule());
  std::unique_ptr<Session> session;
  ASSERT_TRUE(Session::create(*model, 10, session).ok());
  const std::vector<int32_t> ids = someIds(11);
  std::vector<float> logits(FakeModule::vocabulary);
  Status status = session->append(ids.data(), 11, 1, logits.data());
  EXPECT_EQ(status.code(), QRT_CONTEXT_FULL);
  EXPECT_EQ(status.message(),
            "11 tokens do not fit: 0 of 10 positions of the context are "
            "filled: shorten the text or make the context larger");
  EXPECT_EQ(session->length(), 0);
  ASSERT_TRUE(session->append(ids.data(), 10, 1, logits.data()).ok());
  expectRow(logits.data(), ids, 10);
  EXPECT_EQ(session->append(ids.data(), 1, 0, nullptr).code(),
            QRT_CONTEXT_FULL);
}

TEST_F(SessionTest, TruncateForgetsTheRest) {
  auto model = load(FakeModule());
  std::unique_ptr<Session> session;
  ASSERT_TRUE(Session::create(*model, 40, session).ok());
  std::vector<int32_t> ids = someIds(30);
  std::vector<float> logits(FakeModule::vocabulary);
  ASSERT_TRUE(session->append(ids.data(), 30, 0, nullptr).ok());
  EXPECT_EQ(session->truncate(31).code(), QRT_INVALID_ARGUMENT);
  EXPECT_EQ(session->truncate(-1).code(), QRT_INVALID_ARGUMENT);
  ASSERT_TRUE(session->truncate(5).ok());
  ids[5] = 3;
  ASSERT_TRUE(session->append(&ids[5], 1, 1, logits.data()).ok());
  expectRow(logits.data(), ids, 6);
}

TEST_F(SessionTest, RefusesBadArguments) {
  auto model = load(FakeModule());
  std::unique_ptr<Session> session;
  EXPECT_EQ(Session::create(*model, -1, session).code(), QRT_INVALID_ARGUMENT);
  EXPECT_EQ(Session::create(*model, 101, session).code(), QRT_INVALID_ARGUMENT);
  ASSERT_TRUE(Session::create(*model, 0, session).ok());
  EXPECT_EQ(session->capacity(), 100);
  const int32_t bad[] = {0, FakeModule::vocabulary, -1};
  std::vector<float> logits(FakeModule::vocabulary);
  EXPECT_EQ(session->append(bad, 2, 0, nullptr).code(), QRT_INVALID_ARGUMENT);
  EXPECT_EQ(session->append(bad + 2, 1, 0, nullptr).code(),
            QRT_INVALID_ARGUMENT);
  EXPECT_EQ(session->append(bad, 1, 2, logits.data()).code(),
            QRT_INVALID_ARGUMENT);
  EXPECT_EQ(session->append(bad, 1, 1, nullptr).code(), QRT_INVALID_ARGUMENT);
  const int32_t *none = nullptr;
  EXPECT_EQ(session->append(none, 1, 0, nullptr).code(), QRT_INVALID_ARGUMENT);
  EXPECT_TRUE(session->append(none, 0, 0, nullptr).ok());
  EXPECT_EQ(session->length(), 0);
}

//===- Batches ------------------------------------------------------------===//

/// Sessions of one model, each with ids of its own.
class BatchTest : public SessionTest {
protected:
  void SetUp() override {
    model = load(FakeModule(), 2);
    for (int32_t i = 0; i < 4; ++i) {
      std::unique_ptr<Session> session;
      ASSERT_TRUE(Session::create(*model, 20 + i, session).ok());
      all.push_back(session.get());
      held.push_back(std::move(session));
      ids.emplace_back();
    }
  }

  Status append(const std::vector<int32_t> &which,
                const std::vector<int32_t> &counts, const int32_t *tokens) {
    std::vector<Session *> sessions;
    for (int32_t i : which)
      sessions.push_back(all[i]);
    logits.assign(which.size() * FakeModule::vocabulary, 0);
    return Session::appendBatch({sessions.data(), sessions.size()}, tokens,
                                counts.empty() ? nullptr : counts.data(),
                                logits.data());
  }

  /// Appends to some sessions, and checks what each of them answers.
  void step(const std::vector<int32_t> &which,
            const std::vector<int32_t> &counts) {
    std::vector<int32_t> tokens;
    for (size_t i = 0; i < which.size(); ++i)
      for (int32_t j = 0; j < (counts.empty() ? 1 : counts[i]); ++j) {
        tokens.push_back((next += 11) % FakeModule::vocabulary);
        ids[which[i]].push_back(tokens.back());
      }
    const Status status = append(which, counts, tokens.data());
    ASSERT_TRUE(status.ok()) << status.message();
    for (size_t i = 0; i < which.size(); ++i) {
      const std::vector<int32_t> &own = ids[which[i]];
      EXPECT_EQ(all[which[i]]->length(), int32_t(own.size()));
      expectRow(&logits[i * FakeModule::vocabulary], own, int32_t(own.size()));
    }
  }

  std::unique_ptr<Model> model;
  std::vector<std::unique_ptr<Session>> held;
  std::vector<Session *> all;
  std::vector<std::vector<int32_t>> ids;
  std::vector<float> logits;
  int32_t next = 0;
};

TEST_F(BatchTest, SessionsKeepToThemselves) {
  step({0, 1, 2, 3}, {});
  step({3, 1}, {5, 2});
  step({2}, {8});
  step({1, 0, 2}, {1, 3, 1});
  step({0, 1, 2, 3}, {2, 2, 2, 2});
  // And alone again.
  const int32_t token = 7;
  ids[3].push_back(token);
  ASSERT_TRUE(all[3]->append(&token, 1, 1, logits.data()).ok());
  expectRow(logits.data(), ids[3], int32_t(ids[3].size()));
  ASSERT_TRUE(Session::appendBatch({nullptr, 0}, nullptr, nullptr, nullptr)
                  .ok());
}

TEST_F(BatchTest, ErrorsChangeNothing) {
  const int32_t good[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  const int32_t bad[3] = {1, FakeModule::vocabulary, 3};
  auto refused = [&](const std::vector<int32_t> &which,
                     const std::vector<int32_t> &counts, const int32_t *tokens,
                     qrt_status code, const std::string &part) {
    const Status status = append(which, counts, tokens);
    EXPECT_EQ(status.code(), code);
    EXPECT_NE(status.message().find(part), std::string::npos)
        << status.message();
    for (const Session *session : all)
      EXPECT_EQ(session->length(), 0);
  };
  refused({0, 1, 0}, {}, good, QRT_INVALID_ARGUMENT, "in the batch already");
  refused({0, 1}, {}, bad, QRT_INVALID_ARGUMENT, "session 1 of the batch");
  refused({0, 1}, {}, nullptr, QRT_INVALID_ARGUMENT, "no token ids");
  refused({0, 1}, {1, 0}, good, QRT_INVALID_ARGUMENT, "appends 0 tokens");
  refused({0, 1}, {4, 5}, good, QRT_INVALID_ARGUMENT, "more than 8 rows");
  auto other = load(FakeModule());
  std::unique_ptr<Session> stranger, small;
  ASSERT_TRUE(Session::create(*other, 20, stranger).ok());
  all.push_back(stranger.get());
  refused({0, 4}, {}, good, QRT_INVALID_ARGUMENT, "another model");
  ASSERT_TRUE(Session::create(*model, 3, small).ok());
  all.back() = small.get();
  refused({0, 4}, {1, 4}, good, QRT_CONTEXT_FULL, "do not fit");
}

} // namespace
