//===- PanelCodes.cpp - Codes of a panel as bytes and reals ---------------===//

#include "PanelCodes.h"

#include "dialects/Pack/IR/PackOps.h"
#include "lowbit/Support/Float.h"

#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;

namespace lowbit {

//===- Codes as bytes -----------------------------------------------------===//

/// A power of two that makes every entry an integer of at most 8 bits; 0: none.
static float integerFactor(llvm::ArrayRef<float> codebook) {
  for (int shift = 0; shift <= 8; ++shift) {
    float factor = std::ldexp(1.0f, -shift);
    if (llvm::all_of(codebook, [&](float entry) {
          float scaled = entry / factor;
          return scaled == std::nearbyint(scaled) && std::fabs(scaled) <= 127;
        }))
      return factor;
  }
  return 0;
}

static ByteCodes ofCodebook(const Scheme &scheme, const TargetInfo &target) {
  ByteCodes bytes;
  bytes.factor = integerFactor(scheme.codebook);
  if (bytes.factor == 0)
    return bytes;
  bytes.exact = true;
  int64_t low = 0, high = 0;
  for (float entry : scheme.codebook) {
    low = std::min<int64_t>(low, entry / bytes.factor);
    high = std::max<int64_t>(high, entry / bytes.factor);
  }
  if (scheme.signs) {
    high = std::max(-low, high);
    low = -high;
  }
  bool saturates = high - low > target.largestUnsigned;
  bytes.signedBytes = saturates;
  bytes.bias = saturates ? 0 : -low;
  bytes.range = saturates ? std::max(-low, high) : high - low;
  for (float entry : scheme.codebook)
    bytes.table.push_back(static_cast<int8_t>(
        static_cast<int64_t>(entry / bytes.factor) + bytes.bias));
  // pack.lookup has 16 entries; larger codebooks take several.
  while (bytes.table.size() % 16 != 0)
    bytes.table.push_back(0);
  return bytes;
}

ByteCodes ByteCodes::of(const Scheme &scheme, const TargetInfo &target) {
  ByteCodes bytes;
  bytes.exact = true;
  switch (scheme.kind) {
  case CodeKind::Float:
    bytes.exact = false;
    return bytes;
  case CodeKind::Codebook:
    return ofCodebook(scheme, target);
  case CodeKind::Sign: // 2 q - 1
    bytes.shift = 1;
    bytes.bias = 1;
    bytes.range = 2;
    return bytes;
  case CodeKind::Ternary:
    bytes.bias = 1;
    bytes.range = 2;
    return bytes;
  case CodeKind::Signed: // stored with the sign bit flipped
    bytes.bias = int64_t(1) << (scheme.bits - 1);
    break;
  case CodeKind::Unsigned:
    bytes.bias = scheme.offset;
    break;
  }
  bytes.range = (int64_t(1) << scheme.bits) - 1;
  if (bytes.range > target.largestUnsigned) {
    // Eight bits around zero: the sign route. What is left of the bias is 0
    // for two's complement.
    bytes.flip = 128;
    bytes.bias -= 128;
    bytes.signedBytes = true;
    bytes.range = 128;
  }
  return bytes;
}

int64_t ByteCodes::integerOf(uint8_t byte) const {
  return (signedBytes ? static_cast<int8_t>(byte) : int64_t(byte)) - bias;
}

//===- Loading ------------------------------------------------------------===//

static Value constantOf(Emitter &e, Type type, llvm::ArrayRef<char> raw) {
  int64_t count = raw.size() / (type.getIntOrFloatBitWidth() / 8);
  return e.constantTable(DenseElementsAttr::getFromRawBuffer(
      RankedTensorType::get({count}, type), raw));
}

PanelCodes::PanelCodes(Emitter &e, const PanelLayout &panel,
                       const TargetInfo &target, Value weights, bool asBytes)
    : e(e), panel_(panel), bytes_(ByteCodes::of(panel.scheme(), target)),
      weights_(weights), asBytes_(asBytes) {
  const Scheme &scheme = panel.scheme();
  // 255 selects for each 16 codes of fp8 took minutes to compile.
  constexpr size_t kMostSelects = 64;
  bool isLarge = !asBytes && scheme.codebook.size() > kMostSelects;
  if (!scheme.isVector() && !isLarge)
    return;
  // An entry is one integer; all constants are little-endian.
  if (asBytes)
    table_ = constantOf(
        e, e.b.getIntegerType(8 * scheme.entryLength),
        {reinterpret_cast<const char *>(bytes_.table.data()),
                     bytes_.table.size()});
  else
    table_ = constantOf(
        e, e.f32(), {reinterpret_cast<const char *>(scheme.codebook.data()),
                     scheme.codebook.size() * sizeof(float)});
}

/// Vector `vector`, of `bytes` bytes, of a plane at `offset` of a chunk.
/// One of 16 bytes becomes a word for each row.
Value PanelCodes::load(Value panel, Chunk &chunk, int64_t plane,
                       int64_t offset, int64_t vector, int64_t bytes) {
  Value &raw = chunk.vectors[{plane, vector}];
  if (raw)
    return raw;
  raw = e.loadVec(e.vec(bytes, e.b.getI8Type()), weights_,
                  e.add(panel, e.add(chunk.byte, offset + vector * bytes)));
  if (bytes == PanelLayout::kLanes)
    raw = arith::ExtUIOp::create(e.b, e.loc, e.vec(16, e.i32()), raw);
  return raw;
}

PanelCodes::Quad PanelCodes::quad(Value panel, Chunk &chunk,
                                  int64_t quad) {
  constexpr int64_t kSigns = -1; // beside the planes of the codes
  const Scheme &scheme = panel_.scheme();
  Quad result;
  if (scheme.isVector()) {
    int64_t perEntry = scheme.entryLength / 4, entry = quad / perEntry;
    result.part = quad % perEntry;
    result.codes = asBytes_ ? entryBytes(panel, chunk, entry)[result.part]
                            : indices(panel, chunk, entry);
  } else {
    result.codes = codes(panel, chunk, quad);
  }
  if (scheme.signs) {
    result.signs = load(panel, chunk, kSigns, 0, quad / 8, 64);
    result.bit = quad % 8;
  }
  return result;
}

/// Moves bits: left for positive, right for negative.
static Value shiftWords(Emitter &e, Value words, int64_t left) {
  if (left == 0)
    return words;
  Value amount = e.splatI(std::abs(left));
  if (left > 0)
    return arith::ShLIOp::create(e.b, e.loc, words, amount);
  return arith::ShRUIOp::create(e.b, e.loc, words, amount);
}

/// The same for bytes whose bits that leave them are masked out next.
static Value shiftBytes(Emitter &e, Value bytes, int64_t left) {
  if (left == 0)
    return bytes;
  Value words =
      vector::BitCastOp::create(e.b, e.loc, e.vec(16, e.i32()), bytes);
  return vector::BitCastOp::create(e.b, e.loc, bytes.getType(),
                                   shiftWords(e, words, left));
}

static Value orWith(Emitter &e, Value before, Value part) {
  return before ? arith::OrIOp::create(e.b, e.loc, before, part).getResult()
                : part;
}

/// The packed codes of a quad: 16 lanes of 4 bytes.
Value PanelCodes::codes(Value panel, Chunk &chunk, int64_t quad) {
  Value result;
  int64_t offset = panel_.signBytes(chunk.quads), bit = bytes_.shift;
  for (auto [plane, width] : llvm::enumerate(panel_.planes())) {
    int64_t perVector = 8 / width;
    Value part =
        load(panel, chunk, plane, offset, quad / perVector, 64);
    if (width < 8) {
      part = shiftBytes(e, part, bit - width * (quad % perVector));
      part = arith::AndIOp::create(
          e.b, e.loc, part, e.splatBytes(((1u << width) - 1) << bit));
    }
    result = orWith(e, result, part);
    offset += (chunk.quads * width + 7) / 8 * 64;
    bit += width;
  }
  return result;
}

/// Index `entry` of a chunk, of each row, in words.
Value PanelCodes::indices(Value panel, Chunk &chunk, int64_t entry) {
  Value &result = chunk.indices[entry];
  if (result)
    return result;
  int64_t length = panel_.scheme().entryLength;
  int64_t entries = (4 * chunk.quads + length - 1) / length;
  int64_t offset = panel_.signBytes(chunk.quads), bit = 0;
  for (auto [plane, width] : llvm::enumerate(panel_.planes())) {
    int64_t perByte = 8 / width;
    Value part = load(panel, chunk, plane, offset, entry / perByte, 16);
    if (width < 8) {
      part = shiftWords(e, part, bit - width * (entry % perByte));
      part = arith::AndIOp::create(
          e.b, e.loc, part, e.splatI(((1 << width) - 1) << bit));
    }
    result = orWith(e, result, part);
    offset += (entries * width + 7) / 8 * 16;
    bit += width;
  }
  return result;
}

/// The bytes of entry `entry` of a chunk, of each row: a vector for each quad.
/// One gather for both quads of 8 bytes: half the loads of two.
const Emitter::Values &PanelCodes::entryBytes(Value panel, Chunk &chunk,
                                              int64_t entry) {
  Emitter::Values &quads = chunk.entries[entry];
  if (!quads.empty())
    return quads;
  int64_t words = panel_.scheme().entryLength / 4;
  Value at = indices(panel, chunk, entry);
  Value all = e.gather(e.vec(16, e.b.getIntegerType(32 * words)), table_,
                       e.index(0), at);
  if (words == 1) {
    quads.push_back(vector::BitCastOp::create(
        e.b, e.loc, e.vec(64, e.b.getI8Type()), all));
    return quads;
  }
  Value wide = vector::BitCastOp::create(e.b, e.loc, e.vec(32, e.i32()), all);
  for (int64_t part : {0, 1}) {
    llvm::SmallVector<int64_t> lanes;
    for (int64_t lane = 0; lane < 16; ++lane)
      lanes.push_back(2 * lane + part);
    Value quad = vector::ShuffleOp::create(e.b, e.loc, wide, wide, lanes);
    quads.push_back(vector::BitCastOp::create(
        e.b, e.loc, e.vec(64, e.b.getI8Type()), quad));
  }
  return quads;
}

//===- Bytes --------------------------------------------------------------===//

Value PanelCodes::bytesOf(const Quad &quad) {
  Value bytes = panel_.scheme().isVector() ? quad.codes : lookup(quad.codes);
  if (!quad.signs)
    return bytes;
  // byte = bias + c; the other sign's is bias - c.
  Value set = arith::AndIOp::create(e.b, e.loc, quad.signs,
                                   e.splatBytes(1u << quad.bit));
  Value isSet = arith::CmpIOp::create(
      e.b, e.loc, arith::CmpIPredicate::ne, set, e.splatBytes(0));
  Value mirrored = arith::SubIOp::create(
      e.b, e.loc, e.splatBytes(2 * bytes_.bias), bytes);
  return arith::SelectOp::create(e.b, e.loc, isSet, mirrored, bytes);
}

Value PanelCodes::lookup(Value code) {
  if (bytes_.flip)
    return arith::XOrIOp::create(e.b, e.loc, code,
                                 e.splatBytes(bytes_.flip));
  if (bytes_.table.empty())
    return code;
  llvm::ArrayRef<int8_t> table = bytes_.table;
  if (table.size() == 16)
    return pack::LookupOp::create(e.b, e.loc, code.getType(), code,
                                  e.b.getDenseI8ArrayAttr(table));
  // Sixteen entries at a time, chosen by the code's high bits.
  Value low =
      arith::AndIOp::create(e.b, e.loc, code, e.splatBytes(15)), result;
  for (size_t part = 0; part < table.size() / 16; ++part) {
    Value bytes =
        pack::LookupOp::create(e.b, e.loc, code.getType(), low,
                               e.b.getDenseI8ArrayAttr(
                                   table.slice(part * 16, 16)));
    if (!result) {
      result = bytes;
      continue;
    }
    Value mine = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::uge,
                                       code, e.splatBytes(part * 16));
    result = arith::SelectOp::create(e.b, e.loc, mine, bytes, result);
  }
  return result;
}

