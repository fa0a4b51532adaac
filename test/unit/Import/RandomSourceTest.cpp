//===- RandomSourceTest.cpp - Tests of RandomSource.h ---------------------===//

#include "lowbit/Import/RandomSource.h"
#include "lowbit/Import/Importers.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstdlib>
#include <fstream>

using namespace lowbit;

namespace {

Scheme schemeOf(const std::string &words) {
  Scheme scheme;
  std::string error;
  EXPECT_TRUE(Scheme::parse(words, scheme, error)) << error;
  EXPECT_EQ(scheme.check(), "");
  return scheme;
}

WeightFormat formatOf(const std::string &name) {
  const BitFormat *known = findBitFormat(name);
  return {name, known ? known->scheme : schemeOf(name)};
}

/// One layer of so many inputs and outputs.
std::unique_ptr<ModelSource> layer(const WeightFormat &format, int64_t inputs,
                                   int64_t outputs) {
  LayerShape shape;
  shape.inputs = inputs;
  shape.outputs = outputs;
  return openRandomLayers(shape, format);
}

std::vector<float> valuesOf(const SourceTensor &tensor, int64_t row) {
  RowFields fields;
  std::vector<float> values(tensor.columns());
  tensor.readRow(row, fields);
  dequantizeRow(tensor.format->scheme, fields, tensor.columns(), values.data());
  return values;
}

std::string messageOf(llvm::Expected<std::unique_ptr<ModelSource>> source) {
  return source ? "" : llvm::toString(source.takeError());
}

} // namespace

// Half of the wanted deviation to twice as much, centered: also where integers
// are multiplied by integers and where a row ends with a short group.
TEST(RandomSourceTest, valuesAreAsLargeAsAModels) {
  std::vector<WeightFormat> formats;
  for (uint32_t type = 0; type < 256; ++type)
    if (const BitFormat *format = findBitFormat(type))
      formats.push_back({format->name, format->scheme});
  for (const char *words :
       {"u3, group 48 scale bf16 min f32", "sign, row scale f32",
        "u8 offset 128, tensor scale f32, group 32 scale u8",
        "u4, row scale f32, group 40 scale s8 zero u4",
        "s4, group 64 scale f16, group 16 scale e4m3",
        "ternary, tensor scale f32",
        "u2 codebook 8 x01234567765432100110220033000007 signs, group 64 scale "
        "f16",
        "u1 codebook 4 x0123fed7, group 32 scale f16, group 16 scale u4 delta "
        "0.125"})
    formats.push_back(formatOf(words));
  for (const WeightFormat &format : formats) {
    auto source = layer(format, 544, 64);
    double sum = 0, squares = 0;
    int64_t count = 0;
    for (int64_t row = 0; row < 64; ++row)
      for (float value : valuesOf(source->tensors()[0], row)) {
        ASSERT_TRUE(std::isfinite(value)) << format.name;
        sum += value;
        squares += double(value) * value;
        ++count;
      }
    double mean = sum / count, deviation = std::sqrt(squares / count);
    EXPECT_GT(deviation, 0.01) << format.name;
    EXPECT_LT(deviation, 0.04) << format.name;
    EXPECT_LT(std::fabs(mean), 0.15 * deviation) << format.name;
  }
}

TEST(RandomSourceTest, rowsAreTheSameInAnyOrder) {
  for (const char *name :
       {"Q4_K", "F16", "u4, tensor scale f32, row scale u6"}) {
    auto first = layer(formatOf(name), 256, 16);
    auto second = layer(formatOf(name), 256, 16);
    std::vector<std::vector<float>> rows;
    for (int64_t row = 0; row < 16; ++row)
      rows.push_back(valuesOf(first->tensors()[0], row));
    for (int64_t row = 15; row >= 0; --row)
      EXPECT_EQ(valuesOf(second->tensors()[0], row), rows[row]) << name;
    EXPECT_NE(rows[0], rows[1]) << name;
  }
}

