//===- Budget.h - A recipe that keeps a limit -------------------*- C++ -*-===//
//
// Mixed precision: each matrix gets one of some candidate schemes, so that the
// model stays as close to the original as a limit of bytes, time or perplexity
// allows. What a candidate costs the model is measured: the KL divergence of
// the model's predictions with this one matrix rounded. What it costs in time
// is measured too, on this machine. docs/Quantization.md, section 5.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_CALIBRATION_BUDGET_H
#define LOWBIT_CALIBRATION_BUDGET_H

#include "lowbit/Calibration/Calibrate.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <optional>

namespace lowbit {

/// What must not be exceeded.
struct BudgetLimit {
  enum Kind {
    Size, ///< bytes of all tensors
    BitsPerWeight,
    Latency,   ///< microseconds of the products of one token
    Perplexity ///< its rise, as a fraction of the original's
  };
  Kind kind = Size;
  double value = 0;
  std::string text; ///< as it was given
};

/// Reads "size=90MB", "bpw=4.5", "latency=12ms", "ppl=+2%".
llvm::Expected<BudgetLimit> parseBudget(llvm::StringRef text);
/// Seconds of "90s", "10m", "1h" or "600".
llvm::Expected<double> parseDuration(llvm::StringRef text);

struct BudgetOptions {
  BudgetLimit limit;
  /// Schemes as recipes take them; none: the types of GGUF from 8 to 2 bits.
  std::vector<std::string> candidates;
  Algorithm algorithm = Algorithm::Search;
  double seconds = 600; ///< for measurements; the best so far counts then
  CalibrationText text;
  std::vector<TensorRule> fixed; ///< rules whose matrices are not chosen for
  CompileOptions compile;        ///< activations, emit
  std::string workFolder;        ///< of measurements that a later run takes up
  int threads = 0;               ///< 0: all cores
  bool quiet = false;
};

/// A choice for all matrices.
struct BudgetPoint {
  std::string name; ///< a scheme that all have, else ""
  double bytes = 0; ///< of all tensors, those without a choice among them
  double bitsPerWeight = 0, microseconds = 0;
  double predicted = 0;           ///< KL divergence, in nats
  std::optional<double> measured; ///< of all at once, on text of its own
  std::optional<double> lnRatio;  ///< ln(perplexity / the original's), there
  bool isChosen = false;
  std::vector<size_t> choices; ///< places among the candidates
};

/// What the model loses by one matrix alone.
struct TensorSensitivity {
  std::string tensor, scheme;
  double kl = 0;
  bool isMeasured = false; ///< else predicted from others
};

struct BudgetResult {
  Recipe recipe;
  std::vector<BudgetPoint> points; ///< in ascending size
  std::vector<TensorSensitivity> sensitivity;
  std::vector<std::string> candidates;
  int64_t measurements = 0, tokens = 0; ///< tokens that a measurement scores
  double seconds = 0;
  bool isComplete = false; ///< the time did not end it
};

/// Measures, chooses. An error says what the nearest limit is that can be kept.
llvm::Expected<BudgetResult> chooseRecipe(const ModelSource &source,
                                          const BudgetOptions &options);

/// The front as a table.
void printBudget(const BudgetResult &result, llvm::raw_ostream &os);
/// The same and the sensitivities, for programs.
llvm::json::Value budgetJson(const BudgetResult &result,
                             const BudgetOptions &options);

/// Writes a recipe that readRecipe reads; whole or not at all.
llvm::Error writeRecipe(llvm::StringRef path, const Recipe &recipe);
/// A rule for each group of tensors that share a scheme and, but for their
/// layer's number, a name.
std::vector<TensorRule> rulesOf(llvm::ArrayRef<std::string> names,
                                llvm::ArrayRef<std::string> schemes,
                                Algorithm algorithm);

} // namespace lowbit

#endif // LOWBIT_CALIBRATION_BUDGET_H
