//===- ImportanceMatrix.cpp - llama.cpp's imatrix files -------------------===//

#include "lowbit/Import/ImportanceMatrix.h"

#include "GGUFFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cmath>
#include <cstring>

using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

namespace lowbit {

static constexpr const char *kMakeAgain =
    ": the file is truncated or damaged, make it again with llama-imatrix";

std::vector<float> ImportanceEntry::meanSquares(int64_t matrix) const {
  std::vector<float> means(size_t(columns()), 1.0f);
  float count = counts[size_t(matrix)];
  if (count <= 0)
    return means;
  const float *sum = sums.data() + matrix * columns();
  for (float &mean : means)
    mean = *sum++ / count;
  return means;
}

const ImportanceEntry *ImportanceMatrix::find(StringRef name) const {
  auto found = llvm::lower_bound(
      entries, name, [](const ImportanceEntry &entry, StringRef wanted) {
        return StringRef(entry.name) < wanted;
      });
  return found != entries.end() && found->name == name ? &*found : nullptr;
}

static void sortEntries(ImportanceMatrix &matrix) {
  llvm::sort(matrix.entries,
             [](const ImportanceEntry &a, const ImportanceEntry &b) {
               return a.name < b.name;
             });
}

/// What is wrong with an entry's numbers, or "".
static std::string numberError(const ImportanceEntry &entry) {
  auto isBad = [](float value) { return !std::isfinite(value) || value < 0; };
  if (llvm::any_of(entry.sums, isBad))
    return "has a sum of squares that is negative or not finite";
  if (llvm::any_of(entry.counts, isBad))
    return "has a count that is negative or not finite";
  return "";
}

//===- GGUF ---------------------------------------------------------------===//

namespace {

/// Makes an importance matrix of a parsed GGUF file.
class GGUFReader {
public:
  GGUFReader(const gguf::File &file, StringRef path) : file(file), path(path) {}

  llvm::Expected<ImportanceMatrix> run();

private:
  Error fail(const Twine &message) const {
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   path + ": " + message);
  }
  Error readPairs();
  Error readTensors();
  llvm::Expected<std::vector<float>> floatsOf(const SourceTensor &tensor) const;

  const gguf::File &file;
  StringRef path;
  ImportanceMatrix matrix;
};

} // namespace

/// The strings of an array, whose lengths the parser has checked.
static std::vector<std::string> stringsOf(const gguf::Pair &pair) {
  std::vector<std::string> strings;
  StringRef rest = pair.value;
  for (uint64_t i = 0; i < pair.count; ++i) {
    uint64_t length = llvm::support::endian::read64le(rest.data());
    strings.push_back(rest.substr(8, length).str());
    rest = rest.drop_front(8 + length);
  }
  return strings;
}

Error GGUFReader::readPairs() {
  const gguf::Pair *type = file.find("general.type");
  if (!type || type->type != gguf::ValueType::String ||
      type->value != "imatrix")
    return fail(
        "a GGUF file without general.type = 'imatrix': give a file that "
        "llama-imatrix has made");
  if (const gguf::Pair *pair = file.find("imatrix.datasets"))
    if (pair->type == gguf::ValueType::Array &&
        pair->elementType == gguf::ValueType::String)
      matrix.datasets = stringsOf(*pair);
  auto number = [&](StringRef key) -> uint32_t {
    const gguf::Pair *pair = file.find(key);
    if (!pair || pair->type != gguf::ValueType::U32)
      return 0;
    return uint32_t(gguf::integerAt(*pair, 0).value_or(0));
  };
  matrix.chunks = number("imatrix.chunk_count");
  matrix.chunkSize = number("imatrix.chunk_size");
  return Error::success();
}

llvm::Expected<std::vector<float>>
GGUFReader::floatsOf(const SourceTensor &tensor) const {
  if (!tensor.format->scheme.isFloat() || tensor.format->scheme.bits != 32)
    return fail("tensor " + gguf::quoted(tensor.name) + " is " +
                tensor.format->name + ", expected F32" + kMakeAgain);
  std::vector<float> values(tensor.bytes / sizeof(float));
  if (!values.empty())
    memcpy(values.data(), tensor.data, tensor.bytes);
  return values;
}

Error GGUFReader::readTensors() {
  llvm::StringMap<const SourceTensor *> counts;
  for (const SourceTensor &tensor : file.tensors) {
    StringRef name = tensor.name;
    if (name.consume_back(".counts"))
      counts[name] = &tensor;
  }
  for (const SourceTensor &tensor : file.tensors) {
    StringRef name = tensor.name;
    if (!name.consume_back(".in_sum2"))
      continue;
    auto found = counts.find(name);
    if (found == counts.end())
      return fail("tensor " + gguf::quoted(tensor.name) + " has no " +
                  gguf::quoted((name + ".counts").str()) + kMakeAgain);
    auto sums = floatsOf(tensor), numbers = floatsOf(*found->second);
    if (!sums || !numbers)
      return !sums ? sums.takeError() : numbers.takeError();
    ImportanceEntry entry{name.str(), std::move(*sums), std::move(*numbers)};
    if (entry.matrices() != tensor.rows())
      return fail("tensor " + gguf::quoted(tensor.name) + " has " +
                  Twine(tensor.rows()) + " rows, but " +
                  Twine(entry.matrices()) + " counts" + kMakeAgain);
    if (std::string problem = numberError(entry); !problem.empty())
      return fail(gguf::quoted(name) + " " + problem + kMakeAgain);
    matrix.entries.push_back(std::move(entry));
  }
  return Error::success();
}

