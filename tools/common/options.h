//===- options.h - Command lines --------------------------------*- C++ -*-===//
//
// Declares options, reads argv into variables, prints the help page. Options
// are spelled as llama.cpp spells them: "-t N", "--threads N", "--threads=N",
// and long names behind a single dash ("-cnv").
//
//===----------------------------------------------------------------------===//

#ifndef TOOLS_COMMON_OPTIONS_H
#define TOOLS_COMMON_OPTIONS_H

#include "tools/common/error.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace lowbit::tools {

/// Whole-string conversions; they refuse what is not entirely a number.
bool parseInteger(std::string_view text, int64_t &value);
bool parseReal(std::string_view text, double &value);

class OptionParser {
public:
  using Setter = std::function<Error(const std::string &)>;

  /// `synopsis`: usage lines without the word "usage"; `about`: a paragraph.
  OptionParser(std::string tool, std::string synopsis, std::string about);

  /// Options declared from here on stand under this heading of the help page.
  void section(std::string title);
  /// A paragraph that ends the help page.
  void epilog(std::string text) { epilog_ = std::move(text); }

  /// `names`: "-t, --threads". `meta`: how the help page calls the value.
  void flag(std::string names, std::string help, bool *value,
            bool whenGiven = true);
  void text(std::string names, std::string meta, std::string help,
            std::string *value);
  void choice(std::string names, std::vector<std::string> choices,
              std::string help, std::string *value);
  void integer(std::string names, std::string meta, std::string help,
               int32_t *value,
               int64_t least = std::numeric_limits<int32_t>::min());
  void real(std::string names, std::string meta, std::string help, float *value,
            double least = -std::numeric_limits<double>::infinity(),
            double most = std::numeric_limits<double>::infinity());
  void custom(std::string names, std::string meta, std::string help,
              Setter setter);
  /// Receives the arguments that are not options, in order.
  void positional(Setter setter) { positional_ = std::move(setter); }

  /// `helpShown`: the help page was asked for and printed; nothing is to be
  /// done.
  Error parse(int argc, const char *const *argv, bool &helpShown) const;
  std::string help() const;

private:
  struct Option {
    std::string section;
    std::vector<std::string> names;
    std::string meta; ///< empty: takes no value
    std::string help;
    Setter setter;
  };
  void add(std::string names, std::string meta, std::string help,
           Setter setter);
  const Option *find(std::string_view name) const;
  Error unknown(std::string_view name) const;

  std::string tool_, synopsis_, about_, epilog_, section_ = "Options";
  std::vector<Option> options_;
  Setter positional_;
};

} // namespace lowbit::tools

#endif // TOOLS_COMMON_OPTIONS_H
