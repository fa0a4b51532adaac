//===- BudgetTensors.cpp - What may become of each matrix -----------------===//

#include "BudgetTensors.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Regex.h"

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// Of one row of numbers, a bit apart.
static std::vector<std::string> ladder(bool wantsGGUF) {
  std::vector<std::string> words = {"Q8_0", "Q6_K", "Q5_K",
                                    "Q4_K", "Q3_K", "Q2_K"};
  if (wantsGGUF) // for rows that super-blocks do not divide
    words.insert(words.end(), {"Q5_1", "Q5_0", "Q4_1", "Q4_0"});
  return words;
}

namespace {
/// A candidate and the plans of a recipe that has it alone.
struct Candidate {
  std::string word;
  std::vector<TensorPlan> plans;
  double bytes = 0;
};
} // namespace

static llvm::Expected<std::vector<Candidate>>
candidatesOf(const ModelSource &source, const BudgetOptions &options,
             llvm::ArrayRef<std::string> words) {
  std::vector<Candidate> candidates;
  for (const std::string &word : words) {
    if (word == "keep")
      return failure("candidates: 'keep' is for rules; name schemes");
    Recipe recipe;
    recipe.name = "of the budget";
    recipe.tensors = options.fixed;
    recipe.tensors.push_back({".*", word, options.algorithm});
    auto plans = planTensors(source, recipe);
    if (!plans)
      return plans.takeError();
    candidates.push_back({word, std::move(*plans)});
    for (const TensorPlan &plan : candidates.back().plans)
      candidates.back().bytes += double(plan.bytes());
  }
  llvm::sort(candidates, [](const Candidate &a, const Candidate &b) {
    return a.bytes != b.bytes ? a.bytes > b.bytes : a.word < b.word;
  });
  return candidates;
}

/// A GGUF file holds whole blocks.
static bool isPossible(const TensorPlan &plan, Emit emit) {
  if (emit != Emit::GGUF)
    return true;
  const BitFormat *format = findBitFormat(plan.scheme);
  return format && plan.columns % format->blockLength == 0;
}

static bool isFixed(llvm::ArrayRef<TensorRule> rules, llvm::StringRef name) {
  return llvm::any_of(rules, [&](const TensorRule &rule) {
    return llvm::Regex("^(" + rule.match + ")$").match(name);
  });
}

/// Of matrix `index` of every candidate's plans.
static llvm::Expected<BudgetTensor>
tensorOf(llvm::ArrayRef<Candidate> candidates, size_t index,
         const BudgetOptions &options) {
  BudgetTensor tensor;
  tensor.name = candidates.front().plans[index].name;
  for (const Candidate &candidate : candidates) {
    const TensorPlan &plan = candidate.plans[index];
    tensor.planOf.push_back(tensor.plans.size());
    if (!isPossible(plan, options.compile.emit))
      continue;
    tensor.plans.push_back(plan);
    tensor.schemes.push_back(candidate.word);
    tensor.isMultiplied &= options.algorithm == Algorithm::Nearest ||
                           plan.algorithm != Algorithm::Nearest;
  }
  if (tensor.plans.empty())
    return failure("candidates: none of them fits the rows of '" + tensor.name +
                   "' in a GGUF file; add " +
                   (candidates.front().plans[index].columns % 32 ? "F16"
                                                                 : "Q8_0"));
  for (size_t &place : tensor.planOf)
    place = std::min(place, tensor.plans.size() - 1);
  return tensor;
}

llvm::Expected<BudgetTensors> budgetTensors(const ModelSource &source,
                                            const BudgetOptions &options) {
  std::vector<std::string> words = options.candidates;
  if (words.empty())
    words = ladder(options.compile.emit == Emit::GGUF);
  auto candidates = candidatesOf(source, options, words);
  if (!candidates)
    return candidates.takeError();
  BudgetTensors result;
  llvm::StringMap<double> planned;
  for (const Candidate &candidate : *candidates)
    result.candidates.push_back(candidate.word);
  const std::vector<TensorPlan> &first = candidates->front().plans;
  for (size_t i = 0; i < first.size(); ++i) {
    planned[first[i].name] = double(first[i].bytes());
    if (isFixed(options.fixed, first[i].name))
      continue;
    planned[first[i].name] = 0;
    auto tensor = tensorOf(*candidates, i, options);
    if (!tensor)
      return tensor.takeError();
    result.tensors.push_back(std::move(*tensor));
  }
  if (result.tensors.empty())
    return failure("the recipe's rules leave no matrix to its budget");
  for (const SourceTensor &tensor : source.tensors()) {
    auto found = planned.find(tensor.name);
    result.fixedBytes +=
        found == planned.end() ? double(tensor.bytes) : found->second;
    result.weights += double(tensor.rows()) * double(tensor.columns());
  }
  return result;
}

} // namespace lowbit
