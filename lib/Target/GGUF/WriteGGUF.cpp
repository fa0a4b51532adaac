//===- WriteGGUF.cpp - Writes a GGUF file ---------------------------------===//
//
// lib/Import/GGUFFile.h draws the layout.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Target/GGUF.h"

#include "lib/Target/AtomicFile.h"

#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <thread>

namespace lowbit {

/// Rows in memory at a time take about as many bytes.
static constexpr int64_t kPartBytes = 32 << 20;

int64_t GGUFTensor::rows() const {
  int64_t count = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i)
    count *= shape[i];
  return count;
}

uint64_t GGUFTensor::bytes() const {
  return uint64_t(rows()) * uint64_t(format->rowBytes(columns()));
}

template <typename T> static void append(std::string &bytes, T value) {
  char little[sizeof(T)];
  llvm::support::endian::write<T, llvm::endianness::little>(little, value);
  bytes.append(little, sizeof little);
}

/// All in front of the data section, padded; the tensors' offsets in that.
static std::string makeHeader(const GGUFImage &image,
                              std::vector<uint64_t> &offsets) {
  std::string header = "GGUF";
  append<uint32_t>(header, 3);
  append<uint64_t>(header, image.tensors.size());
  header += image.metadata;
  uint64_t offset = 0;
  for (const GGUFTensor &tensor : image.tensors) {
    append<uint64_t>(header, tensor.name.size());
    header += tensor.name;
    append<uint32_t>(header, uint32_t(tensor.shape.size()));
    for (size_t i = tensor.shape.size(); i-- > 0;)
      append<uint64_t>(header, uint64_t(tensor.shape[i]));
    append<uint32_t>(header, tensor.format->ggmlType);
    append<uint64_t>(header, offset);
    offsets.push_back(offset);
    offset = llvm::alignTo(offset + tensor.bytes(), image.alignment);
  }
  header.resize(llvm::alignTo(header.size(), image.alignment), '\0');
  return header;
}

static llvm::Error check(const GGUFTensor &tensor) {
  if (tensor.columns() % tensor.format->blockLength == 0)
    return llvm::Error::success();
  return llvm::createStringError(
      llvm::inconvertibleErrorCode(),
      "tensor '" + tensor.name + "' has rows of " +
          std::to_string(tensor.columns()) + " elements, but " +
          tensor.format->name + " comes in blocks of " +
          std::to_string(tensor.format->blockLength) +
          ": leave it out with --tensors=REGEX or choose a type of smaller "
          "blocks");
}

/// Makes rows [first, last) of a tensor into `out`.
static void makeRows(const GGUFTensor &tensor, int64_t first, int64_t last,
                     uint8_t *out) {
  int64_t rowBytes = tensor.format->rowBytes(tensor.columns());
  int64_t workers =
      std::clamp<int64_t>(std::thread::hardware_concurrency(), 1, last - first);
  std::vector<std::thread> threads;
  for (int64_t w = 0; w < workers; ++w)
    threads.emplace_back([&, w] {
      int64_t count = last - first;
      for (int64_t row = count * w / workers; row < count * (w + 1) / workers;
           ++row)
        tensor.writeRow(first + row, out + row * rowBytes);
    });
  for (std::thread &thread : threads)
    thread.join();
}

static llvm::Error writeTensor(const GGUFTensor &tensor, AtomicFile &file,
                               uint64_t offset) {
  if (tensor.data)
    return file.write(tensor.data, tensor.bytes(), offset);
  int64_t rowBytes = tensor.format->rowBytes(tensor.columns());
  int64_t part = std::max<int64_t>(1, kPartBytes / rowBytes);
  std::vector<uint8_t> bytes;
  for (int64_t first = 0; first < tensor.rows(); first += part) {
    int64_t last = std::min(first + part, tensor.rows());
    bytes.resize(size_t((last - first) * rowBytes));
    makeRows(tensor, first, last, bytes.data());
    if (llvm::Error error = file.write(bytes.data(), bytes.size(),
                                       offset + uint64_t(first * rowBytes)))
      return error;
  }
  return llvm::Error::success();
}

llvm::Error writeGGUF(const GGUFImage &image, llvm::StringRef path,
                      Progress progress) {
  uint64_t total = 0, done = 0;
  for (const GGUFTensor &tensor : image.tensors) {
    if (llvm::Error error = check(tensor))
      return error;
    total += tensor.bytes();
  }
  AtomicFile file(path);
  if (llvm::Error error = file.open())
    return error;
  std::vector<uint64_t> offsets;
  std::string header = makeHeader(image, offsets);
  if (llvm::Error error = file.write(header.data(), header.size(), 0))
    return error;
  for (size_t i = 0; i < image.tensors.size(); ++i) {
    const GGUFTensor &tensor = image.tensors[i];
    uint64_t begin = header.size() + offsets[i];
    if (llvm::Error error = writeTensor(tensor, file, begin))
      return error;
    // Readers expect the padding of the last tensor too.
    uint64_t end = begin + tensor.bytes();
    std::string padding(llvm::alignTo(end, image.alignment) - end, '\0');
    if (llvm::Error error = file.write(padding.data(), padding.size(), end))
      return error;
    done += tensor.bytes();
    if (progress)
      progress(done, total);
  }
  return file.commit();
}

} // namespace lowbit
