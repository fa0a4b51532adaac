//===- PanelDot.cpp - A panel of weights times rows -----------------------===//

#include "PanelDot.h"

#include "FloatFields.h"

#include "dialects/Pack/IR/PackOps.h"

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

//===- Walk ---------------------------------------------------------------===//

/// Every scale but zero is far from the ends of f32's exponents: f16 and e4m3
/// times integers. 2^-24 times 2^-60 (PackRows) times 2^-8 (a codebook's factor)
/// is a normal number.
static bool scalesAreNormal(const Scheme &scheme) {
  bool any = false;
  for (const Level &level : scheme.levels)
    for (const Component &component : level.components) {
      if (component.role != Component::Scale)
        continue;
      any = true;
      FieldType::Kind kind = component.type.kind;
      if (kind != FieldType::F16 && kind != FieldType::E4M3 &&
          !component.type.isInteger())
        return false;
    }
  return any;
}

PanelDot::PanelDot(Emitter &e, const PanelLayout &panel,
                   const RowsLayout &layout, const TargetInfo &target,
                   Value weights, Value activations)
    : e(e), panel_(panel), layout_(layout),
      bytes_(ByteCodes::of(panel.scheme(), target)),
      exactDot_(target.largestUnsigned == 255),
      addsExponents_(layout.pow2 && target.masksLanes &&
                     scalesAreNormal(panel.scheme())),
      weights_(weights),
      activations_(activations) {}

/// Sums that keep two dot units busy: each takes 4 to 5 cycles.
constexpr int64_t kChains = 10;

void PanelDot::start(llvm::ArrayRef<Value> panels, Value first, int64_t rows,
                     int64_t prefetch) {
  panels_.assign(panels.begin(), panels.end());
  prefetch_ = prefetch;
  rows_.clear();
  for (int64_t row = 0; row < rows; ++row)
    rows_.push_back(e.add(first, row));
  int64_t chains = rows * panels.size();
  sets_ = layout_.bits == 8 && exactDot_ && chains < kChains ? 2 : 1;
}

PanelDot::Place PanelDot::beginning() {
  Place at{e.index(0), e.index(0), {}};
  at.terms.resize(panels_.size());
  applyFields(panel_.rowFields(), at.byte, at);
  at.byte = e.index(panel_.rowFieldBytes());
  return at;
}

Emitter::Values PanelDot::emit(llvm::ArrayRef<Value> panels, Value first,
                               int64_t rows, int64_t prefetch) {
  Values sums(rows * panels.size(), e.splatF(0));
  return emitPart(panels, first, rows, e.index(0), blocks(), /*tail=*/true,
                  sums, prefetch);
}

Emitter::Values PanelDot::emitPart(llvm::ArrayRef<Value> panels, Value first,
                                   int64_t rows, Value firstBlock,
                                   int64_t count, bool tail, Values sums,
                                   int64_t prefetch) {
  start(panels, first, rows, prefetch);
  Place at = beginning();
  int64_t full = panel_.blockLength(0), bytes = panel_.blockBytes(0, full);
  int64_t groups = full / panel_.group();
  at.byte = e.add(at.byte, e.mul(firstBlock, bytes));
  at.group = e.add(at.group, e.mul(firstBlock, groups));
  sums = fullBlocks(0, count, at, sums);
  int64_t rest = panel_.columns() % full;
  if (!tail || !rest)
    return sums;
  at.byte = e.add(at.byte, count * bytes);
  at.group = e.add(at.group, count * groups);
  return block(0, rest, at, sums);
}

void PanelDot::decode(Value panel, Visit visit) {
  start(panel, e.index(0), 0, 0);
  visit_ = &visit;
  sequence(0, panel_.columns(), beginning(), {});
  visit_ = nullptr;
}

Emitter::Values PanelDot::fullBlocks(int64_t depth, int64_t count, Place at,
                                     Values sums) {
  int64_t full = panel_.blockLength(depth);
  int64_t bytes = panel_.blockBytes(depth, full);
  int64_t groups = full / panel_.group();
  if (count == 0)
    return sums;
  if (count == 1)
    return block(depth, full, at, sums);
  return e.loop(e.index(0), e.index(count), 1, sums,
                [&](Value i, ValueRange carried) {
                  Place here = at;
                  here.byte = e.add(at.byte, e.mul(i, bytes));
                  here.group = e.add(at.group, e.mul(i, groups));
                  return block(depth, full, here, llvm::to_vector(carried));
                });
}

