//===- CallTest.cpp - Functions on .npy files -----------------------------===//

#include "tools/quant-run/call.h"

#include "ToolsTest.h"
#include "quantrt/format.h"
#include "tools/common/npy.h"

#include <cstring>

using namespace lowbit::tools;

namespace {
class CallTest : public ToolsTest {
protected:
  void SetUp() override {
    ToolsTest::SetUp();
    float x[6] = {0, 1, 2, 3, 4, 5};
    EXPECT_SUCCESS(writeNpy(path("x.npy"), QRT_TYPE_F32, {2, 3}, x));
    EXPECT_SUCCESS(writeNpy(path("t.npy"), QRT_TYPE_F32, {3, 2}, x));
    options.call = "negate";
    options.inputs = {path("x.npy")};
    options.outputs = {path("y.npy")};
  }
  RunOptions options;
};
} // namespace

TEST_F(CallTest, writesTheResult) {
  testing::internal::CaptureStderr();
  EXPECT_SUCCESS(runCall(loadFake(), options));
  testing::internal::GetCapturedStderr();
  NpyArray y;
  EXPECT_SUCCESS(readNpy(path("y.npy"), y));
  float values[6];
  ASSERT_EQ(y.data.size(), sizeof values);
  std::memcpy(values, y.data.data(), sizeof values);
  EXPECT_EQ(y.header.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(values[5], -5);
}

TEST_F(CallTest, saysWhatDoesNotFit) {
  loadFake();
  options.inputs = {path("t.npy")};
  EXPECT_ERROR(runCall(model.get(), options),
               "input 'x' is float32[2, 3], but");
  options.inputs = {};
  EXPECT_ERROR(runCall(model.get(), options),
               "'negate' has 1 input, but 0 were given with --input");
  options.call = "nil";
  EXPECT_ERROR(runCall(model.get(), options), "it has: text, negate");
}
