//===- module_fuzz.cpp - Fuzzes the parser of module files ----------------===//
//
// clang++ -fsanitize=fuzzer,address,undefined -std=c++17 -Iruntime
//   -Iruntime/include test/fuzz/module_fuzz.cpp
//   runtime/module/{elf,module_view, weights,level}.cpp
//   runtime/base/{cpu,hash,metadata,status}.cpp
//
//===----------------------------------------------------------------------===//

#include "base/hash.h"
#include "base/metadata.h"
#include "module/level.h"
#include "module/weights.h"

#include <cstring>

using namespace qrt;

namespace {

/// Makes the hashes of a mutated file agree, or else nothing behind them would
/// ever be reached.
void rehash(std::string &file) {
  ElfView elf;
  if (!ElfView::parse(file, "m", elf).ok() || !elf.header.present ||
      !fits(elf.header.offset, elf.header.bytes, file.size()) ||
      elf.header.bytes < sizeof(qrt_header))
    return;
  char *at = file.data() + elf.header.offset;
  constexpr size_t behind = offsetof(qrt_header, header_hash) + 8;
  const uint64_t code =
      hash64(std::string_view(file).substr(0, elf.header.offset));
  std::memcpy(at + offsetof(qrt_header, code_hash), &code, 8);
  const uint64_t header = hash64({at + behind, elf.header.bytes - behind});
  std::memcpy(at + offsetof(qrt_header, header_hash), &header, 8);
}

/// Reads all that a parsed module lets its users read.
void use(const ModuleView &module) {
  size_t level, length = 0;
  (void)chooseLevel(module, "m", "", ~0u, level);
  for (const qrt_function_record &function : module.functions)
    length += std::strlen(module.string(function.name));
  for (const qrt_argument_record &argument : module.arguments)
    length += std::strlen(module.string(argument.name));
  for (const qrt_weight_record &weight : module.weightRecords) {
    length += std::strlen(module.string(weight.scheme));
    if (weight.bytes > 0)
      length += size_t(module.weights[weight.offset + weight.bytes - 1]);
  }
  Metadata metadata;
  if (Metadata::parse(module.metadata, metadata).ok())
    length += metadata.string("general.name").value_or("").size();
  volatile size_t sink = length;
  (void)sink;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string file(reinterpret_cast<const char *>(data), size);
  for (int pass = 0; pass < 2; ++pass) {
    ModuleView module;
    if (ModuleView::parse(file, "m", module).ok()) {
      use(module);
      (void)verifyWeights(module, "m",
                          [](const std::function<void()> &job) { job(); });
    }
    rehash(file);
  }
  return 0;
}
