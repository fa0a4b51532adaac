//===- RunOptionsTest.cpp - Command line of quant-run ---------------------===//

#include "tools/quant-run/run_options.h"

#include "ToolsTest.h"

using namespace lowbit::tools;

namespace {
class RunOptionsTest : public ToolsTest {
protected:
  Error parse(std::vector<const char *> arguments) {
    options = RunOptions();
    arguments.insert(arguments.begin(), "quant-run");
    bool helpShown = false;
    return parseRunOptions(static_cast<int>(arguments.size()), arguments.data(),
                           options, helpShown);
  }
  RunOptions options;
};
} // namespace

TEST_F(RunOptionsTest, defaultsAreLlamaCpps) {
  EXPECT_SUCCESS(parse({"m.so", "-p", "a"}));
  EXPECT_EQ(options.sampling.temperature, 0.8f);
  EXPECT_EQ(options.sampling.top_k, 40);
  EXPECT_EQ(options.sampling.top_p, 0.95f);
  EXPECT_EQ(options.sampling.min_p, 0.05f);
  EXPECT_EQ(options.maxTokens, -1);
  EXPECT_EQ(options.context, 0);
  EXPECT_EQ(options.model.threads, 0);
  EXPECT_EQ(options.model.affinity, "");
  EXPECT_EQ(options.model.hugePages, "");
}

TEST_F(RunOptionsTest, threadsAndMemory) {
  EXPECT_SUCCESS(parse({"m.so", "-p", "a", "-t", "2", "--affinity", "0-3,8",
                        "--huge-pages=copy"}));
  EXPECT_EQ(options.model.threads, 2);
  EXPECT_EQ(options.model.affinity, "0-3,8");
  EXPECT_EQ(options.model.hugePages, "copy");
  EXPECT_ERROR(parse({"m.so", "-p", "a", "--huge-pages=on"}),
               "option '--huge-pages': expected off|advise|copy");
}

TEST_F(RunOptionsTest, promptSources) {
  EXPECT_SUCCESS(parse({"-m", "m.so", "-p", "a\\nb"}));
  EXPECT_EQ(options.prompt, "a\nb");
  EXPECT_SUCCESS(parse({"m.so", "--no-escape", "-p", "a\\nb"}));
  EXPECT_EQ(options.prompt, "a\\nb");
  std::string file = write("p", "x\\n\n\n");
  EXPECT_SUCCESS(parse({"m.so", "-f", file.c_str()}));
  EXPECT_EQ(options.prompt, "x\\n\n");
  EXPECT_ERROR(parse({"m.so", "-f", "/nonexistent"}), "No such file");
  EXPECT_ERROR(parse({"m.so", "-p", "a", "-f", file.c_str()}), "leave one out");
}

TEST_F(RunOptionsTest, embeddings) {
  EXPECT_SUCCESS(parse({"m.so", "--embedding", "-p", "a", "--pooling", "cls",
                        "--embd-normalize=-1", "--embd-output-format=json"}));
  EXPECT_TRUE(options.embed.embed && options.model.compile.embedding);
  EXPECT_EQ(options.embed.normalize, -1);
  EXPECT_EQ(options.embed.pooling, "cls");
  EXPECT_EQ(options.embed.format, "json");
  EXPECT_SUCCESS(parse({"m.so", "--classify", "-p", "a", "--json"}));
  EXPECT_ERROR(parse({"m.so", "--embedding"}), "-p TEXT");
  EXPECT_ERROR(parse({"m.so", "--embedding", "--classify", "-p", "a"}),
               "choose one");
  EXPECT_ERROR(parse({"m.so", "--embedding", "-p", "a", "--json"}),
               "--embd-output-format=json");
  EXPECT_ERROR(parse({"m.so", "--pooling=cls", "-p", "a"}),
               "belong to --embedding");
  EXPECT_ERROR(parse({"m.so", "--embedding", "-p", "a", "--embd-normalize=x"}),
               "expected a number from -1");
}

TEST_F(RunOptionsTest, inputsInOrder) {
  EXPECT_SUCCESS(parse({"m.so", "--call=f", "--input", "a", "b", "--input", "c",
                        "--output", "y"}));
  EXPECT_EQ(options.model.path, "m.so");
  EXPECT_EQ(options.inputs, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_SUCCESS(parse({"--call", "f", "--input", "a", "m.so"}));
  EXPECT_EQ(options.model.path, "m.so");
  EXPECT_EQ(options.inputs, std::vector<std::string>{"a"});
}

TEST_F(RunOptionsTest, refusesWhatDoesNotGoTogether) {
  EXPECT_ERROR(parse({"m.so"}), "nothing to do");
  EXPECT_ERROR(parse({"-p", "a"}), "no model");
  EXPECT_ERROR(parse({"m.so", "hello"}), "unexpected argument 'hello'");
  EXPECT_ERROR(parse({"m.so", "-p", "a", "--tokenize", "f"}), "choose one");
  EXPECT_ERROR(parse({"m.so", "-p", "a", "--input", "x"}), "--call");
  EXPECT_ERROR(parse({"m.so", "-p", "a", "-st"}), "-cnv");
  EXPECT_ERROR(parse({"m.so", "-cnv", "--json"}), "-p");
  EXPECT_ERROR(parse({"m.so", "-p", "a", "-t", "0"}), "from 1");
}

TEST_F(RunOptionsTest, seedsAndBiases) {
  EXPECT_SUCCESS(parse({"m.so", "-p", "a", "--seed", "4294967296", "-l",
                        "15-1.5", "-l", "7+2"}));
  EXPECT_EQ(options.sampling.seed, 4294967296u);
  ASSERT_EQ(options.biases.size(), 2u);
  EXPECT_EQ(options.biases[0].id, 15);
  EXPECT_EQ(options.biases[0].bias, -1.5f);
  EXPECT_EQ(options.biases[1].bias, 2.0f);
  EXPECT_ERROR(parse({"m.so", "-p", "a", "-l", "15"}), "ID+BIAS");
  EXPECT_ERROR(parse({"m.so", "-p", "a", "-s", "-2"}), "-1 or a number");
}