TEST(RandomSourceTest, everyEntryAndSignOccurs) {
  auto source = layer(formatOf("u2 codebook 8 x0123456776543210011022003300000"
                               "7 signs, group 64 scale f16"),
                      256, 16);
  std::vector<int> seen(4), signs(2);
  RowFields fields;
  for (int64_t row = 0; row < 16; ++row) {
    source->tensors()[0].readRow(row, fields);
    for (uint16_t index : fields.indices)
      ++seen.at(index);
    for (uint8_t sign : fields.signs)
      ++signs.at(sign);
  }
  for (int count : seen)
    EXPECT_NEAR(count / 512.0, 0.25, 0.08);
  EXPECT_NEAR(signs[1] / 4096.0, 0.5, 0.05);
}

TEST(RandomSourceTest, everyCodeOccurs) {
  auto source = layer(formatOf("TQ1_0"), 256, 16);
  std::vector<int> seen(256);
  RowFields fields;
  for (int64_t row = 0; row < 16; ++row) {
    source->tensors()[0].readRow(row, fields);
    for (uint8_t code : fields.codes)
      ++seen[code];
  }
  for (int code = 0; code < 3; ++code)
    EXPECT_NEAR(seen[code] / 4096.0, 1 / 3.0, 0.05);
  EXPECT_EQ(seen[3], 0);
}

TEST(RandomSourceTest, bytesAreTheFiles) {
  EXPECT_EQ(layer(formatOf("Q4_K"), 512, 3)->tensors()[0].bytes, 3u * 288);
  EXPECT_EQ(layer(formatOf("TQ1_0"), 256, 3)->tensors()[0].bytes, 3u * 54);
  // No whole block: a short group of the same fields.
  EXPECT_EQ(layer(formatOf("Q4_0"), 48, 2)->tensors()[0].bytes, 2u * (24 + 4));
}

TEST(RandomSourceTest, copiesFillMemory) {
  LayerShape shape;
  shape.inputs = 64;
  shape.outputs = 16;
  shape.rows = {1, 3};
  shape.fill = 16 * 36 * 3 + 1;
  auto source = openRandomLayers(shape, formatOf("Q4_0"));
  EXPECT_EQ(source->tensors().size(), 4u);
  mlir::MLIRContext context;
  auto module = buildLayers(shape, *source, &context);
  EXPECT_TRUE(module->lookupSymbol("rows1.copy0"));
  EXPECT_TRUE(module->lookupSymbol("rows3.copy3"));
  EXPECT_NE(valuesOf(source->tensors()[0], 0),
            valuesOf(source->tensors()[1], 0));
  for (const char *bad : {"", "64", "64x", "x64", "0x4", "4x0", "a2x4",
                          "4x999999999999", "4x4x4"})
    EXPECT_EQ(llvm::toString(parseLayerShape(bad).takeError()),
              std::string("expected INPUTSxOUTPUTS such as 2048x8192, but got "
                          "'") + bad + "'");
}

namespace {
/// Writes a config and opens it.
class ShapeTest : public ::testing::Test {
protected:
  ~ShapeTest() override { std::remove(path.c_str()); }

  llvm::Expected<std::unique_ptr<ModelSource>> open(const std::string &config) {
    const char *folder = std::getenv("TMPDIR");
    path = std::string(folder ? folder : "/tmp") + "/shape-" +
           std::to_string(::getpid()) + ".json";
    std::ofstream(path) << config;
    return openRandomModel(path, formatOf("Q4_0"));
  }

  /// A config with one key changed, or left out where `value` is "".
  static std::string config(const std::string &key = "",
                            const std::string &value = "") {
    std::vector<std::pair<std::string, std::string>> pairs = {
        {"model_type", "\"llama\""}, {"hidden_size", "64"},
        {"num_hidden_layers", "2"},  {"num_attention_heads", "4"},
        {"intermediate_size", "96"}, {"vocab_size", "40"}};
    std::string text = key.empty() || value.empty()
                           ? "{"
                           : "{\"" + key + "\": " + value + ",";
    for (auto &[name, number] : pairs)
      if (name != key)
        text += "\"" + name + "\": " + number + ",";
    text.back() = '}';
    return text;
  }

