//===- BudgetMeasurements.cpp - What a choice costs the model -------------===//

#include "BudgetSearch.h"

#include "KernelCost.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/xxhash.h"

#include <cmath>
#include <numeric>

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

std::string atLeast(double value, double unit) {
  double rounded = std::ceil(value / unit * 1000) / 1000;
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.3f", rounded);
  return text;
}

//===- Rounding -----------------------------------------------------------===//

static std::string storedName(const std::string &word,
                              const std::string &name) {
  return word + "." + name;
}

/// All candidates of all matrices, as calibration would make them from the
/// original's activations.
llvm::Error BudgetSearch::roundAll() {
  auto probe = ModelProbe::open(source_, options_.compile, options_.text,
                                work_.path("."), options_.threads);
  if (!probe)
    return probe.takeError();
  probe_ = std::move(*probe);
  llvm::StringMap<size_t> places;
  std::vector<bool> done(tensors_.tensors.size());
  for (size_t i = 0; i < tensors_.tensors.size(); ++i)
    places[tensors_.tensors[i].name] = i;
  auto observe = [&](llvm::ArrayRef<std::string> weights,
                     InputStats &stats) -> llvm::Error {
    for (const std::string &weight : weights) {
      auto found = places.find(weight);
      if (found == places.end() || done[found->second])
        continue;
      done[found->second] = true;
      if (llvm::Error error = roundTensor(found->second, stats))
        return error;
    }
    return llvm::Error::success();
  };
  bool wantsMoments = options_.algorithm == Algorithm::GPTQ;
  if (llvm::Error error = probe_->run(wantsMoments, observe, [&](int64_t i) {
        console_.steps(i, probe_->layers() + 1, "layer rounded");
      }))
    return error;
  for (size_t i = 0; i < done.size(); ++i)
    if (!done[i]) { // a table of rows
      InputStats stats(tensors_.tensors[i].plans.front().columns, false);
      if (llvm::Error error = roundTensor(i, stats))
        return error;
    }
  std::vector<std::string> names;
  for (const BudgetTensor &tensor : tensors_.tensors)
    names.push_back(tensor.name);
  losses_ = std::make_unique<SensitivityTable>(names, errors_);
  return journal_->save();
}

llvm::Error BudgetSearch::roundTensor(size_t index, InputStats &stats) {
  const BudgetTensor &tensor = tensors_.tensors[index];
  for (size_t c = 0; c < tensor.plans.size(); ++c) {
    const TensorPlan &plan = tensor.plans[c];
    std::string name = storedName(tensor.schemes[c], tensor.name);
    if (auto known = journal_->get("error", tensor.name, tensor.schemes[c])) {
      auto stored = store_.open(name, plan.scheme, plan.rows, plan.columns);
      if (stored) {
        errors_[index][c] = *known;
        continue;
      }
      llvm::consumeError(stored.takeError());
    }
    auto rows = quantizeMatrix(plan, *source_.find(tensor.name), stats, pool_,
                               &errors_[index][c]);
    if (!rows)
      return rows.takeError();
    if (llvm::Error error =
            store_.write(name, plan.scheme, plan.columns, *rows))
      return error;
    journal_->set("error", tensor.name, tensor.schemes[c], errors_[index][c]);
  }
  return journal_->save();
}

llvm::Expected<ModelProbe::ReadReals>
BudgetSearch::rowsOf(size_t tensor, size_t choice) const {
  const TensorPlan &plan = tensors_.tensors[tensor].plans[choice];
  auto stored = store_.open(
      storedName(tensors_.tensors[tensor].schemes[choice], plan.name),
      plan.scheme, plan.rows, plan.columns);
  if (!stored)
    return stored.takeError();
  return ModelProbe::ReadReals(
      [rows = *stored, scheme = plan.scheme,
       columns = plan.columns](int64_t row, float *values) {
        thread_local RowFields fields;
        rows->readRow(row, fields);
        dequantizeRow(scheme, fields, columns, values);
      });
}

//===- Time of products ---------------------------------------------------===//

/// Equal products once. A model's weights are in no cache when its next token
/// comes, unless all of them are.
llvm::Error BudgetSearch::measureCosts() {
  constexpr double kFill = 64 << 20, kCopies = 64;
  bool isLimit = options_.limit.kind == BudgetLimit::Latency;
  const std::string &activations = options_.compile.activations;
  for (size_t t = 0; t < tensors_.tensors.size(); ++t) {
    const BudgetTensor &tensor = tensors_.tensors[t];
    if (!tensor.isMultiplied)
      continue;
    for (size_t c = 0; c < tensor.plans.size(); ++c) {
      const TensorPlan &plan = tensor.plans[c];
      std::string shape = llvm::utostr(uint64_t(plan.columns)) + "x" +
                          llvm::utostr(uint64_t(plan.rows)) + " " + activations;
      auto known = journal_->get("us", shape, tensor.schemes[c]);
      if (!known) {
        if (!isLimit && !hasTime())
          return llvm::Error::success();
        console_.steps(int64_t(t), int64_t(tensors_.tensors.size()),
                       "tensor timed");
        double fill = std::min(
            {kFill, double(plan.bytes()) * kCopies, bytesOf(uniform(0))});
        auto time = measureProduct(plan.rows, plan.columns, tensor.schemes[c],
                                   activations, uint64_t(fill), work_.path("."),
                                   options_.threads);
        if (!time)
          return time.takeError();
        journal_->set("us", shape, tensor.schemes[c], *time);
        if (llvm::Error error = journal_->save())
          return error;
        known = *time;
      }
      microseconds_[t][c] = *known;
    }
  }
  return isLimit ? checkLatency() : llvm::Error::success();
}

