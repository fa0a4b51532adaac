//===- Budget.h - A choice for each tensor under a limit --------*- C++ -*-===//
//
// Mixed precision as a choice among measured alternatives: each tensor has a
// list of them (schemes, say), each with its bytes, its time and its loss (what
// it adds to the model's, such as KL divergence). Losses and costs add up over
// tensors. This is the multiple-choice knapsack problem: Sinha and Zoltners,
// "The Multiple-Choice Knapsack Problem", Operations Research 27 (1979).
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_QUANTIZE_BUDGET_H
#define LOWBIT_QUANTIZE_BUDGET_H

#include <cstdint>
#include <string>
#include <vector>

namespace lowbit {

struct BudgetChoice {
  double bytes = 0;
  double microseconds = 0;
  double loss = 0; ///< may be negative: some roundings help
};

/// What is limited.
enum class BudgetCost : uint8_t { Bytes, Microseconds };

struct BudgetPlan {
  std::vector<size_t> choices; ///< one for each tensor: its place in the list
  double bytes = 0, microseconds = 0, loss = 0; ///< sums
  bool fits = false;    ///< the cost is within the limit
  bool isBest = false;  ///< proven: no other plan that fits has less loss
  double lossBound = 0; ///< no plan that fits has less
};

/// The plan of least loss whose cost is at most `limit`. Lagrange's relaxation
/// (choices on each tensor's convex hull, steps taken by loss saved for cost)
/// gives a bound and a plan; exchanges improve it, and a search by branch and
/// bound over at most `nodes` partial plans proves it the best or betters it,
/// which it does always where nodes reaches the number of plans. If nothing
/// fits, `plan` is the one of least cost, fits false: its cost is the nearest
/// limit that can be met. Choices with a number that is not finite, or with a
/// cost below 0, are not taken; false, with one line in `error`, if a tensor
/// has no other.
bool solveBudget(const std::vector<std::vector<BudgetChoice>> &tensors,
                 BudgetCost cost, double limit, BudgetPlan &plan,
                 std::string &error, int64_t nodes = 20000);

/// Plans from the least cost to the least loss, each the best for its own cost:
/// the vertices of the convex hull of all plans. Between neighbours
/// solveBudget finds more. Errors as above.
bool paretoFront(const std::vector<std::vector<BudgetChoice>> &tensors,
                 BudgetCost cost, std::vector<BudgetPlan> &front,
                 std::string &error);

} // namespace lowbit

#endif // LOWBIT_QUANTIZE_BUDGET_H
