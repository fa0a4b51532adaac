//===- ImportanceMatrixTest.cpp - llama.cpp's imatrix files ---------------===//

#include "lowbit/Import/ImportanceMatrix.h"

#include "GGUFBuilder.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"

#include <gtest/gtest.h>

using namespace lowbit;
using test::GGUFBuilder;

static ImportanceMatrix sample() {
  ImportanceMatrix matrix;
  matrix.entries = {
      {"blk.0.ffn_down_exps.weight", {2, 4, 6, 8, 0, 0}, {2, 8, 0}},
      {"blk.0.attn_q.weight", {1, 10, 100}, {1024}}};
  matrix.datasets = {"a.txt", "b.txt"};
  matrix.chunks = 2;
  matrix.chunkSize = 512;
  return matrix;
}

static ImportanceMatrix read(const std::string &bytes) {
  auto matrix = readImportance(bytes, "m");
  if (matrix)
    return std::move(*matrix);
  ADD_FAILURE() << llvm::toString(matrix.takeError());
  return {};
}

static std::string errorOf(const std::string &bytes) {
  auto matrix = readImportance(bytes, "m");
  return matrix ? "" : llvm::toString(matrix.takeError());
}

TEST(ImportanceMatrixTest, gguf_comes_back) {
  ImportanceMatrix matrix =
      read(importanceBytes(sample(), ImportanceLayout::GGUF));
  ASSERT_EQ(matrix.entries.size(), 2u);
  EXPECT_EQ(matrix.entries[0].name, "blk.0.attn_q.weight") << "sorted";
  const ImportanceEntry *experts = matrix.find("blk.0.ffn_down_exps.weight");
  ASSERT_TRUE(experts);
  EXPECT_EQ(experts->matrices(), 3);
  EXPECT_EQ(experts->columns(), 2);
  EXPECT_EQ(experts->meanSquares(0), (std::vector<float>{1, 2}));
  EXPECT_EQ(experts->meanSquares(1), (std::vector<float>{0.75, 1}));
  EXPECT_EQ(experts->meanSquares(2), (std::vector<float>{1, 1})) << "unseen";
  EXPECT_EQ(matrix.datasets, sample().datasets);
  EXPECT_EQ(matrix.chunks, 2u);
  EXPECT_EQ(matrix.chunkSize, 512u);
  EXPECT_EQ(matrix.find("nothing"), nullptr);
}

TEST(ImportanceMatrixTest, legacy_keeps_means) {
  ImportanceMatrix matrix =
      read(importanceBytes(sample(), ImportanceLayout::Legacy));
  const ImportanceEntry *entry = matrix.find("blk.0.attn_q.weight");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->counts, std::vector<float>{2}) << "chunks of 512";
  EXPECT_EQ(entry->meanSquares(),
            (std::vector<float>{1 / 1024.f, 10 / 1024.f, 100 / 1024.f}));
  EXPECT_EQ(matrix.datasets, std::vector<std::string>{"b.txt"});
  EXPECT_EQ(matrix.chunks, 2u);
  EXPECT_EQ(matrix.find("blk.0.ffn_down_exps.weight")->meanSquares(),
            (std::vector<float>{1, 2, 0.75, 1, 1, 1}));
}

TEST(ImportanceMatrixTest, the_oldest_files_end_behind_the_entries) {
  GGUFBuilder file;
  file.put<int32_t>(1).put<int32_t>(1);
  file.text += "w";
  file.put<int32_t>(0).put<int32_t>(2).put(3.0f).put(4.0f);
  ImportanceMatrix matrix = read(file.text);
  EXPECT_EQ(matrix.entries[0].meanSquares(), (std::vector<float>{3, 4}));
  EXPECT_EQ(matrix.chunks, 0u);
}

TEST(ImportanceMatrixTest, every_cut_is_an_error) {
  for (ImportanceLayout layout :
       {ImportanceLayout::GGUF, ImportanceLayout::Legacy}) {
    std::string bytes = importanceBytes(sample(), layout);
    // Padding, or what the oldest files lack.
    size_t tail = layout == ImportanceLayout::GGUF ? 28 : 4 + 4 + 5;
    for (size_t size = 0; size + tail < bytes.size(); ++size) {
      std::string error = errorOf(bytes.substr(0, size));
      ASSERT_NE(error, "") << size;
      ASSERT_EQ(error.find('\n'), std::string::npos) << error;
    }
  }
}

TEST(ImportanceMatrixTest, bad_numbers) {
  ImportanceMatrix matrix = sample();
  matrix.entries[1].sums[2] = -1;
  EXPECT_NE(errorOf(importanceBytes(matrix, ImportanceLayout::GGUF))
                .find("'blk.0.attn_q.weight' has a sum of squares"),
            std::string::npos);
  matrix.entries[1].sums[2] = NAN;
  EXPECT_NE(errorOf(importanceBytes(matrix, ImportanceLayout::Legacy)), "");
  matrix = sample();
  matrix.entries[1].counts[0] = INFINITY;
  EXPECT_NE(errorOf(importanceBytes(matrix, ImportanceLayout::GGUF))
                .find("has a count"),
            std::string::npos);
}

TEST(ImportanceMatrixTest, other_files) {
  GGUFBuilder model;
  model.header(0, 1).pair("general.type", "model");
  EXPECT_NE(errorOf(model.text).find("general.type = 'imatrix'"),
            std::string::npos);
  EXPECT_NE(errorOf("hello, world").find("neither a GGUF file nor"),
            std::string::npos);
  GGUFBuilder lonely;
  lonely.header(1, 1).pair("general.type", "imatrix");
  lonely.tensor("w.in_sum2", {4, 1}, 0, 0).pad().data(32);
  EXPECT_NE(errorOf(lonely.text).find("'w.in_sum2' has no 'w.counts'"),
            std::string::npos);
  GGUFBuilder uneven;
  uneven.header(2, 1).pair("general.type", "imatrix");
  uneven.tensor("w.in_sum2", {4, 2}, 0, 0).tensor("w.counts", {1, 3}, 0, 32);
  uneven.pad().data(64);
  EXPECT_NE(errorOf(uneven.text).find("has 2 rows, but 3 counts"),
            std::string::npos);
}

TEST(ImportanceMatrixTest, files) {
  llvm::SmallString<128> path;
  ASSERT_FALSE(llvm::sys::fs::createTemporaryFile("imatrix", "gguf", path));
  EXPECT_EQ(
      llvm::toString(writeImportance(sample(), ImportanceLayout::GGUF, path)),
      "");
  auto matrix = openImportance(path);
  ASSERT_TRUE(bool(matrix));
  EXPECT_EQ(matrix->entries.size(), 2u);
  llvm::sys::fs::remove(path);
  EXPECT_NE(llvm::toString(openImportance(path).takeError()).find(path.c_str()),
            std::string::npos);
}