Emitter::Values PanelDot::sequence(int64_t depth, int64_t length, Place at,
                                   Values sums) {
  int64_t full = panel_.blockLength(depth);
  int64_t count = length / full, rest = length % full;
  sums = fullBlocks(depth, count, at, sums);
  if (!rest)
    return sums;
  at.byte = e.add(at.byte, count * panel_.blockBytes(depth, full));
  at.group = e.add(at.group, count * (full / panel_.group()));
  return block(depth, rest, at, sums);
}

Emitter::Values PanelDot::block(int64_t depth, int64_t length, Place at,
                                Values sums) {
  if (depth == panel_.lastDepth())
    return panel_.scheme().isFloat() ? floatUnit(length, at, sums)
                                     : unit(length, at, sums);
  applyFields(panel_.fields(depth), at.byte, at);
  at.byte = e.add(at.byte, panel_.fieldBytes(depth));
  return sequence(depth + 1, length, at, sums);
}

PanelDot::Chunks PanelDot::chunksAt(Value byte, int64_t quads) {
  Chunks chunks;
  for (Value panel : panels_)
    chunks.emplace_back(panel, byte, quads);
  return chunks;
}

Emitter::Values PanelDot::unit(int64_t length, Place at, Values sums) {
  int64_t groupQuads = panel_.paddedGroup() / 4;
  Chunks chunks = chunksAt(at.byte, panel_.unitQuads(length));
  int64_t fieldByte = panel_.codeBytes(length);
  prefetchAt(at.byte, panel_.blockBytes(panel_.lastDepth(), length));
  for (int64_t g = 0; g * panel_.group() < length; ++g) {
    Place here = at;
    here.group = e.add(at.group, g);
    int64_t elements = std::min(panel_.group(), length - g * panel_.group());
    int64_t quads = (elements + 3) / 4;
    if (panel_.fields(panel_.lastDepth()).size())
      applyFields(panel_.fields(panel_.lastDepth()),
                  e.add(at.byte, fieldByte +
                                     g * panel_.fieldBytes(panel_.lastDepth())),
                  here);
    if (visit_) {
      if (quads > PanelLayout::kChunkQuads)
        decodeLongGroup(elements, here);
      else
        decodeQuads(chunks[0], g * groupQuads, elements,
                    e.mul(here.group, panel_.group()), here);
      continue;
    }
    Values group = groupStart(here.group);
    if (quads > PanelLayout::kChunkQuads)
      group = longGroup(quads, here, group);
    else
      group = shortGroup(chunks, g * groupQuads, quads,
                         elementOffset(here.group, 0), group);
    sums = groupEnd(here, group, sums);
  }
  return sums;
}

Emitter::Values PanelDot::longGroup(int64_t quads, Place at, Values group) {
  constexpr int64_t kQuads = PanelLayout::kChunkQuads;
  int64_t count = quads / kQuads, rest = quads % kQuads;
  int64_t bytes = panel_.chunkBytes(kQuads);
  Value elements = elementOffset(at.group, 0);
  int64_t elementBytes = kQuads * 4 * layout_.elementBytes();
  auto chunkAt = [&](Value byte, Value element, int64_t n, Values carried) {
    Chunks chunks = chunksAt(byte, n);
    return shortGroup(chunks, 0, n, element, carried);
  };
  group = e.loop(e.index(0), e.index(count), 1, group,
                 [&](Value i, ValueRange carried) {
                   return chunkAt(e.add(at.byte, e.mul(i, bytes)),
                                  e.add(elements, e.mul(i, elementBytes)),
                                  kQuads, llvm::to_vector(carried));
                 });
  if (rest)
    group = chunkAt(e.add(at.byte, count * bytes),
                    e.add(elements, count * elementBytes), rest, group);
  return group;
}

//===- Decoding -----------------------------------------------------------===//

void PanelDot::decodeLongGroup(int64_t elements, Place at) {
  constexpr int64_t kQuads = PanelLayout::kChunkQuads;
  int64_t count = elements / (4 * kQuads), rest = elements % (4 * kQuads);
  int64_t bytes = panel_.chunkBytes(kQuads);
  Value column = e.mul(at.group, panel_.group());
  e.each(e.index(0), e.index(count), 1, [&](Value i) {
    Chunk chunk(panels_[0], e.add(at.byte, e.mul(i, bytes)), kQuads);
    decodeQuads(chunk, 0, 4 * kQuads, e.add(column, e.mul(i, 4 * kQuads)), at);
  });
  if (!rest)
    return;
  Chunk chunk(panels_[0], e.add(at.byte, count * bytes), (rest + 3) / 4);
  decodeQuads(chunk, 0, rest, e.add(column, count * 4 * kQuads), at);
}

