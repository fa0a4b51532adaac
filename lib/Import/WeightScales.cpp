//===- WeightScales.cpp - Scales beside weights of a GGUF file ------------===//

#include "WeightScales.h"

#include "GGUFFile.h"
#include "MappedFile.h"

#include "lowbit/Support/Float.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

#include <cmath>

using llvm::Error;
using llvm::StringRef;

namespace lowbit {

/// `scheme` under a tensor's scale; "" or why it has none.
static StringRef addTensorScale(Scheme &scheme) {
  if (scheme.isFloat())
    return "belongs to a matrix of floats";
  if (scheme.has(Component::Min) || scheme.has(Component::NegMin))
    return "belongs to a matrix with minima";
  if (scheme.levels.front().group == Level::kTensor)
    return "belongs to a matrix that has such a scale already";
  Level level;
  level.group = Level::kTensor;
  level.components.push_back({Component::Scale, FieldType()});
  scheme.levels.insert(scheme.levels.begin(), level);
  return "";
}

static const BitFormat *formatUnder(const Scheme &scheme, const char *name,
                                    std::list<BitFormat> &formats) {
  for (const BitFormat &format : formats)
    if (format.scheme == scheme)
      return &format;
  BitFormat format{};
  format.name = name;
  format.ggmlType = UINT32_MAX; // GGUF has none
  format.blockLength = 1;
  format.scheme = scheme;
  formats.push_back(std::move(format));
  return &formats.back();
}

/// The rows of `weight` with the scale as their outermost field.
static void putScale(SourceTensor &weight, const BitFormat &format,
                     float scale) {
  SourceTensor stored = weight;
  weight.format = &format;
  weight.data = nullptr;
  weight.generate = [stored, scale](int64_t row, RowFields &fields) {
    RowFields inner;
    inner.resize(stored.format->scheme, stored.columns());
    stored.readRow(row, inner);
    fields = std::move(inner);
    fields.fields.insert(fields.fields.begin(), {{toF32(scale)}});
  };
}

Error foldWeightScales(std::vector<SourceTensor> &tensors,
                       std::list<BitFormat> &formats, StringRef path) {
  llvm::StringMap<size_t> weights;
  for (size_t i = 0; i < tensors.size(); ++i)
    if (StringRef name = tensors[i].name; name.consume_back(".weight"))
      weights[name] = i;
  auto isScale = [&](const SourceTensor &tensor) {
    StringRef name = tensor.name;
    return name.consume_back(".scale") && weights.contains(name) &&
           tensor.rows() == 1 && tensor.columns() == 1 &&
           tensor.format->scheme.isFloat();
  };
  for (const SourceTensor &tensor : tensors) {
    if (!isScale(tensor))
      continue;
    float scale = 0;
    tensor.readReals(0, &scale);
    SourceTensor &weight =
        tensors[weights[StringRef(tensor.name).drop_back(6)]];
    Scheme scheme = weight.format->scheme;
    StringRef problem = std::isfinite(scale) ? "" : "is no finite number";
    if (problem.empty() && scale != 1)
      problem = addTensorScale(scheme);
    if (!problem.empty())
      return fileError(path, "tensor " + gguf::quoted(tensor.name) + " " +
                                 problem +
                                 ", which is not supported: convert the model "
                                 "again");
    if (scale != 1)
      putScale(weight, *formatUnder(scheme, weight.format->name, formats),
               scale);
  }
  llvm::erase_if(tensors, isScale);
  return Error::success();
}

} // namespace lowbit
