//===- PanelDot.cpp - A panel of weights times rows -----------------------===//

#include "PanelDot.h"

#include "FloatFields.h"

#include "dialects/Pack/IR/PackOps.h"

using namespace mlir;

namespace lowbit {

//===- Walk ---------------------------------------------------------------===//

PanelDot::PanelDot(Emitter &e, const PanelLayout &panel,
                   const RowsLayout &layout, const TargetInfo &target,
                   Value weights, Value activations)
    : e(e), panel_(panel), layout_(layout),
      codes_(e, panel, target, weights, layout.bits == 8),
      bytes_(codes_.bytes()), weights_(weights), activations_(activations) {}

Emitter::Values PanelDot::emit(Value panel, Value first, int64_t rows,
                               int64_t prefetch) {
  panelIndex_ = panel;
  prefetch_ = prefetch;
  rows_.clear();
  Values sums;
  for (int64_t row = 0; row < rows; ++row) {
    rows_.push_back(e.add(first, row));
    sums.push_back(e.splatF(0));
  }
  Place at{e.index(0), e.index(0), {}, {}, {}};
  applyFields(panel_.rowFields(), at.byte, at);
  at.byte = e.index(panel_.rowFieldBytes());
  return sequence(0, panel_.columns(), at, sums);
}

void PanelDot::decode(Value panel, Visit visit) {
  panelIndex_ = panel;
  prefetch_ = 0;
  rows_.clear();
  visit_ = &visit;
  Place at{e.index(0), e.index(0), {}, {}, {}};
  applyFields(panel_.rowFields(), at.byte, at);
  at.byte = e.index(panel_.rowFieldBytes());
  sequence(0, panel_.columns(), at, {});
  visit_ = nullptr;
}

Emitter::Values PanelDot::sequence(int64_t depth, int64_t length, Place at,
                                   Values sums) {
  int64_t full = panel_.blockLength(depth);
  int64_t count = length / full, rest = length % full;
  int64_t bytes = panel_.blockBytes(depth, full);
  int64_t groups = full / panel_.group();
  if (count > 1) {
    sums = e.loop(e.index(0), e.index(count), 1, sums,
                  [&](Value i, ValueRange carried) {
                    Place here = at;
                    here.byte = e.add(at.byte, e.mul(i, bytes));
                    here.group = e.add(at.group, e.mul(i, groups));
                    return block(depth, full, here, llvm::to_vector(carried));
                  });
  } else if (count == 1) {
    sums = block(depth, full, at, sums);
  }
  if (rest) {
    at.byte = e.add(at.byte, count * bytes);
    at.group = e.add(at.group, count * groups);
    sums = block(depth, rest, at, sums);
  }
  return sums;
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

Emitter::Values PanelDot::unit(int64_t length, Place at, Values sums) {
  int64_t groupQuads = panel_.paddedGroup() / 4;
  Chunk chunk(at.byte, panel_.unitQuads(length));
  int64_t fieldByte = panel_.codeBytes(length);
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
        decodeQuads(chunk, g * groupQuads, elements,
                    e.mul(here.group, panel_.group()), here);
      continue;
    }
    Values group = groupStart(here.group);
    if (quads > PanelLayout::kChunkQuads)
      group = longGroup(quads, here, group);
    else
      group = shortGroup(chunk, g * groupQuads, quads,
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
    Chunk chunk(byte, n);
    return shortGroup(chunk, 0, n, element, carried);
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
      codes = codes_.quad(panelIndex_, chunk, firstQuad + i / 4);
    Value w = codes_.realOf(codes, i % 4);
    if (at.zero)
      w = e.subF(w, at.zero);
    if (at.scale)
      w = e.mulF(w, at.scale);
    if (at.min)
      w = e.addF(w, at.min);
    (*visit_)(e.add(column, i), w);
  }
}

//===- Groups -------------------------------------------------------------===//

Value PanelDot::elementOffset(Value group, int64_t element) {
  int64_t bytes = layout_.elementBytes();
  return e.add(e.mul(group, layout_.paddedGroup() * bytes), element * bytes);
}

Emitter::Values PanelDot::groupStart(Value group) {
  Values start;
  for (Value row : rows_) {
    if (layout_.bits == 32) {
      start.push_back(e.splatF(0));
    } else if (bytes_.bias == 0) {
      start.push_back(e.splatI(0));
    } else {
      // - bias * sum(a): the bias is taken off before the first product.
      Value sum = e.loadBytes(e.i32(), activations_, row,
                              e.add(e.mul(group, 4), layout_.negSumsOffset()));
      start.push_back(e.splat(arith::MulIOp::create(e.b, e.loc, sum,
                                                    e.constI(bytes_.bias))));
    }
  }
  return start;
}

Emitter::Values PanelDot::shortGroup(Chunk &chunk, int64_t firstQuad,
                                     int64_t quads, Value elements,
                                     Values group) {
  auto bytes = e.vec(64, e.b.getI8Type());
  for (int64_t q = 0; q < quads; ++q) {
    PanelCodes::Quad codes = codes_.quad(panelIndex_, chunk, firstQuad + q);
    if (layout_.bits == 8) {
      Value w = codes_.bytesOf(codes);
      for (auto [m, row] : llvm::enumerate(rows_)) {
        Value four = e.loadBytes(e.i32(), activations_, row,
                                 e.add(elements, 4 * q));
        Value a = vector::BitCastOp::create(e.b, e.loc, bytes, e.splat(four));
        group[m] = pack::Dot4Op::create(
            e.b, e.loc, group[m].getType(), group[m], w, a, bytes_.range,
            bytes_.signedBytes);
      }
      continue;
    }
    for (int64_t k = 0; k < 4; ++k) {
      Value w = codes_.realOf(codes, k);
      for (auto [m, row] : llvm::enumerate(rows_)) {
        Value a = e.loadBytes(e.f32(), activations_, row,
                              e.add(elements, 16 * q + 4 * k));
        group[m] = e.fma(w, e.splat(a), group[m]);
      }
    }
  }
  return group;
}

Emitter::Values PanelDot::groupEnd(Place at, Values group, Values sums) {
  float factor = layout_.bits == 8 ? bytes_.factor : 1;
  Value scale = at.scale;
  if (factor != 1)
    scale = scale ? e.mulF(scale, e.splatF(factor)) : e.splatF(factor);
  Value min = at.min;
  if (at.zero) { // S (q - z) + M = S q + (M - S z)
    Value shift = at.scale ? e.mulF(at.scale, at.zero) : at.zero;
    min = min ? e.subF(min, shift) : e.subF(e.splatF(0), shift);
  }
  for (auto [m, row] : llvm::enumerate(rows_)) {
    Value sum = group[m];
    Value factorOfRow = scale;
    if (layout_.bits == 8) {
      sum = arith::SIToFPOp::create(e.b, e.loc, e.vecF(), sum);
      Value index = layout_.scaleGroups > 0
                        ? e.divFloor(at.group, layout_.scaleGroups)
                        : e.index(0);
      Value a = e.splat(e.loadBytes(
          e.f32(), activations_, row,
          e.add(e.mul(index, 4), layout_.scalesOffset())));
      factorOfRow = scale ? e.mulF(scale, a) : a;
    }
    sums[m] = factorOfRow ? e.fma(sum, factorOfRow, sums[m])
                          : e.addF(sum, sums[m]);
    if (min) {
      Value a = e.splat(
          e.loadBytes(e.f32(), activations_, row,
                      e.add(e.mul(at.group, 4), layout_.sumsOffset())));
      sums[m] = e.fma(min, a, sums[m]);
    }
  }
  return sums;
}

//===- Floats -------------------------------------------------------------===//

Emitter::Values PanelDot::floatUnit(int64_t length, Place at, Values sums) {
  Type type = floatType(e, panel_.scheme().floatType);
  int64_t stride = panel_.floatBytes() * PanelLayout::kLanes;
  auto one = [&](Value k, Values carried) {
    Value w = e.loadBytes(e.vec(16, type), weights_, panelIndex_,
                          e.add(at.byte, e.mul(k, stride)));
    w = widen(e, w);
    if (visit_)
      (*visit_)(k, w);
    for (auto [m, row] : llvm::enumerate(rows_)) {
      Value a = e.loadBytes(e.f32(), activations_, row, e.mul(k, 4));
      carried[m] = e.fma(w, e.splat(a), carried[m]);
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
Value PanelDot::field(const FieldSlot &slot, Value byte) {
  const FieldType &type = slot.component.type;
  Value at = e.add(byte, slot.offset);
  if (!type.isInteger() && type.bits > 8) {
    auto raw = e.vec(16, floatType(e, type.kind));
    return widen(e, e.loadBytes(raw, weights_, panelIndex_, at));
  }
  auto words = e.vec(16, e.i32());
  Type narrow = e.b.getIntegerType(slot.bytes * 8);
  Value bits = e.loadBytes(e.vec(16, narrow), weights_, panelIndex_, at);
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
  for (const FieldSlot &slot : slots) {
    Value value = field(slot, byte);
    switch (slot.component.role) {
    case Component::Scale:
      times(at.scale, value);
      break;
    case Component::NegMin:
      times(at.min, at.min ? value : arith::NegFOp::create(e.b, e.loc, value));
      break;
    case Component::Min:
      times(at.min, value);
      break;
    case Component::Zero:
      at.zero = value;
      break;
    case Component::Delta: // c + d or c - d: z is the other sign's
      at.zero = e.mulF(e.fma(value, e.splatF(2), e.splatF(-1)),
                       e.splatF(slot.component.magnitude));
      break;
    }
  }
}

void PanelDot::prefetchAt(Value byte, int64_t bytes) {
  if (!prefetch_)
    return;
  for (int64_t line = 0; line < bytes; line += 64)
    memref::PrefetchOp::create(e.b, e.loc, weights_,
                               ValueRange{panelIndex_,
                                          e.add(byte, prefetch_ + line)},
                               /*isWrite=*/false, /*localityHint=*/3,
                               /*isDataCache=*/true);
}

} // namespace lowbit
