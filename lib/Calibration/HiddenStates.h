//===- HiddenStates.h - What flows between layers, in files -----*- C++ -*-===//

#ifndef LOWBIT_LIB_CALIBRATION_HIDDENSTATES_H
#define LOWBIT_LIB_CALIBRATION_HIDDENSTATES_H

#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace lowbit {

/// The rows of every sequence in front of a layer: [sequences][length][width]
/// f32 in a file, read and written a sequence at a time. A layer reads one file
/// and writes the other, so that what it read is still there if it is stopped.
class HiddenStates {
public:
  HiddenStates(std::string folder, int64_t sequences, int64_t length,
               int64_t width);
  ~HiddenStates();
  HiddenStates(const HiddenStates &) = delete;
  HiddenStates &operator=(const HiddenStates &) = delete;

  int64_t sequences() const { return sequences_; }
  int64_t length() const { return length_; }
  int64_t width() const { return width_; }
  int64_t floats() const { return length_ * width_; } ///< of a sequence

  /// `layer` reads file layer % 2 and writes the other.
  llvm::Error open(int64_t layer);
  llvm::Error read(int64_t sequence, float *rows) const;
  llvm::Error write(int64_t sequence, const float *rows) const;
  void remove();

private:
  std::string pathOf(int64_t side) const;

  std::string folder_;
  int64_t sequences_, length_, width_;
  int from_ = -1, to_ = -1;
};

} // namespace lowbit

#endif // LOWBIT_LIB_CALIBRATION_HIDDENSTATES_H
