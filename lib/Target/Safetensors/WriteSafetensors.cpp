//===- WriteSafetensors.cpp - Writes a safetensors file -------------------===//
//
// lib/Import/HuggingFace/SafetensorsFile.h draws the layout.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Target/Safetensors.h"

#include "lib/Target/AtomicFile.h"

#include "llvm/Support/Endian.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace lowbit {

/// Rows in memory at a time take about as many bytes.
static constexpr int64_t kPartBytes = 32 << 20;
/// Where the data section begins, as the format's own writer has it.
static constexpr uint64_t kAlignment = 8;

/// Length and text, padded with spaces.
static std::string makeHeader(llvm::ArrayRef<SafetensorsTensor> tensors) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::json::OStream json(os);
  uint64_t offset = 0;
  json.object([&] {
    json.attributeObject("__metadata__",
                         [&] { json.attribute("format", "pt"); });
    for (const SafetensorsTensor &tensor : tensors)
      json.attributeObject(tensor.name, [&] {
        json.attribute("dtype", tensor.type);
        json.attributeArray("shape", [&] {
          for (int64_t size : tensor.shape)
            json.value(size);
        });
        json.attributeArray("data_offsets", [&] {
          json.value(int64_t(offset));
          offset += tensor.bytes();
          json.value(int64_t(offset));
        });
      });
  });
  json.flush();
  text.resize(llvm::alignTo(text.size(), kAlignment), ' ');
  std::string header(8, '\0');
  llvm::support::endian::write64le(header.data(), text.size());
  return header + text;
}

static llvm::Error writeTensor(const SafetensorsTensor &tensor,
                               AtomicFile &file, uint64_t offset) {
  if (tensor.data)
    return file.write(tensor.data, tensor.bytes(), offset);
  int64_t part =
      std::max<int64_t>(1, kPartBytes / std::max<int64_t>(tensor.rowBytes, 1));
  std::vector<uint8_t> bytes;
  for (int64_t first = 0; first < tensor.rows; first += part) {
    int64_t count = std::min(part, tensor.rows - first);
    bytes.assign(size_t(count * tensor.rowBytes), 0);
    for (int64_t row = 0; row < count; ++row)
      tensor.writeRow(first + row, bytes.data() + row * tensor.rowBytes);
    if (llvm::Error error =
            file.write(bytes.data(), bytes.size(),
                       offset + uint64_t(first * tensor.rowBytes)))
      return error;
  }
  return llvm::Error::success();
}

llvm::Error writeSafetensors(llvm::ArrayRef<SafetensorsTensor> tensors,
                             llvm::StringRef path, Progress progress) {
  uint64_t total = 0, done = 0;
  for (const SafetensorsTensor &tensor : tensors)
    total += tensor.bytes();
  AtomicFile file(path);
  if (llvm::Error error = file.open())
    return error;
  std::string header = makeHeader(tensors);
  if (llvm::Error error = file.write(header.data(), header.size(), 0))
    return error;
  for (const SafetensorsTensor &tensor : tensors) {
    if (llvm::Error error = writeTensor(tensor, file, header.size() + done))
      return error;
    done += tensor.bytes();
    if (progress)
      progress(done, total);
  }
  return file.commit();
}

} // namespace lowbit
