//===- Tensor.cpp - Elements of constants ---------------------------------===//

#include "OnnxFile.h"

#include "lowbit/Support/Float.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

using llvm::StringRef;

namespace lowbit::onnx {

static constexpr ElementInfo kElements[] = {
    {ElementType::Float, "FLOAT", 32, true, true},
    {ElementType::UInt8, "UINT8", 8, false, false},
    {ElementType::Int8, "INT8", 8, false, true},
    {ElementType::UInt16, "UINT16", 16, false, false},
    {ElementType::Int16, "INT16", 16, false, true},
    {ElementType::Int32, "INT32", 32, false, true},
    {ElementType::Int64, "INT64", 64, false, true},
    {ElementType::Bool, "BOOL", 8, false, false},
    {ElementType::Float16, "FLOAT16", 16, true, true},
    {ElementType::Double, "DOUBLE", 64, true, true},
    {ElementType::UInt32, "UINT32", 32, false, false},
    {ElementType::UInt64, "UINT64", 64, false, false},
    {ElementType::BFloat16, "BFLOAT16", 16, true, true},
    {ElementType::UInt4, "UINT4", 4, false, false},
    {ElementType::Int4, "INT4", 4, false, true},
    {ElementType::UInt2, "UINT2", 2, false, false},
    {ElementType::Int2, "INT2", 2, false, true},
};

const ElementInfo *elementInfo(int64_t dataType) {
  for (const ElementInfo &info : kElements)
    if (int64_t(info.type) == dataType)
      return &info;
  return nullptr;
}

std::string quoted(StringRef name) {
  constexpr size_t kLongest = 120;
  std::string text = "'";
  llvm::raw_string_ostream stream(text);
  llvm::printEscapedString(name.take_front(kLongest), stream);
  stream << (name.size() > kLongest ? "...'" : "'");
  return text;
}

int64_t Tensor::elements() const {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

/// The element's bits, zero extended.
static uint64_t bitsOf(const Tensor &tensor, int64_t index) {
  using namespace llvm::support;
  const char *data = tensor.bytes.data();
  unsigned bits = tensor.type->bits;
  switch (bits) {
  case 8:
    return uint8_t(data[index]);
  case 16:
    return endian::read16le(data + 2 * index);
  case 32:
    return endian::read32le(data + 4 * index);
  case 64:
    return endian::read64le(data + 8 * index);
  default: {
    int64_t perByte = 8 / bits;
    unsigned shift = unsigned(index % perByte) * bits;
    return uint8_t(data[index / perByte]) >> shift & ((1u << bits) - 1);
  }
  }
}

int64_t Tensor::integer(int64_t index) const {
  uint64_t bits = bitsOf(*this, index);
  return type->isSigned ? llvm::SignExtend64(bits, type->bits) : int64_t(bits);
}

float Tensor::real(int64_t index) const {
  uint64_t bits = bitsOf(*this, index);
  switch (type->type) {
  case ElementType::Float:
    return fromF32(uint32_t(bits));
  case ElementType::Float16:
    return fromF16(uint16_t(bits));
  case ElementType::BFloat16:
    return fromBF16(uint16_t(bits));
  case ElementType::Double:
    return float(llvm::bit_cast<double>(bits));
  default:
    return float(integer(index));
  }
}

std::vector<float> Tensor::reals() const {
  std::vector<float> values;
  for (int64_t i = 0, count = elements(); i < count; ++i)
    values.push_back(real(i));
  return values;
}

} // namespace lowbit::onnx