  std::string path;
};
} // namespace

TEST_F(ShapeTest, everyArchitectureIsImported) {
  for (const char *type :
       {"llama", "mistral", "qwen2", "qwen3", "gemma3", "gemma3_text"}) {
    auto source = open(config("model_type", "\"" + std::string(type) + "\""));
    ASSERT_TRUE(bool(source)) << llvm::toString(source.takeError());
    mlir::MLIRContext context;
    auto module = importModel(**source, &context, {});
    ASSERT_TRUE(bool(module)) << type << llvm::toString(module.takeError());
    // The whole file's worth of tensors has a place.
    EXPECT_GE((*source)->tensors().size(), 2u + 2 * 9);
  }
}

TEST_F(ShapeTest, builtInShapesAreImported) {
  for (const std::string &name : knownShapes()) {
    auto source = openRandomModel(name, formatOf("Q4_0"));
    ASSERT_TRUE(bool(source)) << llvm::toString(source.takeError());
    mlir::MLIRContext context;
    auto module = importModel(**source, &context, {});
    ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError());
  }
}

TEST_F(ShapeTest, keysOfTheConfigDecide) {
  auto tied = open(config("tie_word_embeddings", "true"));
  auto untied = open(config());
  ASSERT_TRUE(tied && untied);
  EXPECT_FALSE((*tied)->find("output.weight"));
  EXPECT_TRUE((*untied)->find("output.weight"));
  EXPECT_EQ((*untied)->integer("llama.attention.head_count_kv"), 4);
  EXPECT_EQ((*untied)->find("blk.1.ffn_down.weight")->shape,
            (std::vector<int64_t>{64, 96}));
  auto named = open(config("model_type", "null,\"architectures\":"
                                         "[\"LlamaForCausalLM\"]"));
  ASSERT_TRUE(bool(named)) << llvm::toString(named.takeError());
  EXPECT_EQ((*named)->string("general.architecture"), "llama");
  auto nested = open("{\"text_config\": " + config() + "}");
  ASSERT_TRUE(bool(nested)) << llvm::toString(nested.takeError());
}

TEST_F(ShapeTest, mistakesAreNamed) {
  auto expect = [&](const std::string &config, const std::string &message) {
    EXPECT_EQ(messageOf(open(config)), path + ": " + message);
  };
  expect(config("hidden_size"), "key 'hidden_size' is missing");
  for (const char *bad : {"0", "-1", "1.5", "\"64\"", "1e30", "[64]"})
    expect(config("vocab_size", bad),
           "key 'vocab_size' must be a whole number from 1 to 268435456");
  expect(config("num_hidden_layers", "100000"),
         "key 'num_hidden_layers' must be a whole number from 1 to 10000");
  expect(config("rope_theta", "\"x\""), "key 'rope_theta' must be a number");
  expect(config("tie_word_embeddings", "1"),
         "key 'tie_word_embeddings' must be true or false");
  expect(config("model_type", "\"bert\""),
         "unknown model_type 'bert'; known are llama, mistral, qwen2, qwen3, "
         "gemma3, gemma3_text");
  expect("[1]", "expected a JSON object");
  EXPECT_NE(messageOf(open("{")).find("is not JSON"), std::string::npos);
  EXPECT_NE(messageOf(openRandomModel("llama-9b", formatOf("Q4_0")))
                .find("unknown shape 'llama-9b'; known are llama-3.2-1b, "),
            std::string::npos);
  EXPECT_NE(messageOf(openRandomModel("no/file.json", formatOf("Q4_0")))
                .find("cannot read no/file.json"),
            std::string::npos);
}
