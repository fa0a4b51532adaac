//===- QuantizedSource.cpp - A model with some tensors replaced -----------===//

#include "QuantizedSource.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"

namespace lowbit {

QuantizedSource::QuantizedSource(std::unique_ptr<ModelSource> base)
    : base_(std::move(base)), tensors_(base_->tensors()) {}

/// A file format whose rows these are, or one for this scheme alone.
const BitFormat *QuantizedSource::formatOf(const Scheme &scheme,
                                           llvm::StringRef name) {
  const BitFormat *known = findBitFormat(std::string_view(name));
  if (known && known->scheme == scheme)
    return known;
  for (const BitFormat &format : formats_)
    if (format.scheme == scheme && name == format.name)
      return &format;
  names_.push_back(name.str());
  formats_.push_back(
      {names_.back().c_str(), UINT32_MAX, 0, 0, scheme, nullptr});
  return &formats_.back();
}

void QuantizedSource::replace(llvm::StringRef name, const Scheme &scheme,
                              llvm::StringRef format, ReadRow rows) {
  auto tensor = llvm::find_if(
      tensors_, [&](const SourceTensor &each) { return each.name == name; });
  tensor->format = formatOf(scheme, format);
  replaced_.insert(name);
  tensor->data = nullptr;
  tensor->permutation.clear(); // rows come in the order of the columns
  tensor->generate = std::move(rows);
  double bits = scheme.bitsPerWeight(tensor->columns());
  tensor->bytes = static_cast<uint64_t>(
      (double(tensor->rows()) * double(tensor->columns()) * bits + 7) / 8);
}

void QuantizedSource::addTensor(llvm::StringRef name, const Scheme &scheme,
                                llvm::StringRef format, int64_t rows,
                                int64_t columns, ReadRow readRow) {
  SourceTensor tensor;
  tensor.name = name.str();
  tensor.shape = {rows, columns};
  tensors_.push_back(std::move(tensor));
  replace(name, scheme, format, std::move(readRow));
}

void QuantizedSource::add(llvm::StringRef key, llvm::StringRef value) {
  pairs_.push_back({key.str(), value.str()});
}

std::string QuantizedSource::metadataBytes() const {
  constexpr uint32_t kString = 8; // GGUF's type of a value
  std::string bytes = base_->metadataBytes();
  uint64_t count = llvm::support::endian::read64le(bytes.data());
  llvm::support::endian::write64le(bytes.data(), count + pairs_.size());
  auto append = [&](llvm::StringRef text) {
    char size[8];
    llvm::support::endian::write64le(size, text.size());
    bytes.append(size, sizeof size);
    bytes.append(text.data(), text.size());
  };
  for (const auto &[key, value] : pairs_) {
    append(key);
    char type[4];
    llvm::support::endian::write32le(type, kString);
    bytes.append(type, sizeof type);
    append(value);
  }
  return bytes;
}

} // namespace lowbit
