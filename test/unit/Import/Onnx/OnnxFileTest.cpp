//===- OnnxFileTest.cpp - The reader of ONNX files, good and bad bytes ----===//

#include "OnnxBuilder.h"

#include "lib/Import/Onnx/OnnxFile.h"
#include "lib/Import/Onnx/Wire.h"

#include "gtest/gtest.h"

#include <filesystem>
#include <fstream>

using namespace lowbit;
using namespace lowbit::onnx;
using namespace lowbit::onnx::test;

static std::string messageOf(const std::string &bytes,
                             const std::string &path = "m.onnx") {
  auto parsed = parseModel(bytes, path);
  return parsed ? "" : llvm::toString(parsed.takeError());
}

static std::string modelWith(const std::string &tensor) {
  return model({}, {tensor}, {-1, 4});
}

TEST(OnnxFile, ReadsElementsOfEveryWidth) {
  auto parsed = parseModel(
      model({},
            {tensor("u4", 21, {3}, "\x21\x0f"),
             tensor("s4", 22, {3}, "\xf8\x07"), tensor("s2", 26, {4}, "\xe4"),
             tensor("s8", 3, {2}, "\x80\x7f"),
             tensor("f16", 10, {1}, raw<uint16_t>({0x3e00})),
             tensor("i64", 7, {1}, raw<int64_t>({-7}))},
            {-1, 4}),
      "m.onnx");
  ASSERT_TRUE(bool(parsed)) << llvm::toString(parsed.takeError());
  auto integers = [&](llvm::StringRef name) {
    const Tensor &found = *(*parsed)->initializers.lookup(name);
    std::vector<int64_t> values;
    for (int64_t i = 0; i < found.elements(); ++i)
      values.push_back(found.integer(i));
    return values;
  };
  EXPECT_EQ(integers("u4"), (std::vector<int64_t>{1, 2, 15}));
  EXPECT_EQ(integers("s4"), (std::vector<int64_t>{-8, -1, 7}));
  EXPECT_EQ(integers("s2"), (std::vector<int64_t>{0, 1, -2, -1}));
  EXPECT_EQ(integers("s8"), (std::vector<int64_t>{-128, 127}));
  EXPECT_EQ(integers("i64"), (std::vector<int64_t>{-7}));
  EXPECT_EQ((*parsed)->initializers.lookup("f16")->real(0), 1.5f);
}

TEST(OnnxFile, ReadsNumbersInLists) {
  std::string floats = raw<float>({1.5f, -2});
  std::string list =
      number(1, 2) + number(2, 1) + bytes(4, floats) + bytes(8, "f");
  std::string codes = number(1, 2) + number(2, 3) + bytes(8, "c") +
                      number(5, uint64_t(-3)) + number(5, 4);
  auto parsed = parseModel(model({}, {list, codes}, {-1, 4}), "m.onnx");
  ASSERT_TRUE(bool(parsed)) << llvm::toString(parsed.takeError());
  EXPECT_EQ((*parsed)->initializers.lookup("f")->reals(),
            (std::vector<float>{1.5f, -2}));
  EXPECT_EQ((*parsed)->initializers.lookup("c")->reals(),
            (std::vector<float>{-3, 4}));
}

TEST(OnnxFile, BadBytesHaveOneLine) {
  auto expectLine = [](const std::string &bytes, const char *part) {
    std::string message = messageOf(bytes);
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_EQ(message.rfind("m.onnx: ", 0), 0u) << message;
  };
  expectLine("", "is empty");
  expectLine("GGUF", "no ONNX model");
  expectLine(number(1, 10), "has no graph");
  std::string good = modelWith(tensor("t", 1, {1}, "abcd"));
  EXPECT_EQ(messageOf(good), "");
  expectLine(good.substr(0, good.size() - 3), "truncated");
  expectLine(modelWith(tensor("t", 1, {2}, "abcd")),
             "tensor 't' has 4 bytes, expected 8");
  expectLine(modelWith(tensor("t", 1, {-1}, "")), "dimension of -1");
  expectLine(modelWith(tensor("t", 1, {1 << 30, 1 << 30}, "")), "2^48");
  expectLine(modelWith(tensor("t", 17, {1}, "a")), "type 17");
  expectLine(modelWith(tensor("t", 1, Shape(9, 1), "abcd")), "9 dimensions");
  std::string one = tensor("t", 3, {1}, "a");
  expectLine(model({}, {one, one}, {-1, 4}), "two initializers are called 't'");
}

static std::string external(const std::string &location,
                            const std::string &offset) {
  return number(1, 4) + number(2, 3) + bytes(8, "t") + number(14, 1) +
         bytes(13, bytes(1, "location") + bytes(2, location)) +
         bytes(13, bytes(1, "offset") + bytes(2, offset));
}

TEST(OnnxFile, ExternalDataStaysInTheFolder) {
  auto folder = std::filesystem::path(::testing::TempDir()) / "onnx-external";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "data.bin") << "0123456789";
  std::string path = folder / "m.onnx";
  std::string good = modelWith(external("data.bin", "6"));
  auto parsed = parseModel(good, path);
  ASSERT_TRUE(bool(parsed)) << llvm::toString(parsed.takeError());
  EXPECT_EQ((*parsed)->initializers.lookup("t")->bytes, "6789");
  for (auto [location, offset, part] :
       {std::tuple("data.bin", "7", "has 4 bytes at 7"),
        std::tuple("data.bin", "-1", "no number"),
        std::tuple("../data.bin", "0", "own folder"),
        std::tuple("/etc/passwd", "0", "own folder"),
        std::tuple("", "0", "own folder"),
        std::tuple("none.bin", "0", "none.bin: No such file")}) {
    std::string message =
        messageOf(modelWith(external(location, offset)), path);
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
}
