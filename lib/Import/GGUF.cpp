//===- GGUF.cpp - GGUF files as a model source ----------------------------===//

#include "GGUFFile.h"
#include "MappedFile.h"
#include "WeightScales.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"

using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

namespace lowbit {

using gguf::Pair;
using gguf::ValueType;

//===- Source -------------------------------------------------------------===//

namespace {
class GGUFSource final : public ModelSource {
public:
  explicit GGUFSource(StringRef path) : filePath(path.str()) {}

  /// Maps the file, and its other parts if it is split.
  Error open();
  /// For bytes that somebody else keeps.
  Error read(StringRef bytes);
  Error foldScales() {
    return foldWeightScales(file.tensors, formats, filePath);
  }

  llvm::ArrayRef<SourceTensor> tensors() const override { return file.tensors; }
  std::optional<StringRef> string(StringRef key) const override;
  std::optional<int64_t> integer(StringRef key) const override;
  std::optional<double> real(StringRef key) const override;
  std::optional<bool> boolean(StringRef key) const override;
  std::vector<int64_t> integers(StringRef key) const override;
  std::vector<double> reals(StringRef key) const override;
  bool has(StringRef key) const override { return file.find(key); }
  std::optional<uint64_t> arrayLength(StringRef key) const override;
  std::string metadataBytes() const override;
  StringRef path() const override { return filePath; }

private:
  Error openParts();
  Error openPart(const std::string &path, int64_t index, int64_t count);

