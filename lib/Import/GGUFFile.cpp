//===- GGUFFile.cpp - One GGUF v3 file, taken apart -----------------------===//

#include "GGUFFile.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <limits>

using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

namespace lowbit::gguf {

static constexpr const char *kDownload =
    ": the file is truncated or damaged, download it again";

//===- Values -------------------------------------------------------------===//

uint64_t valueBytes(ValueType type) {
  switch (type) {
  case ValueType::U8:
  case ValueType::I8:
  case ValueType::Bool:
    return 1;
  case ValueType::U16:
  case ValueType::I16:
    return 2;
  case ValueType::U32:
  case ValueType::I32:
  case ValueType::F32:
    return 4;
  case ValueType::U64:
  case ValueType::I64:
  case ValueType::F64:
    return 8;
  case ValueType::String:
  case ValueType::Array:
    break;
  }
  return 0;
}

template <typename T> static T load(const char *bytes) {
  return llvm::support::endian::read<T, llvm::endianness::little>(bytes);
}

std::optional<int64_t> integerAt(const Pair &pair, uint64_t index) {
  const char *at = pair.value.data() + index * valueBytes(pair.elementType);
  switch (pair.elementType) {
  case ValueType::U8:
    return load<uint8_t>(at);
  case ValueType::I8:
    return load<int8_t>(at);
  case ValueType::U16:
    return load<uint16_t>(at);
  case ValueType::I16:
    return load<int16_t>(at);
  case ValueType::U32:
    return load<uint32_t>(at);
  case ValueType::I32:
    return load<int32_t>(at);
  case ValueType::I64:
    return load<int64_t>(at);
  case ValueType::U64: {
    auto value = load<uint64_t>(at);
    if (value > uint64_t(std::numeric_limits<int64_t>::max()))
      return std::nullopt;
    return int64_t(value);
  }
  default:
    return std::nullopt;
  }
}

std::optional<double> realAt(const Pair &pair, uint64_t index) {
  const char *at = pair.value.data() + index * valueBytes(pair.elementType);
  if (pair.elementType == ValueType::F32)
    return load<float>(at);
  if (pair.elementType == ValueType::F64)
    return load<double>(at);
  if (std::optional<int64_t> integer = integerAt(pair, index))
    return double(*integer);
  return std::nullopt;
}

const Pair *File::find(StringRef key) const {
  for (const Pair &pair : pairs)
    if (pair.key == key)
      return &pair;
  return nullptr;
}

std::string quoted(StringRef name) {
  constexpr size_t kLongest = 80;
  std::string text = "'";
  llvm::raw_string_ostream stream(text);
  llvm::printEscapedString(name.take_front(kLongest), stream);
  stream << (name.size() > kLongest ? "...'" : "'");
  return text;
}

//===- Parser -------------------------------------------------------------===//

namespace {
class Parser {
public:
  Parser(StringRef bytes, StringRef path) : bytes(bytes), path(path) {}

  llvm::Expected<File> run();

private:
  Error fail(const Twine &message) const {
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   path + ": " + message);
  }
  /// For what runs past the end; `what` is e.g. "key 'x'".
  Error endsIn(const Twine &what) const {
    return fail("the file ends at " + Twine(bytes.size()) + " in " + what +
                kDownload);
  }

  uint64_t left() const { return bytes.size() - position; }
  template <typename T> bool read(T &value);
  bool readString(StringRef &value);

  Error parseMagic();
  Error parseCounts();
  Error parsePair(uint64_t index);
  Error parseValue(Pair &pair);
  Error parseArray(Pair &pair);
  Error parseAlignment();
  Error parseTensor(uint64_t index);
  Error parseShape(SourceTensor &tensor);
  Error parseFormat(SourceTensor &tensor);
  Error placeTensors();

