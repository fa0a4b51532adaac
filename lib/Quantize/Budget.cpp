//===- Budget.cpp - A choice for each tensor under a limit ----------------===//

#include "lowbit/Quantize/Budget.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lowbit {

namespace {
/// A choice that no other of its tensor betters in both cost and loss.
struct Option {
  size_t index;
  double cost, loss;
};

/// From one vertex of a tensor's hull to the next: dearer, and better.
struct Step {
  size_t tensor, from, to; ///< of the tensor's options
  double cost, saved;
  double rate() const { return saved / cost; }
};

class BudgetSolver {
public:
  bool load(const std::vector<std::vector<BudgetChoice>> &tensors,
            BudgetCost cost, std::string &error);
  void solve(double limit, int64_t nodes, BudgetPlan &plan);
  void front(std::vector<BudgetPlan> &plans);

private:
  using Chosen = std::vector<size_t>; ///< an option for each tensor
  void addSteps(size_t tensor);
  Chosen cheapest() const { return Chosen(options.size(), 0); }
  double costOf(const Chosen &chosen) const;
  double lossOf(const Chosen &chosen) const;
  void takeSteps(double limit, Chosen &chosen) const;
  bool exchange(double limit, Chosen &chosen) const;
  double bound(size_t depth, double left) const;
  void branch(size_t depth, double cost, double loss);
  BudgetPlan planOf(const Chosen &chosen) const;

  const std::vector<std::vector<BudgetChoice>> *tensors = nullptr;
  std::vector<std::vector<Option>> options; ///< ascending cost, falling loss
  std::vector<Step> steps;                  ///< the best rate first
  std::vector<double> restCost, restLoss;   ///< of the cheapest from a depth on

  // Branch and bound.
  double limit = 0, least = 0;
  int64_t nodesLeft = 0;
  Chosen path, best;
};
} // namespace

//===- Options ------------------------------------------------------------===//

bool BudgetSolver::load(const std::vector<std::vector<BudgetChoice>> &lists,
                        BudgetCost cost, std::string &error) {
  tensors = &lists;
  for (const std::vector<BudgetChoice> &list : lists) {
    std::vector<Option> all;
    for (size_t i = 0; i < list.size(); ++i) {
      double price =
          cost == BudgetCost::Bytes ? list[i].bytes : list[i].microseconds;
      if (std::isfinite(price) && price >= 0 && std::isfinite(list[i].loss))
        all.push_back({i, price, list[i].loss});
    }
    if (all.empty()) {
      error = "tensor " + std::to_string(options.size()) +
              " has no choice with a finite cost and loss";
      return false;
    }
    std::sort(all.begin(), all.end(), [](const Option &a, const Option &b) {
      if (a.cost != b.cost)
        return a.cost < b.cost;
      return a.loss != b.loss ? a.loss < b.loss : a.index < b.index;
    });
    std::vector<Option> kept;
    for (const Option &option : all)
      if (kept.empty() || option.loss < kept.back().loss)
        kept.push_back(option);
    options.push_back(std::move(kept));
    addSteps(options.size() - 1);
  }
  // Of one tensor's steps, the first first.
  std::sort(steps.begin(), steps.end(), [](const Step &a, const Step &b) {
    if (a.rate() != b.rate())
      return a.rate() > b.rate();
    return a.tensor != b.tensor ? a.tensor < b.tensor : a.from < b.from;
  });
  restCost.assign(options.size() + 1, 0);
  restLoss.assign(options.size() + 1, 0);
  for (size_t i = options.size(); i-- > 0;) {
    restCost[i] = restCost[i + 1] + options[i][0].cost;
    restLoss[i] = restLoss[i + 1] + options[i][0].loss;
  }
  return true;
}

/// The lower hull of a tensor's options, by its steps of falling rates.
void BudgetSolver::addSteps(size_t tensor) {
  const std::vector<Option> &list = options[tensor];
  std::vector<Step> hull;
  for (size_t i = 1; i < list.size(); ++i) {
    size_t from = i - 1;
    auto step = [&] {
      return Step{tensor, from, i, list[i].cost - list[from].cost,
                  list[from].loss - list[i].loss};
    };
    while (!hull.empty() && hull.back().rate() <= step().rate()) {
      from = hull.back().from;
      hull.pop_back();
    }
    hull.push_back(step());
  }
  steps.insert(steps.end(), hull.begin(), hull.end());
}

double BudgetSolver::costOf(const Chosen &chosen) const {
  double sum = 0;
  for (size_t i = 0; i < chosen.size(); ++i)
    sum += options[i][chosen[i]].cost;
  return sum;
}

double BudgetSolver::lossOf(const Chosen &chosen) const {
  double sum = 0;
  for (size_t i = 0; i < chosen.size(); ++i)
    sum += options[i][chosen[i]].loss;
  return sum;
}

BudgetPlan BudgetSolver::planOf(const Chosen &chosen) const {
  BudgetPlan plan;
  for (size_t i = 0; i < chosen.size(); ++i) {
    size_t index = options[i][chosen[i]].index;
    const BudgetChoice &choice = (*tensors)[i][index];
    plan.choices.push_back(index);
    plan.bytes += choice.bytes;
    plan.microseconds += choice.microseconds;
    plan.loss += choice.loss;
  }
  return plan;
}