//===- Pairs --------------------------------------------------------------===//

/// Codes of up to 5 bits are looked up: a shift, a mask and vpermw.
Value PanelCodes::pairOf(const Quad &quad, int64_t part) {
  const Scheme &scheme = panel_.scheme();
  bool isSmall = !scheme.isVector() && !quad.signs &&
                 scheme.bits + bytes_.shift <= 5;
  Value words =
      vector::BitCastOp::create(e.b, e.loc, e.vec(16, e.i32()),
                                isSmall ? quad.codes : bytesOf(quad));
  if (part)
    words = arith::ShRUIOp::create(e.b, e.loc, words, e.splatI(8));
  words = arith::AndIOp::create(e.b, e.loc, words, e.splatI(0x00ff00ff));
  auto pairs = e.vec(32, e.b.getBF16Type());
  if (!isSmall)
    return vector::BitCastOp::create(e.b, e.loc, pairs, pairFromBytes(words));
  int16_t table[32];
  for (size_t code = 0; code < 32; ++code) {
    uint8_t byte = bytes_.table.empty() ? code
                   : code < bytes_.table.size() ? bytes_.table[code]
                                                : 0;
    table[code] = static_cast<int16_t>(
        toBF16(static_cast<float>(bytes_.integerOf(byte))));
  }
  auto index = e.vec(32, e.b.getIntegerType(16));
  Value looked = pack::LookupWordsOp::create(
      e.b, e.loc, index, vector::BitCastOp::create(e.b, e.loc, index, words),
      e.b.getDenseI16ArrayAttr(table));
  return vector::BitCastOp::create(e.b, e.loc, pairs, looked);
}

