//===- EmulatorTest.cpp - Whether kernels are tested for AArch64 ----------===//

#include "Emulator.h"

#include "gtest/gtest.h"

using namespace lowbit::test;

/// Says in the list of skipped tests that the others had no AArch64 level.
TEST(EmulatorTest, Present) {
  std::string missing = emulatorMissing();
  if (!missing.empty())
    GTEST_SKIP() << "kernels are not tested at neon and armv8.6: " << missing;
}
