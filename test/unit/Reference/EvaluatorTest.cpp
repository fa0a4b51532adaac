//===- EvaluatorTest.cpp - Calling functions from C++ ---------------------===//

#include "lowbit/Reference/Evaluator.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LowBit/IR/LowBitOps.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace lowbit;
using namespace lowbit::reference;

namespace {

class EvaluatorTest : public testing::Test {
protected:
  EvaluatorTest()
      : handler(&context, [this](Diagnostic &diagnostic) {
          errors.push_back(diagnostic.str());
          return success();
        }) {
    context.loadDialect<lm::LMDialect, LowBitDialect, arith::ArithDialect,
                        func::FuncDialect>();
  }

  func::FuncOp function(StringRef text, StringRef name) {
    module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    return module->lookupSymbol<func::FuncOp>(name);
  }

  static ValueRef reals(std::vector<int64_t> shape, std::vector<double> data) {
    Reals result(std::move(shape));
    result.data = std::move(data);
    return share(std::move(result));
  }

  MLIRContext context;
  std::vector<std::string> errors;
  ScopedDiagnosticHandler handler;
  OwningOpRef<ModuleOp> module;
};

constexpr const char *kLayer = R"(
  func.func private @twice(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
    %y = lm.add %x, %x : tensor<?x2xf32>
    return %y : tensor<?x2xf32>
  }
  func.func @layer(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
    %w = lm.weight "w" : tensor<2x2xf32>
    %y = lm.linear %x, %w : tensor<?x2xf32>, tensor<2x2xf32> -> tensor<?x2xf32>
    lm.probe %y {index = 3} : tensor<?x2xf32>
    %z = func.call @twice(%y) : (tensor<?x2xf32>) -> tensor<?x2xf32>
    return %z : tensor<?x2xf32>
  }
)";

TEST_F(EvaluatorTest, CallsWithWeightsAndProbes) {
  func::FuncOp layer = function(kLayer, "layer");
  Evaluator evaluator([](llvm::StringRef name, Type) {
    return name == "w" ? reals({2, 2}, {0, 1, 1, 0}) : nullptr;
  });
  auto results = evaluator.call(layer, {reals({2, 2}, {1, 2, 3, 4})});
  ASSERT_TRUE(succeeded(results));
  ASSERT_EQ(results->size(), 1u);
  EXPECT_EQ(std::get<Reals>(*(*results)[0]).data,
            (std::vector<double>{4, 2, 8, 6}));
  ASSERT_EQ(evaluator.probes().count(3), 1u);
  EXPECT_EQ(evaluator.probes().at(3).data, (std::vector<double>{2, 1, 4, 3}));
}

TEST_F(EvaluatorTest, Observations) {
  func::FuncOp layer = function(R"(
    func.func @layer(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
      %y = lowbit.observe %x as "x" min|max|second_moment : tensor<?x2xf32>
      %z = lowbit.observe %y as "y" absmax : tensor<?x2xf32>
      return %z : tensor<?x2xf32>
    })",
                                "layer");
  Evaluator evaluator;
  ASSERT_TRUE(succeeded(evaluator.call(layer, {reals({1, 2}, {1, -5})})));
  auto results = evaluator.call(layer, {reals({2, 2}, {2, 3, -4, 4})});
  ASSERT_TRUE(succeeded(results));
  EXPECT_EQ(std::get<Reals>(*(*results)[0]).data,
            (std::vector<double>{2, 3, -4, 4}));
  const Observation &x = evaluator.observations().at("x");
  EXPECT_EQ(x.rows, 3);
  EXPECT_EQ(x.min, (std::vector<double>{-4, -5}));
  EXPECT_EQ(x.max, (std::vector<double>{2, 4}));
  EXPECT_EQ(x.secondMoment, (std::vector<double>{21, 50}));
  EXPECT_TRUE(x.absMax.empty());
  EXPECT_EQ(evaluator.observations().at("y").absMax,
            (std::vector<double>{4, 5}));
}

TEST_F(EvaluatorTest, ObservationsOfOtherWidth) {
  func::FuncOp layer = function(R"(
    func.func @layer(%x: tensor<?x2xf32>, %y: tensor<?x3xf32>) {
      %a = lowbit.observe %x as "x" absmax : tensor<?x2xf32>
      %b = lowbit.observe %y as "x" absmax : tensor<?x3xf32>
      return
    })",
                                "layer");
  Evaluator evaluator;
  EXPECT_TRUE(failed(evaluator.call(
      layer, {reals({1, 2}, {1, 2}), reals({1, 3}, {1, 2, 3})})));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_NE(errors[0].find("notes 3 columns under the name of 2 others"),
            std::string::npos);
}

// A permuted weight is looked up as it is stored, its permutation by its name.
TEST_F(EvaluatorTest, PermutedWeight) {
  func::FuncOp layer = function(R"(
    !w = !lowbit.tensor<1x3, #lowbit.scheme<f32>, permuted>
    func.func @layer(%x: tensor<1x3xf32>) -> tensor<1x1xf32> {
      %p = lm.weight "p" : tensor<3xi32>
      %w = lm.weight "w" permuted %p : !w, tensor<3xi32>
      %y = lm.linear %x, %w : tensor<1x3xf32>, !w -> tensor<1x1xf32>
      return %y : tensor<1x1xf32>
    })",
                                "layer");
  Indices order({3});
  order.data = {2, 0, 1};
  LowBits stored{Scheme::ofFloat(FieldType::F32), 3, {}};
  stored.rows.emplace_back().reals = {1, 10, 100};
  Evaluator evaluator([&](llvm::StringRef name, Type type) {
    EXPECT_EQ(name == "w", isa<lowbit::TensorType>(type) &&
                               !cast<lowbit::TensorType>(type).getPermuted());
    return name == "p" ? share(order) : share(stored);
  });
  auto results = evaluator.call(layer, {reals({1, 3}, {3, 4, 5})});
  ASSERT_TRUE(succeeded(results));
  EXPECT_EQ(std::get<Reals>(*(*results)[0]).data,
            (std::vector<double>{30 + 400 + 5}));
}