//===- Lagrange -----------------------------------------------------------===//

/// Steps by their rate as long as they fit; a tensor whose step does not fit
/// stays where it is.
void BudgetSolver::takeSteps(double limit, Chosen &chosen) const {
  double left = limit - costOf(chosen);
  for (const Step &step : steps)
    if (chosen[step.tensor] == step.from && step.cost <= left) {
      chosen[step.tensor] = step.to;
      left -= step.cost;
    }
}

/// The best change of one tensor, or of two at once, that fits and saves loss.
bool BudgetSolver::exchange(double limit, Chosen &chosen) const {
  struct Move {
    size_t tensor, to;
    double cost, saved;
  };
  std::vector<Move> moves;
  for (size_t i = 0; i < chosen.size(); ++i)
    for (size_t j = 0; j < options[i].size(); ++j)
      if (j != chosen[i])
        moves.push_back({i, j, options[i][j].cost - options[i][chosen[i]].cost,
                         options[i][chosen[i]].loss - options[i][j].loss});
  double left = limit - costOf(chosen), most = 0;
  const Move *first = nullptr, *second = nullptr;
  for (const Move &a : moves) {
    if (a.cost <= left && a.saved > most) {
      most = a.saved;
      first = &a;
      second = nullptr;
    }
    if (a.cost >= 0)
      continue;
    for (const Move &b : moves) // a makes room for b
      if (b.tensor != a.tensor && a.cost + b.cost <= left &&
          a.saved + b.saved > most) {
        most = a.saved + b.saved;
        first = &a;
        second = &b;
      }
  }
  for (const Move *move : {first, second})
    if (move)
      chosen[move->tensor] = move->to;
  // Sums of many losses: what is below their rounding is no gain.
  return first && most > 1e-12 * std::abs(lossOf(chosen));
}

/// The least loss of tensors from `depth` on, if steps could be taken in part.
double BudgetSolver::bound(size_t depth, double left) const {
  double loss = restLoss[depth];
  left -= restCost[depth];
  for (const Step &step : steps) {
    if (step.tensor < depth)
      continue;
    if (step.cost >= left)
      return loss - step.saved * std::max(left, 0.0) / step.cost;
    left -= step.cost;
    loss -= step.saved;
  }
  return loss;
}

//===- Branch and bound ---------------------------------------------------===//

void BudgetSolver::branch(size_t depth, double cost, double loss) {
  if (nodesLeft <= 0)
    return;
  --nodesLeft;
  if (depth == options.size()) {
    if (loss < least) {
      least = loss;
      best = path;
    }
    return;
  }
  if (loss + bound(depth, limit - cost) >= least)
    return;
  for (size_t i = options[depth].size(); i-- > 0;) {
    const Option &option = options[depth][i];
    if (cost + option.cost + restCost[depth + 1] > limit)
      continue;
    path[depth] = i;
    branch(depth + 1, cost + option.cost, loss + option.loss);
  }
}

void BudgetSolver::solve(double wanted, int64_t nodes, BudgetPlan &plan) {
  limit = wanted;
  best = cheapest();
  if (!(costOf(best) <= limit)) {
    plan = planOf(best);
    plan.lossBound = plan.loss;
    return;
  }
  takeSteps(limit, best);
  constexpr int kExchanges = 200;
  for (int i = 0; i < kExchanges && exchange(limit, best); ++i)
    ;
  least = lossOf(best);
  path = best;
  nodesLeft = nodes;
  double lossBound = bound(0, limit);
  branch(0, 0, 0);
  plan = planOf(best);
  plan.fits = true;
  plan.isBest = nodesLeft > 0;
  plan.lossBound = plan.isBest ? plan.loss : lossBound;
}

void BudgetSolver::front(std::vector<BudgetPlan> &plans) {
  Chosen chosen = cheapest();
  auto add = [&] {
    plans.push_back(planOf(chosen));
    plans.back().fits = plans.back().isBest = true;
    plans.back().lossBound = plans.back().loss;
  };
  add();
  for (size_t i = 0; i < steps.size(); ++i) {
    chosen[steps[i].tensor] = steps[i].to;
    // Steps of one rate lie on an edge.
    if (i + 1 == steps.size() || steps[i + 1].rate() < steps[i].rate())
      add();
  }
}

//===- Entry points -------------------------------------------------------===//

bool solveBudget(const std::vector<std::vector<BudgetChoice>> &tensors,
                 BudgetCost cost, double limit, BudgetPlan &plan,
                 std::string &error, int64_t nodes) {
  BudgetSolver solver;
  if (!solver.load(tensors, cost, error))
    return false;
  solver.solve(limit, nodes, plan);
  return true;
}

bool paretoFront(const std::vector<std::vector<BudgetChoice>> &tensors,
                 BudgetCost cost, std::vector<BudgetPlan> &front,
                 std::string &error) {
  BudgetSolver solver;
  front.clear();
  if (!solver.load(tensors, cost, error))
    return false;
  solver.front(front);
  return true;
}

} // namespace lowbit
