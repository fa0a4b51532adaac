//===- OnnxTest.cpp - Graphs to functions: weights and refusals -----------===//

#include "OnnxBuilder.h"

#include "lowbit/Import/Onnx.h"

#include "mlir/IR/MLIRContext.h"

#include "gtest/gtest.h"

using namespace lowbit;
using namespace lowbit::onnx::test;

namespace {

class OnnxTest : public ::testing::Test {
protected:
  std::string messageOf(const std::string &bytes) {
    auto imported = importOnnxBytes(bytes, "m.onnx", &context, {2});
    return imported ? "" : llvm::toString(imported.takeError());
  }
  void expectLine(const std::string &bytes, const char *part) {
    std::string message = messageOf(bytes);
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_EQ(message.rfind("m.onnx: ", 0), 0u) << message;
  }
  mlir::MLIRContext context;
};

} // namespace

static std::string floats(const std::string &name, const Shape &shape,
                          const std::vector<float> &values) {
  return tensor(name, 1, shape, raw(values));
}

/// y = x W with W of INT4 [4, 2] in blocks of 2 along its rows.
static std::string blockModel(const Shape &scales = {2, 2}) {
  return model({node("DequantizeLinear", {"w", "s", "z"}, "d",
                     attribute("axis", 0) + attribute("block_size", 2)),
                node("MatMul", {"x", "d"}, "y")},
               {tensor("w", 22, {4, 2}, "\x18\x32\x54\x76"),
                floats("s", scales, {1, 2, 4, 8}),
                tensor("z", 22, scales, "\x10\xf7")},
               {-1, 4});
}

TEST_F(OnnxTest, BlocksKeepTheirBits) {
  auto imported = importOnnxBytes(blockModel(), "m.onnx", &context, {2});
  ASSERT_TRUE(bool(imported)) << llvm::toString(imported.takeError());
  const SourceTensor *w = imported->source->find("w");
  ASSERT_TRUE(w);
  EXPECT_EQ(w->shape, (Shape{2, 4}));
  EXPECT_EQ(w->format->scheme.str(), "s4, group 2 scale f32 zero s4");
  RowFields fields;
  w->readRow(1, fields);
  EXPECT_EQ(fields.codes, (std::vector<uint8_t>{1, 3, 5, 7}));
  EXPECT_EQ(fields.fields[0][1], (std::vector<uint32_t>{1, 15}));
  std::vector<float> values(4);
  w->readReals(0, values.data()); // codes 8, 2, 4, 6: -8; zeros 0, 7
  EXPECT_EQ(values, (std::vector<float>{-8, 2, -12, -4}));
}

