//===- NpzReader.cpp - Arrays of a NumPy .npz file ------------------------===//

#include "NpzReader.h"

#include <fstream>
#include <iterator>
#include <zlib.h>

namespace lowbit::test {

using Bytes = std::vector<uint8_t>;

/// Little-endian integer, 0 past the end.
static uint64_t load(const Bytes &bytes, size_t at, int size) {
  uint64_t value = 0;
  for (int i = size; i-- > 0;)
    value = value << 8 | (at + i < bytes.size() ? bytes[at + i] : 0);
  return value;
}

static Bytes inflateRaw(const uint8_t *packed, size_t packedSize, size_t size) {
  Bytes out(size);
  z_stream stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    return {};
  stream.next_in = const_cast<uint8_t *>(packed);
  stream.avail_in = uInt(packedSize);
  stream.next_out = out.data();
  stream.avail_out = uInt(size);
  int status = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  return status == Z_STREAM_END ? out : Bytes();
}

/// The quoted text or the integers behind `key` in a .npy header, a Python
/// dictionary of known form: {'descr': '<f4', 'fortran_order': False,
/// 'shape': (8, 512), }.
static NpyArray parseNpy(const Bytes &bytes) {
  NpyArray array;
  size_t length = load(bytes, 8, 2), start = 10;
  if (bytes.size() < start + length)
    return array;
  std::string header(bytes.begin() + start, bytes.begin() + start + length);
  size_t descr = header.find("'descr': '"), shape = header.find("'shape': (");
  if (descr == std::string::npos || shape == std::string::npos)
    return array;
  array.dtype = header.substr(descr + 10, 3);
  for (const char *at = header.c_str() + shape + 10; *at != ')';) {
    char *end;
    array.shape.push_back(std::strtoll(at, &end, 10));
    at = end;
    while (*at == ',' || *at == ' ')
      ++at;
  }
  array.data.assign(bytes.begin() + start + length, bytes.end());
  return array;
}

std::map<std::string, NpyArray> readNpz(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  Bytes bytes((std::istreambuf_iterator<char>(file)), {});
  std::map<std::string, NpyArray> arrays;
  if (bytes.size() < 22)
    return arrays;
  // The end record of an archive without comment; NumPy writes none.
  size_t end = bytes.size() - 22, entry = load(bytes, end + 16, 4);
  for (uint64_t i = 0, n = load(bytes, end + 10, 2); i < n; ++i) {
    uint64_t method = load(bytes, entry + 10, 2),
             packed = load(bytes, entry + 20, 4),
             size = load(bytes, entry + 24, 4),
             nameLength = load(bytes, entry + 28, 2),
             local = load(bytes, entry + 42, 4);
    uint64_t data =
        local + 30 + load(bytes, local + 26, 2) + load(bytes, local + 28, 2);
    if (entry + 46 + nameLength > bytes.size() || data + packed > bytes.size())
      return {};
    std::string name(bytes.begin() + entry + 46,
                     bytes.begin() + entry + 46 + nameLength);
    arrays[name.substr(0, name.rfind(".npy"))] =
        parseNpy(method == 8 ? inflateRaw(&bytes[data], packed, size)
                             : Bytes(bytes.begin() + data,
                                     bytes.begin() + data + packed));
    entry += 46 + nameLength + load(bytes, entry + 30, 2) +
             load(bytes, entry + 32, 2);
  }
  return arrays;
}

} // namespace lowbit::test
