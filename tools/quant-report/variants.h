//===- variants.h - What a model may become ---------------------*- C++ -*-===//

#ifndef TOOLS_QUANTREPORT_VARIANTS_H
#define TOOLS_QUANTREPORT_VARIANTS_H

#include "tools/common/error.h"

#include <string>
#include <vector>

namespace lowbit::tools::report {

struct Variant {
  std::string name;  ///< "int4": of files and --variants
  std::string title; ///< "INT4": of the report
  std::string scheme, activations;
  std::string recipe; ///< a file of the user's, or a word; "": none
  std::string yaml;   ///< the text of a recipe that is ours or in a file
  bool extra = false; ///< of --full alone
};

/// One of the built-in variants, or nullptr.
const Variant *findVariant(const std::string &name);
/// "bf16, int8, ..."
std::string variantNames();

/// The variants of a report: those named, or those of `recipes` behind bf16,
/// or all by default. `isFile`: the model is a file, whose own bits are
/// measured too. `calibrated`: there is a text, so that ours take GPTQ.
Error chooseVariants(const std::vector<std::string> &names,
                     const std::vector<std::string> &recipes, bool full,
                     bool isFile, bool calibrated,
                     std::vector<Variant> &variants);

} // namespace lowbit::tools::report

#endif // TOOLS_QUANTREPORT_VARIANTS_H
