//===- compile_cache.h - Models compiled once -------------------*- C++ -*-===//
//
// A .gguf or a folder is compiled by quant-compile, run as a child, into
// $XDG_CACHE_HOME/lowbit or ~/.cache/lowbit. The module's name holds a hash of
// all that it depends on, so an entry is valid or has another name; the folder
// may be emptied at any time. A lock file lets one process compile while others
// wait for it; a module gets its name when it is complete.
//
//===----------------------------------------------------------------------===//

#ifndef TOOLS_COMMON_COMPILE_CACHE_H
#define TOOLS_COMMON_COMPILE_CACHE_H

#include "tools/common/error.h"

#include <string>
#include <vector>

namespace lowbit::tools {

struct CompileOptions {
  std::string activations; ///< "f32", "int8"; "": the compiler's default
  std::string scheme;      ///< a format's name, FILE.mlir#NAME or words
  std::string tensors;     ///< regular expression
  std::string kv;          ///< "f32", "f16", "bf16", "q8", "q4"
  std::string probe;       ///< "layers"
  std::string level;       ///< --target-cpu
  std::string tuning;      ///< a file of choices for kernels
  bool rotateHeads = false; ///< keys and values are stored rotated
  bool profile = false;    ///< count the time of each region
  bool embedding = false;  ///< hidden rows in place of a decoder's logits

  // Random weights, which need no source file.
  std::string shape;  ///< a built-in name or FILE.json
  std::string linear; ///< "2048x8192"
  std::string rows;   ///< of its activations, "1,8"
  std::string fill;   ///< bytes of its copies

  bool isRandom() const { return !(shape + linear).empty(); }
  /// Something is set that only a compilation can bring about. (A module may
  /// have probes already.)
  bool any() const {
    return rotateHeads ||
           !(activations + scheme + tensors + kv + tuning).empty();
  }
  /// As quant-compile takes them.
  std::vector<std::string> arguments() const;
};

/// $QRT_CPU if set, else "host".
std::string levelForThisMachine();

/// The folder, which need not exist. Fails without $XDG_CACHE_HOME and $HOME.
Error cacheFolder(std::string &folder);

/// Hexadecimal hash of what the module depends on: the source's size, time,
/// inode and first 1 MiB (of every part of a split model, of a
/// folder's .safetensors, .json and .jinja files), the compiler's file,
/// the options, the content of a shape's, a scheme's and a tuning file, the
/// CPU. `source` is empty for random weights, here and below.
Error cacheKey(const std::string &source, const std::string &compiler,
               const CompileOptions &options, std::string &key);

/// Gives the path of the module of `source`, which it compiles if it must.
Error compileCached(const std::string &source, const std::string &compiler,
                    const CompileOptions &options, std::string &module);

/// A module of its own in a new folder under $TMPDIR, for the caller to remove.
Error compileUncached(const std::string &source, const std::string &compiler,
                      const CompileOptions &options, std::string &module);
/// Removes what compileUncached has made.
void removeUncached(const std::string &module);

} // namespace lowbit::tools

#endif // TOOLS_COMMON_COMPILE_CACHE_H
