//===- report_options.h - Command line of quant-report ----------*- C++ -*-===//

#ifndef TOOLS_QUANTREPORT_REPORT_OPTIONS_H
#define TOOLS_QUANTREPORT_REPORT_OPTIONS_H

#include "tools/common/options.h"

#include <string>
#include <vector>

namespace lowbit::tools::report {

struct ReportOptions {
  std::string model; ///< a GGUF file or a Hugging Face folder
  std::string text;  ///< what quality is measured on
  std::string from;  ///< a report's JSON: nothing is measured
  std::string html;  ///< where the report goes
  std::string json;  ///< and its numbers; empty: beside it
  std::string work;  ///< where results are kept; empty: nowhere
  std::string calibrate;
  std::vector<std::string> variants; ///< names; empty: the default ones
  std::vector<std::string> recipes;  ///< of the user, in place of those
  int32_t chunks = 8, context = 512;
  int32_t prompt = 512, generate = 64, repetitions = 5;
  int32_t threads = 0; ///< 0: the physical cores
  bool full = false;
  std::vector<std::string> command; ///< the words that were given
};

Error parseReportOptions(int argc, const char *const *argv,
                         ReportOptions &options, bool &helpShown);

} // namespace lowbit::tools::report

#endif // TOOLS_QUANTREPORT_REPORT_OPTIONS_H