/// Two bytes in the halves of every word to two bf16: such integers have the
/// lower half of an f32 empty.
Value PanelCodes::pairFromBytes(Value words) {
  int64_t bias = bytes_.bias;
  if (bytes_.signedBytes) { // to unsigned
    words = arith::XOrIOp::create(e.b, e.loc, words, e.splatI(0x00800080));
    bias += 128;
  }
  auto toFloat = [&](Value integers) {
    if (bias)
      integers =
          arith::SubIOp::create(e.b, e.loc, integers, e.splatI(bias));
    Value real = arith::SIToFPOp::create(e.b, e.loc, e.vecF(), integers);
    return vector::BitCastOp::create(e.b, e.loc, e.vec(16, e.i32()), real);
  };
  Value low = toFloat(
      arith::AndIOp::create(e.b, e.loc, words, e.splatI(0xffff)));
  Value high = toFloat(shiftWords(e, words, -16));
  return arith::OrIOp::create(e.b, e.loc, shiftWords(e, low, -16), high);
}

//===- Reals --------------------------------------------------------------===//

Value PanelCodes::realOf(const Quad &quad, int64_t k) {
  Value real;
  if (panel_.scheme().isVector()) {
    int64_t length = panel_.scheme().entryLength;
    Value at = shiftWords(e, quad.codes, llvm::Log2_64(length));
    real = e.gather(e.vecF(), table_, e.index(4 * quad.part + k), at);
  } else {
    real = realCode(quad.codes, k);
  }
  if (!quad.signs)
    return real;
  Value words = vector::BitCastOp::create(e.b, e.loc, e.vec(16, e.i32()),
                                          quad.signs);
  auto bit = static_cast<int32_t>(1u << (8 * k + quad.bit));
  Value isSet = arith::CmpIOp::create(
      e.b, e.loc, arith::CmpIPredicate::ne,
      arith::AndIOp::create(e.b, e.loc, words, e.splatI(bit)), e.splatI(0));
  // Not a negation: zero has no sign.
  return arith::SelectOp::create(e.b, e.loc, isSet,
                                 e.subF(e.splatF(0), real), real);
}

