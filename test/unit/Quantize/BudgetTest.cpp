//===- BudgetTest.cpp - A choice for each tensor under a limit ------------===//

#include "lowbit/Quantize/Budget.h"

#include "Samples.h"

#include <algorithm>

using namespace lowbit;
using namespace lowbit::test;

using Lists = std::vector<std::vector<BudgetChoice>>;

/// Choices as formats have them: more bytes, less loss, more or less; times of
/// their own.
static Lists lists(size_t tensors, size_t choices, unsigned stream) {
  std::mt19937 engine(seed() * 1000 + stream);
  std::uniform_real_distribution<double> uniform(0, 1);
  Lists result(tensors);
  for (std::vector<BudgetChoice> &list : result) {
    double size = 100 + std::floor(900 * uniform(engine)),
           sensitivity = std::exp(4 * uniform(engine));
    for (size_t i = 0; i < choices; ++i) {
      double bits = 2 + 6 * uniform(engine);
      list.push_back(
          {std::floor(size * bits), 1 + 9 * uniform(engine),
           sensitivity * std::exp2(-bits) * (0.5 + uniform(engine))});
    }
  }
  return result;
}

static double costOf(const BudgetChoice &choice, BudgetCost cost) {
  return cost == BudgetCost::Bytes ? choice.bytes : choice.microseconds;
}

/// The least loss over all plans that fit; infinity if none does.
static double bruteForce(const Lists &tensors, BudgetCost cost, double limit,
                         size_t depth = 0) {
  if (limit < 0)
    return INFINITY;
  if (depth == tensors.size())
    return 0;
  double least = INFINITY;
  for (const BudgetChoice &choice : tensors[depth])
    least =
        std::min(least, choice.loss + bruteForce(tensors, cost,
                                                 limit - costOf(choice, cost),
                                                 depth + 1));
  return least;
}

static BudgetPlan solve(const Lists &tensors, BudgetCost cost, double limit,
                        int64_t nodes = 20000) {
  BudgetPlan plan;
  std::string error;
  EXPECT_TRUE(solveBudget(tensors, cost, limit, plan, error, nodes)) << error;
  return plan;
}

/// Sums are those of the choices, and the limit holds.
static void expectSound(const Lists &tensors, BudgetCost cost, double limit,
                        const BudgetPlan &plan) {
  BudgetChoice sum;
  ASSERT_EQ(plan.choices.size(), tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    ASSERT_LT(plan.choices[i], tensors[i].size());
    sum.bytes += tensors[i][plan.choices[i]].bytes;
    sum.microseconds += tensors[i][plan.choices[i]].microseconds;
    sum.loss += tensors[i][plan.choices[i]].loss;
  }
  EXPECT_EQ(plan.bytes, sum.bytes);
  EXPECT_EQ(plan.microseconds, sum.microseconds);
  EXPECT_EQ(plan.loss, sum.loss);
  EXPECT_EQ(plan.fits, costOf(sum, cost) <= limit);
  EXPECT_LE(plan.lossBound, plan.loss * (1 + 1e-12));
}

TEST(BudgetTest, small_cases_are_solved_exactly) {
  for (unsigned stream = 0; stream < 40; ++stream) {
    Lists tensors = lists(1 + stream % 7, 1 + stream % 5, stream);
    for (BudgetCost cost : {BudgetCost::Bytes, BudgetCost::Microseconds}) {
      double low = 0, high = 0;
      for (const std::vector<BudgetChoice> &list : tensors) {
        auto [least, most] = std::minmax_element(
            list.begin(), list.end(),
            [&](const BudgetChoice &a, const BudgetChoice &b) {
              return costOf(a, cost) < costOf(b, cost);
            });
        low += costOf(*least, cost);
        high += costOf(*most, cost);
      }
      for (double share : {0.1, 0.3, 0.5, 0.8, 1.0}) {
        double limit = low + share * (high - low) + 1e-9;
        BudgetPlan plan = solve(tensors, cost, limit, 1 << 20);
        expectSound(tensors, cost, limit, plan);
        ASSERT_TRUE(plan.fits);
        ASSERT_TRUE(plan.isBest);
        double exact = bruteForce(tensors, cost, limit);
        EXPECT_NEAR(plan.loss, exact, 1e-12 * exact);
      }
    }
  }
}

