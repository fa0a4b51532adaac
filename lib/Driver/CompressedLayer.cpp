//===- CompressedLayer.cpp - A layer in compressed-tensors' words ---------===//

#include "CompressedLayer.h"

#include "lowbit/Support/Float.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"

#include <cmath>

namespace lowbit {

//===- Schemes ------------------------------------------------------------===//

static const char *typeName(const FieldType &type) {
  switch (type.kind) {
  case FieldType::F32:
    return "F32";
  case FieldType::F16:
    return "F16";
  case FieldType::BF16:
    return "BF16";
  default:
    return nullptr;
  }
}

/// Strategy and group of a level; false where groups have a tail, which the
/// library does not take.
static bool takeLevel(const Level &level, int64_t columns,
                      CompressedScheme &result) {
  if (level.group == Level::kTensor)
    result.strategy = "tensor";
  if (level.group <= Level::kRow)
    return true;
  result.strategy = "group";
  result.group = level.group;
  return columns % level.group == 0;
}

/// Zero points as wide as the codes, and in their range.
static bool takeZeros(const Scheme &scheme, CompressedScheme &result) {
  const std::vector<Component> &components = scheme.levels.front().components;
  if (components.size() == 1)
    return true;
  const FieldType &zero = components[1].type;
  bool isSigned = scheme.kind == CodeKind::Signed;
  result.symmetric = false;
  return components.size() == 2 && components[1].role == Component::Zero &&
         zero.kind == (isSigned ? FieldType::SInt : FieldType::UInt) &&
         zero.bits == scheme.bits && zero.offset == 0 &&
         result.strategy != llvm::StringRef("tensor");
}

static bool takeIntegers(const Scheme &scheme, CompressedScheme &result) {
  if (!takeZeros(scheme, result))
    return false;
  int32_t middle = result.symmetric ? 1 << (scheme.bits - 1) : 0;
  if (scheme.kind == CodeKind::Unsigned && scheme.offset != middle)
    return false;
  if (scheme.bits == 8 && !result.group)
    result.format = "int-quantized";
  return scheme.bits >= 2;
}

static bool isE4M3(const std::vector<float> &codebook) {
  for (unsigned code = 0; code < 256; ++code) {
    float value = fromE4M3(uint8_t(code));
    if (std::isfinite(value) && codebook[code] != value)
      return false;
  }
  return true;
}

static bool isE2M1(const std::vector<float> &codebook) {
  static constexpr float kValues[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  for (unsigned code = 0; code < 16; ++code)
    if (codebook[code] != (code & 8 ? -1 : 1) * kValues[code & 7])
      return false;
  return true;
}

static bool takeHalfBytes(const Scheme &scheme, CompressedScheme &result) {
  const Level &inner = scheme.levels.back();
  FieldType::Kind kind = inner.components.front().type.kind;
  size_t levels = scheme.levels.size();
  if (kind == FieldType::E8M0 && inner.group == 32 && levels == 1) {
    result.format = "mxfp4-pack-quantized";
    result.scaleType = "U8";
    return true;
  }
  result.format = "nvfp4-pack-quantized";
  result.strategy = "tensor_group";
  result.scaleType = "F8_E4M3";
  const Level &outer = scheme.levels.front();
  return kind == FieldType::E4M3 && inner.group == 16 &&
         (levels == 1 ||
          (levels == 2 && outer.group == Level::kTensor &&
           outer.components.front().type.kind == FieldType::F32));
}

static bool takeFloats(const Scheme &scheme, CompressedScheme &result) {
  result.isFloat = true;
  if (scheme.entryLength != 1 || scheme.signs)
    return false;
  if (scheme.bits == 4 && isE2M1(scheme.codebook))
    return takeHalfBytes(scheme, result);
  result.format = "float-quantized";
  return scheme.bits == 8 && scheme.levels.size() == 1 &&
         isE4M3(scheme.codebook);
}

static bool hasScalesAlone(const Level &level) {
  return level.components.size() == 1 &&
         level.components.front().role == Component::Scale;
}

std::optional<CompressedScheme> compressedScheme(const Scheme &scheme,
                                                 int64_t columns) {
  CompressedScheme result;
  result.bits = scheme.bits;
  if (scheme.isFloat() || scheme.levels.empty() ||
      scheme.levels.back().components.front().role != Component::Scale ||
      !takeLevel(scheme.levels.back(), columns, result))
    return std::nullopt;
  if (const char *type = typeName(scheme.levels.back().components.front().type))
    result.scaleType = type;
  else if (scheme.kind != CodeKind::Codebook || scheme.bits != 4)
    return std::nullopt;
  bool takes = false;
  if (scheme.kind == CodeKind::Codebook)
    takes = llvm::all_of(scheme.levels, hasScalesAlone) &&
            takeFloats(scheme, result);
  else if (scheme.kind == CodeKind::Unsigned || scheme.kind == CodeKind::Signed)
    takes = scheme.levels.size() == 1 && takeIntegers(scheme, result);
  return takes ? std::optional(result) : std::nullopt;
}

llvm::json::Object CompressedScheme::weights() const {
  llvm::json::Object weights{
      {"num_bits", int64_t(bits)}, {"type", isFloat ? "float" : "int"},
      {"symmetric", symmetric},    {"strategy", strategy},
      {"dynamic", false},          {"actorder", nullptr},
      {"block_structure", nullptr}};
  weights["group_size"] = group ? llvm::json::Value(group) : nullptr;
  // What the library's presets say; without it scales would be of the model's
  // type.
  if (isFloat && bits == 4)
    weights["scale_dtype"] = llvm::StringRef(scaleType) == "U8"
                                 ? "torch.uint8"
                                 : "torch.float8_e4m3fn";
  return weights;
}

//===- Tensors ------------------------------------------------------------===//

namespace {

/// Takes rows of a layer apart, and puts them into the library's tensors.
struct LayerRows {
  CompressedScheme scheme;
  const WeightImage &image;
  std::function<int64_t(int64_t)> rowOf;

  RowFields read(int64_t row) const {
    RowFields fields;
    fields.resize(image.scheme, image.columns);
    image.readRow(rowOf(row), fields);
    return fields;
  }
  /// Of an integer of the codes' width: what is added to it in words, whose
  /// integers are unsigned.
  unsigned offset() const {
    return image.scheme.kind == CodeKind::Signed ? 1u << (scheme.bits - 1) : 0;
  }
  unsigned mask() const { return (1u << scheme.bits) - 1; }
  int64_t groups() const {
    return scheme.group ? image.columns / scheme.group : 1;
  }
};

void putBits(uint8_t *bytes, int64_t index, unsigned bits, unsigned value) {
  for (unsigned i = 0; i < bits; ++i) {
    int64_t bit = index * bits + i;
    bytes[bit / 8] = uint8_t(bytes[bit / 8] | (value >> i & 1) << (bit % 8));
  }
}

SafetensorsTensor rowsOf(const std::string &name, llvm::StringRef type,
                         std::vector<int64_t> shape, int64_t rowBytes) {
  SafetensorsTensor tensor;
  tensor.name = name;
  tensor.type = type;
  tensor.rows = shape.front();
  tensor.shape = std::move(shape);
  tensor.rowBytes = rowBytes;
  return tensor;
}

/// In words: unsigned codes without gaps.
SafetensorsTensor wordCodes(const std::string &layer, const LayerRows &rows) {
  unsigned bits = rows.scheme.bits;
  int64_t words = (rows.image.columns * bits + 31) / 32;
  SafetensorsTensor tensor = rowsOf(layer + ".weight_packed", "I32",
                                    {rows.image.rows, words}, 4 * words);
  tensor.writeRow = [rows, bits](int64_t row, uint8_t *bytes) {
    RowFields fields = rows.read(row);
    for (size_t k = 0; k < fields.codes.size(); ++k)
      putBits(bytes, int64_t(k), bits,
              (fields.codes[k] + rows.offset()) & rows.mask());
  };
  return tensor;
}

/// In bytes (integers are signed), or two of E2M1 in one.
SafetensorsTensor byteCodes(const std::string &layer, const LayerRows &rows) {
  bool halves = !rows.scheme.isBytes();
  int64_t perRow = rows.image.columns / (halves ? 2 : 1);
  SafetensorsTensor tensor =
      rowsOf(layer + (halves ? ".weight_packed" : ".weight"),
             halves                ? "U8"
             : rows.scheme.isFloat ? "F8_E4M3"
                                   : "I8",
             {rows.image.rows, perRow}, perRow);
  bool flips = !rows.scheme.isFloat && rows.offset() == 0;
  tensor.writeRow = [rows, halves, flips](int64_t row, uint8_t *bytes) {
    RowFields fields = rows.read(row);
    for (size_t k = 0; k < fields.codes.size(); ++k)
      if (halves)
        putBits(bytes, int64_t(k), 4, fields.codes[k]);
      else
        bytes[k] = fields.codes[k] ^ (flips ? 0x80 : 0);
  };
  return tensor;
}

SafetensorsTensor scales(const std::string &layer, const LayerRows &rows) {
  llvm::StringRef type = rows.scheme.scaleType;
  int64_t size = type == "F32" ? 4 : type.ends_with("F16") ? 2 : 1;
  bool one = llvm::StringRef(rows.scheme.strategy) == "tensor";
  int64_t groups = rows.groups();
  SafetensorsTensor tensor =
      rowsOf(layer + ".weight_scale", type, {one ? 1 : rows.image.rows, groups},
             size * groups);
  if (one)
    tensor.shape = {1};
  tensor.writeRow = [rows, size](int64_t row, uint8_t *bytes) {
    RowFields fields = rows.read(row);
    for (uint32_t field : fields.fields.back()[0])
      for (int64_t i = 0; i < size; ++i)
        *bytes++ = uint8_t(field >> (8 * i));
  };
  return tensor;
}

/// Packed along the rows, one column a group; or bytes.
SafetensorsTensor zeroPoints(const std::string &layer, const LayerRows &rows) {
  int64_t groups = rows.groups(), count = rows.image.rows;
  unsigned bits = rows.scheme.bits;
  bool bytes = rows.scheme.isBytes();
  int64_t lines = bytes ? count : (count * bits + 31) / 32;
  SafetensorsTensor tensor =
      rowsOf(layer + ".weight_zero_point", bytes ? "I8" : "I32",
             {lines, groups}, groups * (bytes ? 1 : 4));
  auto packed =
      std::make_shared<std::vector<uint8_t>>(size_t(lines * tensor.rowBytes));
  std::vector<uint8_t> column(size_t(lines * 4));
  std::vector<std::vector<uint32_t>> zeros;
  for (int64_t row = 0; row < count; ++row)
    zeros.push_back(rows.read(row).fields.back()[1]);
  for (int64_t g = 0; g < groups; ++g) {
    std::fill(column.begin(), column.end(), 0);
    for (int64_t row = 0; row < count; ++row) {
      unsigned zero =
          (zeros[size_t(row)][size_t(g)] + rows.offset()) & rows.mask();
      if (bytes)
        (*packed)[size_t(row * groups + g)] = uint8_t(zero ^ 0x80);
      else
        putBits(column.data(), row, bits, zero);
    }
    for (int64_t line = 0; !bytes && line < lines; ++line)
      std::copy_n(column.data() + 4 * line, 4,
                  packed->data() + (line * groups + g) * 4);
  }
  tensor.writeRow = [packed, size = tensor.rowBytes](int64_t line,
                                                     uint8_t *out) {
    std::copy_n(packed->data() + line * size, size, out);
  };
  return tensor;
}

/// A small tensor.
template <typename T>
SafetensorsTensor listOf(const std::string &name, llvm::StringRef type,
                         std::vector<T> values) {
  SafetensorsTensor tensor =
      rowsOf(name, type, {int64_t(values.size())}, int64_t(sizeof(T)));
  tensor.writeRow = [values](int64_t row, uint8_t *bytes) {
    llvm::support::endian::write<T, llvm::endianness::little>(
        bytes, values[size_t(row)]);
  };
  return tensor;
}

/// The number whose inverse is `factor`, if there is one.
std::optional<float> divisorOf(float factor) {
  float guess = 1 / factor;
  for (float divisor :
       {guess, std::nextafter(guess, 0.0f), std::nextafter(guess, INFINITY)})
    if (std::isfinite(divisor) && divisor > 0 && 1 / divisor == factor)
      return divisor;
  return std::nullopt;
}

} // namespace

/// The tensor's scale of nvfp4, which the library divides by.
static llvm::Expected<SafetensorsTensor> globalScale(const std::string &layer,
                                                     const LayerRows &rows) {
  float factor = 1;
  if (rows.image.scheme.levels.size() == 2)
    factor = fromF32(rows.read(0).fields.front()[0][0]);
  std::optional<float> divisor = divisorOf(factor);
  if (!divisor)
    return llvm::createStringError(
        llvm::inconvertibleErrorCode(),
        "tensor '" + rows.image.name +
            "' has a scale that is the inverse of no float, as "
            "nvfp4-pack-quantized stores it: choose a scheme without a scale "
            "of the tensor, such as --scheme=NVFP4");
  return listOf<float>(layer + ".weight_global_scale", "F32", {*divisor});
}

llvm::Expected<std::vector<SafetensorsTensor>>
compressLayer(const std::string &name, const CompressedScheme &scheme,
              const WeightImage &image, std::function<int64_t(int64_t)> rowOf) {
  LayerRows rows{scheme, image, std::move(rowOf)};
  bool inBytes = scheme.isBytes() || scheme.isFloat;
  std::vector<SafetensorsTensor> result;
  result.push_back(inBytes ? byteCodes(name, rows) : wordCodes(name, rows));
  result.push_back(scales(name, rows));
  if (!inBytes)
    result.push_back(listOf<int64_t>(name + ".weight_shape", "I64",
                                     {image.rows, image.columns}));
  if (!scheme.symmetric)
    result.push_back(zeroPoints(name, rows));
  if (llvm::StringRef(scheme.strategy) == "tensor_group") {
    auto global = globalScale(name, rows);
    if (!global)
      return global.takeError();
    result.push_back(std::move(*global));
  }
  return result;
}

} // namespace lowbit
