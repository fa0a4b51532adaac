//===- compare_report.cpp - Comparisons as text and JSON ------------------===//

#include "tools/quant-eval/compare_report.h"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>

using namespace lowbit::tools;

__attribute__((format(printf, 1, 2))) static std::string
format(const char *pattern, ...) {
  va_list arguments, again;
  va_start(arguments, pattern);
  va_copy(again, arguments);
  int length = std::vsnprintf(nullptr, 0, pattern, arguments);
  va_end(arguments);
  std::string text(static_cast<size_t>(std::max(length, 0)) + 1, '\0');
  std::vsnprintf(&text[0], text.size(), pattern, again);
  va_end(again);
  text.pop_back();
  return text;
}

//===- llama-perplexity's words -------------------------------------------===//

namespace {
struct Quantile {
  double fraction;
  const char *label; ///< of llama-perplexity
  const char *key;   ///< of the JSON
};
} // namespace

static constexpr Quantile kldQuantiles[] = {
    {1, "Maximum", "max"},    {0.999, "99.9%  ", "p99.9"},
    {0.99, "99.0%  ", "p99"}, {0.95, "95.0%  ", "p95"},
    {0.9, "90.0%  ", "p90"},  {0.5, "Median ", "median"},
    {0.1, "10.0%  ", "p10"},  {0.05, " 5.0%  ", "p5"},
    {0.01, " 1.0%  ", "p1"},  {0.001, " 0.1%  ", "p0.1"},
    {0, "Minimum", "min"},
};
static constexpr Quantile deltaQuantiles[] = {
    {1, "Maximum", "max"},      {0.999, "99.9%  ", "p99.9"},
    {0.99, "99.0%  ", "p99"},   {0.95, "95.0%  ", "p95"},
    {0.9, "90.0%  ", "p90"},    {0.75, "75.0%  ", "p75"},
    {0.5, "Median ", "median"}, {0.25, "25.0%  ", "p25"},
    {0.1, "10.0%  ", "p10"},    {0.05, " 5.0%  ", "p5"},
    {0.01, " 1.0%  ", "p1"},    {0.001, " 0.1%  ", "p0.1"},
    {0, "Minimum", "min"},
};

std::string lowbit::tools::comparedChunkHead() {
  return "chunk             PPL               ln(PPL(Q)/PPL(base))          KL "
         "Divergence              Δp RMS            Same top p\n";
}

std::string lowbit::tools::comparedChunkLine(int32_t chunk,
                                             const Divergence &sofar) {
  Estimate ppl = sofar.ppl(), ratio = sofar.lnRatio(), kld = sofar.kld();
  Estimate rms = sofar.rmsDeltaP(), top = sofar.sameTop();
  return format("%4d    %9.4f ± %9.4f    %10.5f ± %10.5f    %10.5f ± %10.5f    "
                "%6.3f ± %6.3f %%    %6.3f ± %6.3f %%",
                chunk, ppl.value, ppl.error, ratio.value, ratio.error,
                kld.value, kld.error, 100 * rms.value, 100 * rms.error,
                100 * top.value, 100 * top.error);
}

static std::string estimateLine(const char *label, const Estimate &estimate) {
  return format("%s: %10.6f ± %10.6f\n", label, estimate.value, estimate.error);
}

static std::string perplexityText(const Divergence &divergence) {
  return "====== Perplexity statistics ======\n" +
         estimateLine("Mean PPL(Q)                   ", divergence.ppl()) +
         estimateLine("Mean PPL(base)                ", divergence.pplBase()) +
         format("Cor(ln(PPL(Q)), ln(PPL(base))): %6.2f%%\n",
                100 * divergence.correlation()) +
         estimateLine("Mean ln(PPL(Q)/PPL(base))     ", divergence.lnRatio()) +
         estimateLine("Mean PPL(Q)/PPL(base)         ", divergence.ratio()) +
         estimateLine("Mean PPL(Q)-PPL(base)         ",
                      divergence.difference()) +
         "\n";
}

static std::string kldText(const Divergence &divergence) {
  std::string text = "====== KL divergence statistics ======\n" +
                     estimateLine("Mean    KLD", divergence.kld());
  std::vector<double> values = divergence.sortedKld();
  for (const Quantile &quantile : kldQuantiles)
    text += format("%s KLD: %10.6f\n", quantile.label,
                   percentile(values, quantile.fraction));
  return text + "\n";
}