void PanelDot::decodeQuads(Chunk &chunk, int64_t firstQuad, int64_t elements,
                           Value column, Place at) {
  Value codes;
  for (int64_t i = 0; i < elements; ++i) {
    if (i % 4 == 0)
      codes = code(chunk, firstQuad + i / 4);
    Value w = wideOf(codes, i % 4);
    const Terms &terms = at.terms[0];
    if (terms.zero)
      w = e.subF(w, terms.zero);
    if (terms.scale)
      w = e.mulF(w, terms.scale);
    if (terms.min)
      w = e.addF(w, terms.min);
    (*visit_)(e.add(column, i), w);
  }
}

//===- Codes --------------------------------------------------------------===//

/// Moves bits of every byte: left for positive, right for negative.
static Value shiftBits(Emitter &e, Value bytes, int64_t left) {
  if (left == 0)
    return bytes;
  auto wide = e.vec(16, e.i32());
  Value words = vector::BitCastOp::create(e.b, e.loc, wide, bytes);
  Value amount = e.splatI(std::abs(left));
  Value moved =
      left > 0
          ? arith::ShLIOp::create(e.b, e.loc, words, amount).getResult()
          : arith::ShRUIOp::create(e.b, e.loc, words, amount).getResult();
  return vector::BitCastOp::create(e.b, e.loc, bytes.getType(), moved);
}

/// The packed codes of a quad: 16 lanes of 4 bytes.
Value PanelDot::code(Chunk &chunk, int64_t quad) {
  Value result;
  int64_t planeByte = 0, bit = bytes_.shift;
  for (auto [plane, width] : llvm::enumerate(panel_.planes())) {
    int64_t perVector = 8 / width;
    int64_t vector = quad / perVector;
    Value &raw = chunk.vectors[{plane, vector}];
    if (!raw)
      raw = e.loadVec(e.vec(64, e.b.getI8Type()), weights_,
                      {chunk.panel,
                       e.add(chunk.byte, planeByte + vector * 64)});
    Value part = raw;
    if (width < 8) {
      part = shiftBits(e, raw, bit - width * (quad % perVector));
      part = arith::AndIOp::create(
          e.b, e.loc, part, e.splatBytes(((1u << width) - 1) << bit));
    }
    result = result ? arith::OrIOp::create(e.b, e.loc, result, part).getResult()
                    : part;
    planeByte += (chunk.quads * width + 7) / 8 * 64;
    bit += width;
  }
  return result;
}