Value PanelCodes::realCode(Value code, int64_t k) {
  auto words = e.vec(16, e.i32());
  Value all = vector::BitCastOp::create(e.b, e.loc, words, code);
  if (k)
    all = arith::ShRUIOp::create(e.b, e.loc, all, e.splatI(8 * k));
  if (k < 3)
    all = arith::AndIOp::create(e.b, e.loc, all, e.splatI(255));
  const Scheme &scheme = panel_.scheme();
  if (scheme.kind != CodeKind::Codebook) {
    int64_t bias = bytes_.flip + bytes_.bias;
    if (bias)
      all = arith::SubIOp::create(e.b, e.loc, all, e.splatI(bias));
    return arith::SIToFPOp::create(e.b, e.loc, e.vecF(), all);
  }
  return choose(all);
}

/// An entry by its index, in words.
Value PanelCodes::choose(Value all) {
  const Scheme &scheme = panel_.scheme();
  if (table_ && !scheme.isVector())
    return e.gather(e.vecF(), table_, e.index(0), all);
  // Binary choice over the code's bits: 2^bits - 1 selects, in registers.
  Emitter::Values level;
  for (float entry : scheme.codebook)
    level.push_back(e.splatF(entry));
  for (int64_t bit = 0; level.size() > 1; ++bit) {
    Value isSet = arith::CmpIOp::create(
        e.b, e.loc, arith::CmpIPredicate::ne,
        arith::AndIOp::create(e.b, e.loc, all, e.splatI(1 << bit)),
        e.splatI(0));
    Emitter::Values next;
    for (size_t i = 0; i < level.size(); i += 2)
      next.push_back(arith::SelectOp::create(e.b, e.loc, isSet, level[i + 1],
                                             level[i]));
    level = next;
  }
  return level[0];
}

} // namespace lowbit