  std::string filePath;
  std::vector<MappedFile> maps;
  gguf::File file;              ///< the first part's pairs, all parts' tensors
  std::list<BitFormat> formats; ///< that tensors point to
};
} // namespace

Error GGUFSource::read(StringRef bytes) {
  llvm::Expected<gguf::File> parsed = gguf::parseFile(bytes, filePath);
  if (!parsed)
    return parsed.takeError();
  file = std::move(*parsed);
  return Error::success();
}

Error GGUFSource::open() {
  if (Error error = maps.emplace_back().open(filePath, "a .gguf file"))
    return error;
  if (Error error = read(maps.back().bytes()))
    return error;
  if (Error error = openParts())
    return error;
  return foldScales();
}

/// "model-00002-of-00003.gguf" for the stem "model".
static std::string partName(StringRef stem, int64_t index, int64_t count) {
  return llvm::formatv("{0}-{1,0+5}-of-{2,0+5}.gguf", stem, index + 1, count)
      .str();
}

Error GGUFSource::openParts() {
  int64_t count = integer("split.count").value_or(1);
  if (count <= 1)
    return Error::success();
  int64_t index = integer("split.no").value_or(0);
  if (index != 0)
    return fileError(filePath, "this is part " + Twine(index + 1) + " of " +
                                   Twine(count) + ": give the first part");
  StringRef stem = filePath;
  if (!stem.consume_back(partName("", 0, count)))
    return fileError(filePath, "the first of " + Twine(count) +
                                   " parts, but its name does not end in '" +
                                   partName("", 0, count) +
                                   "': give the parts the names they were "
                                   "downloaded under");
  for (int64_t i = 1; i < count; ++i)
    if (Error error = openPart(partName(stem, i, count), i, count))
      return error;

  llvm::DenseSet<StringRef> names;
  for (const SourceTensor &tensor : file.tensors)
    if (!names.insert(tensor.name).second)
      return fileError(filePath,
                       "tensor " + gguf::quoted(tensor.name) +
                           " is in two parts: the parts are not of one "
                           "model, download them again");
  std::optional<int64_t> total = integer("split.tensors.count");
  if (total && *total != int64_t(file.tensors.size()))
    return fileError(filePath, "the parts hold " + Twine(file.tensors.size()) +
                                   " tensors, expected " + Twine(*total) +
                                   ": download them again");
  return Error::success();
}

Error GGUFSource::openPart(const std::string &path, int64_t index,
                           int64_t count) {
  if (!llvm::sys::fs::exists(path))
    return fileError(path, "no such file: part " + Twine(index + 1) + " of " +
                               Twine(count) + " is missing, download it too");
  if (Error error = maps.emplace_back().open(path, "a .gguf file"))
    return error;
  llvm::Expected<gguf::File> part = gguf::parseFile(maps.back().bytes(), path);
  if (!part)
    return part.takeError();
  auto number = [&](const char *key) -> int64_t {
    const Pair *pair = part->find(key);
    if (!pair || pair->type == ValueType::Array)
      return -1;
    return gguf::integerAt(*pair, 0).value_or(-1);
  };
  if (number("split.no") != index || number("split.count") != count)
    return fileError(path, "this is not part " + Twine(index + 1) + " of " +
                               Twine(count) + ": download it again");
  std::move(part->tensors.begin(), part->tensors.end(),
            std::back_inserter(file.tensors));
  return Error::success();
}

//===- Pairs --------------------------------------------------------------===//

std::optional<StringRef> GGUFSource::string(StringRef key) const {
  const Pair *pair = file.find(key);
  if (!pair || pair->type != ValueType::String)
    return std::nullopt;
  return pair->value;
}

std::optional<int64_t> GGUFSource::integer(StringRef key) const {
  const Pair *pair = file.find(key);
  if (!pair || pair->type == ValueType::Array)
    return std::nullopt;
  return gguf::integerAt(*pair, 0);
}

std::optional<double> GGUFSource::real(StringRef key) const {
  const Pair *pair = file.find(key);
  if (!pair || pair->type == ValueType::Array)
    return std::nullopt;
  return gguf::realAt(*pair, 0);
}

std::optional<bool> GGUFSource::boolean(StringRef key) const {
  const Pair *pair = file.find(key);
  if (!pair || pair->type != ValueType::Bool)
    return std::nullopt;
  return pair->value[0] != 0;
}

/// The elements of an array that `at` reads; empty if one is no such number.
template <typename T>
static std::vector<T> elements(const Pair *pair,
                               std::optional<T> (*at)(const Pair &, uint64_t)) {
  std::vector<T> values;
  if (!pair || pair->type != ValueType::Array)
    return values;
  for (uint64_t i = 0; i < pair->count; ++i) {
    std::optional<T> value = at(*pair, i);
    if (!value)
      return {};
    values.push_back(*value);
  }
  return values;
}

/// Patterns of layers are lists of booleans.
static std::optional<int64_t> integerOrBooleanAt(const Pair &pair,
                                                 uint64_t index) {
  if (pair.elementType == ValueType::Bool)
    return pair.value[index] != 0;
  return gguf::integerAt(pair, index);
}

std::vector<int64_t> GGUFSource::integers(StringRef key) const {
  return elements<int64_t>(file.find(key), integerOrBooleanAt);
}

std::vector<double> GGUFSource::reals(StringRef key) const {
  return elements<double>(file.find(key), gguf::realAt);
}

std::optional<uint64_t> GGUFSource::arrayLength(StringRef key) const {
  const Pair *pair = file.find(key);
  if (!pair || pair->type != ValueType::Array)
    return std::nullopt;
  return pair->count;
}

std::string GGUFSource::metadataBytes() const {
  uint64_t count = 0, size = 8;
  for (const Pair &pair : file.pairs)
    if (!pair.key.starts_with("split.")) {
      ++count;
      size += pair.whole.size();
    }
  std::string text(8, '\0');
  text.reserve(size);
  llvm::support::endian::write64le(text.data(), count);
  for (const Pair &pair : file.pairs)
    if (!pair.key.starts_with("split."))
      text.append(pair.whole.data(), pair.whole.size());
  return text;
}

//===- Entry points -------------------------------------------------------===//

llvm::Expected<std::unique_ptr<ModelSource>> openGGUF(StringRef path) {
  auto source = std::make_unique<GGUFSource>(path);
  if (Error error = source->open())
    return std::move(error);
  return source;
}

llvm::Expected<std::unique_ptr<ModelSource>> readGGUF(StringRef bytes,
                                                      StringRef path) {
  auto source = std::make_unique<GGUFSource>(path);
  if (Error error = source->read(bytes))
    return std::move(error);
  if (Error error = source->foldScales())
    return std::move(error);
  return source;
}

} // namespace lowbit
