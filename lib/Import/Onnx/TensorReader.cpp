//===- TensorReader.cpp - Constants of a model ----------------------------===//

#include "TensorReader.h"

#include "Wire.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Path.h"

#include <cstring>

using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

namespace lowbit::onnx {

/// A TensorProto: one of many ways to hold the elements.
struct TensorReader::Fields {
  int64_t dataType = 0;
  std::optional<StringRef> raw;
  std::vector<float> floats;
  std::vector<double> doubles;
  std::vector<int64_t> integers; ///< int32_data, int64_data or uint64_data
  bool external = false;
  std::string location, offset, length;
};

Error TensorReader::fail(const Twine &message) const {
  return fileError(path, what + " " + message);
}

static Error takeExternal(StringRef message, std::string &location,
                          std::string &offset, std::string &length) {
  StringRef key, value;
  Error error = forEachField(message, [&](const Field &field) -> Error {
    (field.number == 1 ? key : value) = field.bytes;
    return Error::success();
  });
  if (key == "location")
    location = value.str();
  else if (key == "offset")
    offset = value.str();
  else if (key == "length")
    length = value.str();
  return error;
}

Error TensorReader::collect(StringRef message, Fields &fields) {
  return forEachField(message, [&](const Field &field) -> Error {
    switch (field.number) {
    case 1:
      return appendIntegers(field, tensor->shape);
    case 2:
      fields.dataType = int64_t(field.value);
      return Error::success();
    case 4:
      return appendFloats(field, fields.floats);
    case 5:
    case 7:
    case 11:
      return appendIntegers(field, fields.integers);
    case 8:
      tensor->name = field.bytes.str();
      return Error::success();
    case 9:
      fields.raw = field.bytes;
      return Error::success();
    case 10:
      return appendDoubles(field, fields.doubles);
    case 13:
      return takeExternal(field.bytes, fields.location, fields.offset,
                          fields.length);
    case 14:
      fields.external = field.value == 1;
      return Error::success();
    default:
      return Error::success();
    }
  });
}

Error TensorReader::checkShape(const Fields &fields) {
  // Keeps every later product below 2^63.
  constexpr uint64_t kMostElements = uint64_t(1) << 48;
  tensor->type = elementInfo(fields.dataType);
  if (!tensor->type)
    return fail("has elements of the type " + Twine(fields.dataType) +
                " of onnx.proto, which is not read: export it as FLOAT or an "
                "integer type");
  if (tensor->shape.size() > 8)
    return fail("has " + Twine(tensor->shape.size()) +
                " dimensions, expected at most 8");
  uint64_t count = 1;
  for (int64_t dimension : tensor->shape) {
    if (dimension < 0 || uint64_t(dimension) > kMostElements)
      return fail("has a dimension of " + Twine(dimension) +
                  ": export the model again");
    if (dimension && count > kMostElements / uint64_t(dimension))
      return fail("has more than 2^48 elements: export the model again");
    count *= uint64_t(dimension);
  }
  size = (count * tensor->type->bits + 7) / 8;
  return Error::success();
}

/// "" is 0.
static bool readNumber(StringRef text, uint64_t &value) {
  value = 0;
  return text.empty() || !text.getAsInteger(10, value);
}

Error TensorReader::readExternal(const Fields &fields) {
  namespace sys = llvm::sys::path;
  uint64_t offset = 0, length = 0;
  if (!readNumber(fields.offset, offset) || !readNumber(fields.length, length))
    return fail("is in another file at an offset that is no number: export "
                "the model again");
  // A file may name any path of the machine that reads it.
  StringRef name = fields.location;
  bool leaves = llvm::any_of(llvm::make_range(sys::begin(name), sys::end(name)),
                             [](StringRef part) { return part == ".."; });
  if (name.empty() || sys::is_absolute(name) || leaves || name.contains('\0'))
    return fail("is in the file " + quoted(name) +
                ", but data may be only in the model's own folder");
  auto [entry, isNew] = model.mapped.try_emplace(name);
  if (isNew) {
    llvm::SmallString<256> file(sys::parent_path(path));
    sys::append(file, name);
    MappedFile &data = model.files.emplace_back();
    if (Error error = data.open(file, "the external data of a model"))
      return fail("is in another file: " + llvm::toString(std::move(error)));
    entry->second = data.bytes();
  }
  StringRef bytes = entry->second;
  if (offset > bytes.size() || size > bytes.size() - offset ||
      (!fields.length.empty() && length != size))
    return fail("has " + Twine(size) + " bytes at " + Twine(offset) + " of " +
                quoted(name) + ", which has " + Twine(bytes.size()) +
                ": copy the file again");
  tensor->bytes = bytes.substr(offset, size);
  return Error::success();
}

template <typename T, typename List>
static void writeAll(const List &values, std::string &bytes) {
  for (auto value : values) {
    T element = T(value);
    bytes.append(reinterpret_cast<const char *>(&element), sizeof element);
  }
}

static void writeIntegers(const std::vector<int64_t> &values, unsigned bits,
                          std::string &bytes) {
  // The low bytes of a little-endian number; packed elements came by the byte.
  for (int64_t value : values)
    bytes.append(reinterpret_cast<const char *>(&value),
                 bits < 8 ? 1 : bits / 8);
}

Error TensorReader::findBytes(Fields &fields) {
  if (fields.external)
    return readExternal(fields);
  if (fields.raw) {
    tensor->bytes = *fields.raw;
  } else {
    if (tensor->type->type == ElementType::Float)
      writeAll<float>(fields.floats, tensor->own);
    else if (tensor->type->type == ElementType::Double)
      writeAll<double>(fields.doubles, tensor->own);
    else
      writeIntegers(fields.integers, tensor->type->bits, tensor->own);
    tensor->bytes = tensor->own;
  }
  if (tensor->bytes.size() != size)
    return fail("has " + Twine(tensor->bytes.size()) + " bytes, expected " +
                Twine(size) + " for its shape: export the model again");
  return Error::success();
}

llvm::Expected<Tensor *> TensorReader::read(StringRef message,
                                            const Twine &where) {
  tensor = &model.tensors.emplace_back();
  Fields fields;
  if (Error error = collect(message, fields))
    return std::move(error);
  what = tensor->name.empty() ? ("the tensor " + where).str()
                              : "tensor " + quoted(tensor->name);
  if (Error error = checkShape(fields))
    return std::move(error);
  if (Error error = findBytes(fields))
    return std::move(error);
  return tensor;
}

} // namespace lowbit::onnx
