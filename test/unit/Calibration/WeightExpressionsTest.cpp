//===- WeightExpressionsTest.cpp - Tests of WeightExpressions.h -----------===//

#include "WeightExpressions.h"

#include "Samples.h"

#include "lowbit/Driver/Compile.h"

#include "mlir/Parser/Parser.h"

#include <cmath>

using namespace lowbit;
using namespace lowbit::test;

namespace {

constexpr int64_t kRows = 12, kColumns = 24;

/// H[i][j] / sqrt(block) of the block that both are in, Sylvester's order.
double hadamard(int64_t i, int64_t j, int64_t block) {
  if (i / block != j / block)
    return 0;
  bool odd = __builtin_popcountll(uint64_t(i % block & j % block)) & 1;
  return (odd ? -1 : 1) / std::sqrt(double(block));
}

/// A model of a matrix "w" [12][24] and a vector "g" [24], a module that
/// computes `result` from them, and what it computes.
class WeightExpressionsTest : public testing::Test {
protected:
  void compute(const std::string &ops) {
    w_ = gaussian(kRows * kColumns, 1);
    auto source = std::make_unique<MemorySource>();
    source->add("w", kRows, kColumns, w_);
    source->add("g", 0, kColumns, gaussian(kColumns, 2));
    model_ = std::make_unique<QuantizedSource>(std::move(source));
    context_ = makeContext();
    module_ = mlir::parseSourceString<mlir::ModuleOp>(
        "func.func @f() -> tensor<12x24xf32> {\n"
        "  %w = lm.weight \"w\" : tensor<12x24xf32>\n" +
            ops + "  return %r : tensor<12x24xf32>\n}\n",
        context_.get());
    ASSERT_TRUE(bool(module_));
    names_ = factorsOfWeights(*module_);
    ASSERT_TRUE(mlir::succeeded(computeWeights(*module_, *model_, factors_)));
  }

  std::vector<float> row(int64_t i) {
    RowFields fields;
    model_->find("w")->readRow(i, fields);
    return fields.reals;
  }

  /// Every row, in an order that begins within a block.
  template <typename Value> void expectRows(Value value) {
    for (int64_t n = 0; n < kRows; ++n) {
      int64_t i = (n * 5 + 3) % kRows;
      std::vector<float> got = row(i);
      ASSERT_EQ(int64_t(got.size()), kColumns);
      for (int64_t k = 0; k < kColumns; ++k)
        EXPECT_NEAR(got[size_t(k)], value(i, k), 1e-5) << i << ", " << k;
    }
  }

  double w(int64_t i, int64_t k) const { return w_[size_t(i * kColumns + k)]; }

  std::vector<float> w_;
  std::unique_ptr<QuantizedSource> model_;
  std::shared_ptr<Factors> factors_ = std::make_shared<Factors>();
  std::unique_ptr<mlir::MLIRContext> context_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  llvm::StringMap<std::string> names_;
};

} // namespace

TEST_F(WeightExpressionsTest, rotated_columns) {
  compute("  %r = lm.rotate columns %w {block = 8 : i64} : tensor<12x24xf32> "
          "-> tensor<12x24xf32>\n");
  expectRows([&](int64_t i, int64_t k) {
    double sum = 0;
    for (int64_t j = 0; j < kColumns; ++j)
      sum += w(i, j) * hadamard(j, k, 8);
    return sum;
  });
}

TEST_F(WeightExpressionsTest, rotated_rows) {
  compute("  %r = lm.rotate rows %w {block = 4 : i64} : tensor<12x24xf32> "
          "-> tensor<12x24xf32>\n");
  expectRows([&](int64_t i, int64_t k) {
    double sum = 0;
    for (int64_t j = 0; j < kRows; ++j)
      sum += hadamard(i, j, 4) * w(j, k);
    return sum;
  });
}

TEST_F(WeightExpressionsTest, rotated_both_ways) {
  compute("  %a = lm.rotate rows %w {block = 4 : i64} : tensor<12x24xf32> "
          "-> tensor<12x24xf32>\n"
          "  %r = lm.rotate columns %a {block = 8 : i64} : tensor<12x24xf32> "
          "-> tensor<12x24xf32>\n");
  expectRows([&](int64_t i, int64_t k) {
    double sum = 0;
    for (int64_t j = 0; j < kRows; ++j)
      for (int64_t l = 0; l < kColumns; ++l)
        sum += hadamard(i, j, 4) * w(j, l) * hadamard(l, k, 8);
    return sum;
  });
}

TEST_F(WeightExpressionsTest, scaled_by_factors_chosen_later) {
  compute("  %f = lm.weight \"w.factors\" : tensor<24xf32>\n"
          "  %h = lm.weight \"h.factors\" : tensor<12xf32>\n"
          "  %a = lm.scale rows %w, %h inverse : tensor<12x24xf32>, "
          "tensor<12xf32> -> tensor<12x24xf32>\n"
          "  %r = lm.scale columns %a, %f : tensor<12x24xf32>, "
          "tensor<24xf32> -> tensor<12x24xf32>\n");
  expectRows([&](int64_t i, int64_t k) { return w(i, k); });
  std::vector<float> columns, rows;
  for (int64_t k = 0; k < kColumns; ++k)
    columns.push_back(1 + 0.25f * float(k));
  for (int64_t i = 0; i < kRows; ++i)
    rows.push_back(2 + float(i));
  factors_->set("w.factors", columns);
  factors_->set("h.factors", rows);
  expectRows([&](int64_t i, int64_t k) {
    return w(i, k) / rows[size_t(i)] * columns[size_t(k)];
  });
}

TEST_F(WeightExpressionsTest, factors_have_the_weights_name) {
  compute("  %f = lm.weight \"w.factors\" : tensor<24xf32>\n"
          "  %r = lm.scale columns %w, %f : tensor<12x24xf32>, "
          "tensor<24xf32> -> tensor<12x24xf32>\n");
  ASSERT_EQ(names_.size(), 1u);
  EXPECT_EQ(names_["w"], "w.factors");
}

TEST_F(WeightExpressionsTest, other_tensors_keep_their_bits) {
  compute("  %r = lm.rotate columns %w {block = 8 : i64} : tensor<12x24xf32> "
          "-> tensor<12x24xf32>\n");
  EXPECT_EQ(model_->find("g")->data, model_->base().find("g")->data);
  EXPECT_EQ(model_->find("w")->data, nullptr);
}
