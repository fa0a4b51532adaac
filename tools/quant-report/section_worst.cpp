//===- section_worst.cpp - Where a format goes wrong ----------------------===//

#include "tools/quant-report/markup.h"
#include "tools/quant-report/sections.h"

using namespace lowbit::tools::report;

static std::string percent(double share) {
  return share < 0.001 ? figure(100 * share) + "\u00A0%"
                       : number(100 * share, "%.1f\u00A0%%");
}

static std::string row(const WorstToken &token) {
  return "<tr><td>" + figure(token.kld) + "</td><td>" + percent(token.pBase) +
         "</td><td>" + percent(token.p) + "</td><td class=\"word\">" +
         escape(shorten(token.topBase, 20)) + "</td><td class=\"word\">" +
         escape(shorten(token.top, 20)) +
         "</td><td class=\"text\"><span class=\"context\">" +
         escape(shorten(token.before, 64, true)) + "</span><mark>" +
         escape(shorten(token.text, 40)) + "</mark><span class=\"context\">" +
         escape(shorten(token.after, 24)) + "</span></td></tr>\n";
}

static std::string table(const MeasuredVariant &variant) {
  std::string rows;
  for (const WorstToken &token : variant.worst)
    rows += row(token);
  return scrolling(
      "<table>\n<thead><tr><th scope=\"col\">KL</th><th scope=\"col\">p "
      "original</th><th scope=\"col\">p " +
      escape(variant.title) +
      "</th><th scope=\"col\" class=\"left\">original says</th><th "
      "scope=\"col\" class=\"left\">" +
      escape(variant.title) +
      " says</th><th scope=\"col\" class=\"left\">text</th></tr></thead>\n"
      "<tbody>\n" +
      rows + "</tbody>\n</table>");
}

std::string lowbit::tools::report::worstTokens(const Report &report) {
  std::string content;
  for (size_t i = 0; i < report.variants.size(); ++i) {
    const MeasuredVariant &variant = report.variants[i];
    if (!variant.worst.empty())
      content += folded(swatch(i) + escape(variant.title), table(variant),
                        &variant == report.best());
  }
  return section("worst", "Worst tokens",
                 "The tokens of the text where a format is farthest from the "
                 "original: what both gave the token that really follows "
                 "(marked), and what each would have said.",
                 content);
}
