//===- Wire.h - Fields of a protocol buffer ---------------------*- C++ -*-===//
//
// The wire format of protocol buffers, as far as ONNX uses it: a message is a
// sequence of fields, each a number, a wire type and a value. Nothing is
// copied; every length is checked against what is left.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_IMPORT_ONNX_WIRE_H
#define LOWBIT_LIB_IMPORT_ONNX_WIRE_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <vector>

namespace lowbit::onnx {

/// One field of a message.
struct Field {
  /// How the value is encoded; groups (3 and 4) are refused.
  enum Type : uint8_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

  uint32_t number = 0;
  Type type = Varint;
  uint64_t value = 0;    ///< of Varint, Fixed32 and Fixed64
  llvm::StringRef bytes; ///< of Bytes: a string, a message, packed numbers

  float asFloat() const; ///< of Fixed32
};

/// Calls `visit` for each field of `message`. An error is the first of `visit`,
/// or says what of the message cannot be read, without a file's name.
llvm::Error
forEachField(llvm::StringRef message,
             llvm::function_ref<llvm::Error(const Field &field)> visit);

/// Adds the numbers of a repeated field, packed or one by one.
llvm::Error appendIntegers(const Field &field, std::vector<int64_t> &values);
llvm::Error appendFloats(const Field &field, std::vector<float> &values);
llvm::Error appendDoubles(const Field &field, std::vector<double> &values);

} // namespace lowbit::onnx

#endif // LOWBIT_LIB_IMPORT_ONNX_WIRE_H
