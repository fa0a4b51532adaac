//===- BudgetSearch.cpp - Measures and chooses under a limit --------------===//

#include "BudgetSearch.h"

#include "llvm/Support/FileSystem.h"

#include <cmath>
#include <limits>
#include <thread>

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

BudgetSearch::BudgetSearch(const ModelSource &source,
                           const BudgetOptions &options)
    : source_(source), options_(options), console_(options.quiet),
      pool_(options.threads > 0 ? options.threads
                                : int(std::thread::hardware_concurrency())),
      work_(options.workFolder + "/budget"),
      store_(options.workFolder + "/budget"),
      start_(std::chrono::steady_clock::now()) {}

llvm::Expected<BudgetResult> BudgetSearch::run() {
  if (llvm::Error error = begin())
    return std::move(error);
  console_.begin("budget");
  bool isLatency = options_.limit.kind == BudgetLimit::Latency;
  if (isLatency) // before what takes longer
    if (llvm::Error error = measureCosts())
      return std::move(error);
  if (llvm::Error error = roundAll())
    return std::move(error);
  if (llvm::Error error = measureFirst())
    return std::move(error);
  if (llvm::Error error = options_.limit.kind == BudgetLimit::Perplexity
                              ? chooseByPerplexity()
                              : chooseWithin(limitOfCost()))
    return std::move(error);
  if (!isLatency)
    if (llvm::Error error = measureCosts())
      return std::move(error);
  if (llvm::Error error = addFront())
    return std::move(error);
  return result();
}

double BudgetSearch::seconds() const {
  auto time = std::chrono::steady_clock::now() - start_;
  return std::chrono::duration<double>(time).count();
}

bool BudgetSearch::hasTime() const { return seconds() < options_.seconds; }

//===- Beginning ----------------------------------------------------------===//

llvm::Error BudgetSearch::begin() {
  if (options_.text.path.empty())
    return failure("a budget is kept by measurements: give it a text "
                   "(--calibrate=FILE)");
  auto tensors = budgetTensors(source_, options_);
  if (!tensors)
    return tensors.takeError();
  tensors_ = std::move(*tensors);
  for (const BudgetTensor &tensor : tensors_.tensors) {
    errors_.emplace_back(tensor.plans.size());
    microseconds_.emplace_back(tensor.plans.size());
  }
  if (llvm::Error error = checkSize())
    return error;
  return openWork();
}

/// Needs no measurement, so it comes before all of them.
llvm::Error BudgetSearch::checkSize() const {
  BudgetLimit::Kind kind = options_.limit.kind;
  bool isSize = kind == BudgetLimit::Size;
  if (!isSize && kind != BudgetLimit::BitsPerWeight)
    return llvm::Error::success();
  double least = tensors_.fixedBytes;
  for (const BudgetTensor &tensor : tensors_.tensors) {
    uint64_t smallest = std::numeric_limits<uint64_t>::max();
    for (const TensorPlan &plan : tensor.plans)
      smallest = std::min(smallest, plan.bytes());
    least += double(smallest);
  }
  if (least <= limitOfCost() + tensors_.fixedBytes)
    return llvm::Error::success();
  std::string nearest = isSize
                            ? "size=" + atLeast(least, 1e6) + "MB"
                            : "bpw=" + atLeast(8 * least / tensors_.weights, 1);
  return failure("budget " + options_.limit.text +
                 " cannot be kept: with the smallest candidates the nearest "
                 "is " +
                 nearest + "; give smaller ones (--candidates)");
}

llvm::Error BudgetSearch::openWork() {
  // What the measurements depend on, said as a recipe.
  QuantizeOptions key;
  key.recipe.tensors = options_.fixed;
  for (const std::string &word : tensors_.candidates)
    key.recipe.tensors.push_back({".*", word, options_.algorithm});
  key.recipe.calibration = options_.text;
  key.compile = options_.compile;
  if (llvm::Error error = work_.open(key, source_))
    return error;
  std::string path = work_.path("measured.json");
  if (work_.finishedLayers() == 0) {
    llvm::sys::fs::remove(path);
    if (llvm::Error error = work_.finish(1)) // it is for this key
      return error;
  }
  journal_ = std::make_unique<BudgetJournal>(path);
  return llvm::Error::success();
}

//===- Choices ------------------------------------------------------------===//

BudgetCost BudgetSearch::costKind() const {
  return options_.limit.kind == BudgetLimit::Latency ? BudgetCost::Microseconds
                                                     : BudgetCost::Bytes;
}

