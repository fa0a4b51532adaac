//===- CompileCacheTest.cpp - Models compiled once ------------------------===//

#include "tools/common/compile_cache.h"

#include "ToolsTest.h"

#include <sys/stat.h>
#include <sys/wait.h>

using namespace lowbit::tools;

namespace {
/// quant-compile is a script that copies its input and notes that it ran.
class CompileCacheTest : public ToolsTest {
protected:
  void SetUp() override {
    ToolsTest::SetUp();
    ::setenv("XDG_CACHE_HOME", path("cache").c_str(), 1);
    compiler = write("quant-compile", "#!/bin/sh\n"
                                      "echo \"$@\" >> " +
                                          path("log") +
                                          "\n"
                                          "sleep 0.1\n"
                                          "cp \"$1\" \"$3\"\n");
    source = write("m.gguf", "GGUF and so on");
    testing::internal::CaptureStderr();
  }
  void TearDown() override {
    testing::internal::GetCapturedStderr();
    ::unsetenv("XDG_CACHE_HOME");
    ToolsTest::TearDown();
  }
  std::string key() {
    std::string text;
    EXPECT_SUCCESS(cacheKey(source, compiler, options, text));
    return text;
  }
  size_t compilations() {
    std::string log = read("log");
    return static_cast<size_t>(std::count(log.begin(), log.end(), '\n'));
  }

  std::string compiler, source;
  CompileOptions options;
};
} // namespace

TEST_F(CompileCacheTest, compilesOnce) {
  std::string first, second;
  options.activations = "f32";
  EXPECT_SUCCESS(compileCached(source, compiler, options, first));
  EXPECT_SUCCESS(compileCached(source, compiler, options, second));
  EXPECT_EQ(first, second);
  EXPECT_EQ(compilations(), 1u);
  EXPECT_NE(read("log").find("--activations=f32"), std::string::npos);
  // Neither a lock nor a temporary file stays.
  EXPECT_EQ(list(path("cache/lowbit")).size(), 1u);
}

TEST_F(CompileCacheTest, keyFollowsTheFilesOfAFolder) {
  source = path("folder");
  ASSERT_EQ(::mkdir(source.c_str(), 0777), 0);
  std::vector<std::string> keys{key()};
  auto expectNew = [&](const char *what) {
    std::string now = key();
    EXPECT_EQ(std::count(keys.begin(), keys.end(), now), 0) << what;
    keys.push_back(now);
  };
  write("folder/config.json", "{}");
  expectNew("config");
  write("folder/model.safetensors", "weights");
  expectNew("weights");
  write("folder/chat_template.jinja", "x");
  expectNew("template");
  write("folder/config.json", "{ }");
  expectNew("another config");
  // What the compiler does not read does not matter.
  write("folder/README.md", "x");
  EXPECT_EQ(key(), keys.back());
  // With and without a slash it is the same folder.
  source += "/";
  EXPECT_EQ(key(), keys.back());
}

TEST_F(CompileCacheTest, keyFollowsAllItDependsOn) {
  std::vector<std::string> keys{key()};
  auto expectNew = [&](const char *what) {
    std::string now = key();
    EXPECT_EQ(std::count(keys.begin(), keys.end(), now), 0) << what;
    keys.push_back(now);
  };
  EXPECT_EQ(key(), keys[0]);
  options.activations = "f32";
  expectNew("activations");
  options.kv = "f32";
  expectNew("kv");
  options.level = "avx2";
  expectNew("level");
  std::string scheme = write("s.mlir", "one");
  options.scheme = scheme + "#a";
  expectNew("scheme");
  write("s.mlir", "two");
  expectNew("content of the scheme's file");
  write("m.gguf", "GGUF and so om");
  expectNew("content of the source");
  struct timespec times[2] = {{1, 0}, {1, 0}};
  ::utimensat(AT_FDCWD, source.c_str(), times, 0);
  expectNew("time of the source");
  write("quant-compile", "#!/bin/sh\n");
  expectNew("compiler");
}