static std::string deltaText(const Divergence &divergence) {
  Estimate mean = divergence.deltaP(), rms = divergence.rmsDeltaP();
  Estimate top = divergence.sameTop();
  std::string text = "====== Token probability statistics ======\n";
  text += format("Mean    Δp: %6.3f ± %5.3f %%\n", 100 * mean.value,
                 100 * mean.error);
  std::vector<double> values = divergence.sortedDeltaP();
  for (const Quantile &quantile : deltaQuantiles)
    text += format("%s Δp: %6.3f%%\n", quantile.label,
                   100 * percentile(values, quantile.fraction));
  text += format("RMS Δp    : %6.3f ± %5.3f %%\n", 100 * rms.value,
                 100 * rms.error);
  return text + format("Same top p: %6.3f ± %5.3f %%\n", 100 * top.value,
                       100 * top.error);
}

//===- What llama-perplexity lacks ----------------------------------------===//

/// Of both models: nll * tokens / (ln 2 * bytes).
static Estimate bitsPerByte(const Mean &nll, uint64_t bytes) {
  if (bytes == 0)
    return {};
  double scale = double(nll.count()) / double(bytes) / std::log(2.0);
  return {nll.value() * scale, nll.error() * scale};
}

static std::string byteText(const Comparison &comparison) {
  const Divergence &divergence = comparison.divergence;
  return "\n====== Bits per byte ======\n" +
         estimateLine("Bits per byte(Q)              ",
                      bitsPerByte(divergence.nll(), comparison.bytes)) +
         estimateLine("Bits per byte(base)           ",
                      bitsPerByte(divergence.nllBase(), comparison.bytes));
}

/// On one line, its length in bytes bounded from the left or from the right.
static std::string excerpt(const std::string &text, size_t most, bool atEnd) {
  size_t begin = atEnd && text.size() > most ? text.size() - most : 0;
  size_t end = atEnd ? text.size() : std::min(text.size(), most);
  auto continues = [&](size_t i) {
    return i < text.size() && (static_cast<uint8_t>(text[i]) & 0xC0) == 0x80;
  };
  while (begin < end && continues(begin))
    ++begin;
  while (end > begin && continues(end))
    --end;
  std::string line;
  for (char c : text.substr(begin, end - begin))
    line += c == '\n' ? "\\n" : c == '\r' ? "\\r" : std::string(1, c);
  return line;
}

static std::string worstText(const WorstTokens &worst) {
  if (worst.tokens().empty())
    return "";
  std::string text = "\n====== Worst tokens ======\n"
                     "       KLD   p(base)      p(Q)  chunk  base / Q would "
                     "say: text [token] text\n";
  for (const WorstToken &token : worst.tokens()) {
    const TokenDivergence &divergence = token.divergence;
    text +=
        format("%10.6f %8.3f%% %8.3f%%  %5d  ", divergence.kld,
               100 * divergence.pBase(), 100 * divergence.p(), token.chunk + 1);
    text += "[" + excerpt(token.topBase, 24, false) + "] / [" +
            excerpt(token.top, 24, false) +
            "]: " + excerpt(token.before, 48, true) + "[" +
            excerpt(token.text, 24, false) + "]" +
            excerpt(token.after, 16, false) + "\n";
  }
  return text;
}

static std::string similarityLine(const std::string &name,
                                  const Similarity &similarity) {
  return format("%8.2f  %.8f  %10.4g  ", similarity.sqnr(), similarity.cosine(),
                similarity.maxError()) +
         name;
}

static std::string layersText(const std::vector<Similarity> &layers) {
  if (layers.empty())
    return "";
  std::string text = "\n====== Activations by layer ======\n"
                     " SQNR/dB      cosine   max error  output of\n";
  for (size_t i = 0; i < layers.size(); ++i)
    text += similarityLine("layer " + std::to_string(i), layers[i]) + "\n";
  return text;
}

