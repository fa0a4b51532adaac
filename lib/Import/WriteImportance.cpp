//===- WriteImportance.cpp - Writes llama.cpp's imatrix files -------------===//

#include "lowbit/Import/ImportanceMatrix.h"

#include "GGUFFile.h"

#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cmath>

using llvm::StringRef;

namespace lowbit {

static constexpr uint64_t kAlignment = 32;

namespace {
/// Appends numbers, little-endian.
struct Bytes {
  template <typename T> void put(T value) {
    char little[sizeof(T)];
    llvm::support::endian::write<T, llvm::endianness::little>(little, value);
    text.append(little, sizeof little);
  }
  void put(const std::vector<float> &values) {
    for (float value : values)
      put(value);
  }
  template <typename Length> void putString(StringRef value) {
    put(Length(value.size()));
    text += value;
  }
  void pad() { text.resize(llvm::alignTo(text.size(), kAlignment), '\0'); }

  std::string text;
};

/// Sums or counts as a tensor.
struct ImportanceTensor {
  std::string name;
  const std::vector<float> *values;
  uint64_t columns, rows;
};
} // namespace

static void putPairs(const ImportanceMatrix &matrix, Bytes &bytes) {
  auto key = [&](StringRef name, gguf::ValueType type) {
    bytes.putString<uint64_t>(name);
    bytes.put(uint32_t(type));
  };
  key("general.type", gguf::ValueType::String);
  bytes.putString<uint64_t>("imatrix");
  key("imatrix.datasets", gguf::ValueType::Array);
  bytes.put(uint32_t(gguf::ValueType::String));
  bytes.put(uint64_t(matrix.datasets.size()));
  for (const std::string &dataset : matrix.datasets)
    bytes.putString<uint64_t>(dataset);
  key("imatrix.chunk_count", gguf::ValueType::U32);
  bytes.put(matrix.chunks);
  key("imatrix.chunk_size", gguf::ValueType::U32);
  bytes.put(matrix.chunkSize);
}

static std::string ggufBytes(const ImportanceMatrix &matrix) {
  std::vector<ImportanceTensor> tensors;
  for (const ImportanceEntry &entry : matrix.entries) {
    uint64_t matrices = uint64_t(entry.matrices());
    tensors.push_back({entry.name + ".in_sum2", &entry.sums,
                       uint64_t(entry.columns()), matrices});
    tensors.push_back({entry.name + ".counts", &entry.counts, 1, matrices});
  }
  Bytes bytes;
  bytes.text = "GGUF";
  bytes.put(uint32_t(3));
  bytes.put(uint64_t(tensors.size()));
  bytes.put(uint64_t(4)); // pairs
  putPairs(matrix, bytes);
  uint64_t offset = 0;
  for (const ImportanceTensor &tensor : tensors) {
    bytes.putString<uint64_t>(tensor.name);
    bytes.put(uint32_t(2));
    bytes.put(tensor.columns);
    bytes.put(tensor.rows);
    bytes.put(findBitFormat(Scheme::ofFloat(FieldType::F32))->ggmlType);
    bytes.put(offset);
    offset = llvm::alignTo(offset + tensor.values->size() * sizeof(float),
                           kAlignment);
  }
  bytes.pad();
  for (const ImportanceTensor &tensor : tensors) {
    bytes.put(*tensor.values);
    bytes.pad();
  }
  return std::move(bytes.text);
}

/// Chunks that hold so many rows, rounded up; where the size of a chunk is not
/// known, counts are chunks already.
static int32_t callsOf(const ImportanceMatrix &matrix,
                       const ImportanceEntry &entry) {
  double most = *std::max_element(entry.counts.begin(), entry.counts.end());
  double size = matrix.chunkSize ? matrix.chunkSize : 1;
  return int32_t(std::clamp(std::ceil(most / size), 1.0, 2147483647.0));
}

static std::string legacyBytes(const ImportanceMatrix &matrix) {
  Bytes bytes;
  bytes.put(int32_t(matrix.entries.size()));
  for (const ImportanceEntry &entry : matrix.entries) {
    bytes.putString<int32_t>(entry.name);
    int32_t calls = callsOf(matrix, entry);
    bytes.put(calls);
    bytes.put(int32_t(entry.sums.size()));
    for (int64_t m = 0; m < entry.matrices(); ++m)
      for (float mean : entry.meanSquares(m))
        bytes.put(mean * float(calls));
  }
  bytes.put(int32_t(matrix.chunks));
  bytes.putString<int32_t>(matrix.datasets.empty() ? StringRef()
                                                   : matrix.datasets.back());
  return std::move(bytes.text);
}

std::string importanceBytes(const ImportanceMatrix &matrix,
                            ImportanceLayout layout) {
  return layout == ImportanceLayout::GGUF ? ggufBytes(matrix)
                                          : legacyBytes(matrix);
}

llvm::Error writeImportance(const ImportanceMatrix &matrix,
                            ImportanceLayout layout, StringRef path) {
  std::string bytes = importanceBytes(matrix, layout);
  return llvm::writeToOutput(path, [&](llvm::raw_ostream &os) -> llvm::Error {
    os << bytes;
    os.flush();
    // Always a stream of a file; its destructor ends the program if an error is
    // left in it.
    auto &file = static_cast<llvm::raw_fd_ostream &>(os);
    if (!file.has_error())
      return llvm::Error::success();
    std::error_code error = file.error();
    file.clear_error();
    return llvm::createStringError(error, "cannot write " + path + ": " +
                                              error.message());
  });
}

} // namespace lowbit