  StringRef bytes;
  StringRef path;
  uint64_t position = 0;
  uint64_t tensorCount = 0;
  uint64_t pairCount = 0;
  uint64_t alignment = 32;
  llvm::DenseSet<StringRef> names; ///< of the tensors so far
  std::vector<uint64_t> offsets;   ///< of the tensors, in the data section
  File file;
};
} // namespace

template <typename T> bool Parser::read(T &value) {
  if (left() < sizeof(T))
    return false;
  value = load<T>(bytes.data() + position);
  position += sizeof(T);
  return true;
}

bool Parser::readString(StringRef &value) {
  uint64_t length;
  if (!read(length) || length > left())
    return false;
  value = bytes.substr(position, length);
  position += length;
  return true;
}

/// What a file that is not GGUF may be instead, with advice.
static const char *otherKind(StringRef bytes) {
  if (bytes.empty())
    return "the file is empty, download it again";
  if (bytes.starts_with("version https://git-lfs"))
    return "it is a Git LFS pointer, fetch the model itself with `git lfs "
           "pull`";
  if (bytes.starts_with("PK\x03\x04"))
    return "it is a zip archive, give a .gguf file";
  if (bytes.size() > 8 && bytes[8] == '{')
    return "it looks like safetensors, convert it to GGUF first";
  if (bytes.ltrim().starts_with("<"))
    return "it looks like a web page, download the model again";
  return "expected the bytes 'GGUF' at its start, give a .gguf file";
}

Error Parser::parseMagic() {
  if (!bytes.starts_with("GGUF"))
    return fail(Twine("not a GGUF file: ") + otherKind(bytes));
  position = 4;
  uint32_t version;
  if (!read(version))
    return endsIn("the header");
  if (version != 0 && (version & 0xffff) == 0)
    return fail("a big-endian GGUF file: convert the model again for "
                "little-endian machines");
  if (version == 1 || version == 2)
    return fail("GGUF version " + Twine(version) +
                " is too old, expected 3: convert the model again");
  if (version != 3)
    return fail("GGUF version " + Twine(version) +
                " is unknown, expected 3: the file is damaged or newer than "
                "this compiler");
  return Error::success();
}

Error Parser::parseCounts() {
  // The least bytes that a tensor's description or a pair takes; what the file
  // cannot hold is not allocated.
  constexpr uint64_t kLeastTensor = 8 + 4 + 8 + 4 + 8, kLeastPair = 8 + 4 + 1;
  if (!read(tensorCount) || !read(pairCount))
    return endsIn("the header");
  if (tensorCount > left() / kLeastTensor)
    return fail("a header of " + Twine(tensorCount) + " tensors in a file of " +
                Twine(bytes.size()) + " bytes" + kDownload);
  if (pairCount > left() / kLeastPair)
    return fail("a header of " + Twine(pairCount) +
                " key-value pairs in a file of " + Twine(bytes.size()) +
                " bytes" + kDownload);
  return Error::success();
}

Error Parser::parsePair(uint64_t index) {
  Pair &pair = file.pairs.emplace_back();
  uint64_t start = position;
  if (!readString(pair.key))
    return endsIn("the key of pair " + Twine(index + 1) + " of " +
                  Twine(pairCount));
  uint32_t type;
  if (!read(type))
    return endsIn("key " + quoted(pair.key));
  if (type > uint32_t(ValueType::F64))
    return fail("key " + quoted(pair.key) + " has the unknown type " +
                Twine(type) + kDownload);
  pair.type = pair.elementType = ValueType(type);
  if (Error error = parseValue(pair))
    return error;
  pair.whole = bytes.slice(start, position);
  return Error::success();
}

Error Parser::parseValue(Pair &pair) {
  if (pair.type == ValueType::Array)
    return parseArray(pair);
  if (pair.type == ValueType::String)
    return readString(pair.value)
               ? Error::success()
               : endsIn("the text of key " + quoted(pair.key));
  uint64_t size = valueBytes(pair.type);
  if (left() < size)
    return endsIn("the value of key " + quoted(pair.key));
  pair.value = bytes.substr(position, size);
  position += size;
  if (pair.type == ValueType::Bool && uint8_t(pair.value[0]) > 1)
    return fail("key " + quoted(pair.key) + " is a boolean of value " +
                Twine(unsigned(uint8_t(pair.value[0]))) + kDownload);
  return Error::success();
}