std::string
lowbit::tools::weightsText(const std::vector<WeightSimilarity> &weights) {
  std::string text = "====== Weights ======\n"
                     " SQNR/dB      cosine   max error  weight\n";
  for (const WeightSimilarity &weight : weights)
    text += similarityLine(weight.name, weight.similarity) +
            format("  (%llu x %llu, %.2f bits)\n",
                   static_cast<unsigned long long>(weight.rows),
                   static_cast<unsigned long long>(weight.columns),
                   weight.bitsPerWeight);
  return text;
}

std::string lowbit::tools::comparisonText(const Comparison &comparison) {
  const Divergence &divergence = comparison.divergence;
  return perplexityText(divergence) + kldText(divergence) +
         deltaText(divergence) + byteText(comparison) +
         worstText(comparison.worst) + layersText(comparison.layers);
}

//===- JSON ---------------------------------------------------------------===//

/// JSON has no infinity: null, as for NaN.
static Json number(double value) {
  return std::isfinite(value) ? Json(value) : Json();
}

static void set(Json &object, const std::string &key,
                const Estimate &estimate) {
  object[key] = number(estimate.value);
  object[key + "_error"] = number(estimate.error);
}

template <size_t N>
static Json quantilesJson(const Quantile (&quantiles)[N],
                          const std::vector<double> &sorted,
                          const Estimate &mean) {
  Json object;
  set(object, "mean", mean);
  for (const Quantile &quantile : quantiles)
    object[quantile.key] = number(percentile(sorted, quantile.fraction));
  return object;
}

static Json similarityJson(const Similarity &similarity) {
  return {{"sqnr_db", number(similarity.sqnr())},
          {"cosine", number(similarity.cosine())},
          {"max_error", number(similarity.maxError())}};
}

static Json worstJson(const WorstTokens &worst) {
  Json list = Json::array();
  for (const WorstToken &token : worst.tokens()) {
    const TokenDivergence &divergence = token.divergence;
    list.push_back({{"kld", number(divergence.kld)},
                    {"p", number(divergence.p())},
                    {"p_base", number(divergence.pBase())},
                    {"chunk", token.chunk},
                    {"position", token.position + 1},
                    {"token", token.token},
                    {"before", token.before},
                    {"text", token.text},
                    {"after", token.after},
                    {"top", token.top},
                    {"top_base", token.topBase}});
  }
  return list;
}

Json lowbit::tools::comparisonJson(const Comparison &comparison) {
  const Divergence &divergence = comparison.divergence;
  Json object;
  set(object, "ppl", divergence.ppl());
  set(object, "ppl_base", divergence.pplBase());
  set(object, "nll", divergence.nll().estimate());
  set(object, "nll_base", divergence.nllBase().estimate());
  object["correlation"] = number(divergence.correlation());
  set(object, "ln_ppl_ratio", divergence.lnRatio());
  set(object, "ppl_ratio", divergence.ratio());
  set(object, "ppl_difference", divergence.difference());
  object["kld"] =
      quantilesJson(kldQuantiles, divergence.sortedKld(), divergence.kld());
  object["delta_p"] = quantilesJson(deltaQuantiles, divergence.sortedDeltaP(),
                                    divergence.deltaP());
  set(object["delta_p"], "rms", divergence.rmsDeltaP());
  set(object, "same_top_p", divergence.sameTop());
  set(object, "bits_per_byte", bitsPerByte(divergence.nll(), comparison.bytes));
  set(object, "bits_per_byte_base",
      bitsPerByte(divergence.nllBase(), comparison.bytes));
  object["tokens_scored"] = divergence.count();
  object["bytes_scored"] = comparison.bytes;
  object["worst_tokens"] = worstJson(comparison.worst);
  if (comparison.layers.empty())
    return object;
  object["layers"] = Json::array();
  for (const Similarity &layer : comparison.layers)
    object["layers"].push_back(similarityJson(layer));
  return object;
}

Json lowbit::tools::weightsJson(const std::vector<WeightSimilarity> &weights) {
  Json list = Json::array();
  for (const WeightSimilarity &weight : weights) {
    Json object = {{"name", weight.name},
                   {"scheme", weight.scheme},
                   {"reference_scheme", weight.referenceScheme},
                   {"rows", weight.rows},
                   {"columns", weight.columns},
                   {"bits_per_weight", weight.bitsPerWeight}};
    object.update(similarityJson(weight.similarity));
    list.push_back(std::move(object));
  }
  return list;
}
