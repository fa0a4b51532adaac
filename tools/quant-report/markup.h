//===- markup.h - Numbers and words for HTML --------------------*- C++ -*-===//

#ifndef TOOLS_QUANTREPORT_MARKUP_H
#define TOOLS_QUANTREPORT_MARKUP_H

#include <string>
#include <string_view>

namespace lowbit::tools::report {

/// Text for HTML and for an attribute in double quotes: whatever the bytes are,
/// the result is UTF-8 without markup. What is not UTF-8 or may not stand in
/// HTML becomes U+FFFD; line ends and tabs are made visible.
std::string escape(std::string_view text);

/// At most `most` characters, with "..." in place of the rest; `atEnd`: the
/// last ones. Takes any bytes, returns UTF-8.
std::string shorten(std::string_view text, size_t most, bool atEnd = false);

/// printf of one number; what is not finite becomes a dash.
std::string number(double value, const char *pattern);
/// Three significant digits in plain notation: "1234", "97.6", "0.0123".
std::string figure(double value);
/// One digit: "2e-5"
std::string scientific(double value);
/// "96.6 MB", "1.23 GB"
std::string megabytes(double bytes);
/// "1234", with thin spaces from 10 000 on
std::string grouped(double value);
/// The change of a ratio: "+1.2 %", beyond ten times "x 12".
std::string change(double ratio);
/// "2.10x", with a multiplication sign
std::string times(double ratio);

} // namespace lowbit::tools::report

#endif // TOOLS_QUANTREPORT_MARKUP_H