TEST_F(EvaluatorTest, WeightOfAnotherShapeIsAnError) {
  func::FuncOp layer = function(kLayer, "layer");
  Evaluator evaluator(
      [](llvm::StringRef, Type) { return reals({1, 2}, {0, 1}); });
  EXPECT_TRUE(failed(evaluator.call(layer, {reals({1, 2}, {1, 2})})));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0], "'lm.weight' op has no weight of this name and type");
}

TEST_F(EvaluatorTest, ArgumentsMustFit) {
  func::FuncOp layer = function(kLayer, "layer");
  Evaluator evaluator;
  EXPECT_TRUE(failed(evaluator.call(layer, {})));
  EXPECT_TRUE(failed(evaluator.call(layer, {reals({1, 3}, {1, 2, 3})})));
  EXPECT_TRUE(failed(evaluator.call(layer, {share(Indices({1, 2}))})));
  EXPECT_TRUE(failed(evaluator.call(layer, {nullptr})));
  ASSERT_EQ(errors.size(), 4u);
  EXPECT_EQ(errors[0], "expected 1 arguments, but got 0");
  EXPECT_EQ(errors[1], "argument 0 must be a value of type 'tensor<?x2xf32>'");
}

TEST_F(EvaluatorTest, DynamicRowsMustAgree) {
  func::FuncOp add = function(R"(
    func.func @add(%x: tensor<?x1xf32>, %y: tensor<?x1xf32>) -> tensor<?x1xf32> {
      %z = lm.add %x, %y : tensor<?x1xf32>
      return %z : tensor<?x1xf32>
    })",
                              "add");
  Evaluator evaluator;
  EXPECT_TRUE(
      failed(evaluator.call(add, {reals({1, 1}, {1}), reals({2, 1}, {1, 2})})));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0], "'lm.add' op operands must have the same number of "
                       "rows: expected 1, but got 2");
}

TEST_F(EvaluatorTest, OpsOfOtherDialectsAreRefused) {
  func::FuncOp other = function(R"(
    func.func @other(%x: f32) -> f32 {
      return %x : f32
    }
    func.func @constant() -> f32 {
      %x = arith.constant 1.0 : f32
      return %x : f32
    })",
                                "constant");
  Evaluator evaluator;
  EXPECT_TRUE(failed(evaluator.call(other, {})));
  ASSERT_EQ(errors.size(), 1u);
}

TEST_F(EvaluatorTest, DeclarationsAreRefused) {
  func::FuncOp declared =
      function("func.func private @f() -> tensor<1xf32>", "f");
  Evaluator evaluator;
  EXPECT_TRUE(failed(evaluator.call(declared, {})));
}

TEST_F(EvaluatorTest, StoreGoesInAndOut) {
  func::FuncOp append = function(R"(
    !kv = !lm.kv<layers = 1, heads = 1, dim = 1, element = f32>
    func.func @append(%kv: !kv, %x: tensor<?x1xf32>) -> (tensor<?x1xf32>, !kv) {
      %kv1 = lm.kv_append %kv, %x, %x {layer = 0} : !kv, tensor<?x1xf32>
      %a = lm.cached_attention %x, %kv1 {layer = 0, scale = 0.0 : f32} : tensor<?x1xf32>, !kv
      return %a, %kv1 : tensor<?x1xf32>, !kv
    })",
                                 "append");
  Evaluator evaluator;
  auto first = evaluator.call(
      append, {share(KVStore(1, 1, 1, KVElement::F32, Batch::ofOneSequence(2))),
               reals({2, 1}, {1, 3})});
  ASSERT_TRUE(succeeded(first));
  EXPECT_EQ(std::get<Reals>(*(*first)[0]).data, (std::vector<double>{1, 2}));
  KVStore next =
      std::get<KVStore>(*(*first)[1]).withBatch(Batch::ofOneSequence(1, 2));
  auto second =
      evaluator.call(append, {share(std::move(next)), reals({1, 1}, {5})});
  ASSERT_TRUE(succeeded(second));
  EXPECT_EQ(std::get<Reals>(*(*second)[0]).data, (std::vector<double>{3}));
}

TEST_F(EvaluatorTest, StoreOfAnotherTypeIsAnError) {
  Type type = parseType("!lm.kv<layers = 1, heads = 2, dim = 4, element = f16>",
                        &context);
  Batch batch = Batch::ofOneSequence(1);
  EXPECT_TRUE(hasType(reference::Value(KVStore(1, 2, 4, KVElement::F16, batch)), type));
  EXPECT_FALSE(hasType(reference::Value(KVStore(1, 2, 4, KVElement::F32, batch)), type));
  EXPECT_FALSE(hasType(reference::Value(KVStore(1, 1, 4, KVElement::F16, batch)), type));
  Batch overlapping = batch;
  overlapping.runs.push_back({0, 1});
  EXPECT_FALSE(
      hasType(reference::Value(KVStore(1, 2, 4, KVElement::F16, overlapping)), type));
}

} // namespace
