//===- TinyModelsTest.cpp - Imported models answer as transformers do -----===//
//
// Import alone, without the passes behind it: the reference evaluates the
// function that importModel builds. What fails here is a graph that means
// something else than the family's definition; what fails only in
// test/e2e/tiny_models.py is a later stage.
//
//===----------------------------------------------------------------------===//

#include "dialects/LM/IR/LMDialect.h"
#include "dialects/LM/Transforms/Passes.h"
#include "lowbit/Import/Importers.h"
#include "lowbit/Reference/Evaluator.h"

#include "dialects/LowBit/IR/LowBitDialect.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/MemoryBuffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace lowbit;
using namespace lowbit::reference;

/// transformers computes in f32: what we saw is up to 1e-6 of the largest
/// logit (2 layers, 100 positions), a wrong rotation gives 1e-1.
static constexpr double kTolerance = 5e-6;

static std::string readText(const std::string &path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  EXPECT_TRUE(static_cast<bool>(buffer)) << "cannot read " << path;
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

static std::vector<float> readFloats(const std::string &path) {
  std::string bytes = readText(path);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

/// A line holds "<t5><t17>": the ids.
static std::vector<Indices> readPrompts(const std::string &path) {
  std::string text = readText(path);
  llvm::SmallVector<llvm::StringRef> lines;
  llvm::StringRef(text).split(lines, '\n', -1, /*KeepEmpty=*/false);
  std::vector<Indices> prompts;
  for (llvm::StringRef line : lines) {
    Indices ids({0});
    while (line.consume_front("<t")) {
      ids.data.emplace_back();
      EXPECT_FALSE(line.consumeInteger(10, ids.data.back()));
      EXPECT_TRUE(line.consume_front(">"));
    }
    ids.shape = {static_cast<int64_t>(ids.data.size())};
    prompts.push_back(std::move(ids));
  }
  return prompts;
}

static Evaluator::WeightLookup weightsOf(const ModelSource &source) {
  return [&source](llvm::StringRef name, mlir::Type type) -> ValueRef {
    const SourceTensor *tensor = source.find(name);
    if (!tensor)
      return nullptr;
    int64_t columns = tensor->columns();
    LowBits codes{tensor->format->scheme, columns, {}};
    for (int64_t r = 0; r < tensor->rows(); ++r)
      tensor->readRow(r, codes.rows.emplace_back());
    if (llvm::isa<lowbit::TensorType>(type))
      return share(std::move(codes));
    Reals vector({columns});
    std::vector<float> values(columns);
    dequantizeRow(codes.scheme, codes.rows.front(), columns, values.data());
    vector.data.assign(values.begin(), values.end());
    return share(std::move(vector));
  };
}

/// The logits after the last of `ids`.
static std::vector<double> logitsAfter(mlir::func::FuncOp text,
                                       const ModelSource &source,
                                       const Indices &ids) {
  int64_t count = ids.rows();
  auto kv = llvm::cast<lm::KVType>(text.getArgumentTypes()[4]);
  auto embedding = llvm::cast<mlir::ShapedType>(text.getArgumentTypes()[1]);
  Indices positions({count}), last({1});
  for (int64_t i = 0; i < count; ++i)
    positions.data[i] = static_cast<int32_t>(i);
  last.data[0] = static_cast<int32_t>(count - 1);
  KVStore store(kv.getLayers(), kv.getHeads(), kv.getDim(), elementOf(kv),
                Batch::ofOneSequence(count));
  auto results =
      Evaluator(weightsOf(source))
          .call(text,
                {share(ids), share(Reals({count, embedding.getDimSize(1)})),
                 share(positions), share(last), share(std::move(store))});
  if (mlir::failed(results)) {
    ADD_FAILURE() << "the reference does not evaluate 'text'";
    return {};
  }
  return std::get<Reals>(*results->front()).data;
}

namespace {
class TinyModelsTest : public testing::TestWithParam<const char *> {};
} // namespace

TEST_P(TinyModelsTest, logits) {
  std::string base = std::string(TINY_MODELS "/") + GetParam();
  auto source = openGGUF(base + ".gguf");
  ASSERT_TRUE(static_cast<bool>(source)) << llvm::toString(source.takeError());
  mlir::MLIRContext context;
  ImportOptions options;
  options.kv = KVElement::F32;
  auto module = importModel(**source, &context, options);
  ASSERT_TRUE(static_cast<bool>(module)) << llvm::toString(module.takeError());
  mlir::PassManager passes(&context);
  passes.addPass(lm::createVerifyModel());
  ASSERT_TRUE(mlir::succeeded(passes.run(**module)));

  auto text = (*module)->lookupSymbol<mlir::func::FuncOp>("text");
  std::vector<float> expected = readFloats(base + ".expected.f32");
  std::vector<Indices> prompts = readPrompts(base + ".prompts.txt");
  ASSERT_FALSE(prompts.empty());
  size_t vocabulary = expected.size() / prompts.size();
  double largest = 0, worst = 0;
  for (float value : expected)
    largest = std::max(largest, double(std::fabs(value)));
  for (size_t p = 0; p < prompts.size(); ++p) {
    std::vector<double> ours = logitsAfter(text, **source, prompts[p]);
    ASSERT_EQ(ours.size(), vocabulary);
    for (size_t i = 0; i < vocabulary; ++i)
      worst =
          std::max(worst, std::fabs(ours[i] - expected[p * vocabulary + i]));
  }
  EXPECT_LE(worst / largest, kTolerance);
}

static const char *const kModels[] = {
    "gemma3-f32",    "gemma3-q4_1", "gemma3-q8_0",       "llama-f32",
    "llama-q4_1",    "llama-q8_0",  "llama-llama3-rope", "llama-mixed",
    "llama-odd-f32", "llama-yarn",  "qwen2-f32",         "qwen3-f32",
    "qwen3-odd-f32",
};

INSTANTIATE_TEST_SUITE_P(Import, TinyModelsTest, testing::ValuesIn(kModels),
                         [](const testing::TestParamInfo<const char *> &info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });
