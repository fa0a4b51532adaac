//===- SequencesTest.cpp - Tests of Sequences.h ---------------------------===//

#include "Sequences.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>

using namespace lowbit;

namespace {

using Sequences = std::vector<std::vector<int32_t>>;

Sequences cut(int64_t tokens, CalibrationText text,
              std::optional<int32_t> bos = std::nullopt) {
  std::vector<int32_t> ids(static_cast<size_t>(tokens));
  std::iota(ids.begin(), ids.end(), 0);
  auto sequences = cutSequences(ids, text, bos);
  if (!sequences) {
    ADD_FAILURE() << llvm::toString(sequences.takeError());
    return {};
  }
  return *sequences;
}

CalibrationText text(int64_t sequences, int64_t length, uint64_t seed = 1) {
  return {"text.txt", sequences, length, seed};
}

} // namespace

TEST(SequencesTest, all_if_there_are_fewer) {
  EXPECT_EQ(cut(11, text(100, 4)), (Sequences{{0, 1, 2, 3}, {4, 5, 6, 7}}));
}

TEST(SequencesTest, bos_takes_the_place_of_a_token) {
  EXPECT_EQ(cut(7, text(9, 4), 99), (Sequences{{99, 0, 1, 2}, {99, 3, 4, 5}}));
}

TEST(SequencesTest, some_pieces_in_order) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Sequences sequences = cut(400, text(10, 8, seed));
    ASSERT_EQ(sequences.size(), 10u);
    for (size_t i = 0; i < sequences.size(); ++i) {
      EXPECT_EQ(sequences[i][0] % 8, 0);
      EXPECT_EQ(sequences[i][7], sequences[i][0] + 7);
      if (i)
        EXPECT_LT(sequences[i - 1][0], sequences[i][0]);
    }
  }
}

TEST(SequencesTest, the_seed_chooses) {
  EXPECT_EQ(cut(400, text(10, 8, 3)), cut(400, text(10, 8, 3)));
  EXPECT_NE(cut(400, text(10, 8, 3)), cut(400, text(10, 8, 4)));
  // Every piece is chosen by some seed.
  std::vector<bool> seen(50);
  for (uint64_t seed = 0; seed < 100; ++seed)
    for (const auto &sequence : cut(400, text(5, 8, seed)))
      seen[size_t(sequence[0] / 8)] = true;
  EXPECT_EQ(std::count(seen.begin(), seen.end(), false), 0);
}

TEST(SequencesTest, one_token_too_few) {
  std::vector<int32_t> ids(7);
  auto sequences = cutSequences(ids, text(1, 8), std::nullopt);
  ASSERT_FALSE(bool(sequences));
  EXPECT_EQ(llvm::toString(sequences.takeError()),
            "the calibration text text.txt has 7 tokens, but a sequence has 8: "
            "give a longer text or a smaller length");
  EXPECT_EQ(cut(7, text(1, 8), 99).size(), 1u);
}

// What calibrates is the same where there are enough pieces for both.
TEST(SequencesTest, some_are_held_out) {
  std::vector<int32_t> ids(400);
  std::iota(ids.begin(), ids.end(), 0);
  auto divided = divideSequences(ids, text(50, 4), std::nullopt);
  ASSERT_TRUE(bool(divided));
  EXPECT_EQ(divided->calibrating, cut(400, text(50, 4)));
  EXPECT_EQ(divided->heldOut.size(), 4u);
  for (const auto &sequence : divided->heldOut)
    EXPECT_EQ(std::count(divided->calibrating.begin(),
                         divided->calibrating.end(), sequence),
              0);
  divided = divideSequences(ids, text(1000, 4), std::nullopt);
  ASSERT_TRUE(bool(divided));
  EXPECT_EQ(divided->calibrating.size() + divided->heldOut.size(), 100u);
  EXPECT_EQ(divided->heldOut.size(), 4u);
  divided = divideSequences(llvm::ArrayRef(ids).take_front(60), text(1000, 4),
                            std::nullopt);
  ASSERT_TRUE(bool(divided));
  EXPECT_EQ(divided->heldOut.size(), 0u); // 15 pieces are too few
}
