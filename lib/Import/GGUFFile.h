//===- GGUFFile.h - One GGUF v3 file, taken apart ---------------*- C++ -*-===//
//
// The file's layout, all numbers little-endian:
//
//   u32 "GGUF", u32 version = 3, u64 tensors, u64 pairs
//   pairs   x { string key, u32 type, value }
//   tensors x { string name, u32 n, u64 dimension x n (innermost first),
//               u32 format, u64 offset in the data section }
//   padding to general.alignment (32)
//   data section: the tensors, each padded to the alignment
//
//   string = u64 length, bytes
//   array  = u32 element type, u64 count, elements
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_IMPORT_GGUFFILE_H
#define LOWBIT_IMPORT_GGUFFILE_H

#include "lowbit/Import/ModelSource.h"

namespace lowbit::gguf {

enum class ValueType : uint32_t {
  U8,
  I8,
  U16,
  I16,
  U32,
  I32,
  F32,
  Bool,
  String,
  Array,
  U64,
  I64,
  F64
};

/// Bytes of a value of fixed size; 0 for strings, arrays and unknown types.
uint64_t valueBytes(ValueType type);

/// A key-value pair: views into the file, so that a vocabulary of 262144 tokens
/// costs one walk over its lengths and no copy.
struct Pair {
  llvm::StringRef key;
  ValueType type = ValueType::U8;
  ValueType elementType = ValueType::U8; ///< of an array, else `type`
  uint64_t count = 1;                    ///< elements of an array
  llvm::StringRef value; ///< behind the string's length or the array's header
  llvm::StringRef whole; ///< key, type and value as the file has them
};

/// The number in a pair's element; nullopt if it is none or does not fit.
std::optional<int64_t> integerAt(const Pair &pair, uint64_t index);
std::optional<double> realAt(const Pair &pair, uint64_t index);

struct File {
  std::vector<Pair> pairs;
  std::vector<SourceTensor> tensors;

  const Pair *find(llvm::StringRef key) const;
};

/// Checks every count, length, dimension and offset against the bytes; what it
/// returns can be used without further checks. Errors are one line: path, what,
/// where, what to do.
llvm::Expected<File> parseFile(llvm::StringRef bytes, llvm::StringRef path);

/// A name from a file for a message: in quotes, one line, at most 80 bytes.
std::string quoted(llvm::StringRef name);

} // namespace lowbit::gguf

#endif // LOWBIT_IMPORT_GGUFFILE_H
