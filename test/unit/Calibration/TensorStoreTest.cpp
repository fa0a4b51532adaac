//===- TensorStoreTest.cpp - Tests of TensorStore.h -----------------------===//

#include "TensorStore.h"

#include "Samples.h"

using namespace lowbit;
using namespace lowbit::test;

namespace {

/// Any bits: a store looks into none.
RowFields randomRow(const Scheme &scheme, int64_t columns,
                    std::mt19937 &random) {
  RowFields row;
  row.resize(scheme, columns);
  auto fill = [&](auto &words) {
    for (auto &word : words)
      word = static_cast<std::decay_t<decltype(word)>>(random());
  };
  fill(row.codes);
  fill(row.reals);
  fill(row.indices);
  fill(row.signs);
  for (auto &level : row.fields)
    for (auto &component : level)
      fill(component);
  return row;
}

bool equal(const RowFields &a, const RowFields &b) {
  return a.codes == b.codes && a.reals == b.reals && a.indices == b.indices &&
         a.signs == b.signs && a.fields == b.fields;
}

std::string problemOf(llvm::Expected<std::shared_ptr<StoredTensor>> tensor) {
  return tensor ? "" : llvm::toString(tensor.takeError());
}

} // namespace

class TensorStoreTest : public testing::TestWithParam<const char *> {};

TEST_P(TensorStoreTest, round_trip) {
  SCOPED_TRACE("LOWBIT_TEST_SEED=" + std::to_string(seed()));
  Folder folder;
  TensorStore store(folder.path);
  Scheme scheme = test::scheme(GetParam());
  std::mt19937 random(seed());
  for (int64_t columns : {1, 31, 256, 300}) {
    std::vector<RowFields> rows;
    for (int i = 0; i < 5; ++i)
      rows.push_back(randomRow(scheme, columns, random));
    llvm::Error error = store.write("t", scheme, columns, rows);
    ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
    auto stored = store.open("t", scheme, 5, columns);
    ASSERT_TRUE(bool(stored)) << llvm::toString(stored.takeError());
    for (int64_t i : {4, 0, 2, 1, 3}) {
      RowFields row;
      (*stored)->readRow(i, row);
      EXPECT_TRUE(equal(row, rows[size_t(i)])) << columns << ", row " << i;
    }
  }
}

// Floats, groups, minima, tails, nested levels, codebooks, vectors with signs,
// a level of the whole tensor.
INSTANTIATE_TEST_SUITE_P(
    Schemes, TensorStoreTest,
    testing::Values(
        "F32", "BF16", "Q4_0", "Q4_1", "Q8_0", "Q4_K", "Q6_K", "IQ4_NL",
        "MXFP4", "TQ2_0", "u1 codebook 4 x12345670 signs, row scale f32",
        "u1 codebook 8 x0123456701234567 signs, group 256 scale f16, "
        "group 8 scale u4",
        "ternary, tensor scale f32", "sign, row scale f32",
        "u3, group 8 scale f16 min f16"));

TEST(TensorStoreTest, names_of_checkpoints) {
  Folder folder;
  TensorStore store(folder.path);
  Scheme f32 = Scheme::ofFloat(FieldType::F32);
  const char *names[] = {"a/b", "a%2Fb", "a b", "../up", "ä"};
  RowFields row;
  row.reals = {0};
  for (const char *name : names) {
    row.reals[0] += 1;
    llvm::Error error = store.write(name, f32, 1, row);
    ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
  }
  float expected = 0;
  for (const char *name : names) {
    auto stored = store.open(name, f32, 1, 1);
    ASSERT_TRUE(bool(stored)) << llvm::toString(stored.takeError());
    (*stored)->readRow(0, row);
    EXPECT_EQ(row.reals[0], expected += 1) << name;
  }
}

TEST(TensorStoreTest, another_size) {
  Folder folder;
  TensorStore store(folder.path);
  Scheme f32 = Scheme::ofFloat(FieldType::F32);
  EXPECT_NE(problemOf(store.open("t", f32, 1, 2)).find("cannot read"),
            std::string::npos);
  RowFields row;
  row.reals = {1, 2};
  ASSERT_FALSE(bool(store.write("t", f32, 2, row)));
  EXPECT_EQ(problemOf(store.open("t", f32, 1, 2)), "");
  EXPECT_NE(problemOf(store.open("t", f32, 2, 2)).find("has another size"),
            std::string::npos);
}
