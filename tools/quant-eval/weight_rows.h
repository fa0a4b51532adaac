//===- weight_rows.h - A module's weights as numbers ------------*- C++ -*-===//

#ifndef TOOLS_QUANTEVAL_WEIGHT_ROWS_H
#define TOOLS_QUANTEVAL_WEIGHT_ROWS_H

#include "lowbit/Support/PanelLayout.h"
#include "tools/common/module_header.h"

namespace lowbit::tools {

/// The rows of one weight, a panel of 16 at a time: packed ones are taken apart
/// and dequantized.
class WeightRows {
public:
  /// `path` is for messages; `reader` and `weight` must outlive the object.
  Error open(const std::string &path, const WeightReader &reader,
             const ModuleHeader::Weight &weight);
  /// Values of up to 16 rows from row 16 * `panel` on: [16][columns]; of a
  /// vector [columns].
  Error read(uint64_t panel, std::vector<float> &values);

private:
  Error readVector(std::vector<float> &values);

  const WeightReader *reader_ = nullptr;
  const ModuleHeader::Weight *weight_ = nullptr;
  bool isVector_ = false;
  Scheme scheme_;
  std::vector<uint8_t> bytes_;
  std::vector<RowFields> rows_;
};

} // namespace lowbit::tools

#endif // TOOLS_QUANTEVAL_WEIGHT_ROWS_H