Value PanelDot::bytesOf(Value code) {
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

/// Element k of a quad as f32 weights of 16 rows, before any scale.
Value PanelDot::wideOf(Value code, int64_t k) {
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
  // Binary choice over the code's bits: 2^bits - 1 selects, in registers.
  Values level;
  for (float entry : scheme.codebook)
    level.push_back(e.splatF(entry));
  for (int64_t bit = 0; level.size() > 1; ++bit) {
    Value isSet = arith::CmpIOp::create(
        e.b, e.loc, arith::CmpIPredicate::ne,
        arith::AndIOp::create(e.b, e.loc, all, e.splatI(1 << bit)),
        e.splatI(0));
    Values next;
    for (size_t i = 0; i < level.size(); i += 2)
      next.push_back(arith::SelectOp::create(e.b, e.loc, isSet, level[i + 1],
                                             level[i]));
    level = next;
  }
  return level[0];
}

//===- Groups -------------------------------------------------------------===//

Value PanelDot::elementOffset(Value group, int64_t element) {
  int64_t bytes = layout_.elementBytes();
  return e.add(e.mul(group, layout_.paddedGroup() * bytes), element * bytes);
}

/// The accumulators of every sum: the first begins with what the bias of the
/// codes adds, the others with zero.
Emitter::Values PanelDot::groupStart(Value group) {
  Values start;
  for (Value row : rows_) {
    Value first;
    if (layout_.bits == 32) {
      first = e.splatF(0);
    } else if (bytes_.bias == 0) {
      first = e.splatI(0);
    } else {
      // - bias * sum(a): the bias is taken off before the first product.
      Value sum = e.loadBytes(e.i32(), activations_, row,
                              e.add(e.mul(group, 4), layout_.negSumsOffset()));
      first = e.splat(arith::MulIOp::create(e.b, e.loc, sum,
                                            e.constI(bytes_.bias)));
    }
    for (size_t j = 0; j < panels_.size(); ++j) {
      start.push_back(first);
      start.append(sets_ - 1, e.splatI(0));
    }
  }
  return start;
}

Emitter::Values PanelDot::shortGroup(Chunks &chunks, int64_t firstQuad,
                                     int64_t quads, Value elements,
                                     Values group) {
  auto bytes = e.vec(64, e.b.getI8Type());
  for (int64_t q = 0; q < quads; ++q) {
    Values codes;
    for (Chunk &chunk : chunks)
      codes.push_back(code(chunk, firstQuad + q));
    if (layout_.bits == 8) {
      for (Value &w : codes)
        w = bytesOf(w);
      Value *sum = &group[q % sets_];
      for (Value row : rows_) {
        Value four = e.loadBytes(e.i32(), activations_, row,
                                 e.add(elements, 4 * q));
        Value a = vector::BitCastOp::create(e.b, e.loc, bytes, e.splat(four));
        for (Value w : codes) {
          *sum = pack::Dot4Op::create(e.b, e.loc, sum->getType(), *sum, w, a,
                                      bytes_.range, bytes_.signedBytes);
          sum += sets_;
        }
      }
      continue;
    }
    for (int64_t k = 0; k < 4; ++k) {
      Values w;
      for (Value code : codes)
        w.push_back(wideOf(code, k));
      Value *sum = group.begin();
      for (Value row : rows_) {
        Value a = e.splat(e.loadBytes(e.f32(), activations_, row,
                                      e.add(elements, 16 * q + 4 * k)));
        for (Value weight : w) {
          *sum = e.fma(weight, a, *sum);
          ++sum;
        }
      }
    }
  }
  return group;
}

/// What a group multiplies its sums of codes by, and what it adds for each unit
/// of the activations' sum.
PanelDot::Terms PanelDot::groupTerms(const Terms &terms) {
  float factor = layout_.bits == 8 ? bytes_.factor : 1;
  Terms result{terms.scale, terms.min, {}};
  if (factor != 1)
    result.scale = terms.scale ? e.mulF(terms.scale, e.splatF(factor))
                               : e.splatF(factor);
  if (terms.zero) { // S (q - z) + M = S q + (M - S z)
    Value shift = terms.scale ? e.mulF(terms.scale, terms.zero) : terms.zero;
    result.min = e.subF(terms.min ? terms.min : e.splatF(0), shift);
  }
  return result;
}

/// A weight's scale times an activation's, a splat of f32.
Value PanelDot::timesActivation(Value scale, Value a) {
  if (!scale)
    return a;
  if (!addsExponents_)
    return e.mulF(scale, a);
  auto words = e.vec(16, e.i32());
  auto bits = [&](Value floats) {
    return vector::BitCastOp::create(e.b, e.loc, words, floats).getResult();
  };
  Value some = arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::UNE,
                                     scale, e.splatF(0));
  Value less = arith::SubIOp::create(e.b, e.loc, bits(scale),
                                     e.splatI(127 << 23));
  Value sum = arith::AddIOp::create(e.b, e.loc, less, bits(a));
  return vector::BitCastOp::create(
      e.b, e.loc, e.vecF(), e.choose(some, sum, e.splatI(0)));
}

Emitter::Values PanelDot::groupEnd(Place at, Values group, Values sums) {
  llvm::SmallVector<Terms, 3> terms;
  for (const Terms &of : at.terms)
    terms.push_back(groupTerms(of));
  for (size_t i = 0; i < sums.size(); ++i) {
    Value row = rows_[i / panels_.size()];
    const Terms &of = terms[i % panels_.size()];
    Value sum = group[i * sets_], factor = of.scale;
    for (int64_t set = 1; set < sets_; ++set)
      sum = arith::AddIOp::create(e.b, e.loc, sum, group[i * sets_ + set]);
    if (layout_.bits == 8) {
      sum = arith::SIToFPOp::create(e.b, e.loc, e.vecF(), sum);
      Value index = layout_.scaleGroups > 0
                        ? e.divFloor(at.group, layout_.scaleGroups)
                        : e.index(0);
      Value a = e.splat(e.loadBytes(
          e.f32(), activations_, row,
          e.add(e.mul(index, 4), layout_.scalesOffset())));
      factor = timesActivation(factor, a);
    }
    sums[i] = factor ? e.fma(sum, factor, sums[i]) : e.addF(sum, sums[i]);
    if (!of.min)
      continue;
    Value a = e.splat(
        e.loadBytes(e.f32(), activations_, row,
                    e.add(e.mul(at.group, 4), layout_.sumsOffset())));
    sums[i] = e.fma(of.min, a, sums[i]);
  }
  return sums;
}

//===- Floats -------------------------------------------------------------===//

Emitter::Values PanelDot::floatUnit(int64_t length, Place at, Values sums) {
  Type type = floatType(e, panel_.scheme().floatType);
  int64_t stride = panel_.floatBytes() * PanelLayout::kLanes;
  auto one = [&](Value k, Values carried) {
    Values w;
    for (Value panel : panels_)
      w.push_back(widen(e, e.loadBytes(e.vec(16, type), weights_, panel,
                                       e.add(at.byte, e.mul(k, stride)))));
    if (visit_)
      (*visit_)(k, w[0]);
    Value *sum = carried.begin();
    for (Value row : rows_) {
      Value a = e.splat(e.loadBytes(e.f32(), activations_, row, e.mul(k, 4)));
      for (Value weight : w) {
        *sum = e.fma(weight, a, *sum);
        ++sum;
      }
    }
    return carried;
  };
  int64_t full = length / 4 * 4;
  if (full)
    sums = e.loop(e.index(0), e.index(full), 4, sums,
                  [&](Value k, ValueRange carried) {
                    Values next = llvm::to_vector(carried);
                    for (int64_t i = 0; i < 4; ++i)
                      next = one(e.add(k, i), next);
                    return next;
                  });
  for (int64_t k = full; k < length; ++k)
    sums = one(e.index(k), sums);
  return sums;
}

//===- Fields -------------------------------------------------------------===//

/// 16 lanes of one field as f32.
Value PanelDot::field(const FieldSlot &slot, Value panel, Value byte) {
  const FieldType &type = slot.component.type;
  Value at = e.add(byte, slot.offset);
  if (!type.isInteger() && type.bits > 8) {
    auto raw = e.vec(16, floatType(e, type.kind));
    return widen(e, e.loadBytes(raw, weights_, panel, at));
  }
  auto words = e.vec(16, e.i32());
  Type narrow = e.b.getIntegerType(slot.bytes * 8);
  Value bits = e.loadBytes(e.vec(16, narrow), weights_, panel, at);
  if (narrow != e.i32())
    bits = arith::ExtUIOp::create(e.b, e.loc, words, bits);
  if (type.kind == FieldType::E8M0)
    return fromE8M0(e, bits);
  if (type.kind == FieldType::E4M3)
    return fromE4M3(e, bits);
  if (slot.shift || type.kind == FieldType::SInt || type.bits < slot.bytes * 8) {
    // To the top of the word and back: takes the field and extends its sign.
    bits = arith::ShLIOp::create(e.b, e.loc, bits,
                                 e.splatI(32 - type.bits - slot.shift));
    Value down = e.splatI(32 - type.bits);
    bits = type.kind == FieldType::SInt
               ? arith::ShRSIOp::create(e.b, e.loc, bits, down).getResult()
               : arith::ShRUIOp::create(e.b, e.loc, bits, down).getResult();
  }
  if (type.offset)
    bits = arith::SubIOp::create(e.b, e.loc, bits, e.splatI(type.offset));
  return arith::SIToFPOp::create(e.b, e.loc, e.vecF(), bits);
}

void PanelDot::applyFields(llvm::ArrayRef<FieldSlot> slots, Value byte,
                           Place &at) {
  auto times = [&](Value &product, Value factor) {
    product = product ? e.mulF(product, factor) : factor;
  };
  for (auto [panel, terms] : llvm::zip(panels_, at.terms))
    for (const FieldSlot &slot : slots) {
      Value value = field(slot, panel, byte);
      switch (slot.component.role) {
      case Component::Scale:
        times(terms.scale, value);
        break;
      case Component::NegMin:
        times(terms.min,
              terms.min ? value : arith::NegFOp::create(e.b, e.loc, value));
        break;
      case Component::Min:
        times(terms.min, value);
        break;
      case Component::Zero:
        terms.zero = value;
        break;
      }
    }
}

void PanelDot::prefetchAt(Value byte, int64_t bytes) {
  if (!prefetch_)
    return;
  for (Value panel : panels_)
    for (int64_t line = 0; line < bytes; line += 64)
      memref::PrefetchOp::create(
          e.b, e.loc, weights_,
          ValueRange{panel, e.add(byte, prefetch_ + line)},
          /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
}

} // namespace lowbit
