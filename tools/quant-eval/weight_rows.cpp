//===- weight_rows.cpp - A module's weights as numbers --------------------===//

#include "tools/quant-eval/weight_rows.h"

using namespace lowbit::tools;
using lowbit::PanelLayout;
using lowbit::Scheme;

Error WeightRows::open(const std::string &path, const WeightReader &reader,
                       const ModuleHeader::Weight &weight) {
  std::string problem;
  if (!Scheme::parse(weight.scheme, scheme_, problem) ||
      !(problem = scheme_.check()).empty())
    return Error("'" + path + "': cannot read the scheme of '" + weight.name +
                 "': " + problem + "; compile the module again");
  reader_ = &reader;
  weight_ = &weight;
  // A header's numbers have been checked against nothing yet: what they say of
  // a panel must be what the weight has.
  constexpr uint64_t mostColumns = uint64_t(1) << 32;
  bool sane = weight.columns > 0 && weight.columns <= mostColumns &&
              weight.rows > 0 && weight.rows <= mostColumns;
  isVector_ = sane && weight.rows == 1 &&
              scheme_ == Scheme::ofFloat(lowbit::FieldType::F32);
  if (isVector_ && weight.packedBytes == weight.columns * sizeof(float))
    return Error::success();
  isVector_ = false;
  if (sane) {
    PanelLayout layout(scheme_, static_cast<int64_t>(weight.columns));
    sane = static_cast<uint64_t>(
               layout.panels(static_cast<int64_t>(weight.rows))) *
               static_cast<uint64_t>(layout.panelBytes()) ==
           weight.packedBytes;
  }
  return sane ? Error::success()
              : Error("'" + path + "': the weight '" + weight.name +
                      "' has another size than its scheme; compile the module "
                      "again");
}

Error WeightRows::readVector(std::vector<float> &values) {
  values.resize(weight_->columns);
  return reader_->read(*weight_, 0, weight_->packedBytes, values.data());
}

Error WeightRows::read(uint64_t panel, std::vector<float> &values) {
  if (isVector_)
    return readVector(values);
  int64_t columns = static_cast<int64_t>(weight_->columns);
  PanelLayout layout(scheme_, columns);
  bytes_.resize(static_cast<size_t>(layout.panelBytes()));
  rows_.resize(PanelLayout::kLanes);
  TOOLS_TRY(reader_->read(*weight_, panel * bytes_.size(), bytes_.size(),
                          bytes_.data()));
  layout.unpackPanel(bytes_.data(), rows_.data());
  values.resize(rows_.size() * weight_->columns);
  for (size_t row = 0; row < rows_.size(); ++row)
    lowbit::dequantizeRow(scheme_, rows_[row], columns,
                          &values[row * weight_->columns]);
  return Error::success();
}
