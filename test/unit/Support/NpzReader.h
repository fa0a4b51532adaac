//===- NpzReader.h - Arrays of a NumPy .npz file ----------------*- C++ -*-===//

#ifndef LOWBIT_TEST_UNIT_SUPPORT_NPZREADER_H
#define LOWBIT_TEST_UNIT_SUPPORT_NPZREADER_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace lowbit::test {

struct NpyArray {
  std::string dtype; ///< "|u1", "<f4"
  std::vector<int64_t> shape;
  std::vector<uint8_t> data;
};

/// The arrays by name, stored or deflated; empty if `path` is no such archive.
std::map<std::string, NpyArray> readNpz(const std::string &path);

} // namespace lowbit::test

#endif // LOWBIT_TEST_UNIT_SUPPORT_NPZREADER_H