/// Of the matrices that there is a choice for.
double BudgetSearch::limitOfCost() const {
  double value = options_.limit.value;
  switch (options_.limit.kind) {
  case BudgetLimit::Size:
    return value - tensors_.fixedBytes;
  case BudgetLimit::BitsPerWeight:
    return value * tensors_.weights / 8 - tensors_.fixedBytes;
  case BudgetLimit::Latency:
    return value;
  case BudgetLimit::Perplexity:
    return std::numeric_limits<double>::infinity();
  }
  return 0;
}

std::vector<std::vector<BudgetChoice>> BudgetSearch::table() const {
  std::vector<std::vector<BudgetChoice>> result;
  for (size_t t = 0; t < tensors_.tensors.size(); ++t) {
    result.emplace_back();
    for (size_t c = 0; c < tensors_.tensors[t].plans.size(); ++c)
      result.back().push_back({double(tensors_.tensors[t].plans[c].bytes()),
                               microseconds_[t][c], losses_->kl(t, c)});
  }
  return result;
}

llvm::Expected<BudgetSearch::Choices> BudgetSearch::solve(double limit) const {
  BudgetPlan plan;
  std::string problem;
  if (!solveBudget(table(), costKind(), limit, plan, problem))
    return failure("budget " + options_.limit.text + ": " + problem);
  return plan.choices;
}

BudgetSearch::Choices BudgetSearch::uniform(size_t candidate) const {
  Choices choices;
  for (const BudgetTensor &tensor : tensors_.tensors)
    choices.push_back(tensor.planOf[candidate]);
  return choices;
}

double BudgetSearch::bytesOf(const Choices &choices) const {
  double bytes = tensors_.fixedBytes;
  for (size_t t = 0; t < choices.size(); ++t)
    bytes += double(tensors_.tensors[t].plans[choices[t]].bytes());
  return bytes;
}

double BudgetSearch::costOf(const Choices &choices) const {
  if (costKind() == BudgetCost::Bytes)
    return bytesOf(choices) - tensors_.fixedBytes;
  double time = 0;
  for (size_t t = 0; t < choices.size(); ++t)
    time += microseconds_[t][choices[t]];
  return time;
}

/// The solution, or the best single scheme that fits, should that be nearer to
/// the original: single losses need not add up.
llvm::Error BudgetSearch::chooseWithin(double limit) {
  if (llvm::Error error = refine(limit))
    return error;
  auto choices = solve(limit);
  if (!choices)
    return choices.takeError();
  auto point = addPoint(*choices, /*measure=*/true);
  if (!point)
    return point.takeError();
  chosen_ = *point;
  for (size_t c = 0; c < tensors_.candidates.size(); ++c) {
    if (costOf(uniform(c)) > limit)
      continue;
    auto other = addPoint(uniform(c), hasTime(), tensors_.candidates[c]);
    if (!other)
      return other.takeError();
    const std::optional<double> &measured = points_[*other].measured;
    if (measured && *measured < *points_[*chosen_].measured)
      chosen_ = *other;
    break; // candidates fall in size
  }
  return llvm::Error::success();
}

llvm::Error BudgetSearch::chooseByPerplexity() {
  double allowed = std::log1p(options_.limit.value);
  auto best = solve(std::numeric_limits<double>::infinity());
  if (!best)
    return best.takeError();
  auto point = addPoint(*best, /*measure=*/true);
  if (!point)
    return point.takeError();
  double ratio = *points_[*point].lnRatio;
  if (ratio > allowed)
    return failure("budget " + options_.limit.text +
                   " cannot be kept: with the best candidates the nearest is "
                   "ppl=+" +
                   atLeast(std::expm1(ratio), 0.01) +
                   "%; give better ones (--candidates)");
  chosen_ = *point;
  auto least = solve(0);
  if (!least)
    return least.takeError();
  if (llvm::Error error = bisect(costOf(*least), costOf(*best), 6))
    return error;
  double found = costOf(points_[*chosen_].choices);
  if (llvm::Error error = refine(found))
    return error;
  return bisect(std::max(0.85 * found, costOf(*least)),
                std::min(1.15 * found, costOf(*best)), 6);
}

