//===- work_folder.h - What is measured, kept -------------------*- C++ -*-===//

#ifndef TOOLS_QUANTREPORT_WORK_FOLDER_H
#define TOOLS_QUANTREPORT_WORK_FOLDER_H

#include "tools/common/error.h"
#include "tools/common/json.h"

#include <string>

namespace lowbit::tools::report {

/// Size and time of a file, or of each file of a folder: what a result depends
/// on without reading gigabytes.
Json identityOf(const std::string &path);

/// A folder of results: NAME.json holds a result and the key that says what it
/// is of.
class WorkFolder {
public:
  WorkFolder() = default;
  WorkFolder(const WorkFolder &) = delete;
  WorkFolder &operator=(const WorkFolder &) = delete;
  ~WorkFolder();

  /// Without a path a folder of its own under $TMPDIR, removed at the end.
  Error open(const std::string &path);
  std::string file(const std::string &name) const { return path_ + "/" + name; }

  /// The result of that name if it was made with the same key. What cannot be
  /// read is measured again.
  bool find(const std::string &name, const Json &key, Json &result) const;
  Error keep(const std::string &name, const Json &key,
             const Json &result) const;

private:
  std::string path_;
  bool temporary_ = false;
};

} // namespace lowbit::tools::report

#endif // TOOLS_QUANTREPORT_WORK_FOLDER_H
