//===- TileEmulator.h - AMX on a CPU without it -----------------*- C++ -*-===//
//
// A CPU without AMX traps its instructions. This catches the trap and does what
// Intel's manual says (SDM volume 2: LDTILECFG, TILELOADD, TDPBSUD, ...), so
// that machine code of level amx runs as it is: configuration, addresses,
// shapes. Shapes that do not fit each other end the program with a line.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_TEST_UNIT_CODEGEN_TILEEMULATOR_H
#define LOWBIT_TEST_UNIT_CODEGEN_TILEEMULATOR_H

#include <cstdint>

namespace lowbit::test {

/// From now on, in this process, until someone else takes SIGILL. False on
/// another architecture.
bool emulateTiles();

/// Products of tiles so far, in all threads.
int64_t emulatedProducts();

} // namespace lowbit::test

#endif // LOWBIT_TEST_UNIT_CODEGEN_TILEEMULATOR_H
