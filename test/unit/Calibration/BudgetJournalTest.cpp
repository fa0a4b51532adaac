//===- BudgetJournalTest.cpp - Tests of BudgetJournal.h -------------------===//

#include "BudgetJournal.h"

#include "Samples.h"

using namespace lowbit;
using namespace lowbit::test;

TEST(BudgetJournal, KeepsEveryBit) {
  Folder folder;
  std::string path = folder.path + "/measured.json";
  double third = 1.0 / 3, tiny = 1.2345678901234567e-9;
  {
    BudgetJournal journal(path);
    EXPECT_FALSE(journal.get("kl", "w", "Q4_0"));
    journal.set("kl", "w", "Q4_0", third);
    journal.set("kl", "w", "Q8_0", tiny);
    journal.set("us", "32x32", "Q8_0", 7);
    ASSERT_FALSE(bool(journal.save()));
    journal.set("kl", "v", "Q8_0", 1); // not saved
  }
  BudgetJournal journal(path);
  EXPECT_EQ(journal.get("kl", "w", "Q4_0"), third);
  EXPECT_EQ(journal.get("kl", "w", "Q8_0"), tiny);
  EXPECT_EQ(journal.get("us", "32x32", "Q8_0"), 7);
  EXPECT_FALSE(journal.get("kl", "v", "Q8_0"));
  EXPECT_FALSE(journal.get("kl", "32x32", "Q8_0"));
}

TEST(BudgetJournal, DamagedFilesCountAsNone) {
  Folder folder;
  for (const char *text :
       {"", "{", "[]", "null", R"({"kl": 3})", R"({"kl": {"w": []}})",
        R"({"kl": {"w": {"Q4_0": "0.5"}}})"}) {
    BudgetJournal journal(folder.write("measured.json", text));
    EXPECT_FALSE(journal.get("kl", "w", "Q4_0")) << text;
    journal.set("kl", "w", "Q4_0", 0.5);
    EXPECT_EQ(journal.get("kl", "w", "Q4_0"), 0.5) << text;
  }
}

TEST(BudgetJournal, NoSuchFolder) {
  Folder folder;
  BudgetJournal journal(folder.path + "/none/measured.json");
  llvm::Error error = journal.save();
  ASSERT_TRUE(bool(error));
  EXPECT_EQ(llvm::toString(std::move(error)).find("cannot write "), 0u);
}
