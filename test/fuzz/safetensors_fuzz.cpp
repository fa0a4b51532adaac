//===- safetensors_fuzz.cpp - The safetensors reader on any bytes ---------===//
//
// Inputs are headers: the length in front is made right for the most of them,
// so that the JSON is what is tested. Of what the reader accepts every byte is
// read. A crash, a leak or a read outside the file is a bug; so is an error of
// more than one line.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HuggingFace/SafetensorsFile.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace lowbit;

static void parse(llvm::StringRef bytes) {
  auto file = safetensors::parseFile(bytes, "fuzz.safetensors");
  if (!file) {
    if (llvm::toString(file.takeError()).find('\n') == std::string::npos)
      return;
    fputs("an error of more than one line\n", stderr);
    abort();
  }
  uint64_t sum = 0, total = 0;
  for (const safetensors::Tensor &tensor : file->tensors) {
    for (uint64_t i = 0; i < tensor.bytes; ++i)
      sum += tensor.data[i];
    total += tensor.bytes;
  }
  // Without gap or overlap there are no more bytes than the file has.
  if (total > bytes.size() || sum > 255 * total)
    abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  parse(bytes);
  // The last byte says how many bytes of the input are the data section.
  if (bytes.empty())
    return 0;
  uint64_t length = size - 1 - std::min<size_t>(data[size - 1], size - 1);
  std::string file(8, '\0');
  memcpy(file.data(), &length, 8);
  parse(file + bytes.drop_back().str());
  return 0;
}
