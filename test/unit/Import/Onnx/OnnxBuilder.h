//===- OnnxBuilder.h - ONNX files for tests ---------------------*- C++ -*-===//

#ifndef LOWBIT_TEST_UNIT_IMPORT_ONNX_ONNXBUILDER_H
#define LOWBIT_TEST_UNIT_IMPORT_ONNX_ONNXBUILDER_H

#include <cstdint>
#include <string>
#include <vector>

namespace lowbit::onnx::test {

inline std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 128; value >>= 7)
    bytes += char(value | 128);
  return bytes + char(value);
}
inline std::string number(unsigned field, uint64_t value) {
  return varint(field << 3) + varint(value);
}
inline std::string bytes(unsigned field, const std::string &value) {
  return varint(field << 3 | 2) + varint(value.size()) + value;
}

using Shape = std::vector<int64_t>;

/// A TensorProto with raw data of a type of onnx.proto.
inline std::string tensor(const std::string &name, int type, const Shape &shape,
                          const std::string &raw) {
  std::string result;
  for (int64_t size : shape)
    result += number(1, uint64_t(size));
  return result + number(2, uint64_t(type)) + bytes(8, name) + bytes(9, raw);
}
template <typename T> std::string raw(const std::vector<T> &values) {
  return {reinterpret_cast<const char *>(values.data()),
          values.size() * sizeof(T)};
}

inline std::string attribute(const std::string &name, int64_t value) {
  return bytes(5, bytes(1, name) + number(3, uint64_t(value)));
}

/// A NodeProto; `rest`: attributes.
inline std::string node(const std::string &type,
                        const std::vector<std::string> &inputs,
                        const std::string &output, const std::string &rest = "",
                        const std::string &domain = "") {
  std::string result;
  for (const std::string &input : inputs)
    result += bytes(1, input);
  return result + bytes(2, output) + bytes(3, "a_" + type) + bytes(4, type) +
         rest + bytes(7, domain);
}

/// A ValueInfoProto of floats; -1: symbolic.
inline std::string value(const std::string &name, const Shape &shape,
                         int type = 1) {
  std::string dimensions;
  for (int64_t size : shape)
    dimensions +=
        bytes(1, size < 0 ? bytes(2, "n") : number(1, uint64_t(size)));
  return bytes(1, name) +
         bytes(2, bytes(1, number(1, uint64_t(type)) + bytes(2, dimensions)));
}

/// A ModelProto: x [n, columns] to y.
inline std::string model(const std::vector<std::string> &nodes,
                         const std::vector<std::string> &tensors,
                         const Shape &input, const std::string &output = "y") {
  std::string graph;
  for (const std::string &each : nodes)
    graph += bytes(1, each);
  for (const std::string &each : tensors)
    graph += bytes(5, each);
  graph += bytes(11, value("x", input)) + bytes(12, value(output, {-1, 2}));
  return number(1, 10) + bytes(7, graph);
}

} // namespace lowbit::onnx::test

#endif // LOWBIT_TEST_UNIT_IMPORT_ONNX_ONNXBUILDER_H
