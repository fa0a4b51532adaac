//===- PanelDot.cpp - A panel of weights times rows -----------------------===//

#include "PanelDot.h"

#include "FloatFields.h"

#include "dialects/Pack/IR/PackOps.h"

#include <limits>

using namespace mlir;

namespace lowbit {

//===- Walk ---------------------------------------------------------------===//

/// The product of a weight's scales, unless it is zero, and a power of two from
/// PackRows is a normal number of f32. Integers are at least 1 and at most 2^17
/// (16 bits and an offset).
static bool scalesAreNormal(const Scheme &scheme) {
  int64_t least = -60 - 8, most = 60; // 2^-8: a codebook's factor
  for (const Level &level : scheme.levels)
    for (const Component &component : level.components) {
      if (component.role == Component::Divisor)
        return false;
      if (component.role != Component::Scale)
        continue;
      if (component.type.isInteger()) {
        most += 17;
      } else if (component.type.kind == FieldType::F16) {
        least -= 24, most += 16;
      } else if (component.type.kind == FieldType::E4M3) {
        least -= 9, most += 9;
      } else {
        return false;
      }
    }
  return least >= -126 && most <= 127;
}

PanelDot::PanelDot(Emitter &e, const PanelLayout &panel,
                   const RowsLayout &layout, const TargetInfo &target,
                   Value weights, Value activations)
    : e(e), panel_(panel), layout_(layout),
      weights_(e.flat(weights)),
      activations_(activations ? e.flat(activations) : Value()),
      activationRows_(activations),
      codes_(e, panel, target, weights_, usesDots(layout, target)),
      bytes_(codes_.bytes()), usesDots_(usesDots(layout, target)),
      exactDot_(target.largestUnsigned == 255), tileSums_(target.tileSums),
      addsExponents_(layout.pow2 && target.masksLanes &&
                     scalesAreNormal(panel.scheme())) {}

bool usesDots(const RowsLayout &layout, const TargetInfo &target) {
  return layout.bits == 8 || (layout.bits == 16 && target.dotsPairs);
}

/// Sums that keep two dot units busy: each takes 4 to 5 cycles.
constexpr int64_t kChains = 10;

void PanelDot::start(Value panel, int64_t panels, Value row, int64_t rows,
                     int64_t prefetch) {
  prefetch_ = prefetch;
  auto places = [&](Value first, int64_t bytes, int64_t count) {
    Values result;
    Value begin = e.mul(first, bytes);
    for (int64_t i = 0; i < count; ++i)
      result.push_back(e.add(begin, i * bytes));
    return result;
  };
  panels_ = places(panel, panel_.panelBytes(), panels);
  rows_ = places(row, layout_.rowBytes(), rows);
  int64_t chains = rows * panels;
  sets_ = layout_.bits == 8 && exactDot_ && chains < kChains ? 2 : 1;
  if (sets_ == 2)
    addSets(chains);
}

/// A vector of codes of 1 or 2 bits holds 8 or 4 quads: in two sums, their
/// latency takes longer than memory takes to bring them. More sums only where
/// groups are long, for every group adds them up. Signs under a scale of the
/// row are read at 47 % of a plain read with two, at 99 % with eight (K = 2048,
/// Zen 5, 2026-11-24).
void PanelDot::addSets(int64_t chains) {
  int64_t quads = panel_.paddedGroup() / 4;
  int64_t perVector = 8 / std::min(panel_.scheme().bits, uint8_t(8));
  while (sets_ < perVector && chains * sets_ < kChains &&
         2 * chains * sets_ <= tileSums_ && 16 * sets_ <= quads)
    sets_ *= 2;
}

PanelDot::Place PanelDot::beginning() {
  Place at{e.index(0), e.index(0), {}};
  at.terms.resize(panels_.size());
  applyFields(panel_.rowFields(), at.byte, at);
  at.byte = e.index(panel_.rowFieldBytes());
  return at;
}

Emitter::Values PanelDot::emit(Value panel, int64_t panels, Value row,
                               int64_t rows, int64_t prefetch) {
  start(panel, panels, row, rows, prefetch);
  Values sums(rows * panels, e.splatF(0));
  sums = sequence(0, panel_.columns(), beginning(), sums);
  return layout_.bits == 1 ? timesRowScales(sums) : sums;
}

/// `count` outermost blocks from `first` on and, if `tail`, what is behind the
/// last full one; `group`: the index that they begin with.
Emitter::Values PanelDot::emitBlocks(Place at, Value first, int64_t count,
                                     bool tail, Values sums, Value group) {
  int64_t full = panel_.blockLength(0), bytes = panel_.blockBytes(0, full);
  int64_t groups = full / panel_.group();
  at.byte = e.add(at.byte, e.mul(first, bytes));
  at.group = group;
  sums = fullBlocks(0, count, at, sums);
  int64_t rest = panel_.columns() % full;
  if (!tail || !rest)
    return sums;
  at.byte = e.add(at.byte, count * bytes);
  at.group = e.add(at.group, count * groups);
  return block(0, rest, at, sums);
}

void PanelDot::decode(Value panel, Visit visit) {
  start(panel, 1, e.index(0), 0, 0);
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
  for (size_t j = 0; j < panels_.size(); ++j)
    chunks.emplace_back(byte, quads);
  return chunks;
}

Emitter::Values PanelDot::unit(int64_t length, Place at, Values sums) {
  int64_t groupQuads = panel_.paddedGroup() / 4;
  Chunks chunks = chunksAt(at.byte, panel_.unitQuads(length));
  int64_t fieldByte = panel_.codeBytes(length);
  bool isLong = groupQuads > PanelLayout::kChunkQuads;
  if (!isLong)
    prefetchAt(at.byte, panel_.blockBytes(panel_.lastDepth(), length));
  for (int64_t g = 0; g * panel_.group() < length; ++g) {
    Place here = at;
    here.group = e.add(at.group, g);
    int64_t elements = std::min(panel_.group(), length - g * panel_.group());
    int64_t quads = (elements + 3) / 4;
    applyFields(panel_.groupFields(length, g), e.add(at.byte, fieldByte), here);
    if (visit_) {
      if (quads > PanelLayout::kChunkQuads)
        decodeLongGroup(elements, here);
      else
        decodeQuads(chunks[0], g * groupQuads, elements,
                    e.mul(here.group, panel_.group()), here);
      continue;
    }
    if (unpacked_) {
      unpackGroup(here, chunks, g * groupQuads, quads);
      continue;
    }
    if (layout_.bits == 1) {
      Value byte = e.add(at.byte, g * panel_.group() / 32 *
                                      PanelLayout::kVectorBytes);
      sums = groupEnd(here.group, finalTerms(here),
                      signGroup(elements, byte, here.group), sums);
      continue;
    }
    Values group = groupStart(here.group);
    if (quads > PanelLayout::kChunkQuads)
      group = longGroup(quads, here, group);
    else
      group = shortGroup(chunks, g * groupQuads, quads,
                         elementOffset(here.group, 0), group);
    sums = groupEnd(here.group, finalTerms(here), group, sums);
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
    prefetchAt(byte, panel_.chunkBytes(n));
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
    Chunk chunk(e.add(at.byte, e.mul(i, bytes)), kQuads);
    decodeQuads(chunk, 0, 4 * kQuads, e.add(column, e.mul(i, 4 * kQuads)), at);
  });
  if (!rest)
    return;
  Chunk chunk(e.add(at.byte, count * bytes), (rest + 3) / 4);
  decodeQuads(chunk, 0, rest, e.add(column, count * 4 * kQuads), at);
}