Error Parser::parseArray(Pair &pair) {
  uint32_t type;
  if (!read(type) || !read(pair.count))
    return endsIn("the array of key " + quoted(pair.key));
  pair.elementType = ValueType(type);
  if (pair.elementType == ValueType::Array)
    return fail("key " + quoted(pair.key) +
                " is an array of arrays, which no GGUF writer makes: the file "
                "is damaged, download it again");
  uint64_t start = position, size = valueBytes(pair.elementType);
  if (size == 0 && pair.elementType != ValueType::String)
    return fail("key " + quoted(pair.key) +
                " is an array of the unknown type " + Twine(type) + kDownload);
  // A string takes at least the 8 bytes of its length.
  if (pair.count > left() / (size ? size : 8))
    return fail("key " + quoted(pair.key) + " is an array of " +
                Twine(pair.count) + " elements at offset " + Twine(position) +
                ", but the file ends at " + Twine(bytes.size()) + kDownload);
  position += size * pair.count;
  if (pair.elementType == ValueType::String) {
    StringRef element;
    for (uint64_t i = 0; i < pair.count; ++i)
      if (!readString(element))
        return endsIn("element " + Twine(i) + " of key " + quoted(pair.key));
  }
  pair.value = bytes.slice(start, position);
  return Error::success();
}

Error Parser::parseAlignment() {
  // Writers use 32; the bound keeps rounding up far from any overflow.
  constexpr uint32_t kLargest = 1 << 16;
  const Pair *pair = file.find("general.alignment");
  if (!pair)
    return Error::success();
  if (pair->type != ValueType::U32)
    return fail("key 'general.alignment' is no u32" + Twine(kDownload));
  auto value = load<uint32_t>(pair->value.data());
  if (!llvm::isPowerOf2_32(value) || value < 8 || value > kLargest)
    return fail("key 'general.alignment' is " + Twine(value) +
                ", expected a power of two from 8 to 65536" + kDownload);
  alignment = value;
  return Error::success();
}

Error Parser::parseTensor(uint64_t index) {
  SourceTensor &tensor = file.tensors.emplace_back();
  StringRef name;
  if (!readString(name))
    return endsIn("the name of tensor " + Twine(index + 1) + " of " +
                  Twine(tensorCount));
  if (!names.insert(name).second)
    return fail("tensor " + quoted(name) + " occurs twice" + kDownload);
  tensor.name = name.str();
  if (Error error = parseShape(tensor))
    return error;
  if (Error error = parseFormat(tensor))
    return error;
  if (!read(offsets.emplace_back()))
    return endsIn("tensor " + quoted(name));
  return Error::success();
}

Error Parser::parseShape(SourceTensor &tensor) {
  uint32_t rank;
  if (!read(rank))
    return endsIn("tensor " + quoted(tensor.name));
  if (rank < 1 || rank > 4)
    return fail("tensor " + quoted(tensor.name) + " has " + Twine(rank) +
                " dimensions, expected 1 to 4" + kDownload);
  // Keeps every product with a block's bytes below 2^63.
  constexpr uint64_t kMostElements = uint64_t(1) << 56;
  uint64_t elements = 1;
  for (uint32_t i = 0; i < rank; ++i) {
    uint64_t dimension;
    if (!read(dimension))
      return endsIn("tensor " + quoted(tensor.name));
    if (dimension == 0)
      return fail("tensor " + quoted(tensor.name) + " has a dimension of 0" +
                  kDownload);
    if (dimension > kMostElements / elements)
      return fail("tensor " + quoted(tensor.name) +
                  " has more elements than any file holds" + kDownload);
    elements *= dimension;
    tensor.shape.insert(tensor.shape.begin(), int64_t(dimension));
  }
  return Error::success();
}

