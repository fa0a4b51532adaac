//===- Plan.cpp - Which matrix a recipe gives which scheme ----------------===//

#include "lowbit/Calibration/Calibrate.h"

#include "lib/Driver/Weights.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LowBit/IR/LowBitDialect.h"
#include "lowbit/Import/Importers.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Regex.h"

using namespace mlir;

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

uint64_t TensorPlan::bytes() const {
  double bits = scheme.bitsPerWeight(columns);
  return static_cast<uint64_t>((double(rows) * double(columns) * bits + 7) / 8 +
                               2 * double(lowRank) * double(rows + columns));
}

namespace {

/// A rule, ready to be asked.
struct Matcher {
  const TensorRule *rule;
  llvm::Regex regex;
  WeightFormat format; ///< of "keep": no name
  bool used = false;
};

llvm::Expected<std::vector<Matcher>> readRules(const Recipe &recipe,
                                               MLIRContext *context) {
  std::vector<Matcher> matchers;
  for (const TensorRule &rule : recipe.tensors) {
    matchers.push_back({&rule, llvm::Regex("^(" + rule.match + ")$"), {}});
    if (rule.scheme == "keep")
      continue;
    auto format = readScheme(rule.scheme, context);
    if (!format)
      return failure("recipe " + recipe.name + ": match: '" + rule.match +
                     "': " + llvm::toString(format.takeError()));
    if (format->scheme.has(Component::Divisor) &&
        rule.algorithm != Algorithm::Nearest)
      return failure("recipe " + recipe.name + ": scheme '" + rule.scheme +
                     "' has a divisor, which only algorithm: nearest chooses");
    matchers.back().format = std::move(*format);
  }
  return matchers;
}

Matcher *firstMatch(std::vector<Matcher> &matchers, llvm::StringRef name) {
  for (Matcher &matcher : matchers)
    if (matcher.regex.match(name)) {
      matcher.used = true;
      return &matcher;
    }
  return nullptr;
}

/// Names of weights that activations are multiplied with.
llvm::StringSet<> multiplied(ModuleOp module) {
  llvm::StringSet<> names;
  module.walk([&](lm::LinearOp linear) {
    if (auto weight = linear.getWeight().getDefiningOp<lm::WeightOp>())
      names.insert(weight.getName());
  });
  return names;
}

/// What the rule makes of a tensor. `isMultiplied`: activations meet it; a
/// table that rows are only looked up in has none to look at.
llvm::Expected<TensorPlan> planOf(const SourceTensor &tensor,
                                  const Matcher &matcher, const Recipe &recipe,
                                  bool isMultiplied, MLIRContext *context) {
  const TensorRule &rule = *matcher.rule;
  TensorPlan plan{tensor.name,    matcher.format.scheme, matcher.format.name,
                  rule.algorithm, tensor.rows(),         tensor.columns(),
                  tensor.bytes};
  if (!isMultiplied && rule.algorithm == Algorithm::GPTQ)
    plan.algorithm = Algorithm::Nearest;
  plan.lowRank = isMultiplied ? rule.lowRank : 0;
  if (plan.lowRank > std::min(plan.rows, plan.columns))
    return failure("recipe " + recipe.name + ": match: '" + rule.match +
                   "': low-rank: '" + tensor.name + "' is " +
                   llvm::Twine(plan.rows) + " x " + llvm::Twine(plan.columns) +
                   ": expected no more than the smaller of these");
  plan.observed = isMultiplied && recipe.observes(rule);
  std::string type = fittingType(rule.scheme, tensor.columns());
  if (!rule.fallsBack || type == rule.scheme)
    return plan;
  auto format = readScheme(type, context);
  if (!format)
    return format.takeError();
  plan.scheme = format->scheme;
  plan.format = format->name;
  return plan;
}

/// A rule that decides nothing is misspelt, unless it is one of a built-in
/// recipe.
llvm::Error checkUse(const std::vector<Matcher> &matchers, const Recipe &recipe,
                     const ModelSource &source) {
  for (const Matcher &matcher : matchers)
    if (!matcher.used && !matcher.rule->isOptional)
      return failure("recipe " + recipe.name + ": match: '" +
                     matcher.rule->match +
                     "' is the whole name of no matrix of " + source.path() +
                     " that an earlier rule has left; take the rule out");
  return llvm::Error::success();
}

} // namespace

llvm::Expected<std::vector<TensorPlan>> planTensors(const ModelSource &source,
                                                    const Recipe &recipe) {
  std::unique_ptr<MLIRContext> context = makeContext();
  auto module = importModel(source, context.get(), ImportOptions());
  if (!module)
    return module.takeError();
  auto matchers = readRules(recipe, context.get());
  if (!matchers)
    return matchers.takeError();
  llvm::StringSet<> factors = multiplied(**module), seen;
  std::vector<lm::WeightOp> weights;
  (*module)->walk([&](lm::WeightOp weight) {
    if (isa<TensorType>(weight.getType()) &&
        seen.insert(weight.getName()).second)
      weights.push_back(weight);
  });
  std::vector<TensorPlan> plans;
  for (lm::WeightOp weight : weights) {
    Matcher *matcher = firstMatch(*matchers, weight.getName());
    if (!matcher || matcher->format.name.empty())
      continue;
    auto plan = planOf(*source.find(weight.getName()), *matcher, recipe,
                       factors.contains(weight.getName()), context.get());
    if (!plan)
      return plan.takeError();
    plans.push_back(std::move(*plan));
  }
  if (llvm::Error error = checkUse(*matchers, recipe, source))
    return std::move(error);
  return plans;
}

} // namespace lowbit