void PanelDot::decodeQuads(Chunk &chunk, int64_t firstQuad, int64_t elements,
                           Value column, Place at) {
  PanelCodes::Quad codes;
  for (int64_t i = 0; i < elements; ++i) {
    if (i % 4 == 0)
      codes = codes_.quad(panels_[0], chunk, firstQuad + i / 4);
    Value w = codes_.realOf(codes, i % 4);
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

/// A scalar or vector at a byte of a row or panel.
Value PanelDot::ofRow(Type type, Value row, Value byte) {
  return e.loadBytes(type, activations_, e.add(row, byte));
}
Value PanelDot::ofPanel(Type type, Value panel, Value byte) {
  return e.loadBytes(type, weights_, e.add(panel, byte));
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
    if (layout_.bits != 8 || bytes_.bias == 0) {
      first = layout_.bits == 8 ? e.splatI(0) : e.splatF(0);
    } else {
      // - bias * sum(a): the bias is taken off before the first product.
      int64_t offset = layout_.biasOffsetOf(bytes_.bias);
      first = e.splat(ofRow(e.i32(), row, e.add(e.mul(group, 4), offset)));
    }
    for (size_t j = 0; j < panels_.size(); ++j) {
      start.push_back(first);
      start.append(sets_ - 1, e.splatI(0));
    }
  }
  return start;
}

/// What meets 4 bytes of activations: a quad of bytes or one of its pairs.
Value PanelDot::vectorOf(const PanelCodes::Quad &quad, int64_t part) {
  return layout_.bits == 8 ? codes_.bytesOf(quad) : codes_.pairOf(quad, part);
}

Emitter::Values PanelDot::shortGroup(Chunks &chunks, int64_t firstQuad,
                                     int64_t quads, Value elements,
                                     Values group) {
  auto codesOf = [&](int64_t q) {
    llvm::SmallVector<PanelCodes::Quad, 3> codes;
    for (auto [panel, chunk] : llvm::zip(panels_, chunks))
      codes.push_back(codes_.quad(panel, chunk, firstQuad + q));
    return codes;
  };
  if (usesDots_) {
    int64_t ofQuad = layout_.elementBytes();
    return dots(quads * ofQuad, elements, group, [&](int64_t step) {
      Values weights;
      for (const PanelCodes::Quad &quad : codesOf(step / ofQuad))
        weights.push_back(vectorOf(quad, step % ofQuad));
      return weights;
    });
  }
  for (int64_t q = 0; q < quads; ++q) {
    auto codes = codesOf(q);
    for (int64_t k = 0; k < 4; ++k) {
      Values w;
      for (const PanelCodes::Quad &quad : codes)
        w.push_back(codes_.realOf(quad, k));
      group = addProducts(w, elements, 4 * q + k, group);
    }
  }
  return group;
}

/// Adds the products of decoded weights, of each panel, and element k behind
/// byte `elements` of every row.
Emitter::Values PanelDot::addProducts(const Values &weights, Value elements,
                                      int64_t k, Values sums) {
  Value *sum = sums.begin();
  for (Value row : rows_) {
    Value a = activation(row, elements, k);
    for (Value weight : weights) {
      *sum = e.fma(weight, a, *sum);
      ++sum;
    }
  }
  return sums;
}

/// Element `k` behind byte `elements` of a row, in every lane.
Value PanelDot::activation(Value row, Value elements, int64_t k) {
  if (layout_.bits == 32)
    return e.splat(ofRow(e.f32(), row, e.add(elements, 4 * k)));
  int64_t place = kPairOrder[k % 4];
  Value pair = e.splat(
      ofRow(e.i32(), row, e.add(elements, k / 4 * 8 + place / 2 * 4)));
  return halfOfPair(e, pair, place % 2);
}

/// Sums of products: adds those of `steps` vectors of each panel.
Emitter::Values PanelDot::dots(int64_t steps, Value elements, Values group,
                               Weights weights) {
  auto bytes = e.vec(64, e.b.getI8Type());
  auto pairs = e.vec(32, e.b.getBF16Type());
  bool isPairs = layout_.bits == 16;
  for (int64_t step = 0; step < steps; ++step) {
    Values w = weights(step);
    Value *sum = &group[step % sets_];
    for (Value row : rows_) {
      Value four = ofRow(e.i32(), row, e.add(elements, 4 * step));
      Value a = vector::BitCastOp::create(e.b, e.loc, isPairs ? pairs : bytes,
                                          e.splat(four));
      for (Value weight : w) {
        if (isPairs)
          *sum = pack::Dot2Op::create(e.b, e.loc, sum->getType(), *sum, weight,
                                      a);
        else
          *sum = pack::Dot4Op::create(e.b, e.loc, sum->getType(), *sum, weight,
                                      a, bytes_.range, bytes_.signedBytes);
        sum += sets_;
      }
    }
  }
  return group;
}

/// What a group multiplies its sums of codes by, and what it adds for each unit
/// of the activations' sum; of every panel.
llvm::SmallVector<PanelDot::Terms, 3> PanelDot::finalTerms(const Place &at) {
  float factor = usesDots_ ? bytes_.factor : 1;
  llvm::SmallVector<Terms, 3> result;
  for (const Terms &of : at.terms) {
    result.push_back({of.scale, of.min, {}});
    if (factor != 1)
      result.back().scale =
          of.scale ? e.mulF(of.scale, e.splatF(factor)) : e.splatF(factor);
    if (!of.zero)
      continue;
    // S (q - z) + M = S q + (M - S z)
    Value shift = of.scale ? e.mulF(of.scale, of.zero) : of.zero;
    result.back().min = e.subF(of.min ? of.min : e.splatF(0), shift);
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
  // Zero, infinity and NaN are their own product.
  auto compare = [&](arith::CmpFPredicate when, float limit) {
    Value size = math::AbsFOp::create(e.b, e.loc, scale);
    return arith::CmpFOp::create(e.b, e.loc, when, size, e.splatF(limit))
        .getResult();
  };
  constexpr float infinity = std::numeric_limits<float>::infinity();
  Value isFinite = e.both(compare(arith::CmpFPredicate::OGT, 0),
                          compare(arith::CmpFPredicate::OLT, infinity));
  Value less = arith::SubIOp::create(e.b, e.loc, bits(scale),
                                     e.splatI(127 << 23));
  Value sum = arith::AddIOp::create(e.b, e.loc, less, bits(a));
  return vector::BitCastOp::create(e.b, e.loc, e.vecF(),
                                   e.choose(isFinite, sum, bits(scale)));
}

/// Adds the sums of group `index` to those of the row.
Emitter::Values PanelDot::groupEnd(Value index, llvm::ArrayRef<Terms> terms,
                                   Values group, Values sums) {
  for (size_t i = 0; i < sums.size(); ++i) {
    Value row = rows_[i / panels_.size()];
    const Terms &of = terms[i % panels_.size()];
    Value sum = group[i * sets_], factor = of.scale;
    for (int64_t set = 1; set < sets_; ++set)
      sum = arith::AddIOp::create(e.b, e.loc, sum, group[i * sets_ + set]);
    if (layout_.bits <= 8)
      sum = arith::SIToFPOp::create(e.b, e.loc, e.vecF(), sum);
    if (layout_.bits == 8) {
      Value scale = layout_.scaleGroups > 0
                        ? e.divFloor(index, layout_.scaleGroups)
                        : e.index(0);
      Value a = e.splat(ofRow(
          e.f32(), row, e.add(e.mul(scale, 4), layout_.scalesOffset())));
      factor = timesActivation(factor, a);
    }
    sums[i] = factor ? e.fma(sum, factor, sums[i]) : e.addF(sum, sums[i]);
    if (!of.min)
      continue;
    Value a = e.splat(
        ofRow(e.f32(), row, e.add(e.mul(index, 4), layout_.sumsOffset())));
    sums[i] = e.fma(of.min, a, sums[i]);
  }
  return sums;
}

//===- Floats -------------------------------------------------------------===//

Emitter::Values PanelDot::floatUnit(int64_t length, Place at, Values sums) {
  if (panel_.hasPairs())
    return pairUnit(length, at, sums);
  Type type = floatType(e, panel_.scheme().floatType);
  int64_t stride = panel_.floatBytes() * PanelLayout::kLanes;
  auto some = [&](Value first, int64_t count, Values carried) {
    for (int64_t i = 0; i < count; ++i) {
      Value k = e.add(first, i);
      Values w;
      for (Value panel : panels_)
        w.push_back(widen(e, ofPanel(e.vec(16, type), panel,
                                     e.add(at.byte, e.mul(k, stride)))));
      if (visit_)
        (*visit_)(k, w[0]);
      carried = addProducts(w, e.mul(first, layout_.elementBytes()), i,
                            carried);
    }
    return carried;
  };
  int64_t full = length / 4 * 4;
  if (full)
    sums = e.loop(e.index(0), e.index(full), 4, sums,
                  [&](Value k, ValueRange carried) {
                    return some(k, 4, llvm::to_vector(carried));
                  });
  return some(e.index(full), length - full, sums);
}

//===- Fields -------------------------------------------------------------===//

/// 16 lanes of one field as f32.
Value PanelDot::field(const FieldSlot &slot, Value panel, Value byte) {
  const FieldType &type = slot.component.type;
  Value at = e.add(byte, slot.offset);
  if (!type.isInteger() && type.bits > 8) {
    auto raw = e.vec(16, floatType(e, type.kind));
    return widen(e, ofPanel(raw, panel, at));
  }
  auto words = e.vec(16, e.i32());
  Type narrow = e.b.getIntegerType(slot.bytes * 8);
  Value bits = ofPanel(e.vec(16, narrow), panel, at);
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
      case Component::Divisor:
        times(terms.scale, e.divF(e.splatF(1), value));
        break;
      case Component::Delta: // c + d or c - d: z is the other sign's
        terms.zero = e.mulF(e.fma(value, e.splatF(2), e.splatF(-1)),
                            e.splatF(slot.component.magnitude));
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
          e.add(panel, e.add(byte, prefetch_ + line)),
          /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
}

} // namespace lowbit
