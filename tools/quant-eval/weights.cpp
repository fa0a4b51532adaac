//===- weights.cpp - Weights of two modules side by side ------------------===//

#include "tools/quant-eval/weights.h"

#include "lowbit/Support/PanelLayout.h"
#include "tools/common/module_header.h"

#include <algorithm>

using namespace lowbit::tools;
using lowbit::PanelLayout;
using lowbit::RowFields;
using lowbit::Scheme;

namespace {

/// The rows of one weight, a panel of 16 at a time.
class WeightRows {
public:
  Error open(const std::string &path, const WeightReader &reader,
             const ModuleHeader::Weight &weight);
  /// Values of up to 16 rows from row 16 * `panel` on: [16][columns].
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

} // namespace

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

static Error compareWeight(WeightRows &ours, WeightRows &theirs, uint64_t rows,
                           uint64_t columns, Similarity &similarity) {
  std::vector<float> values, reference;
  constexpr uint64_t lanes = PanelLayout::kLanes;
  for (uint64_t row = 0; row < rows; row += lanes) {
    TOOLS_TRY(ours.read(row / lanes, values));
    TOOLS_TRY(theirs.read(row / lanes, reference));
    similarity.add(reference.data(), values.data(),
                   std::min(lanes, rows - row) * columns);
  }
  return Error::success();
}

static const ModuleHeader::Weight *findWeight(const ModuleHeader &header,
                                              const std::string &name) {
  for (const ModuleHeader::Weight &weight : header.weights)
    if (weight.name == name)
      return &weight;
  return nullptr;
}

Error lowbit::tools::compareWeights(const std::string &module,
                                    const std::string &reference,
                                    std::vector<WeightSimilarity> &result) {
  ModuleHeader header, referenceHeader;
  WeightReader reader, referenceReader;
  TOOLS_TRY(readModuleHeader(module, header));
  TOOLS_TRY(readModuleHeader(reference, referenceHeader));
  TOOLS_TRY(reader.open(module));
  TOOLS_TRY(referenceReader.open(reference));
  for (const ModuleHeader::Weight &weight : header.weights) {
    const ModuleHeader::Weight *other =
        findWeight(referenceHeader, weight.name);
    if (!other || weight.scheme == "i32" || other->scheme == "i32")
      continue;
    if (weight.rows != other->rows || weight.columns != other->columns)
      return Error("the weight '" + weight.name +
                   "' has another shape in the reference; give the model that "
                   "this one was made from");
    WeightRows ours, theirs;
    TOOLS_TRY(ours.open(module, reader, weight));
    TOOLS_TRY(theirs.open(reference, referenceReader, *other));
    WeightSimilarity similar;
    similar.name = weight.name;
    similar.scheme = weight.scheme;
    similar.referenceScheme = other->scheme;
    similar.rows = weight.rows;
    similar.columns = weight.columns;
    similar.bitsPerWeight = 8.0 * double(weight.sourceBytes) /
                            (double(weight.rows) * double(weight.columns));
    TOOLS_TRY(compareWeight(ours, theirs, weight.rows, weight.columns,
                            similar.similarity));
    result.push_back(std::move(similar));
  }
  return Error::success();
}
