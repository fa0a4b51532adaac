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
  return static_cast<uint64_t>((double(rows) * double(columns) * bits + 7) / 8);
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
  llvm::StringSet<> observed = multiplied(**module);
  std::vector<TensorPlan> plan;
  llvm::StringSet<> seen;
  (*module)->walk([&](lm::WeightOp weight) {
    if (!isa<TensorType>(weight.getType()) ||
        !seen.insert(weight.getName()).second)
      return;
    Matcher *matcher = firstMatch(*matchers, weight.getName());
    if (!matcher || matcher->format.name.empty())
      return;
    const SourceTensor &tensor = *source.find(weight.getName());
    // No activations meet a table that rows are looked up in.
    Algorithm algorithm = observed.contains(weight.getName())
                              ? matcher->rule->algorithm
                              : Algorithm::Nearest;
    plan.push_back({tensor.name, matcher->format.scheme, matcher->format.name,
                    algorithm, tensor.rows(), tensor.columns(), tensor.bytes});
  });
  for (const Matcher &matcher : *matchers)
    if (!matcher.used)
      return failure("recipe " + recipe.name + ": match: '" +
                     matcher.rule->match +
                     "' is the whole name of no matrix of " + source.path() +
                     " that an earlier rule has left; take the rule out");
  return plan;
}

} // namespace lowbit