llvm::Error BudgetSearch::checkLatency() const {
  double least = 0;
  for (const std::vector<double> &times : microseconds_)
    least += *std::min_element(times.begin(), times.end());
  if (least <= options_.limit.value)
    return llvm::Error::success();
  return failure("budget " + options_.limit.text +
                 " cannot be kept: with the fastest candidates the nearest is "
                 "latency=" +
                 atLeast(least, 1e3) + "ms");
}

//===- Measurements -------------------------------------------------------===//

llvm::Expected<double> BudgetSearch::measureSingle(size_t tensor,
                                                   size_t choice) {
  const std::string &name = tensors_.tensors[tensor].name;
  const std::string &scheme = tensors_.tensors[tensor].schemes[choice];
  auto known = journal_->get("kl", name, scheme);
  if (!known) {
    auto rows = rowsOf(tensor, choice);
    if (!rows)
      return rows.takeError();
    ModelProbe::Replacements changed;
    changed[name] = std::move(*rows);
    auto change = probe_->measure(changed, /*onChecks=*/false);
    if (!change)
      return change.takeError();
    known = change->kl;
    ++measurements_;
    journal_->set("kl", name, scheme, *known);
    if (llvm::Error error = journal_->save())
      return std::move(error);
  }
  losses_->set(tensor, choice, *known);
  return *known;
}

llvm::Expected<PredictionChange>
BudgetSearch::measureAll(const Choices &choices) {
  std::string key;
  for (size_t choice : choices)
    key += llvm::utostr(choice) + ",";
  key = llvm::utohexstr(llvm::xxh3_64bits(key));
  auto kl = journal_->get("all", key, "kl");
  auto ratio = journal_->get("all", key, "ln_ratio");
  if (kl && ratio)
    return PredictionChange{*kl, *ratio, probe_->scoredTokens(true)};
  ModelProbe::Replacements changed;
  for (size_t t = 0; t < choices.size(); ++t) {
    auto rows = rowsOf(t, choices[t]);
    if (!rows)
      return rows.takeError();
    changed[tensors_.tensors[t].name] = std::move(*rows);
  }
  auto change = probe_->measure(changed, /*onChecks=*/true);
  if (!change)
    return change;
  ++measurements_;
  journal_->set("all", key, "kl", change->kl);
  journal_->set("all", key, "ln_ratio", change->lnRatio);
  if (llvm::Error error = journal_->save())
    return std::move(error);
  return change;
}

/// Every tensor once, in the candidate that is nearest to what the budget
/// allows on average; the largest tensors, which most turns on, first.
llvm::Error BudgetSearch::measureFirst() {
  constexpr double kUsual = 4.5; // of limits that are no size
  double bits = kUsual;
  if (options_.limit.kind == BudgetLimit::Size ||
      options_.limit.kind == BudgetLimit::BitsPerWeight)
    bits = 8 * (limitOfCost() + tensors_.fixedBytes) / tensors_.weights;
  std::vector<size_t> order(tensors_.tensors.size());
  std::iota(order.begin(), order.end(), 0);
  llvm::sort(order, [&](size_t a, size_t b) {
    uint64_t bytesA = tensors_.tensors[a].plans.front().bytes();
    uint64_t bytesB = tensors_.tensors[b].plans.front().bytes();
    return bytesA != bytesB ? bytesA > bytesB : a < b;
  });
  for (const BudgetTensor &tensor : tensors_.tensors) {
    auto distance = [&](const TensorPlan &plan) {
      return std::abs(plan.scheme.bitsPerWeight(plan.columns) - bits);
    };
    auto nearest =
        std::min_element(tensor.plans.begin(), tensor.plans.end(),
                         [&](const TensorPlan &a, const TensorPlan &b) {
                           return distance(a) < distance(b);
                         });
    first_.push_back(size_t(nearest - tensor.plans.begin()));
  }
  for (size_t i = 0; i < order.size(); ++i) {
    if (!hasTime()) {
      isComplete_ = false;
      break;
    }
    console_.steps(int64_t(i), int64_t(order.size()), "tensor measured");
    auto kl = measureSingle(order[i], first_[order[i]]);
    if (!kl)
      return kl.takeError();
  }
  return llvm::Error::success();
}

/// What the solutions around the limit turn on, until nothing of weight in them
/// is a mere prediction.
llvm::Error BudgetSearch::refine(double limit) {
  constexpr int kRounds = 4;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::pair<size_t, size_t>> open;
    for (double part : {1.0, 0.95, 1.05}) {
      auto choices = solve(limit * part);
      if (!choices)
        return choices.takeError();
      double loss = 0;
      for (size_t t = 0; t < choices->size(); ++t)
        loss += losses_->kl(t, (*choices)[t]);
      for (size_t t = 0; t < choices->size(); ++t)
        if (isWorthMeasuring(t, (*choices)[t], loss) &&
            !llvm::is_contained(open, std::pair(t, (*choices)[t])))
          open.push_back({t, (*choices)[t]});
    }
    if (open.empty())
      break;
    for (size_t i = 0; i < open.size(); ++i) {
      if (!hasTime()) {
        isComplete_ = false;
        return llvm::Error::success();
      }
      console_.steps(int64_t(i), int64_t(open.size()), "choice measured");
      auto kl = measureSingle(open[i].first, open[i].second);
      if (!kl)
        return kl.takeError();
    }
  }
  return llvm::Error::success();
}

/// A tenth of an average tensor's part of the loss changes no choice that
/// matters.
bool BudgetSearch::isWorthMeasuring(size_t tensor, size_t choice,
                                    double loss) const {
  return !losses_->isMeasured(tensor, choice) &&
         losses_->kl(tensor, choice) >
             0.1 * loss / double(tensors_.tensors.size());
}

} // namespace lowbit
