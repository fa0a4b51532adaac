//===- npy.cpp - NumPy's .npy files ---------------------------------------===//

#include "tools/common/npy.h"

#include "quantrt/format.h"

#include <algorithm>

using namespace lowbit::tools;

namespace {
struct Element {
  int32_t type;
  size_t bytes;
  const char *name;
  const char *descr; ///< what NumPy calls it
};
} // namespace

/// NumPy has no bfloat16: its bits travel as uint16.
static constexpr Element elements[] = {
    {QRT_TYPE_F32, 4, "float32", "<f4"},
    {QRT_TYPE_F16, 2, "float16", "<f2"},
    {QRT_TYPE_BF16, 2, "bfloat16 (as uint16)", "<u2"},
    {QRT_TYPE_I8, 1, "int8", "|i1"},
    {QRT_TYPE_I32, 4, "int32", "<i4"},
    {QRT_TYPE_I64, 8, "int64", "<i8"},
    {QRT_TYPE_U8, 1, "uint8", "|u1"},
};

static const Element *findElement(int32_t type) {
  for (const Element &element : elements)
    if (element.type == type)
      return &element;
  return nullptr;
}

size_t lowbit::tools::elementBytes(int32_t type) {
  const Element *element = findElement(type);
  return element ? element->bytes : 0;
}

const char *lowbit::tools::elementName(int32_t type) {
  const Element *element = findElement(type);
  return element ? element->name : "unknown";
}

uint64_t NpyHeader::elements() const {
  uint64_t count = 1;
  for (int64_t dim : shape)
    count *= static_cast<uint64_t>(dim);
  return count;
}

/// The text behind `'key':` in the dictionary, without leading blanks.
static std::string_view dictionaryValue(std::string_view dictionary,
                                        const std::string &key) {
  for (char quote : {'\'', '"'}) {
    std::string quoted = quote + key + quote;
    size_t at = dictionary.find(quoted);
    if (at == std::string_view::npos)
      continue;
    at = dictionary.find_first_not_of(" :", at + quoted.size());
    if (at != std::string_view::npos)
      return dictionary.substr(at);
  }
  return {};
}

static bool parseShape(std::string_view value, std::vector<int64_t> &shape) {
  if (value.empty() || value[0] != '(')
    return false;
  size_t i = 1;
  while (i < value.size()) {
    i = value.find_first_not_of(" ,", i);
    if (i == std::string_view::npos)
      return false;
    if (value[i] == ')')
      return true;
    int64_t dim = 0;
    size_t digits = 0;
    for (; i < value.size() && value[i] >= '0' && value[i] <= '9'; ++i) {
      if (++digits > 18)
        return false;
      dim = dim * 10 + (value[i] - '0');
    }
    if (digits == 0)
      return false;
    shape.push_back(dim);
  }
  return false;
}

/// False if the product of the dimensions, times 8 bytes, leaves 63 bits.
static bool shapeFits(const std::vector<int64_t> &shape) {
  uint64_t room = UINT64_C(1) << 60;
  for (int64_t dim : shape) {
    if (dim == 0)
      return true;
    room /= static_cast<uint64_t>(dim);
    if (room == 0)
      return false;
  }
  return true;
}

static Error parseDictionary(std::string_view dictionary,
                             const std::string &name, NpyHeader &header) {
  std::string_view descr = dictionaryValue(dictionary, "descr");
  if (descr.empty() || (descr[0] != '\'' && descr[0] != '"'))
    return Error("'" + name + "' is no plain .npy array: no element type");
  descr.remove_prefix(1);
  descr = descr.substr(0, descr.find_first_of("'\""));
  header.type = -1;
  for (const Element &element : elements)
    if (descr == element.descr || (descr.size() == 3 && element.bytes == 1 &&
                                   descr.substr(1) == element.descr + 1))
      header.type = element.type;
  if (header.type < 0)
    return Error("'" + name + "' has elements of type '" + std::string(descr) +
                 "'; save it as float32, float16, int8, uint8, int32 or int64");
  if (dictionaryValue(dictionary, "fortran_order").substr(0, 4) == "True")
    return Error("'" + name +
                 "' is in Fortran order; save "
                 "numpy.ascontiguousarray of it");
  if (!parseShape(dictionaryValue(dictionary, "shape"), header.shape) ||
      !shapeFits(header.shape))
    return Error("'" + name + "' has no valid shape");
  return Error::success();
}

Error lowbit::tools::parseNpyHeader(std::string_view bytes, uint64_t fileBytes,
                                    const std::string &name,
                                    NpyHeader &header) {
  header = NpyHeader();
  auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  if (bytes.size() < 10 || bytes.substr(0, 6) != "\x93NUMPY")
    return Error("'" + name + "' is no .npy file");
  bool wide = byte(6) >= 2;
  size_t start = wide ? 12 : 10;
  if (byte(6) < 1 || byte(6) > 3 || bytes.size() < start)
    return Error("'" + name + "' is no .npy file of version 1 to 3");
  uint64_t length = byte(8) | uint64_t(byte(9)) << 8;
  if (wide)
    length |= uint64_t(byte(10)) << 16 | uint64_t(byte(11)) << 24;
  if (length > bytes.size() - start)
    return Error("'" + name + "' is truncated in its header");
  TOOLS_TRY(parseDictionary(bytes.substr(start, length), name, header));
  header.dataOffset = start + length;
  if (header.dataBytes() > fileBytes - header.dataOffset)
    return Error("'" + name + "' is truncated: its shape needs " +
                 std::to_string(header.dataBytes()) + " bytes, but it has " +
                 std::to_string(fileBytes - header.dataOffset));
  return Error::success();
}

std::string lowbit::tools::formatNpyHeader(int32_t type,
                                           const std::vector<int64_t> &shape) {
  std::string text = "{'descr': '" + std::string(findElement(type)->descr) +
                     "', 'fortran_order': False, 'shape': (";
  for (int64_t dim : shape)
    text += std::to_string(dim) + ", ";
  // "(3, )" and "(2, 3, )" are valid Python, but NumPy writes them shorter.
  if (shape.size() > 1)
    text.resize(text.size() - 2);
  else if (shape.size() == 1)
    text.resize(text.size() - 1);
  text += "), }";
  text.append(63 - (10 + text.size()) % 64, ' ');
  text += '\n';
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(text.size() & 255);
  header += static_cast<char>(text.size() >> 8);
  return header + text;
}

Error lowbit::tools::readNpy(const std::string &path, NpyArray &array) {
  std::string content;
  TOOLS_TRY(readFile(path, content));
  TOOLS_TRY(parseNpyHeader(content, content.size(), path, array.header));
  uint64_t bytes = array.header.dataBytes();
  content.erase(0, array.header.dataOffset);
  content.resize(bytes);
  array.data = std::move(content);
  return Error::success();
}

Error lowbit::tools::writeNpy(const std::string &path, int32_t type,
                              const std::vector<int64_t> &shape,
                              const void *data) {
  OutputFile file;
  TOOLS_TRY(file.open(path));
  std::string header = formatNpyHeader(type, shape);
  TOOLS_TRY(file.write(header.data(), header.size()));
  uint64_t bytes = elementBytes(type);
  for (int64_t dim : shape)
    bytes *= static_cast<uint64_t>(dim);
  TOOLS_TRY(file.write(data, bytes));
  return file.commit();
}
