//===- SafetensorsFile.cpp - One safetensors file, taken apart ------------===//

#include "SafetensorsFile.h"

#include "Json.h"
#include "lib/Import/MappedFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/raw_ostream.h"

using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

namespace lowbit::safetensors {

static constexpr const char *kDownload =
    ": the file is truncated or damaged, download it again";

/// All that the format knows but complex numbers. Sub-byte elements are packed,
/// the first one in the low bits.
static constexpr ElementType kElementTypes[] = {
    {"F64", 64},    {"F32", 32},    {"F16", 16},    {"BF16", 16},
    {"F8_E4M3", 8}, {"F8_E5M2", 8}, {"F8_E8M0", 8}, {"F6_E2M3", 6},
    {"F6_E3M2", 6}, {"F4", 4},      {"I64", 64},    {"I32", 32},
    {"I16", 16},    {"I8", 8},      {"U64", 64},    {"U32", 32},
    {"U16", 16},    {"U8", 8},      {"BOOL", 8},
};

std::string quoted(StringRef name) {
  constexpr size_t kLongest = 120;
  std::string text = "'";
  llvm::raw_string_ostream stream(text);
  llvm::printEscapedString(name.take_front(kLongest), stream);
  stream << (name.size() > kLongest ? "...'" : "'");
  return text;
}

namespace {
class Parser {
public:
  Parser(StringRef bytes, StringRef path) : bytes(bytes), path(path) {}

  llvm::Expected<File> run();

private:
  Error fail(const Twine &message) const { return fileError(path, message); }
  Error failTensor(const Tensor &tensor, const Twine &message) const {
    return fail("tensor " + quoted(tensor.name) + " " + message + kDownload);
  }

  Error findHeader(StringRef &header);
  Error parseTensor(StringRef name, const llvm::json::Value &value);
  Error parseType(Tensor &tensor, const llvm::json::Object &object);
  Error parseShape(Tensor &tensor, const llvm::json::Object &object,
                   uint64_t &bits);
  Error parseOffsets(Tensor &tensor, const llvm::json::Object &object,
                     uint64_t bits);
  void takeMetadata(const llvm::json::Value &value);
  Error checkOrder();

