//===- table.h - Tables in Markdown -----------------------------*- C++ -*-===//

#ifndef TOOLS_QUANTBENCH_TABLE_H
#define TOOLS_QUANTBENCH_TABLE_H

#include <string>
#include <vector>

namespace lowbit::tools {

/// Lines of cells, the heading first.
using Table = std::vector<std::vector<std::string>>;

/// One number by a pattern of printf.
std::string format(const char *pattern, double value);

/// The first column is text, to the left; the others to the right.
std::string formatTable(const Table &table);

} // namespace lowbit::tools

#endif // TOOLS_QUANTBENCH_TABLE_H
