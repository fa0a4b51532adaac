//===- WorkFolder.h - Where a calibration keeps its files -------*- C++ -*-===//

#ifndef LOWBIT_LIB_CALIBRATION_WORKFOLDER_H
#define LOWBIT_LIB_CALIBRATION_WORKFOLDER_H

#include "lowbit/Calibration/Calibrate.h"
#include "lowbit/Import/ModelSource.h"

namespace lowbit {

/// A folder that a stopped run goes on from. `progress.json` says for which
/// recipe and which model it is, and how many layers are finished; the head
/// counts as one more.
class WorkFolder {
public:
  explicit WorkFolder(std::string path) : path_(std::move(path)) {}

  /// Makes the folder; takes up what is there if it is for the same recipe,
  /// model and activations, else begins anew.
  llvm::Error open(const QuantizeOptions &options, const ModelSource &source);
  std::string path(const std::string &file) const { return path_ + "/" + file; }
  int64_t finishedLayers() const { return finished_; }
  /// So many are finished now.
  llvm::Error finish(int64_t layers);

private:
  std::string path_, key_;
  int64_t finished_ = 0;
};

} // namespace lowbit

#endif // LOWBIT_LIB_CALIBRATION_WORKFOLDER_H
