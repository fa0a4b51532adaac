//===- PackedRows.cpp - Quantized matrices of a checkpoint ----------------===//

#include "PackedRows.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"

#include <cmath>

using llvm::ArrayRef;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

namespace lowbit::huggingface {

//===- Codes in words -----------------------------------------------------===//

int64_t PackedCodes::wordsFor(int64_t count, unsigned bits, unsigned perWord) {
  return perWord ? (count + perWord - 1) / perWord : (count * bits + 31) / 32;
}

uint32_t PackedCodes::at(int64_t index) const {
  int64_t bit = perWord ? index / perWord * 32 + index % perWord * bits
                        : index * int64_t(bits);
  const uint8_t *word = words + bit / 32 * stride;
  unsigned shift = unsigned(bit % 32);
  uint32_t code = llvm::support::endian::read32le(word) >> shift;
  if (shift + bits > 32)
    code |= llvm::support::endian::read32le(word + stride) << (32 - shift);
  return code & ((1u << bits) - 1);
}

//===- Checked tensors ----------------------------------------------------===//

Error TensorReader::fail(const Twine &name, const Twine &message) const {
  return fileError(folder,
                   "tensor " + safetensors::quoted(name.str()) + " " + message);
}

llvm::Expected<const safetensors::Tensor *>
TensorReader::take(const Twine &name, ArrayRef<StringRef> types) {
  const safetensors::Tensor *tensor = findAny(name);
  if (!tensor)
    return fail(name, "is missing, which a quantized layer has: download the "
                      "checkpoint again");
  if (!llvm::is_contained(types, StringRef(tensor->type->name)))
    return fail(name, Twine("is ") + tensor->type->name + ", expected " +
                          llvm::join(types, " or ") +
                          ": quantize the model again");
  used.insert(tensor->name);
  return tensor;
}

static std::string shapeText(ArrayRef<int64_t> shape) {
  return "[" +
         llvm::join(
             llvm::map_range(shape,
                             [](int64_t size) { return std::to_string(size); }),
             ", ") +
         "]";
}

Error TensorReader::failShape(const safetensors::Tensor &tensor,
                              ArrayRef<int64_t> shape) const {
  return fail(tensor.name, "has the shape " + shapeText(tensor.shape) +
                               ", expected " + shapeText(shape) +
                               " for the bits and group size of config.json: "
                               "download the checkpoint again");
}

llvm::Expected<const safetensors::Tensor *>
TensorReader::take(const Twine &name, ArrayRef<StringRef> types,
                   ArrayRef<int64_t> shape) {
  auto tensor = take(name, types);
  if (tensor && ArrayRef<int64_t>((*tensor)->shape) != shape)
    return failShape(**tensor, shape);
  return tensor;
}

Error checkRange(TensorReader &reader, const safetensors::Tensor &tensor,
                 unsigned bits) {
  int least = -(1 << (bits - 1)), most = (1 << (bits - 1)) - 1;
  for (uint64_t i = 0; i < tensor.bytes; ++i)
    if (int value = int8_t(tensor.data[i]); value < least || value > most)
      return reader.fail(tensor.name,
                         "has the value " + Twine(value) + " at element " +
                             Twine(i) + ", which is no integer of " +
                             Twine(bits) + " bits: quantize the model again");
  return Error::success();
}

void TensorReader::ignore(const Twine &name) {
  if (const safetensors::Tensor *tensor = findAny(name))
    used.insert(tensor->name);
}

//===- Scales -------------------------------------------------------------===//

/// [N, 1] and [N] are the same scales, so are [1, 1], [1] and [].
static ArrayRef<int64_t> withoutOnes(ArrayRef<int64_t> shape) {
  while (!shape.empty() && shape.back() == 1)
    shape = shape.drop_back();
  return shape;
}

FieldType scaleType(const safetensors::Tensor &scales) {
  StringRef name = scales.type->name;
  if (name == "F8_E4M3")
    return {FieldType::E4M3, 8};
  if (scales.type->bits == 8) // U8 holds an exponent, too
    return {FieldType::E8M0, 8};
  return name == "F16"    ? FieldType{FieldType::F16, 16}
         : name == "BF16" ? FieldType{FieldType::BF16, 16}
                          : FieldType{FieldType::F32, 32};
}

uint32_t scaleBits(const safetensors::Tensor &scales, int64_t index) {
  if (scales.type->bits == 8)
    return scales.data[index];
  return scales.type->bits == 16
             ? llvm::support::endian::read16le(scales.data + 2 * index)
             : llvm::support::endian::read32le(scales.data + 4 * index);
}

llvm::Expected<const safetensors::Tensor *>
TensorReader::takeScales(const Twine &name, ArrayRef<int64_t> shape,
                         ArrayRef<StringRef> types) {
  auto scales = take(name, types);
  if (!scales)
    return scales;
  if (withoutOnes((*scales)->shape) != withoutOnes(shape))
    return failShape(**scales, shape);
  FieldType type = scaleType(**scales);
  int64_t count = int64_t((*scales)->bytes) * 8 / (*scales)->type->bits;
  for (int64_t i = 0; i < count; ++i)
    if (!std::isfinite(fieldValue(type, scaleBits(**scales, i))))
      return fail(name, "has a scale that is no finite number, at element " +
                            Twine(i) + ": quantize the model again");
  return scales;
}

//===- A matrix -----------------------------------------------------------===//

int64_t PackedRows::groups() const {
  return group <= Level::kRow ? 1 : (columns + group - 1) / group;
}

int64_t PackedRows::scaleIndex(int64_t row, int64_t group) const {
  return row / scaleRows * scaleRowStride + group * scaleGroupStride;
}

static Scheme schemeOf(const PackedRows &rows) {
  Scheme scheme;
  scheme.bits = uint8_t(rows.bits);
  if (rows.outerScale)
    scheme.levels.push_back(
        {Level::kTensor, {{Component::Scale, FieldType{FieldType::F32, 32}}}});
  Level level;
  // One group that covers the row is the row's.
  level.group = rows.groups() == 1 && rows.group != Level::kTensor ? Level::kRow
                                                                   : rows.group;
  level.components.push_back({Component::Scale, scaleType(*rows.scales)});
  if (rows.codebook) {
    scheme.kind = CodeKind::Codebook;
    scheme.codebook = *rows.codebook;
  } else if (rows.zeros)
    level.components.push_back(
        {Component::Zero, FieldType{FieldType::UInt, uint8_t(rows.bits)}});
  else if (rows.bits == 8)
    scheme.kind = CodeKind::Signed;
  else
    scheme.offset = 1 << (rows.bits - 1);
  scheme.levels.push_back(std::move(level));
  return scheme;
}

const BitFormat *formatOf(const Scheme &scheme, const char *name,
                          FormatList &formats) {
  for (const BitFormat &format : formats)
    if (format.scheme == scheme && StringRef(format.name) == name)
      return &format;
  BitFormat format{};
  format.name = name;
  format.ggmlType = UINT32_MAX; // GGUF has none
  format.blockLength = 1;
  format.scheme = scheme;
  formats.push_back(std::move(format));
  return &formats.back();
}

static void makeRow(const PackedRows &rows, const Scheme &scheme, int64_t row,
                    RowFields &fields) {
  fields.resize(scheme, rows.columns);
  rows.codes(row, fields.codes.data());
  if (scheme.kind == CodeKind::Signed)
    for (uint8_t &code : fields.codes)
      code ^= 0x80;
  if (!rows.order.empty()) {
    std::vector<uint8_t> codes = fields.codes;
    for (size_t j = 0; j < codes.size(); ++j)
      fields.codes[j] = codes[size_t(rows.order[j])];
  }
  if (rows.outerScale)
    fields.fields.front()[0][0] =
        fieldBits({FieldType::F32, 32}, *rows.outerScale);
  auto &components = fields.fields.back();
  for (int64_t g = 0, groups = rows.groups(); g < groups; ++g)
    components[0][size_t(g)] = scaleBits(*rows.scales, rows.scaleIndex(row, g));
  if (rows.zeros)
    rows.zeros(row, components[1].data());
}

void describeRows(const PackedRows &rows, const char *format,
                  FormatList &formats, SourceTensor &tensor) {
  Scheme scheme = schemeOf(rows);
  tensor.shape = {rows.rows, rows.columns};
  tensor.permutation = rows.order;
  tensor.format = formatOf(scheme, format, formats);
  tensor.bytes = uint64_t(double(rows.rows) * double(rows.columns) *
                          scheme.bitsPerWeight(rows.columns) / 8);
  tensor.generate = [rows, scheme](int64_t row, RowFields &fields) {
    makeRow(rows, scheme, row, fields);
  };
}

} // namespace lowbit::huggingface
