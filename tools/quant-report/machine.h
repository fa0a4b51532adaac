//===- machine.h - Where and when -------------------------------*- C++ -*-===//

#ifndef TOOLS_QUANTREPORT_MACHINE_H
#define TOOLS_QUANTREPORT_MACHINE_H

#include "tools/common/json.h"

namespace lowbit::tools::report {

/// The CPU's name, its threads, the kernel.
Json describeMachine();
/// "2026-11-24T18:30:00Z"
std::string timeNow();

} // namespace lowbit::tools::report

#endif // TOOLS_QUANTREPORT_MACHINE_H
