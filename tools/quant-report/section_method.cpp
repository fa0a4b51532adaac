//===- section_method.cpp - How it was measured ---------------------------===//

#include "tools/quant-report/markup.h"
#include "tools/quant-report/sections.h"

#include <cmath>

using namespace lowbit::tools::report;

static std::string fact(const std::string &name, const std::string &value) {
  return value.empty() ? "" : "<dt>" + name + "</dt><dd>" + value + "</dd>\n";
}

/// As a shell reads it.
static std::string quoted(const std::string &word) {
  static constexpr char plain[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
      "_-+=./,:@%~";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos)
    return word;
  std::string result = "'";
  for (char c : word)
    result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

static std::string commandLine(const Report &report) {
  std::string line;
  for (const std::string &word : report.command)
    line += (line.empty() ? "" : " ") + quoted(word);
  return line;
}

/// Line by line: escape() makes line ends visible.
static std::string preformatted(const std::string &text) {
  std::string result;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size());
    result += escape(text.substr(begin, end - begin)) + "\n";
    begin = end + 1;
  }
  return "<pre>" + result + "</pre>\n";
}

static std::string recipes(const Report &report) {
  std::string content;
  for (size_t i = 0; i < report.variants.size(); ++i) {
    const MeasuredVariant &variant = report.variants[i];
    content += folded(
        swatch(i) + escape(variant.title) +
            (variant.scheme.empty() ? "" : ": " + escape(variant.scheme)),
        variant.recipe.empty()
            ? "<p class=\"note\">The file\u2019s own weights.</p>\n"
            : preformatted(variant.recipe),
        false);
  }
  return content.empty() ? "" : "<h3>Recipes</h3>\n" + content;
}

static std::string textFact(const Report &report) {
  if (report.textPath.empty())
    return "";
  std::string chunks = report.chunks < 0 ? "all chunks"
                                         : number(report.chunks, "%.0f chunks "
                                                                 "at most");
  return escape(report.textPath) + " (" + megabytes(report.textBytes) + "), " +
         chunks + " of " + number(report.context, "%.0f") +
         " tokens, of which the second half is scored";
}

std::string lowbit::tools::report::method(const Report &report) {
  const MeasuredVariant *base = report.baseline();
  std::string level = base ? base->decode.level : "";
  std::string facts =
      fact("Model", escape(report.modelPath)) +
      fact("Reference",
           report.isFolder
               ? "the folder\u2019s weights, with f32 activations"
               : "the file\u2019s own weights, dequantized, with f32 "
                 "activations: what was lost when the file was made is not "
                 "counted") +
      fact("Text", textFact(report)) +
      fact("Calibration", escape(report.calibration)) +
      fact("Machine",
           escape(report.cpu) +
               (report.system.empty() ? ""
                                      : " \u00B7 " + escape(report.system)) +
               (level.empty() ? "" : " \u00B7 level " + escape(level))) +
      fact("Version", escape(report.version)) +
      fact("Measured", escape(report.created));
  std::string command = commandLine(report);
  return section(
      "method", "How it was measured",
      "Speeds and ceilings are quant-bench\u2019s, losses are "
      "quant-eval\u2019s, in the definitions of llama-bench and "
      "llama-perplexity --kl-divergence. In our own recipes below BF16 the "
      "embedding and the head keep 8 bits.",
      "<dl>\n" + facts + "</dl>\n" +
          (command.empty() ? ""
                           : "<h3>Command</h3>\n" + preformatted(command)) +
          recipes(report));
}