  StringRef bytes, path;
  StringRef data; ///< the data section
  File file;
};
} // namespace

Error Parser::findHeader(StringRef &header) {
  constexpr uint64_t kLengthBytes = 8;
  // The reference reader's own bound.
  constexpr uint64_t kLongestHeader = 100'000'000;
  if (bytes.empty())
    return fail("the file is empty, download it again");
  if (bytes.starts_with("version https://git-lfs"))
    return fail("it is a Git LFS pointer, fetch the model itself with `git lfs "
                "pull`");
  if (bytes.size() < kLengthBytes)
    return fail("the file ends at " + Twine(bytes.size()) +
                " in the header's length" + kDownload);
  uint64_t length = llvm::support::endian::read64le(bytes.data());
  StringRef rest = bytes.drop_front(kLengthBytes);
  if (!rest.starts_with("{"))
    return fail("not a safetensors file (no JSON behind the header's length): "
                "download it again");
  if (length > kLongestHeader || length > rest.size())
    return fail("a header of " + Twine(length) + " bytes in a file of " +
                Twine(bytes.size()) + kDownload);
  header = rest.take_front(length);
  data = rest.drop_front(length);
  return Error::success();
}

Error Parser::parseType(Tensor &tensor, const llvm::json::Object &object) {
  StringRef name = object.getString("dtype").value_or("");
  for (const ElementType &known : kElementTypes)
    if (name == known.name) {
      tensor.type = &known;
      return Error::success();
    }
  return fail("tensor " + quoted(tensor.name) + " has the unknown dtype " +
              quoted(name) +
              ": save the model as float32, float16 or "
              "bfloat16");
}

/// `bits` gets the size of all elements.
Error Parser::parseShape(Tensor &tensor, const llvm::json::Object &object,
                         uint64_t &bits) {
  // Keeps every later product below 2^63.
  constexpr uint64_t kMostElements = uint64_t(1) << 56;
  const llvm::json::Array *shape = object.getArray("shape");
  if (!shape)
    return failTensor(tensor, "has no shape");
  if (shape->size() > 8)
    return failTensor(tensor, "has " + Twine(shape->size()) + " dimensions");
  uint64_t elements = 1;
  for (const llvm::json::Value &value : *shape) {
    std::optional<int64_t> size = value.getAsInteger();
    if (!size || *size < 0)
      return failTensor(tensor, "has a dimension that is no size");
    if (*size > 0 && elements > kMostElements / uint64_t(*size))
      return failTensor(tensor, "has more elements than any file holds");
    elements *= uint64_t(*size);
    tensor.shape.push_back(*size);
  }
  bits = elements * uint64_t(tensor.type->bits);
  if (bits % 8)
    return failTensor(tensor, "of " + Twine(elements) + " elements of " +
                                  tensor.type->name + " is no whole bytes");
  return Error::success();
}

Error Parser::parseOffsets(Tensor &tensor, const llvm::json::Object &object,
                           uint64_t bits) {
  const llvm::json::Array *offsets = object.getArray("data_offsets");
  std::optional<uint64_t> begin, end;
  if (offsets && offsets->size() == 2) {
    begin = (*offsets)[0].getAsUINT64();
    end = (*offsets)[1].getAsUINT64();
  }
  if (!begin || !end || *begin > *end)
    return failTensor(tensor, "has no data_offsets [begin, end]");
  if (*end > data.size())
    return failTensor(tensor, "ends at byte " + Twine(*end) +
                                  " of a data section of " +
                                  Twine(data.size()));
  tensor.bytes = *end - *begin;
  if (tensor.bytes != bits / 8)
    return failTensor(tensor, "has " + Twine(tensor.bytes) +
                                  " bytes, but its shape and dtype say " +
                                  Twine(bits / 8));
  tensor.data = data.bytes_begin() + *begin;
  return Error::success();
}

Error Parser::parseTensor(StringRef name, const llvm::json::Value &value) {
  Tensor &tensor = file.tensors.emplace_back();
  tensor.name = name.str();
  const llvm::json::Object *object = value.getAsObject();
  if (!object)
    return failTensor(tensor, "is not described by an object");
  uint64_t bits = 0;
  if (Error error = parseType(tensor, *object))
    return error;
  if (Error error = parseShape(tensor, *object, bits))
    return error;
  return parseOffsets(tensor, *object, bits);
}

/// Values that are not text are nobody's and left out.
void Parser::takeMetadata(const llvm::json::Value &value) {
  const llvm::json::Object *object = value.getAsObject();
  if (!object)
    return;
  for (const auto &[key, text] : *object)
    if (std::optional<StringRef> string = text.getAsString())
      file.metadata.emplace_back(StringRef(key).str(), string->str());
}

/// Tensors fill the data section without gap or overlap: a wrong offset is thus
/// found, not read.
Error Parser::checkOrder() {
  std::vector<const Tensor *> order;
  for (const Tensor &tensor : file.tensors)
    order.push_back(&tensor);
  // An empty tensor lies in front of the one that begins where it does.
  llvm::sort(order, [](const Tensor *a, const Tensor *b) {
    return std::make_tuple(a->data, a->bytes, a->name) <
           std::make_tuple(b->data, b->bytes, b->name);
  });
  const uint8_t *expected = data.bytes_begin();
  for (const Tensor *tensor : order) {
    if (tensor->data != expected)
      return failTensor(
          *tensor, "begins at byte " +
                       Twine(uint64_t(tensor->data - data.bytes_begin())) +
                       " of the data, expected " +
                       Twine(uint64_t(expected - data.bytes_begin())) +
                       (tensor->data < expected ? ": it overlaps another tensor"
                                                : ": it leaves a gap"));
    expected += tensor->bytes;
  }
  if (expected != data.bytes_end())
    return fail("the tensors end at byte " +
                Twine(uint64_t(expected - data.bytes_begin())) +
                " of a data section of " + Twine(data.size()) + kDownload);
  return Error::success();
}

llvm::Expected<File> Parser::run() {
  StringRef header;
  if (Error error = findHeader(header))
    return std::move(error);
  llvm::Expected<llvm::json::Object> object =
      huggingface::parseJson(header, path);
  if (!object)
    return object.takeError();
  for (const auto &[key, value] : *object)
    if (StringRef(key) == "__metadata__")
      takeMetadata(value);
    else if (Error error = parseTensor(key, value))
      return std::move(error);
  // A hash table's order is nobody's.
  llvm::sort(file.tensors,
             [](const Tensor &a, const Tensor &b) { return a.name < b.name; });
  llvm::sort(file.metadata);
  if (Error error = checkOrder())
    return std::move(error);
  return std::move(file);
}

llvm::Expected<File> parseFile(StringRef bytes, StringRef path) {
  return Parser(bytes, path).run();
}

} // namespace lowbit::safetensors
