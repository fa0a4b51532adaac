//===- section_headline.cpp - What the reader wants to know first ---------===//

#include "tools/quant-report/markup.h"
#include "tools/quant-report/sections.h"

#include <cmath>

using namespace lowbit::tools::report;

/// "2.10x faster", "1.30x slower"
static std::string comparison(double ratio, const char *more,
                              const char *less) {
  return ratio >= 1 ? times(ratio) + " " + more : times(1 / ratio) + " " + less;
}

static std::string perSecond(double rate) {
  return grouped(rate) + " <span class=\"unit\">tokens/s</span>";
}

static std::string tile(const std::string &what, const std::string &big,
                        const std::string &than) {
  return "<div class=\"tile\"><div class=\"what\">" + what +
         "</div><div class=\"big\">" + big + "</div><div class=\"than\">" +
         than + "</div></div>\n";
}

static std::string tiles(const MeasuredVariant &best,
                         const MeasuredVariant &base) {
  std::string from = escape(base.title) + ": ";
  return "<div class=\"tiles\">\n" +
         tile("Weights", megabytes(best.weightBytes),
              from + megabytes(base.weightBytes)) +
         tile("Generating", perSecond(best.decode.rate),
              from + grouped(base.decode.rate) + " tokens/s") +
         tile("Reading a prompt", perSecond(best.prefill.rate),
              from + grouped(base.prefill.rate) + " tokens/s") +
         tile("Same first choice",
              number(100 * best.sameTop.value, "%.1f\u00A0%%"),
              "KL divergence " + figure(best.kld.value)) +
         "</div>\n";
}

static std::string sentence(const MeasuredVariant &best,
                            const MeasuredVariant &base) {
  double smaller = base.weightBytes / best.weightBytes;
  double faster = best.decode.rate / base.decode.rate;
  std::string name =
      best.name == "source" ? "The file as given" : escape(best.title);
  std::string text = "<p class=\"hero\"><strong>" + name + "</strong> is ";
  if (std::isfinite(smaller))
    text += comparison(smaller, "smaller", "larger");
  if (std::isfinite(smaller) && std::isfinite(faster))
    text += " and ";
  if (std::isfinite(faster))
    text += comparison(faster, "faster", "slower");
  text += " than " + escape(base.title);
  if (std::isfinite(best.pplRatio.value))
    text += best.pplRatio.value >= 10
                ? "; its perplexity is " + change(best.pplRatio.value) + "."
                : ", for " + change(best.pplRatio.value) + " perplexity.";
  else
    text += ".";
  return text + "</p>\n";
}

std::string lowbit::tools::report::headline(const Report &report) {
  std::string name =
      report.modelName.empty() ? report.modelPath : report.modelName;
  std::string facts;
  auto add = [&](const std::string &fact) {
    if (!fact.empty())
      facts += (facts.empty() ? "" : " \u00B7 ") + escape(fact);
  };
  if (std::isfinite(report.parameters))
    add(report.parameters < 1e9
            ? number(report.parameters * 1e-6, "%.0f M parameters")
            : number(report.parameters * 1e-9, "%.2f B parameters"));
  add(report.modelPath);
  add(report.cpu);
  if (std::isfinite(report.threads))
    add(number(report.threads, "%.0f") +
        (report.threads == 1 ? " thread" : " threads"));
  add(report.created.substr(0, 10));
  std::string text = "<header>\n<div class=\"over\">LowBit report</div>\n<h1>" +
                     escape(name) + "</h1>\n<p class=\"facts\">" + facts +
                     "</p>\n";
  const MeasuredVariant *best = report.best(), *base = report.baseline();
  if (best && base)
    text += sentence(*best, *base) + tiles(*best, *base);
  return text + "</header>\n";
}