TEST_F(CompileCacheTest, randomWeightsNeedNoSource) {
  write("quant-compile",
        "#!/bin/sh\necho \"$@\" >> " + path("log") + "\necho made > \"$2\"\n");
  source.clear();
  options.scheme = "u4, group 32 scale f16"; // words, not a file
  options.linear = "64x32";
  options.rows = "1,8";
  std::string module, other;
  EXPECT_SUCCESS(compileCached(source, compiler, options, module));
  EXPECT_NE(module.find("/linear-64x32."), std::string::npos) << module;
  for (const char *part : {"--linear=64x32 --rows=1,8", "--scheme=u4, group"})
    EXPECT_NE(read("log").find(part), std::string::npos) << read("log");
  EXPECT_SUCCESS(compileCached(source, compiler, options, other));
  EXPECT_EQ(module, other);
  options = CompileOptions();
  options.shape = write("some.shape.json", "{1}");
  std::string first = key();
  EXPECT_SUCCESS(compileCached(source, compiler, options, module));
  EXPECT_NE(module.find("/some.shape."), std::string::npos) << module;
  write("some.shape.json", "{2}");
  EXPECT_NE(key(), first);
  options.shape = path("absent.json");
  EXPECT_ERROR(compileCached(source, compiler, options, module), "absent.json");
  EXPECT_EQ(compilations(), 2u);
}

TEST_F(CompileCacheTest, keyWatchesEveryPart) {
  write("x-00002-of-00002.gguf", "one");
  source = write("x-00001-of-00002.gguf", "GGUF");
  std::string before = key();
  write("x-00002-of-00002.gguf", "other");
  EXPECT_NE(key(), before);
}

TEST_F(CompileCacheTest, failureLeavesNothing) {
  write("quant-compile", "#!/bin/sh\necho torn > \"$3\"\nexit 3\n");
  std::string module;
  EXPECT_ERROR(compileCached(source, compiler, options, module),
               "failed with status 3");
  EXPECT_TRUE(list(path("cache/lowbit")).empty());
  // It has said why itself.
  write("quant-compile", "#!/bin/sh\nexit 1\n");
  Error error = compileCached(source, compiler, options, module);
  EXPECT_TRUE(error);
  EXPECT_EQ(error.message(), "");
  write("quant-compile", "#!/bin/sh\necho torn > \"$3\"\nkill -9 $$\n");
  EXPECT_ERROR(compileCached(source, compiler, options, module),
               "ended by signal 9");
  EXPECT_TRUE(list(path("cache/lowbit")).empty());
}

TEST_F(CompileCacheTest, processesAtOnceCompileOnce) {
  std::vector<pid_t> children;
  for (int i = 0; i < 6; ++i) {
    pid_t child = ::fork();
    if (child == 0) {
      std::string module, content;
      Error error = compileCached(source, compiler, options, module);
      if (!error)
        error = readFile(module, content);
      ::_exit(!error && content == "GGUF and so on" ? 0 : 1);
    }
    children.push_back(child);
  }
  for (pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(compilations(), 1u);
  EXPECT_EQ(list(path("cache/lowbit")).size(), 1u);
}

TEST_F(CompileCacheTest, uncachedIsRemoved) {
  ::setenv("TMPDIR", folder.c_str(), 1);
  std::string module;
  EXPECT_SUCCESS(compileUncached(source, compiler, options, module));
  EXPECT_EQ(module.compare(0, folder.size(), folder), 0);
  EXPECT_EQ(::access(module.c_str(), R_OK), 0);
  removeUncached(module);
  EXPECT_NE(::access(module.substr(0, module.rfind('/')).c_str(), F_OK), 0);
  ::unsetenv("TMPDIR");
}

TEST_F(CompileCacheTest, saysWhereItCannotWrite) {
  write("file", "");
  ::setenv("XDG_CACHE_HOME", path("file").c_str(), 1);
  std::string module;
  EXPECT_ERROR(compileCached(source, compiler, options, module), "--no-cache");
}