// Without any search the plan is within one tensor's step of the bound.
TEST(BudgetTest, large_cases_are_near_their_bound) {
  for (unsigned stream = 0; stream < 5; ++stream) {
    Lists tensors = lists(210, 8, stream);
    for (double bits : {3.0, 4.5, 6.0}) {
      double limit = 0;
      for (const std::vector<BudgetChoice> &list : tensors) {
        double least = INFINITY, most = 0;
        for (const BudgetChoice &choice : list) {
          least = std::min(least, choice.bytes);
          most = std::max(most, choice.bytes);
        }
        limit += least + (most - least) * (bits - 2) / 6;
      }
      for (int64_t nodes : {0, 2000}) {
        BudgetPlan plan = solve(tensors, BudgetCost::Bytes, limit, nodes);
        expectSound(tensors, BudgetCost::Bytes, limit, plan);
        EXPECT_TRUE(plan.fits);
        EXPECT_LT(plan.loss, 1.005 * plan.lossBound);
      }
    }
  }
}

TEST(BudgetTest, better_than_any_uniform_plan) {
  Lists tensors;
  for (unsigned i = 0; i < 30; ++i) {
    std::vector<BudgetChoice> list;
    for (double bits : {2.0, 3.0, 4.0, 5.0, 6.0, 8.0})
      list.push_back({100 * bits, 0, std::exp2(-bits) * (1 + i * i)});
    tensors.push_back(list);
  }
  for (size_t uniform = 0; uniform < 6; ++uniform) {
    double bytes = 0, loss = 0;
    for (const std::vector<BudgetChoice> &list : tensors) {
      bytes += list[uniform].bytes;
      loss += list[uniform].loss;
    }
    BudgetPlan plan = solve(tensors, BudgetCost::Bytes, bytes);
    if (uniform == 0 || uniform == 5)
      EXPECT_DOUBLE_EQ(plan.loss, loss); // no choice left
    else
      EXPECT_LT(plan.loss, 0.9 * loss);
  }
}

TEST(BudgetTest, unreachable_limits_name_the_nearest) {
  Lists tensors = {{{100, 1, 5}, {50, 9, 7}}, {{30, 2, 1}, {20, 3, 4}}};
  BudgetPlan plan = solve(tensors, BudgetCost::Bytes, 69);
  EXPECT_FALSE(plan.fits);
  EXPECT_EQ(plan.bytes, 70);
  EXPECT_EQ(plan.choices, (std::vector<size_t>{1, 1}));
  EXPECT_TRUE(solve(tensors, BudgetCost::Bytes, 70).fits);
  EXPECT_FALSE(solve(tensors, BudgetCost::Bytes, NAN).fits);
  EXPECT_EQ(solve(tensors, BudgetCost::Bytes, INFINITY).loss, 6);
  EXPECT_TRUE(solve({}, BudgetCost::Bytes, 0).fits);
}

TEST(BudgetTest, choices_without_numbers_are_not_taken) {
  Lists tensors = {{{10, 1, NAN}, {-5, 1, 0}, {INFINITY, 1, 0}, {20, 1, 3}}};
  EXPECT_EQ(solve(tensors, BudgetCost::Bytes, 100).choices,
            std::vector<size_t>{3});
  tensors.push_back({{10, NAN, 1}});
  EXPECT_TRUE(solve(tensors, BudgetCost::Bytes, 100).fits);
  BudgetPlan plan;
  std::vector<BudgetPlan> front;
  std::string error;
  EXPECT_FALSE(
      solveBudget(tensors, BudgetCost::Microseconds, 100, plan, error));
  EXPECT_EQ(error, "tensor 1 has no choice with a finite cost and loss");
  EXPECT_FALSE(paretoFront({{}}, BudgetCost::Bytes, front, error));
  EXPECT_EQ(error, "tensor 0 has no choice with a finite cost and loss");
}

// Ascending in cost, falling in loss, convex, and each the best for its cost.
TEST(BudgetTest, front_is_the_hull_of_all_plans) {
  for (unsigned stream = 0; stream < 10; ++stream) {
    Lists tensors = lists(5, 4, stream + 100);
    std::vector<BudgetPlan> front;
    std::string error;
    ASSERT_TRUE(paretoFront(tensors, BudgetCost::Bytes, front, error));
    for (size_t i = 0; i < front.size(); ++i) {
      expectSound(tensors, BudgetCost::Bytes, front[i].bytes, front[i]);
      double exact =
          bruteForce(tensors, BudgetCost::Bytes, front[i].bytes + 1e-9);
      EXPECT_NEAR(front[i].loss, exact, 1e-12 * exact);
      if (i) {
        EXPECT_GT(front[i].bytes, front[i - 1].bytes);
        EXPECT_LT(front[i].loss, front[i - 1].loss);
      }
      if (i > 1) {
        auto rate = [&](size_t j) {
          return (front[j - 1].loss - front[j].loss) /
                 (front[j].bytes - front[j - 1].bytes);
        };
        EXPECT_LT(rate(i), rate(i - 1) * (1 + 1e-9));
      }
    }
  }
}
