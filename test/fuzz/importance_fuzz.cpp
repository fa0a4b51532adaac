//===- importance_fuzz.cpp - The imatrix reader on any bytes --------------===//
//
// What is accepted is written in both layouts and must be read again.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Import/ImportanceMatrix.h"

#include <cstdio>
#include <cstdlib>

using namespace lowbit;

static void fail(const std::string &what) {
  fprintf(stderr, "%s\n", what.c_str());
  abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  auto matrix = readImportance(bytes, "fuzz.imatrix");
  if (!matrix) {
    std::string error = llvm::toString(matrix.takeError());
    if (error.find('\n') != std::string::npos)
      fail("an error of more than one line: " + error);
    return 0;
  }
  for (const ImportanceEntry &entry : matrix->entries)
    for (int64_t m = 0; m < entry.matrices(); ++m)
      if (int64_t(entry.meanSquares(m).size()) != entry.columns())
        fail("another number of columns");
  if (matrix->entries.empty())
    return 0;
  std::string again = importanceBytes(*matrix, ImportanceLayout::GGUF);
  auto read = readImportance(again, "again.imatrix");
  if (!read)
    fail(llvm::toString(read.takeError()));
  if (importanceBytes(*read, ImportanceLayout::GGUF) != again)
    fail("written, read and written again, it differs");
  return 0;
}