Error Parser::parseFormat(SourceTensor &tensor) {
  uint32_t type;
  if (!read(type))
    return endsIn("tensor " + quoted(tensor.name));
  tensor.format = findBitFormat(type);
  if (!tensor.format) {
    std::string_view known = refusedFormatName(type);
    if (known.empty())
      return fail("tensor " + quoted(tensor.name) + " has the unknown type " +
                  Twine(type) + kDownload);
    return fail("tensor " + quoted(tensor.name) + " has type " + Twine(type) +
                " (" + StringRef(known.data(), known.size()) +
                "), which is not supported: use a file of Q4_K, Q6_K, Q8_0 or "
                "another format of docs/Formats.md");
  }
  if (tensor.columns() % tensor.format->blockLength)
    return fail("tensor " + quoted(tensor.name) + " has rows of " +
                Twine(tensor.columns()) + " elements, but " +
                tensor.format->name + " comes in blocks of " +
                Twine(tensor.format->blockLength) + kDownload);
  tensor.bytes =
      uint64_t(tensor.rows() * tensor.format->rowBytes(tensor.columns()));
  return Error::success();
}

/// Where each tensor's bytes are. Tensors fill the data section in any order,
/// without gap or overlap: a wrong offset is thus found, not read.
Error Parser::placeTensors() {
  if (file.tensors.empty())
    return Error::success();
  uint64_t dataStart = llvm::alignTo(position, alignment);
  std::vector<size_t> order(file.tensors.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  llvm::sort(order, [&](size_t a, size_t b) {
    return std::make_pair(offsets[a], a) < std::make_pair(offsets[b], b);
  });
  uint64_t expected = 0;
  for (size_t i : order) {
    SourceTensor &tensor = file.tensors[i];
    uint64_t offset = offsets[i];
    // `expected` is within the file by now, so the sums cannot wrap.
    if (dataStart + expected > bytes.size() || offset > bytes.size() ||
        tensor.bytes > bytes.size() ||
        dataStart + offset + tensor.bytes > bytes.size())
      return fail(
          "tensor " + quoted(tensor.name) + " needs " + Twine(tensor.bytes) +
          " bytes at offset " +
          (offset > bytes.size() ? Twine(offset) : Twine(dataStart + offset)) +
          ", but the file ends at " + Twine(bytes.size()) + kDownload);
    if (offset != expected)
      return fail("tensor " + quoted(tensor.name) + " begins at offset " +
                  Twine(dataStart + offset) + ", expected " +
                  Twine(dataStart + expected) +
                  (offset < expected ? ": it overlaps another tensor"
                                     : ": it leaves a gap") +
                  kDownload);
    tensor.data = bytes.bytes_begin() + dataStart + offset;
    expected = llvm::alignTo(offset + tensor.bytes, alignment);
  }
  return Error::success();
}

llvm::Expected<File> Parser::run() {
  if (Error error = parseMagic())
    return std::move(error);
  if (Error error = parseCounts())
    return std::move(error);

  llvm::DenseSet<StringRef> keys;
  for (uint64_t i = 0; i < pairCount; ++i) {
    if (Error error = parsePair(i))
      return std::move(error);
    if (!keys.insert(file.pairs.back().key).second)
      return fail("key " + quoted(file.pairs.back().key) + " occurs twice" +
                  kDownload);
  }
  if (Error error = parseAlignment())
    return std::move(error);

  for (uint64_t i = 0; i < tensorCount; ++i)
    if (Error error = parseTensor(i))
      return std::move(error);
  if (Error error = placeTensors())
    return std::move(error);
  return std::move(file);
}

llvm::Expected<File> parseFile(StringRef bytes, StringRef path) {
  return Parser(bytes, path).run();
}

} // namespace lowbit::gguf
