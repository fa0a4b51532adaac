//===- OnnxSource.cpp - Weights of an ONNX model --------------------------===//

#include "OnnxSource.h"

#include "lowbit/Support/Float.h"

#include "llvm/ADT/StringExtras.h"

#include <cmath>

using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

namespace lowbit::onnx {

//===- Schemes ------------------------------------------------------------===//

static FieldType fieldTypeOf(const Tensor &tensor) {
  switch (tensor.type->type) {
  case ElementType::Float16:
    return {FieldType::F16, 16};
  case ElementType::BFloat16:
    return {FieldType::BF16, 16};
  default:
    return {};
  }
}

static uint32_t fieldBitsOf(const Tensor &tensor, int64_t index) {
  return fieldBits(fieldTypeOf(tensor), tensor.real(index));
}

/// The one zero point that all groups have, if they do.
static std::optional<int64_t> commonZero(const CodeMatrix &matrix) {
  if (!matrix.zero)
    return 0;
  int64_t first = matrix.zero(0, 0);
  for (int64_t row = 0; row < matrix.rows; ++row)
    for (int64_t g = 0, groups = matrix.groups(); g < groups; ++g)
      if (matrix.zero(row, g) != first)
        return std::nullopt;
  return first;
}

/// A zero point that all groups share is an offset, where the codes have one.
static Scheme schemeOf(const CodeMatrix &matrix) {
  Scheme scheme;
  scheme.kind = matrix.isSigned ? CodeKind::Signed : CodeKind::Unsigned;
  scheme.bits = uint8_t(matrix.bits);
  Level level;
  level.group = matrix.groups() == 1 ? Level::kRow : matrix.group;
  level.components.push_back({Component::Scale, fieldTypeOf(*matrix.scales)});
  if (matrix.realZeros) {
    level.components.push_back(
        {Component::Zero, fieldTypeOf(*matrix.realZeros)});
  } else if (std::optional<int64_t> zero = commonZero(matrix)) {
    if (!matrix.isSigned)
      scheme.offset = int32_t(*zero);
    else if (*zero)
      level.components.push_back(
          {Component::Zero, FieldType{FieldType::SInt, scheme.bits}});
  } else {
    level.components.push_back(
        {Component::Zero,
         FieldType{matrix.isSigned ? FieldType::SInt : FieldType::UInt,
                   scheme.bits}});
  }
  scheme.levels.push_back(std::move(level));
  return scheme;
}

static void makeRow(const CodeMatrix &matrix, const Scheme &scheme, int64_t row,
                    RowFields &fields) {
  fields.resize(scheme, matrix.columns);
  matrix.codes(row, fields.codes.data());
  auto &components = fields.fields.front();
  uint32_t mask = (1u << matrix.bits) - 1;
  for (int64_t g = 0, groups = matrix.groups(); g < groups; ++g) {
    int64_t at = matrix.scaleAt(row, g);
    components[0][size_t(g)] = fieldBitsOf(*matrix.scales, at);
    if (components.size() > 1)
      components[1][size_t(g)] = matrix.realZeros
                                     ? fieldBitsOf(*matrix.realZeros, at)
                                     : uint32_t(matrix.zero(row, g)) & mask;
  }
}

const BitFormat *OnnxSource::formatOf(const Scheme &scheme, const char *name) {
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

static Weight weightOf(const SourceTensor &tensor) {
  return {tensor.name, tensor.rows(), tensor.columns(), tensor.format->scheme};
}

//===- Tensors ------------------------------------------------------------===//

Weight OnnxSource::add(SourceTensor tensor) {
  all.push_back(std::move(tensor));
  return weightOf(all.back());
}

Weight OnnxSource::add(const CodeMatrix &matrix, StringRef name,
                       const char *format) {
  Scheme scheme = schemeOf(matrix);
  SourceTensor tensor;
  tensor.name = name.str();
  tensor.shape = {matrix.rows, matrix.columns};
  tensor.format = formatOf(scheme, format);
  tensor.bytes = uint64_t(double(matrix.rows) * double(matrix.columns) *
                          scheme.bitsPerWeight(matrix.columns) / 8);
  tensor.generate = [matrix, scheme](int64_t row, RowFields &fields) {
    makeRow(matrix, scheme, row, fields);
  };
  return add(std::move(tensor));
}

/// What the same tensor means elsewhere gets another name: codes with other
/// scales, one matrix the other way round.
std::string OnnxSource::nameFor(StringRef base, const std::string &meaning) {
  for (int64_t i = 0;; ++i) {
    std::string name = base.str() + (i ? "." + std::to_string(i) : "");
    auto [entry, isNew] = meanings.try_emplace(name, meaning);
    if (isNew || entry->second == meaning)
      return name;
  }
}

/// The tensors, by the places of which a model has one each.
static std::string meaningOf(llvm::ArrayRef<const void *> tensors,
                             llvm::ArrayRef<int64_t> numbers) {
  std::string text;
  for (const void *tensor : tensors)
    text += llvm::utostr(reinterpret_cast<uintptr_t>(tensor)) + " ";
  for (int64_t number : numbers)
    text += llvm::itostr(number) + " ";
  return text;
}

Weight OnnxSource::vector(StringRef base, std::vector<float> values) {
  std::string name = nameFor(
      base, "vector " + std::string(reinterpret_cast<char *>(values.data()),
                                    values.size() * sizeof(float)));
  if (const SourceTensor *known = find(name))
    return weightOf(*known);
  SourceTensor tensor;
  tensor.name = name;
  tensor.shape = {int64_t(values.size())};
  tensor.format = findBitFormat("F32");
  tensor.bytes = values.size() * sizeof(float);
  tensor.generate = [values = std::move(values)](int64_t, RowFields &fields) {
    fields.reals = values;
  };
  return add(std::move(tensor));
}

Error OnnxSource::checkScales(const Tensor &scales) const {
  if (!scales.type->isFloat || scales.type->bits > 32)
    return fileError(path(), "tensor " + quoted(scales.name) + " holds " +
                                 scales.type->name +
                                 ", expected scales of FLOAT, FLOAT16 or "
                                 "BFLOAT16: quantize the model again");
  for (int64_t i = 0, count = scales.elements(); i < count; ++i)
    if (!std::isfinite(scales.real(i)))
      return fileError(path(), "tensor " + quoted(scales.name) +
                                   " has a scale that is no finite number, at "
                                   "element " +
                                   Twine(i) + ": quantize the model again");
  return Error::success();
}

//===- Constants ----------------------------------------------------------===//

namespace {
/// Where element (n, k) of a matrix [N, K] lies in a tensor.
struct Strides {
  int64_t row, column;
  int64_t at(int64_t n, int64_t k) const { return n * row + k * column; }
};
} // namespace

llvm::Expected<Weight> OnnxSource::floatMatrix(const Constant &constant,
                                               StringRef name) {
  const Tensor &values = *constant.values;
  int64_t first = values.shape[0], second = values.shape[1];
  int64_t rows = constant.transposed ? first : second;
  int64_t columns = constant.transposed ? second : first;
  SourceTensor tensor;
  tensor.name = name.str();
  tensor.shape = {rows, columns};
  tensor.format =
      findBitFormat(values.type->type == ElementType::Float16    ? "F16"
                    : values.type->type == ElementType::BFloat16 ? "BF16"
                                                                 : "F32");
  tensor.bytes = uint64_t(tensor.format->rowBytes(columns)) * uint64_t(rows);
  Strides at = constant.transposed ? Strides{columns, 1} : Strides{1, rows};
  tensor.generate = [&values, at, columns](int64_t row, RowFields &fields) {
    fields.reals.resize(size_t(columns));
    for (int64_t k = 0; k < columns; ++k)
      fields.reals[size_t(k)] = values.real(at.at(row, k));
  };
  return add(std::move(tensor));
}

/// Scales of one element, of an element for each row, or of blocks of columns.
static Error placeScales(const Constant &constant, StringRef path,
                         CodeMatrix &matrix) {
  const Tensor &values = *constant.values, &scales = *constant.scales;
  auto fail = [&](const Twine &message) {
    return fileError(path, "tensor " + quoted(scales.name) + ": " + message);
  };
  if (constant.zeros && constant.zeros->shape != scales.shape &&
      constant.zeros->elements() != scales.elements())
    return fail("expected as many scales as zero points in " +
                quoted(constant.zeros->name) + ": quantize the model again");
  if (scales.elements() == 1) {
    matrix.scaleAt = [](int64_t, int64_t) { return 0; };
    return Error::success();
  }
  int64_t axis = constant.axis < 0 ? constant.axis + 2 : constant.axis;
  if (axis != 0 && axis != 1)
    return fail("axis " + Twine(constant.axis) + " is none of a matrix");
  bool alongRows = (axis == 0) == constant.transposed;
  if (!constant.block) {
    if (!alongRows || scales.elements() != matrix.rows)
      return fail("expected a scale for each output of the layer, " +
                  Twine(matrix.rows) + ": quantize the weights along them");
    matrix.scaleAt = [](int64_t row, int64_t) { return row; };
    return Error::success();
  }
  constexpr int64_t kLargest = int64_t(1) << 20; // (S5)
  if (alongRows || constant.block < 1 || constant.block > kLargest)
    return fail(
        "blocks must run along the inputs of the layer and have at most "
        "2^20 elements: quantize the model so");
  matrix.group = constant.block;
  int64_t groups = matrix.groups();
  std::vector<int64_t> expected = values.shape;
  expected[size_t(axis)] = groups;
  if (scales.shape != expected)
    return fail("expected [" + Twine(expected[0]) + ", " + Twine(expected[1]) +
                "] scales for blocks of " + Twine(constant.block) +
                ": quantize the model again");
  Strides at =
      constant.transposed ? Strides{groups, 1} : Strides{1, matrix.rows};
  matrix.scaleAt = [at](int64_t row, int64_t g) { return at.at(row, g); };
  return Error::success();
}

llvm::Expected<Weight> OnnxSource::matrix(const Constant &constant) {
  const Tensor &values = *constant.values;
  auto fail = [&](const Twine &message) {
    return fileError(path(), "tensor " + quoted(values.name) + message);
  };
  std::string name =
      nameFor(values.name,
              meaningOf({&values, constant.scales, constant.zeros},
                        {constant.axis, constant.block, constant.transposed}));
  if (const SourceTensor *known = find(name))
    return weightOf(*known);
  if (values.shape.size() != 2 || values.elements() == 0)
    return fail(" must be a matrix with elements to be a layer's weight: "
                "export the layers as MatMul or Gemm of matrices");
  if (!constant.scales && !values.type->isFloat)
    return fail(" holds " + Twine(values.type->name) +
                " without a scale, expected floats");
  if (!constant.scales)
    return floatMatrix(constant, name);
  if (values.type->isFloat || values.type->bits > 8)
    return fail(" holds codes of " + Twine(values.type->name) +
                ", expected integers of 2, 4 or 8 bits");
  if (Error error = checkScales(*constant.scales))
    return std::move(error);
  CodeMatrix matrix;
  matrix.rows = values.shape[constant.transposed ? 0 : 1];
  matrix.columns = values.shape[constant.transposed ? 1 : 0];
  matrix.bits = values.type->bits;
  matrix.isSigned = values.type->isSigned;
  matrix.scales = constant.scales;
  if (Error error = placeScales(constant, path(), matrix))
    return std::move(error);
  Strides at = constant.transposed ? Strides{matrix.columns, 1}
                                   : Strides{1, matrix.rows};
  matrix.codes = [&values, at, columns = matrix.columns,
                  mask = (1u << matrix.bits) - 1](int64_t row, uint8_t *codes) {
    for (int64_t k = 0; k < columns; ++k)
      codes[k] = uint8_t(uint32_t(values.integer(at.at(row, k))) & mask);
  };
  if (const Tensor *zeros = constant.zeros) {
    if (zeros->type != values.type)
      return fail(" and its zero points " + quoted(zeros->name) +
                  " differ in type: quantize the model again");
    matrix.zero = [zeros, scaleAt = matrix.scaleAt](int64_t row, int64_t g) {
      return zeros->integer(scaleAt(row, g));
    };
  }
  return add(matrix, name, "onnx");
}

//===- MatMulNBits --------------------------------------------------------===//

/// Codes of 2, 4 or 8 bits in a line of bytes, low bits first.
static uint32_t packedAt(const Tensor &tensor, int64_t line, int64_t index,
                         unsigned bits) {
  int64_t perByte = 8 / bits;
  auto byte = uint8_t(tensor.bytes[size_t(line + index / perByte)]);
  return byte >> (unsigned(index % perByte) * bits) & ((1u << bits) - 1);
}

static Error expectBytes(const Tensor &tensor, int64_t count, StringRef path) {
  if (tensor.type->type == ElementType::UInt8 && tensor.elements() == count)
    return Error::success();
  return fileError(path, "tensor " + quoted(tensor.name) + " holds " +
                             Twine(tensor.elements()) + " " +
                             tensor.type->name + ", expected " + Twine(count) +
                             " UINT8 for MatMulNBits: quantize the model "
                             "again");
}

static Error placeZeros(const BlockedConstant &constant, StringRef path,
                        CodeMatrix &matrix) {
  int64_t groups = matrix.groups();
  if (!constant.zeros) {
    matrix.zero = [middle = int64_t(1) << (constant.bits - 1)](
                      int64_t, int64_t) { return middle; };
    return Error::success();
  }
  const Tensor &zeros = *constant.zeros;
  if (zeros.type->isFloat) {
    matrix.realZeros = &zeros;
    bool fits = zeros.elements() == matrix.rows * groups;
    for (int64_t i = 0; fits && i < matrix.rows * groups; ++i)
      fits = std::isfinite(zeros.real(i));
    return fits ? Error::success()
                : fileError(path, "tensor " + quoted(zeros.name) +
                                      " must hold a finite zero point for each "
                                      "scale: quantize the model again");
  }
  int64_t bits = constant.bits, line = (groups * bits + 7) / 8;
  if (Error error = expectBytes(zeros, matrix.rows * line, path))
    return error;
  matrix.zero = [&zeros, line, bits](int64_t row, int64_t g) {
    return int64_t(packedAt(zeros, row * line, g, unsigned(bits)));
  };
  return Error::success();
}

llvm::Expected<Weight> OnnxSource::matrix(const BlockedConstant &constant) {
  std::string name =
      nameFor(constant.codes->name,
              meaningOf({constant.codes, constant.scales, constant.zeros},
                        {constant.rows, constant.columns, constant.block,
                         int64_t(constant.bits)}));
  if (const SourceTensor *known = find(name))
    return weightOf(*known);
  CodeMatrix matrix;
  matrix.rows = constant.rows;
  matrix.columns = constant.columns;
  matrix.bits = constant.bits;
  matrix.group = constant.block;
  matrix.scales = constant.scales;
  int64_t groups = matrix.groups();
  int64_t bytes = constant.block * constant.bits / 8, line = groups * bytes;
  if (Error error = expectBytes(*constant.codes, matrix.rows * line, path()))
    return std::move(error);
  if (constant.scales->elements() != matrix.rows * groups)
    return fileError(
        path(), "tensor " + quoted(constant.scales->name) + " holds " +
                    Twine(constant.scales->elements()) + " scales, expected " +
                    Twine(matrix.rows * groups) + ": quantize the model again");
  if (Error error = checkScales(*constant.scales))
    return std::move(error);
  // A block's codes fill whole bytes, so codes of a row follow one another.
  matrix.codes = [tensor = constant.codes, line, columns = matrix.columns,
                  bits = constant.bits](int64_t row, uint8_t *codes) {
    for (int64_t k = 0; k < columns; ++k)
      codes[k] = uint8_t(packedAt(*tensor, row * line, k, bits));
  };
  matrix.scaleAt = [groups](int64_t row, int64_t g) {
    return row * groups + g;
  };
  if (Error error = placeZeros(constant, path(), matrix))
    return std::move(error);
  return add(matrix, name, "MatMulNBits");
}

} // namespace lowbit::onnx
