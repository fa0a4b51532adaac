//===- section_formats.cpp - The table of variants ------------------------===//

#include "tools/quant-report/markup.h"
#include "tools/quant-report/sections.h"

#include <cmath>

using namespace lowbit::tools::report;

static std::string cell(const std::string &content, bool first = false) {
  return std::string("<td") + (first ? " class=\"first\"" : "") + ">" +
         content + "</td>";
}

static std::string speedCells(const Speed &speed, const Speed &base,
                              bool first) {
  std::string mark = speed.disturbed ? " \u2020" : "";
  return cell("<strong>" + times(speed.rate / base.rate) + "</strong>", first) +
         cell(grouped(speed.rate) + mark);
}

/// Errors are of use where the change is small.
static std::string perplexityCell(const Estimate &ratio) {
  std::string text = "<strong>" + change(ratio.value) + "</strong>";
  if (std::isfinite(ratio.error) && ratio.value < 2)
    text += " <span class=\"small\">\u00B1 " +
            number(100 * ratio.error, "%.2f") + "</span>";
  return cell(text, true);
}

static std::string row(const Report &report, size_t index) {
  const MeasuredVariant &variant = report.variants[index];
  const MeasuredVariant &base = *report.baseline();
  bool picked = &variant == report.best();
  double other = 1 - variant.sameTop.value;
  return std::string(picked ? "<tr class=\"pick\">" : "<tr>") +
         "<th scope=\"row\">" + swatch(index) + escape(variant.title) +
         "</th>" + speedCells(variant.decode, base.decode, true) +
         speedCells(variant.prefill, base.prefill, false) +
         perplexityCell(variant.pplRatio) + cell(figure(variant.kld.value)) +
         cell(number(100 * other, "%.1f\u00A0%%")) +
         cell(number(variant.bits(report.parameters), "%.2f"), true) +
         cell("<strong>" + megabytes(variant.weightBytes) + "</strong>") +
         cell(megabytes(variant.peakBytes)) + "</tr>\n";
}

static constexpr const char *head =
    "<thead>\n<tr><th scope=\"col\" rowspan=\"2\" class=\"left\">Format</th>"
    "<th scope=\"colgroup\" colspan=\"4\" class=\"group\">Speed-up</th>"
    "<th scope=\"colgroup\" colspan=\"3\" class=\"group\">Accuracy loss</th>"
    "<th scope=\"colgroup\" colspan=\"3\" class=\"group\">Memory</th></tr>\n"
    "<tr><th scope=\"col\" class=\"first\">generating</th>"
    "<th scope=\"col\">tokens/s</th><th scope=\"col\">reading</th>"
    "<th scope=\"col\">tokens/s</th>"
    "<th scope=\"col\" class=\"first\">perplexity</th>"
    "<th scope=\"col\">mean KL</th>"
    "<th scope=\"col\">other first choice</th>"
    "<th scope=\"col\" class=\"first\">bits</th>"
    "<th scope=\"col\">weights</th><th scope=\"col\">resident</th></tr>\n"
    "</thead>\n";

std::string lowbit::tools::report::variantTable(const Report &report) {
  if (report.variants.empty())
    return "";
  std::string rows;
  bool disturbed = false;
  for (size_t i = 0; i < report.variants.size(); ++i) {
    rows += row(report, i);
    disturbed |= report.variants[i].decode.disturbed ||
                 report.variants[i].prefill.disturbed;
  }
  std::string note =
      "Everything is measured with this model on this machine. Speed-up: "
      "against " +
      escape(report.baseline()->title) +
      ". Loss: against the model\u2019s own weights with f32 activations, "
      "perplexity " +
      number(report.pplReference, "%.3f") + " over " +
      grouped(report.tokensScored) +
      " tokens. Resident: the most memory that quant-run had at one time.";
  std::string below;
  if (disturbed)
    below = "<p class=\"note below\">\u2020 Other programs ran all the time: "
            "measure again on an idle machine.</p>\n";
  return section("formats", "Formats", note,
                 scrolling("<table>\n" + std::string(head) + "<tbody>\n" +
                           rows + "</tbody>\n</table>") +
                     below);
}
