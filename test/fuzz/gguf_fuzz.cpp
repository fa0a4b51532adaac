//===- gguf_fuzz.cpp - The GGUF reader on any bytes -----------------------===//
//
// What the reader accepts is used as an importer would: every value, every
// tensor's first and last row. A crash, a leak or a read outside the file is a
// bug; so is an error of more than one line.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Import/ModelSource.h"

#include <cstdio>
#include <cstdlib>

using namespace lowbit;

static void readTensor(const SourceTensor &tensor) {
  // A vast row is no better test than a short one, but costs memory.
  constexpr int64_t kLongest = 1 << 16;
  if (tensor.columns() > kLongest)
    return;
  RowFields row;
  std::vector<float> values(size_t(tensor.columns()));
  for (int64_t index : {int64_t(0), tensor.rows() - 1}) {
    unpackRow(*tensor.format, tensor.row(index), tensor.columns(), row);
    dequantizeRow(tensor.format->scheme, row, tensor.columns(), values.data());
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  auto source = readGGUF(bytes, "fuzz.gguf");
  if (!source) {
    if (llvm::toString(source.takeError()).find('\n') == std::string::npos)
      return 0;
    fputs("an error of more than one line\n", stderr);
    abort();
  }
  for (const char *key :
       {"general.architecture", "general.alignment", "a", ""}) {
    (*source)->string(key);
    (*source)->integer(key);
    (*source)->real(key);
    (*source)->boolean(key);
    (*source)->integers(key);
    (*source)->reals(key);
    (*source)->arrayLength(key);
  }
  for (const SourceTensor &tensor : (*source)->tensors())
    readTensor(tensor);
  // The pairs are valid in the module, too: they make a file of their own.
  std::string again = std::string("GGUF\3\0\0\0", 8) + std::string(8, '\0') +
                      (*source)->metadataBytes();
  auto pairs = readGGUF(again, "again.gguf");
  if (!pairs) {
    fputs(llvm::toString(pairs.takeError()).c_str(), stderr);
    abort();
  }
  return 0;
}
