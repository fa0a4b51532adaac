//===- machine.cpp - Where and when ---------------------------------------===//

#include "tools/quant-report/machine.h"

#include <ctime>
#include <fstream>
#include <sys/utsname.h>
#include <unistd.h>

using namespace lowbit::tools;

/// x86 calls it "model name"; AArch64's kernel gives numbers alone.
static std::string cpuName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.compare(0, 10, "model name") == 0 &&
        line.find(": ") != std::string::npos)
      return line.substr(line.find(": ") + 2);
  return "";
}

Json lowbit::tools::report::describeMachine() {
  utsname names{};
  ::uname(&names);
  std::string cpu = cpuName();
  return {{"cpu", cpu.empty() ? std::string(names.machine) : cpu},
          {"cpus", ::sysconf(_SC_NPROCESSORS_ONLN)},
          {"system", std::string(names.sysname) + " " + names.release}};
}

std::string lowbit::tools::report::timeNow() {
  std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}
