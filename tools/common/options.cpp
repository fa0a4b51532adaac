//===- options.cpp - Command lines ----------------------------------------===//

#include "tools/common/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

using namespace lowbit::tools;

/// Column at which the explanation of an option begins on the help page.
static constexpr size_t helpColumn = 30;
static constexpr size_t pageWidth = 80;

int lowbit::tools::exitStatus(const char *tool, const Error &error) {
  if (!error)
    return EXIT_SUCCESS;
  std::string line = error.message();
  while (!line.empty() && line.back() == '\n')
    line.pop_back();
  std::replace(line.begin(), line.end(), '\n', ' ');
  std::fflush(stdout);
  if (!line.empty())
    std::fprintf(stderr, "%s: error: %s\n", tool, line.c_str());
  return EXIT_FAILURE;
}

bool lowbit::tools::parseInteger(std::string_view text, int64_t &value) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-')
    text.remove_prefix(1);
  auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size();
}

bool lowbit::tools::parseReal(std::string_view text, double &value) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-')
    text.remove_prefix(1);
  auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size() &&
         !std::isnan(value);
}

OptionParser::OptionParser(std::string tool, std::string synopsis,
                           std::string about)
    : tool_(std::move(tool)), synopsis_(std::move(synopsis)),
      about_(std::move(about)) {}

void OptionParser::section(std::string title) { section_ = std::move(title); }

void OptionParser::add(std::string names, std::string meta, std::string help,
                       Setter setter) {
  Option option{
      section_, {}, std::move(meta), std::move(help), std::move(setter)};
  for (size_t begin = 0; begin < names.size();) {
    size_t end = std::min(names.find(", ", begin), names.size());
    option.names.push_back(names.substr(begin, end - begin));
    begin = end + 2;
  }
  options_.push_back(std::move(option));
}

void OptionParser::flag(std::string names, std::string help, bool *value,
                        bool whenGiven) {
  add(std::move(names), "", std::move(help), [=](const std::string &) {
    *value = whenGiven;
    return Error::success();
  });
}

void OptionParser::text(std::string names, std::string meta, std::string help,
                        std::string *value) {
  add(std::move(names), std::move(meta), std::move(help),
      [=](const std::string &given) {
        *value = given;
        return Error::success();
      });
}

void OptionParser::choice(std::string names, std::vector<std::string> choices,
                          std::string help, std::string *value) {
  std::string meta;
  for (const std::string &word : choices)
    meta += (meta.empty() ? "" : "|") + word;
  add(std::move(names), meta, std::move(help), [=](const std::string &given) {
    if (std::find(choices.begin(), choices.end(), given) == choices.end())
      return Error("expected " + meta + ", but got '" + given + "'");
    *value = given;
    return Error::success();
  });
}

void OptionParser::integer(std::string names, std::string meta,
                           std::string help, int32_t *value, int64_t least) {
  add(std::move(names), std::move(meta), std::move(help),
      [=](const std::string &given) {
        int64_t number = 0;
        if (!parseInteger(given, number))
          return Error("expected a whole number, but got '" + given + "'");
        if (number < least || number > std::numeric_limits<int32_t>::max())
          return Error("expected a number from " + std::to_string(least) +
                       " to 2147483647, but got " + given);
        *value = static_cast<int32_t>(number);
        return Error::success();
      });
}

void OptionParser::real(std::string names, std::string meta, std::string help,
                        float *value, double least, double most) {
  add(std::move(names), std::move(meta), std::move(help),
      [=](const std::string &given) {
        double number = 0;
        if (!parseReal(given, number) || std::isinf(number))
          return Error("expected a number, but got '" + given + "'");
        if (number < least || number > most) {
          char range[80];
          std::snprintf(range, sizeof range,
                        std::isinf(most) ? "of at least %g" : "from %g to %g",
                        least, most);
          return Error("expected a number " + std::string(range) +
                       ", but got " + given);
        }
        *value = static_cast<float>(number);
        return Error::success();
      });
}

void OptionParser::custom(std::string names, std::string meta, std::string help,
                          Setter setter) {
  add(std::move(names), std::move(meta), std::move(help), std::move(setter));
}

const OptionParser::Option *OptionParser::find(std::string_view name) const {
  for (const Option &option : options_)
    for (const std::string &known : option.names)
      if (known == name)
        return &option;
  return nullptr;
}

/// Levenshtein's distance, for "did you mean".
static size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1,
                         diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

Error OptionParser::unknown(std::string_view name) const {
  std::string message = "unknown option '" + std::string(name) + "'";
  std::string nearest;
  size_t distance = 3;
  for (const Option &option : options_)
    for (const std::string &known : option.names)
      if (known.size() > 2 && editDistance(known, name) < distance) {
        distance = editDistance(known, name);
        nearest = known;
      }
  if (!nearest.empty())
    return Error(message + "; did you mean '" + nearest + "'?");
  return Error(message + "; '" + tool_ + " --help' lists them");
}

Error OptionParser::parse(int argc, const char *const *argv,
                          bool &helpShown) const {
  helpShown = false;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument == "-h" || argument == "--help") {
      helpShown = true;
      std::string page = help();
      std::fwrite(page.data(), 1, page.size(), stdout);
      return Error::success();
    }
    if (argument.size() < 2 || argument[0] != '-') {
      if (!positional_)
        return Error("unexpected argument '" + argument + "'");
      TOOLS_TRY(positional_(argument));
      continue;
    }
    size_t equals = argument.compare(0, 2, "--") == 0 ? argument.find('=')
                                                      : std::string::npos;
    std::string name = argument.substr(0, equals);
    const Option *option = find(name);
    if (!option)
      return unknown(name);
    std::string value;
    if (option->meta.empty()) {
      if (equals != std::string::npos)
        return Error("the option '" + name + "' takes no value");
    } else if (equals != std::string::npos) {
      value = argument.substr(equals + 1);
    } else if (++i == argc) {
      return Error("the option '" + name + "' needs a value: " + name + " " +
                   option->meta);
    } else {
      value = argv[i];
    }
    if (Error error = option->setter(value))
      return Error("option '" + name + "': " + error.message());
  }
  return Error::success();
}

/// Appends `text`, broken into lines that begin at `column`.
static void appendWrapped(std::string &page, std::string_view text,
                          size_t column) {
  size_t width = column;
  bool lineStart = true;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find(' ', begin), text.size());
    if (!lineStart && width + 1 + (end - begin) > pageWidth) {
      page += '\n';
      page.append(column, ' ');
      width = column;
      lineStart = true;
    }
    if (!lineStart) {
      page += ' ';
      ++width;
    }
    page += text.substr(begin, end - begin);
    width += end - begin;
    lineStart = false;
    begin = end + 1;
  }
  page += '\n';
}

std::string OptionParser::help() const {
  std::string page = "usage: " + synopsis_ + "\n\n";
  appendWrapped(page, about_, 0);
  const std::string *title = nullptr;
  for (const Option &option : options_) {
    if (!title || *title != option.section) {
      title = &option.section;
      page += "\n" + *title + ":\n";
    }
    std::string left = "  ";
    for (size_t i = 0; i < option.names.size(); ++i)
      left += (i ? ", " : "") + option.names[i];
    if (!option.meta.empty())
      left += " " + option.meta;
    if (left.size() + 1 > helpColumn)
      left += "\n" + std::string(helpColumn, ' ');
    else
      left.append(helpColumn - left.size(), ' ');
    page += left;
    appendWrapped(page, option.help, helpColumn);
  }
  if (!epilog_.empty())
    page += "\n" + epilog_ + "\n";
  return page;
}