TEST_F(OnnxTest, MatMulNBitsKeepsItsBits) {
  // N = 1, K = 12, blocks of 8 of 4 bits: the second is a tail.
  std::string rest = attribute("N", 1) + attribute("K", 12) +
                     attribute("block_size", 8) + attribute("bits", 4);
  auto build = [&](bool zeros) {
    std::vector<std::string> inputs = {"x", "w", "s"};
    if (zeros)
      inputs.push_back("z");
    return model({node("MatMulNBits", inputs, "y", rest, "com.microsoft")},
                 {tensor("w", 2, {1, 2, 4}, "\x10\x32\x54\x76\x98\xba\xff\xff"),
                  floats("s", {2}, {0.5f, 2}), tensor("z", 2, {1}, "\x3f")},
                 {-1, 12});
  };
  auto imported = importOnnxBytes(build(true), "m.onnx", &context, {2});
  ASSERT_TRUE(bool(imported)) << llvm::toString(imported.takeError());
  const SourceTensor *w = imported->source->find("w");
  ASSERT_TRUE(w);
  EXPECT_EQ(w->format->scheme.str(), "u4, group 8 scale f32 zero u4");
  RowFields fields;
  w->readRow(0, fields);
  EXPECT_EQ(fields.codes,
            (std::vector<uint8_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(fields.fields[0][1], (std::vector<uint32_t>{15, 3}));
  auto middle = importOnnxBytes(build(false), "m.onnx", &context, {2});
  ASSERT_TRUE(bool(middle)) << llvm::toString(middle.takeError());
  EXPECT_EQ(middle->source->find("w")->format->scheme.str(),
            "u4 offset 8, group 8 scale f32");
}

TEST_F(OnnxTest, OneZeroPointIsAnOffset) {
  auto imported =
      importOnnxBytes(model({node("DequantizeLinear", {"w", "s", "z"}, "d"),
                             node("MatMul", {"x", "d"}, "y")},
                            {tensor("w", 2, {2, 1}, "\x01\xff"),
                             floats("s", {}, {2}), tensor("z", 2, {}, "\x80")},
                            {-1, 2}),
                      "m.onnx", &context, {2});
  ASSERT_TRUE(bool(imported)) << llvm::toString(imported.takeError());
  const SourceTensor *w = imported->source->find("w");
  EXPECT_EQ(w->format->scheme.str(), "u8 offset 128, row scale f32");
  std::vector<float> values(2);
  w->readReals(0, values.data());
  EXPECT_EQ(values, (std::vector<float>{-254, 254}));
}

TEST_F(OnnxTest, UnknownOperatorsAreNamedAtOnce) {
  std::string message = messageOf(
      model({node("Conv", {"x", "x"}, "a"), node("Conv", {"a", "x"}, "b"),
             node("Attention", {"b"}, "y", "", "com.microsoft")},
            {}, {-1, 2}));
  EXPECT_EQ(message.rfind("m.onnx: has operators that are not imported: 'Conv' "
                          "(2), 'com.microsoft.Attention'; ",
                          0),
            0u)
      << message;
}

TEST_F(OnnxTest, RefusalsHaveOneLine) {
  std::string w = floats("w", {2, 2}, {1, 2, 3, 4});
  auto matMul = node("MatMul", {"x", "w"}, "y");
  EXPECT_EQ(messageOf(model({matMul}, {w}, {-1, 2})), "");
  expectLine(model({matMul}, {w}, {-1, 3}), "rows of 3 elements");
  expectLine(model({matMul}, {w}, {2, -1}), "symbolic last dimension");
  expectLine(model({matMul}, {}, {-1, 2}), "not computed by a node before");
  expectLine(model({node("MatMul", {"x", "x"}, "y")}, {w}, {-1, 2}),
             "must be a constant");
  expectLine(model({node("MatMul", {"x"}, "y")}, {w}, {-1, 2}), "input 1");
  expectLine(model({matMul, matMul}, {w}, {-1, 2}), "has a value already");
  expectLine(model({}, {w}, {-1, 2}, "x"), "is an input");
  expectLine(model({node("Mul", {"x", "w"}, "y")}, {w}, {-1, 2}),
             "other products");
  expectLine(model({node("Sigmoid", {"x"}, "y")}, {w}, {-1, 2}),
             "must be real activations");
  expectLine(model({node("Relu", {"x"}, "y")}, {w}, {1 << 30, 1 << 30}),
             "2^31");
  expectLine(blockModel({4, 1}), "expected [2, 2] scales");
  expectLine(model({node("QuantizeLinear", {"x", "s"}, "q"),
                    node("DequantizeLinear", {"q", "t"}, "y")},
                   {floats("s", {}, {1}), floats("t", {}, {2})}, {-1, 2}),
             "another scale");
  expectLine(model({node("QuantizeLinear", {"x", "s"}, "y")},
                   {floats("s", {}, {-1})}, {-1, 2}),
             "no positive number");
  expectLine(model({node("MatMulNBits", {"x", "w", "w"}, "y",
                         attribute("N", int64_t(1) << 40) + attribute("K", 2) +
                             attribute("block_size", 16),
                         "com.microsoft")},
                   {w}, {-1, 2}),
             "N and K of 1 to 2^24");
}

TEST_F(OnnxTest, SumsThatOthersReadKeepNoBias) {
  // y = x W + b, and x W is read again.
  std::string text;
  auto imported = importOnnxBytes(
      model({node("MatMul", {"x", "w"}, "s"), node("Add", {"s", "b"}, "t"),
             node("Add", {"s", "t"}, "y")},
            {floats("w", {2, 2}, {1, 2, 3, 4}), floats("b", {2}, {1, 2})},
            {-1, 2}),
      "m.onnx", &context, {2});
  ASSERT_TRUE(bool(imported)) << llvm::toString(imported.takeError());
  llvm::raw_string_ostream(text) << *imported->module;
  EXPECT_EQ(text.find(" bias "), std::string::npos) << text;
}

TEST_F(OnnxTest, OneTensorMayMeanTwoMatrices) {
  auto imported = importOnnxBytes(
      model({node("MatMul", {"x", "w"}, "s"), node("Transpose", {"w"}, "t"),
             node("MatMul", {"s", "t"}, "y")},
            {floats("w", {2, 2}, {1, 2, 3, 4})}, {-1, 2}),
      "m.onnx", &context, {2});
  ASSERT_TRUE(bool(imported)) << llvm::toString(imported.takeError());
  std::vector<float> values(2);
  imported->source->find("w")->readReals(0, values.data());
  EXPECT_EQ(values, (std::vector<float>{1, 3}));
  imported->source->find("w.1")->readReals(0, values.data());
  EXPECT_EQ(values, (std::vector<float>{1, 2}));
}
