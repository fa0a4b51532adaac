//===- NpyTest.cpp - NumPy's files ----------------------------------------===//

#include "tools/common/npy.h"

#include "ToolsTest.h"
#include "quantrt/format.h"

#include <cstring>

using namespace lowbit::tools;

namespace {
class NpyTest : public ToolsTest {
protected:
  /// A version 1 file with this dictionary and this much data.
  static std::string file(const std::string &dictionary, size_t dataBytes) {
    std::string header("\x93NUMPY\x01\x00", 8);
    header += static_cast<char>(dictionary.size() & 255);
    header += static_cast<char>(dictionary.size() >> 8);
    return header + dictionary + std::string(dataBytes, '\1');
  }
  static Error parse(const std::string &bytes, NpyHeader &header) {
    return parseNpyHeader(bytes, bytes.size(), "f", header);
  }
  static Error parse(const std::string &bytes) {
    NpyHeader header;
    return parse(bytes, header);
  }
};

uint64_t word(const std::string &bytes, size_t at, int count) {
  uint64_t value = 0;
  for (int i = 0; i < count; ++i)
    value |= uint64_t(static_cast<uint8_t>(bytes.at(at + size_t(i)))) << 8 * i;
  return value;
}
} // namespace

TEST_F(NpyTest, roundTrip) {
  std::vector<std::vector<int64_t>> shapes{{}, {3}, {2, 3}, {2, 0, 3}};
  for (const auto &shape : shapes)
    for (int32_t type : {QRT_TYPE_F32, QRT_TYPE_F16, QRT_TYPE_BF16, QRT_TYPE_I8,
                         QRT_TYPE_I32, QRT_TYPE_I64, QRT_TYPE_U8}) {
      std::string data(64, '\0');
      for (size_t i = 0; i < data.size(); ++i)
        data[i] = static_cast<char>(i);
      EXPECT_SUCCESS(writeNpy(path("a.npy"), type, shape, data.data()));
      NpyArray array;
      EXPECT_SUCCESS(readNpy(path("a.npy"), array));
      EXPECT_EQ(array.header.type, type);
      EXPECT_EQ(array.header.shape, shape);
      EXPECT_EQ(array.header.dataOffset % 64, 0u);
      EXPECT_EQ(array.data, data.substr(0, array.header.dataBytes()));
    }
}

TEST_F(NpyTest, readsWhatNumPyWrites) {
  NpyHeader header;
  EXPECT_SUCCESS(parse(
      file("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }  \n", 12),
      header));
  EXPECT_EQ(header.shape, std::vector<int64_t>{3});
  EXPECT_SUCCESS(parse(
      file("{'descr': '|i1', 'fortran_order': False, 'shape': (), }\n", 1),
      header));
  EXPECT_EQ(header.type, QRT_TYPE_I8);
  EXPECT_EQ(header.elements(), 1u);
}

TEST_F(NpyTest, refusesWhatItCannotTake) {
  auto dictionary = [](const char *descr, const char *order,
                       const char *shape) {
    return "{'descr': '" + std::string(descr) + "', 'fortran_order': " + order +
           ", 'shape': " + shape + ", }\n";
  };
  EXPECT_ERROR(parse(""), "no .npy");
  EXPECT_ERROR(parse("PK\3\4 something else"), "no .npy");
  EXPECT_ERROR(parse(file(dictionary("<f8", "False", "(1,)"), 8)), "'<f8'");
  EXPECT_ERROR(parse(file(dictionary(">f4", "False", "(1,)"), 4)), "'>f4'");
  EXPECT_ERROR(parse(file("{'descr': [('a', '<f4')], 'shape': (1,)}", 4)),
               "no element type");
  EXPECT_ERROR(parse(file(dictionary("<f4", "True", "(2, 2)"), 16)),
               "Fortran order");
  EXPECT_ERROR(parse(file(dictionary("<f4", "False", "(2, 2)"), 15)),
               "truncated: its shape needs 16 bytes, but it has 15");
  for (const char *shape :
       {"(2, -2)", "(2", "", "(a,)", "(2 3)x", "2", "(99999999999999999999,)",
        "(4294967296, 4294967296)"})
    EXPECT_TRUE(parse(file(dictionary("<f4", "False", shape), 4))) << shape;
  std::string whole = file(dictionary("<f4", "False", "(1,)"), 4);
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_TRUE(parse(whole.substr(0, length))) << length;
}

TEST_F(NpyTest, crc32KnownValue) {
  EXPECT_EQ(crc32(0, "123456789", 9), 0xCBF43926u);
  EXPECT_EQ(crc32(crc32(0, "1234", 4), "56789", 5), 0xCBF43926u);
  EXPECT_EQ(crc32(0, "", 0), 0u);
}

TEST_F(NpyTest, npzHoldsTheArrays) {
  NpzWriter writer;
  size_t a = writer.declare("a", QRT_TYPE_I32, {4});
  size_t b = writer.declare("b", QRT_TYPE_U8, {2, 2});
  EXPECT_SUCCESS(writer.open(path("x.npz")));
  for (int32_t i = 0; i < 4; ++i) {
    uint8_t byte = static_cast<uint8_t>(i);
    EXPECT_SUCCESS(writer.append(b, &byte, 1));
    EXPECT_SUCCESS(writer.append(a, &i, 4));
  }
  EXPECT_SUCCESS(writer.commit());

  std::string zip = read("x.npz");
  size_t end = zip.size() - 22;
  ASSERT_EQ(word(zip, end, 4), 0x06054B50u);
  ASSERT_EQ(word(zip, end + 10, 2), 2u);
  size_t record = word(zip, end + 16, 4);
  for (const char *name : {"a.npy", "b.npy"}) {
    ASSERT_EQ(word(zip, record, 4), 0x02014B50u);
    EXPECT_EQ(zip.substr(record + 46, 5), name);
    size_t local = word(zip, record + 42, 4), size = word(zip, record + 20, 4);
    ASSERT_EQ(word(zip, local, 4), 0x04034B50u);
    size_t data =
        local + 30 + word(zip, local + 26, 2) + word(zip, local + 28, 2);
    EXPECT_EQ(data % 64, 0u);
    std::string content = zip.substr(data, size);
    EXPECT_EQ(crc32(0, content.data(), size), word(zip, record + 16, 4));
    EXPECT_EQ(word(zip, local + 14, 4), word(zip, record + 16, 4));
    NpyHeader header;
    EXPECT_SUCCESS(parse(content, header));
    record += 46 + 5 + word(zip, record + 30, 2);
  }
}

TEST_F(NpyTest, npzMustBeFull) {
  NpzWriter writer;
  writer.declare("a", QRT_TYPE_I32, {4});
  EXPECT_SUCCESS(writer.open(path("x.npz")));
  EXPECT_ERROR(writer.commit(), "not written whole");
}
