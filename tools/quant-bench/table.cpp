//===- table.cpp - Tables in Markdown -------------------------------------===//

#include "tools/quant-bench/table.h"

#include <algorithm>
#include <cstdio>

using namespace lowbit::tools;

std::string lowbit::tools::format(const char *pattern, double value) {
  char text[64];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

/// Characters, not bytes: the table has a plus-minus sign.
static size_t displayWidth(const std::string &text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string lowbit::tools::formatTable(const Table &table) {
  static constexpr size_t leftColumns = 1;
  std::vector<size_t> widths(table[0].size());
  for (const auto &line : table)
    for (size_t i = 0; i < line.size(); ++i)
      widths[i] = std::max(widths[i], displayWidth(line[i]));
  std::string result;
  for (size_t number = 0; number < table.size(); ++number) {
    std::string rule = "|";
    for (size_t i = 0; i < widths.size(); ++i) {
      const std::string &cell = table[number][i];
      std::string blanks(widths[i] - displayWidth(cell), ' ');
      bool left = i < leftColumns;
      result += "| " + (left ? cell + blanks : blanks + cell) + " ";
      rule += " " + std::string(widths[i] - (left ? 0 : 1), '-') +
              (left ? " |" : ": |");
    }
    result += "|\n" + (number == 0 ? rule + "\n" : "");
  }
  return result;
}