/// Sizes in between, for the smallest that keeps the perplexity.
llvm::Error BudgetSearch::bisect(double low, double high, int steps) {
  double allowed = std::log1p(options_.limit.value);
  for (int step = 0; step < steps && hasTime(); ++step) {
    // The lower end first: it may do.
    double middle = step ? std::sqrt(low * high) : low;
    console_.steps(step, steps, "size tried");
    auto choices = solve(middle);
    if (!choices)
      return choices.takeError();
    auto point = addPoint(*choices, /*measure=*/true);
    if (!point)
      return point.takeError();
    if (*points_[*point].lnRatio > allowed) {
      low = middle;
      continue;
    }
    high = middle;
    if (points_[*point].bytes < points_[*chosen_].bytes)
      chosen_ = *point;
    if (step == 0)
      break;
  }
  return llvm::Error::success();
}

//===- The front ----------------------------------------------------------===//

llvm::Expected<size_t> BudgetSearch::addPoint(const Choices &choices,
                                              bool measure,
                                              const std::string &name) {
  size_t index = 0;
  while (index < points_.size() && points_[index].choices != choices)
    ++index;
  if (index == points_.size()) {
    points_.emplace_back();
    points_.back().choices = choices;
  }
  BudgetPoint &point = points_[index];
  if (!name.empty())
    point.name = name;
  refreshPoint(point);
  if (measure && !point.measured) {
    auto change = measureAll(choices);
    if (!change)
      return change.takeError();
    point.measured = change->kl;
    point.lnRatio = change->lnRatio;
  }
  return index;
}

/// With what is known by now.
void BudgetSearch::refreshPoint(BudgetPoint &point) const {
  point.bytes = bytesOf(point.choices);
  point.bitsPerWeight = 8 * point.bytes / tensors_.weights;
  point.microseconds = point.predicted = 0;
  for (size_t t = 0; t < point.choices.size(); ++t) {
    point.microseconds += microseconds_[t][point.choices[t]];
    point.predicted += losses_->kl(t, point.choices[t]);
  }
}

/// Some of the front's vertices, evenly over the costs' logarithms, and every
/// candidate alone; measured as long as there is time.
llvm::Error BudgetSearch::addFront() {
  constexpr size_t kPoints = 10;
  std::vector<BudgetPlan> plans;
  std::string problem;
  if (!paretoFront(table(), costKind(), plans, problem))
    return failure("budget " + options_.limit.text + ": " + problem);
  std::vector<Choices> wanted;
  double first = std::log(costOf(plans.front().choices));
  double last = std::log(costOf(plans.back().choices));
  size_t next = 0;
  for (const BudgetPlan &plan : plans)
    if (std::log(costOf(plan.choices)) >=
        first + (last - first) * double(next) / (kPoints - 1) - 1e-12) {
      wanted.push_back(plan.choices);
      ++next;
    }
  for (const Choices &choices : wanted)
    if (auto point = addPoint(choices, hasTime()); !point)
      return point.takeError();
  for (size_t c = 0; c < tensors_.candidates.size(); ++c)
    if (auto point = addPoint(uniform(c), hasTime(), tensors_.candidates[c]);
        !point)
      return point.takeError();
  return llvm::Error::success();
}

llvm::Expected<BudgetResult> BudgetSearch::result() {
  BudgetResult result;
  points_[*chosen_].isChosen = true;
  const Choices choices = points_[*chosen_].choices;
  std::vector<std::string> names, schemes;
  for (size_t t = 0; t < choices.size(); ++t) {
    const BudgetTensor &tensor = tensors_.tensors[t];
    names.push_back(tensor.name);
    schemes.push_back(tensor.schemes[choices[t]]);
    result.sensitivity.push_back({tensor.name, tensor.schemes[first_[t]],
                                  losses_->kl(t, first_[t]),
                                  losses_->isMeasured(t, first_[t])});
  }
  result.recipe.name = "budget " + options_.limit.text;
  result.recipe.tensors = options_.fixed;
  for (TensorRule &rule : rulesOf(names, schemes, options_.algorithm))
    result.recipe.tensors.push_back(std::move(rule));
  result.recipe.calibration = options_.text;
  for (BudgetPoint &point : points_)
    refreshPoint(point);
  llvm::sort(points_, [](const BudgetPoint &a, const BudgetPoint &b) {
    return a.bytes != b.bytes ? a.bytes < b.bytes : a.choices < b.choices;
  });
  result.points = std::move(points_);
  result.candidates = tensors_.candidates;
  result.measurements = measurements_;
  result.tokens = probe_->scoredTokens(false);
  result.seconds = seconds();
  result.isComplete = isComplete_;
  probe_->remove();
  return result;
}

llvm::Expected<BudgetResult> chooseRecipe(const ModelSource &source,
                                          const BudgetOptions &options) {
  return BudgetSearch(source, options).run();
}

} // namespace lowbit
