//===- TileEmulator.cpp - AMX on a CPU without it -------------------------===//

#include "TileEmulator.h"

#include <atomic>

namespace lowbit::test {

static std::atomic<int64_t> products{0};

int64_t emulatedProducts() { return products; }

} // namespace lowbit::test

#if defined(__x86_64__) && defined(__linux__)

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ucontext.h>
#include <unistd.h>

namespace lowbit::test {

namespace {

struct Tile {
  uint8_t rows[16][64];
};

/// Registers of one thread.
struct Tiles {
  bool isConfigured;
  int rows[8], bytes[8];
  Tile tile[8];
};

thread_local Tiles tiles;

[[noreturn]] void fail(const char *what) {
  (void)!write(2, what, std::strlen(what));
  (void)!write(2, "\n", 1);
  _exit(99);
}

void require(bool condition, const char *what) {
  if (!condition)
    fail(what);
}

//===- Decoding -----------------------------------------------------------===//

/// A VEX instruction of three bytes of prefix, of map 0F38.
struct Instruction {
  int prefix; ///< 0, 1: 66, 2: F3, 3: F2
  uint8_t opcode;
  int reg, rm, vvvv;
  bool isMemory;
  uint8_t *address; ///< without an index
  int64_t stride;   ///< the index, scaled
  int length;
};

/// General registers in the order of their numbers.
constexpr int registers[16] = {
    REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

int64_t valueOf(const ucontext_t &context, int number) {
  return context.uc_mcontext.gregs[registers[number]];
}

template <class T> T read(const uint8_t *from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

/// The operand in memory; `at` is behind the ModRM byte. Returns its end.
const uint8_t *decodeMemory(const ucontext_t &context, const uint8_t *at,
                            int mod, int rm, int extendIndex, int extendBase,
                            Instruction &out) {
  int64_t address = 0;
  bool isRelative = false, hasBase = true;
  int base = rm;
  if (rm == 4) {
    const uint8_t sib = *at++;
    base = sib & 7;
    const int index = (sib >> 3 & 7) | extendIndex;
    if (index != 4)
      out.stride = valueOf(context, index) << (sib >> 6);
  }
  if (mod == 0 && base == 5) {
    hasBase = false;
    isRelative = rm == 5;
  }
  if (hasBase)
    address += valueOf(context, base | extendBase);
  if (mod == 1) {
    address += read<int8_t>(at);
    at += 1;
  } else if (mod == 2 || !hasBase) {
    address += read<int32_t>(at);
    at += 4;
  }
  if (isRelative) // no immediate follows: this is the instruction's end
    address += reinterpret_cast<int64_t>(at);
  out.address = reinterpret_cast<uint8_t *>(address);
  return at;
}

bool decode(const ucontext_t &context, Instruction &out) {
  const auto *start = reinterpret_cast<const uint8_t *>(
      context.uc_mcontext.gregs[REG_RIP]);
  if (start[0] != 0xc4 || (start[1] & 31) != 2 || start[2] & 0x84)
    return false;
  out = {};
  out.prefix = start[2] & 3;
  out.opcode = start[3];
  out.vvvv = ~(start[2] >> 3) & 15;
  const uint8_t modrm = start[4];
  const int mod = modrm >> 6;
  out.reg = modrm >> 3 & 7;
  out.rm = modrm & 7;
  out.isMemory = mod != 3;
  const uint8_t *end = start + 5;
  if (out.isMemory)
    end = decodeMemory(context, end, mod, out.rm, start[1] & 0x40 ? 0 : 8,
                       start[1] & 0x20 ? 0 : 8, out);
  out.length = int(end - start);
  return true;
}

//===- Executing ----------------------------------------------------------===//

void configure(const uint8_t *from) {
  require(from[0] == 1 && from[1] == 0, "ldtilecfg: palette or start row");
  std::memset(&tiles, 0, sizeof tiles);
  tiles.isConfigured = true;
  for (int i = 0; i < 8; ++i) {
    tiles.bytes[i] = read<uint16_t>(from + 16 + 2 * i);
    tiles.rows[i] = from[48 + i];
    require(tiles.bytes[i] <= 64 && tiles.rows[i] <= 16, "ldtilecfg: shape");
  }
}

void requireTile(int number) {
  require(tiles.isConfigured, "a tile instruction without ldtilecfg");
  require(number < 8 && tiles.rows[number] && tiles.bytes[number],
          "a tile without a shape");
}

void clear(const Instruction &at) {
  requireTile(at.reg);
  std::memset(&tiles.tile[at.reg], 0, sizeof(Tile));
}

void move(const Instruction &at, bool isLoad) {
  requireTile(at.reg);
  Tile &tile = tiles.tile[at.reg];
  if (isLoad)
    std::memset(&tile, 0, sizeof tile);
  for (int row = 0; row < tiles.rows[at.reg]; ++row) {
    uint8_t *memory = at.address + row * at.stride;
    if (isLoad)
      std::memcpy(tile.rows[row], memory, size_t(tiles.bytes[at.reg]));
    else
      std::memcpy(memory, tile.rows[row], size_t(tiles.bytes[at.reg]));
  }
}

int byteOf(uint8_t byte, bool isSigned) {
  return isSigned ? int(int8_t(byte)) : int(byte);
}

void multiply(const Instruction &at) {
  const int c = at.reg, a = at.rm, b = at.vvvv;
  requireTile(a), requireTile(b), requireTile(c);
  require(a != b && b != c && a != c, "tdp: the same tile twice");
  require(tiles.rows[a] == tiles.rows[c] && tiles.bytes[b] == tiles.bytes[c] &&
              tiles.rows[b] * 4 == tiles.bytes[a],
          "tdp: shapes differ");
  const bool signedA = at.prefix >= 2, signedB = at.prefix & 1;
  for (int m = 0; m < tiles.rows[c]; ++m)
    for (int n = 0; n < tiles.bytes[c] / 4; ++n) {
      auto sum = read<int32_t>(&tiles.tile[c].rows[m][4 * n]);
      for (int k = 0; k < tiles.bytes[a]; ++k)
        sum += byteOf(tiles.tile[a].rows[m][k], signedA) *
               byteOf(tiles.tile[b].rows[k / 4][4 * n + k % 4], signedB);
      std::memcpy(&tiles.tile[c].rows[m][4 * n], &sum, sizeof sum);
    }
  ++products;
}

bool execute(const Instruction &at) {
  if (at.opcode == 0x49 && at.prefix == 0 && at.isMemory)
    configure(at.address + at.stride);
  else if (at.opcode == 0x49 && at.prefix == 0)
    tiles.isConfigured = false; // tilerelease
  else if (at.opcode == 0x49 && at.prefix == 3)
    clear(at);
  else if (at.opcode == 0x4b && at.isMemory && at.prefix != 0)
    move(at, /*isLoad=*/at.prefix != 2);
  else if (at.opcode == 0x5e && !at.isMemory)
    multiply(at);
  else
    return false;
  return true;
}

[[noreturn]] void failAt(const ucontext_t &context) {
  char text[] = "not of AMX, or not emulated: .................";
  const auto *bytes = reinterpret_cast<const uint8_t *>(
      context.uc_mcontext.gregs[REG_RIP]);
  char *to = std::strchr(text, '.');
  for (int digit = 0; digit < 16; ++digit)
    *to++ = "0123456789abcdef"[bytes[digit / 2] >> (digit % 2 ? 0 : 4) & 15];
  fail(text);
}

void onTrap(int, siginfo_t *, void *raw) {
  auto &context = *static_cast<ucontext_t *>(raw);
  Instruction instruction;
  if (!decode(context, instruction) || !execute(instruction))
    failAt(context);
  context.uc_mcontext.gregs[REG_RIP] += instruction.length;
}

} // namespace

bool emulateTiles() {
  struct sigaction action = {};
  action.sa_sigaction = onTrap;
  action.sa_flags = SA_SIGINFO;
  return sigaction(SIGILL, &action, nullptr) == 0;
}

} // namespace lowbit::test

#else

bool lowbit::test::emulateTiles() { return false; }

#endif
