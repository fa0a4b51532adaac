//===- quant-report.cpp - What a model becomes at other bits --------------===//
//
// quant-report MODEL --text FILE -o REPORT.html; --help lists the rest.
//
//===----------------------------------------------------------------------===//

#include "tools/common/files.h"
#include "tools/quant-report/collect.h"
#include "tools/quant-report/page.h"

using namespace lowbit::tools;
using namespace lowbit::tools::report;

static Error writeFile(const std::string &path, const std::string &content) {
  OutputFile file;
  TOOLS_TRY(file.open(path));
  TOOLS_TRY(file.write(content.data(), content.size()));
  return file.commit();
}

static Error writePage(const Json &document, const std::string &path) {
  Report report;
  TOOLS_TRY(readReport(document, report));
  return writeFile(path, renderPage(report));
}

static Error drawAgain(const ReportOptions &options) {
  std::string text;
  TOOLS_TRY(readFile(options.from, text));
  Json document = Json::parse(text, nullptr, false);
  if (document.is_discarded())
    return Error("'" + options.from + "' is no JSON");
  if (Error error = writePage(document, options.html))
    return Error("'" + options.from + "': " + error.message());
  return Error::success();
}

static Error measure(const ReportOptions &options) {
  return collect(options, [&](const Json &document) {
    TOOLS_TRY(writeFile(options.json, dumpJson(document, 1)));
    return writePage(document, options.html);
  });
}

int main(int argc, char **argv) {
  ReportOptions options;
  bool helpShown = false;
  Error error = parseReportOptions(argc, argv, options, helpShown);
  if (!error && !helpShown)
    error = options.from.empty() ? measure(options) : drawAgain(options);
  return exitStatus("quant-report", error);
}
