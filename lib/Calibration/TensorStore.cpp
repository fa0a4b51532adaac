//===- TensorStore.cpp - Quantized tensors in a work folder ---------------===//

#include "TensorStore.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>

namespace lowbit {

/// Calls `visit` with the memory of each part of a row, in the file's order.
template <typename Fields, typename Visit>
static void eachPart(Fields &row, Visit visit) {
  auto bytes = [&](auto &words) {
    visit(words.data(), words.size() * sizeof(words[0]));
  };
  bytes(row.codes);
  bytes(row.reals);
  bytes(row.indices);
  bytes(row.signs);
  for (auto &level : row.fields)
    for (auto &component : level)
      bytes(component);
}

static size_t bytesOf(const Scheme &scheme, int64_t columns) {
  RowFields row;
  row.resize(scheme, columns);
  size_t size = 0;
  eachPart(row, [&](const void *, size_t bytes) { size += bytes; });
  return size;
}

void StoredTensor::readRow(int64_t row, RowFields &fields) const {
  fields.resize(scheme_, columns_);
  const char *from =
      file_->getBufferStart() + size_t(row) * bytesOf(scheme_, columns_);
  eachPart(fields, [&](void *to, size_t bytes) {
    std::memcpy(to, from, bytes);
    from += bytes;
  });
}

/// Names of tensors hold slashes in some checkpoints, and nothing unprintable.
std::string TensorStore::pathOf(llvm::StringRef name) const {
  std::string file = folder_ + "/";
  for (char c : name)
    if (llvm::isAlnum(c) || c == '.' || c == '_' || c == '-')
      file += c;
    else
      file += "%" + llvm::utohexstr(uint8_t(c), true, 2);
  return file + ".rows";
}

llvm::Error TensorStore::write(llvm::StringRef name, const Scheme &scheme,
                               int64_t columns,
                               llvm::ArrayRef<RowFields> rows) const {
  std::string path = pathOf(name);
  llvm::Error error =
      llvm::writeToOutput(path, [&](llvm::raw_ostream &os) -> llvm::Error {
        for (const RowFields &row : rows)
          eachPart(row, [&](const void *from, size_t bytes) {
            os.write(static_cast<const char *>(from), bytes);
          });
        return llvm::Error::success();
      });
  if (!error)
    return error;
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 "cannot write " + path + ": " +
                                     llvm::toString(std::move(error)));
}

llvm::Expected<std::shared_ptr<StoredTensor>>
TensorStore::open(llvm::StringRef name, const Scheme &scheme, int64_t rows,
                  int64_t columns) const {
  std::string path = pathOf(name);
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                          /*RequiresNullTerminator=*/false);
  if (!file)
    return llvm::createStringError(file.getError(),
                                   "cannot read " + path + ": " +
                                       file.getError().message());
  if ((*file)->getBufferSize() != size_t(rows) * bytesOf(scheme, columns))
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   path + ": has another size than tensor " +
                                       name + " needs; remove the work folder");
  return std::make_shared<StoredTensor>(scheme, columns, std::move(*file));
}

} // namespace lowbit
