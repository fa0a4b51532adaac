//===- Wire.cpp - Fields of a protocol buffer -----------------------------===//

#include "Wire.h"

#include "llvm/ADT/Twine.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Endian.h"

using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

namespace lowbit::onnx {

static Error failure(const Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static Error truncated() {
  return failure("a message ends in the middle of a field");
}

/// Takes a number of 7 bits a byte from the front.
static Error takeVarint(StringRef &bytes, uint64_t &value) {
  value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (bytes.empty())
      return truncated();
    uint8_t byte = uint8_t(bytes.front());
    bytes = bytes.drop_front();
    value |= uint64_t(byte & 0x7f) << shift;
    if (!(byte & 0x80))
      return Error::success();
  }
  return failure("a number takes more than ten bytes");
}

static Error takeFixed(StringRef &bytes, size_t size, uint64_t &value) {
  if (bytes.size() < size)
    return truncated();
  value = size == 4 ? llvm::support::endian::read32le(bytes.data())
                    : llvm::support::endian::read64le(bytes.data());
  bytes = bytes.drop_front(size);
  return Error::success();
}

static Error takeBytes(StringRef &bytes, StringRef &value) {
  uint64_t length = 0;
  if (Error error = takeVarint(bytes, length))
    return error;
  if (length > bytes.size())
    return truncated();
  value = bytes.take_front(length);
  bytes = bytes.drop_front(length);
  return Error::success();
}

static Error takeField(StringRef &bytes, Field &field) {
  uint64_t key = 0;
  if (Error error = takeVarint(bytes, key))
    return error;
  if (key >> 3 == 0 || key >> 3 > UINT32_MAX)
    return failure("a field has the number " + Twine(key >> 3));
  field.number = uint32_t(key >> 3);
  field.type = Field::Type(key & 7);
  switch (field.type) {
  case Field::Varint:
    return takeVarint(bytes, field.value);
  case Field::Fixed64:
    return takeFixed(bytes, 8, field.value);
  case Field::Fixed32:
    return takeFixed(bytes, 4, field.value);
  case Field::Bytes:
    return takeBytes(bytes, field.bytes);
  }
  return failure("a field has the unknown wire type " + Twine(key & 7));
}

float Field::asFloat() const { return llvm::bit_cast<float>(uint32_t(value)); }

Error forEachField(StringRef message,
                   llvm::function_ref<Error(const Field &field)> visit) {
  while (!message.empty()) {
    Field field;
    if (Error error = takeField(message, field))
      return error;
    if (Error error = visit(field))
      return error;
  }
  return Error::success();
}

Error appendIntegers(const Field &field, std::vector<int64_t> &values) {
  if (field.type == Field::Varint)
    values.push_back(int64_t(field.value));
  if (field.type != Field::Bytes)
    return Error::success();
  for (StringRef rest = field.bytes; !rest.empty();) {
    uint64_t value = 0;
    if (Error error = takeVarint(rest, value))
      return error;
    values.push_back(int64_t(value));
  }
  return Error::success();
}

Error appendFloats(const Field &field, std::vector<float> &values) {
  if (field.type == Field::Fixed32)
    values.push_back(field.asFloat());
  if (field.type != Field::Bytes)
    return Error::success();
  for (StringRef rest = field.bytes; !rest.empty();) {
    uint64_t value = 0;
    if (Error error = takeFixed(rest, 4, value))
      return error;
    values.push_back(llvm::bit_cast<float>(uint32_t(value)));
  }
  return Error::success();
}

Error appendDoubles(const Field &field, std::vector<double> &values) {
  if (field.type == Field::Fixed64)
    values.push_back(llvm::bit_cast<double>(field.value));
  if (field.type != Field::Bytes)
    return Error::success();
  for (StringRef rest = field.bytes; !rest.empty();) {
    uint64_t value = 0;
    if (Error error = takeFixed(rest, 8, value))
      return error;
    values.push_back(llvm::bit_cast<double>(value));
  }
  return Error::success();
}

} // namespace lowbit::onnx