llvm::Expected<ImportanceMatrix> GGUFReader::run() {
  if (Error error = readPairs())
    return std::move(error);
  if (Error error = readTensors())
    return std::move(error);
  sortEntries(matrix);
  return std::move(matrix);
}

//===- The older layout ---------------------------------------------------===//
//
//   i32 entries
//   entries x { i32 length, name, i32 calls, i32 values, f32 x values }
//   i32 chunks, i32 length, name of the data set       (both may be absent)
//
// A value is the mean of x^2 times `calls`, the chunks that have met the
// matrix.

namespace {

class LegacyReader {
public:
  LegacyReader(StringRef bytes, StringRef path) : bytes(bytes), path(path) {}

  llvm::Expected<ImportanceMatrix> run();

private:
  Error fail(const Twine &message) const {
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   path + ": " + message + kMakeAgain);
  }
  bool read(int32_t &value);
  bool readString(StringRef &value);
  Error readEntry(int32_t index, ImportanceMatrix &matrix);

  StringRef bytes; ///< that are left
  StringRef path;
};

} // namespace

bool LegacyReader::read(int32_t &value) {
  if (bytes.size() < sizeof value)
    return false;
  value = int32_t(llvm::support::endian::read32le(bytes.data()));
  bytes = bytes.drop_front(sizeof value);
  return true;
}

bool LegacyReader::readString(StringRef &value) {
  int32_t length;
  if (!read(length) || length < 0 || size_t(length) > bytes.size())
    return false;
  value = bytes.take_front(size_t(length));
  bytes = bytes.drop_front(size_t(length));
  return true;
}

Error LegacyReader::readEntry(int32_t index, ImportanceMatrix &matrix) {
  StringRef name;
  int32_t calls, values;
  if (!readString(name) || name.empty() || !read(calls) || !read(values))
    return fail("the file ends in entry " + Twine(index + 1));
  if (values <= 0 || uint64_t(values) * sizeof(float) > bytes.size() ||
      calls < 0)
    return fail("entry " + gguf::quoted(name) + " has " + Twine(values) +
                " values of " + Twine(calls) + " chunks, but the file has " +
                Twine(bytes.size()) + " bytes left");
  ImportanceEntry entry;
  entry.name = name.str();
  entry.sums.resize(size_t(values));
  memcpy(entry.sums.data(), bytes.data(), entry.sums.size() * sizeof(float));
  bytes = bytes.drop_front(entry.sums.size() * sizeof(float));
  // The oldest files have means and no calls.
  entry.counts = {calls == 0 ? 1.0f : float(calls)};
  if (std::string problem = numberError(entry); !problem.empty())
    return fail(gguf::quoted(name) + " " + problem);
  matrix.entries.push_back(std::move(entry));
  return Error::success();
}

llvm::Expected<ImportanceMatrix> LegacyReader::run() {
  ImportanceMatrix matrix;
  // The least bytes of an entry: what the file cannot hold is not begun.
  constexpr size_t kLeastEntry = 4 + 1 + 4 + 4 + 4;
  int32_t count;
  if (!read(count) || count <= 0 || size_t(count) > bytes.size() / kLeastEntry)
    return fail("neither a GGUF file nor an importance matrix of llama.cpp");
  for (int32_t i = 0; i < count; ++i)
    if (Error error = readEntry(i, matrix))
      return std::move(error);
  int32_t chunks;
  StringRef dataset;
  if (read(chunks) && chunks > 0)
    matrix.chunks = uint32_t(chunks);
  if (readString(dataset) && !dataset.empty())
    matrix.datasets.push_back(dataset.str());
  sortEntries(matrix);
  for (size_t i = 1; i < matrix.entries.size(); ++i)
    if (matrix.entries[i].name == matrix.entries[i - 1].name)
      return fail("entry " + gguf::quoted(matrix.entries[i].name) +
                  " occurs twice");
  return matrix;
}

//===- Entry points -------------------------------------------------------===//

llvm::Expected<ImportanceMatrix> readImportance(StringRef bytes,
                                                StringRef path) {
  if (!bytes.starts_with("GGUF"))
    return LegacyReader(bytes, path).run();
  auto file = gguf::parseFile(bytes, path);
  if (!file)
    return file.takeError();
  return GGUFReader(*file, path).run();
}

llvm::Expected<ImportanceMatrix> openImportance(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return llvm::createStringError(buffer.getError(),
                                   "cannot read " + path + ": " +
                                       buffer.getError().message());
  return readImportance((*buffer)->getBuffer(), path);
}

} // namespace lowbit
