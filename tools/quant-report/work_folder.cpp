//===- work_folder.cpp - What is measured, kept ---------------------------===//

#include "tools/quant-report/work_folder.h"

#include "tools/common/files.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

using namespace lowbit::tools;
using namespace lowbit::tools::report;

namespace fs = std::filesystem;

static Json identityOfFile(const std::string &path) {
  struct stat status{};
  if (::stat(path.c_str(), &status))
    return {path};
  return {path, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

Json lowbit::tools::report::identityOf(const std::string &path) {
  if (!isFolder(path))
    return identityOfFile(path);
  std::vector<std::string> files;
  std::error_code code;
  for (fs::directory_iterator entry(path, code), end; !code && entry != end;
       entry.increment(code))
    files.push_back(entry->path().string());
  std::sort(files.begin(), files.end());
  Json all = Json::array();
  for (const std::string &file : files)
    all.push_back(identityOfFile(file));
  return all;
}

WorkFolder::~WorkFolder() {
  std::error_code code;
  if (temporary_)
    fs::remove_all(path_, code);
}

Error WorkFolder::open(const std::string &path) {
  if (!path.empty()) {
    std::error_code code;
    fs::create_directories(path, code);
    path_ = path;
    return isFolder(path) ? Error::success()
                          : systemError("cannot make the folder '" + path + "'",
                                        code ? code.value() : ENOTDIR);
  }
  const char *given = std::getenv("TMPDIR");
  path_ =
      std::string(given && *given ? given : "/tmp") + "/quant-report-XXXXXX";
  if (!::mkdtemp(&path_[0]))
    return systemError("cannot make the folder '" + path_ + "'", errno);
  temporary_ = true;
  return Error::success();
}

bool WorkFolder::find(const std::string &name, const Json &key,
                      Json &result) const {
  std::string text;
  if (!isFolder(path_) || ::access(file(name + ".json").c_str(), R_OK) ||
      readFile(file(name + ".json"), text))
    return false;
  Json kept = Json::parse(text, nullptr, false);
  if (!kept.is_object() || !kept.contains("key") || !kept.contains("result") ||
      kept["key"] != key)
    return false;
  result = std::move(kept["result"]);
  return true;
}

Error WorkFolder::keep(const std::string &name, const Json &key,
                       const Json &result) const {
  std::string text = dumpJson({{"key", key}, {"result", result}});
  OutputFile output;
  TOOLS_TRY(output.open(file(name + ".json")));
  TOOLS_TRY(output.write(text.data(), text.size()));
  return output.commit();
}
