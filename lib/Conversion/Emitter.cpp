//===- Emitter.cpp - Short words for building loops of vectors ------------===//

#include "lowbit/Conversion/Emitter.h"

#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace lowbit {

//===- Constants ----------------------------------------------------------===//

Value Emitter::index(int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

Value Emitter::constF(float value) {
  return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value));
}

Value Emitter::constI(int32_t value) {
  return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(value));
}

Value Emitter::splatF(float value) {
  return arith::ConstantOp::create(b, loc,
                                   DenseElementsAttr::get(vecF(), value));
}

Value Emitter::splatI(int32_t value) {
  return arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(vec(kLanes, i32()), value));
}

Value Emitter::splatBytes(uint8_t value) {
  return arith::ConstantOp::create(
      b, loc,
      DenseElementsAttr::get(vec(64, b.getI8Type()),
                             static_cast<int8_t>(value)));
}

Value Emitter::constantTable(llvm::ArrayRef<double> values) {
  auto type = RankedTensorType::get({static_cast<int64_t>(values.size())},
                                    b.getF64Type());
  return constantTable(DenseElementsAttr::get(type, values));
}

Value Emitter::constantTable(DenseElementsAttr data) {
  auto module =
      b.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  auto type = MemRefType::get(data.getType().getShape(), data.getElementType());
  std::string name;
  for (memref::GlobalOp global : module.getOps<memref::GlobalOp>())
    if (global.getInitialValueAttr() == data)
      name = global.getSymName().str();
  if (name.empty()) {
    auto globals = module.getOps<memref::GlobalOp>();
    name = "table." + std::to_string(
                          std::distance(globals.begin(), globals.end()));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    memref::GlobalOp::create(b, loc, name, b.getStringAttr("private"), type,
                             data, /*constant=*/true, /*alignment=*/nullptr);
  }
  return memref::GetGlobalOp::create(b, loc, type, name);
}

//===- Indices ------------------------------------------------------------===//

Value Emitter::add(Value a, int64_t c) {
  return c == 0 ? a : add(a, index(c));
}
Value Emitter::mul(Value a, int64_t c) {
  return c == 1 ? a : mul(a, index(c));
}

Value Emitter::add(Value a, Value c) {
  return b.createOrFold<arith::AddIOp>(loc, a, c);
}
Value Emitter::sub(Value a, Value c) {
  return b.createOrFold<arith::SubIOp>(loc, a, c);
}
Value Emitter::mul(Value a, Value c) {
  return b.createOrFold<arith::MulIOp>(loc, a, c);
}
Value Emitter::divFloor(Value a, int64_t c) {
  return c == 1 ? a : divFloor(a, index(c));
}
Value Emitter::divFloor(Value a, Value c) {
  return b.createOrFold<arith::DivUIOp>(loc, a, c);
}
Value Emitter::rem(Value a, int64_t c) { return rem(a, index(c)); }
Value Emitter::rem(Value a, Value c) {
  return b.createOrFold<arith::RemUIOp>(loc, a, c);
}
Value Emitter::minIndex(Value a, Value c) {
  return b.createOrFold<arith::MinSIOp>(loc, a, c);
}
Value Emitter::toIndex(Value i) {
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), i);
}
Value Emitter::toI32(Value i) {
  return arith::IndexCastOp::create(b, loc, i32(), i);
}
Value Emitter::less(Value a, Value c) {
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, a, c);
}

Value Emitter::lessOrEqual(Value a, Value c) {
  return b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::sle, a, c);
}
Value Emitter::isNot(Value condition) {
  Value yes = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
  return b.createOrFold<arith::XOrIOp>(loc, condition, yes);
}
Value Emitter::both(Value a, Value c) {
  return b.createOrFold<arith::AndIOp>(loc, a, c);
}
Value Emitter::choose(Value condition, Value yes, Value no) {
  return arith::SelectOp::create(b, loc, condition, yes, no);
}

//===- Floats -------------------------------------------------------------===//

Value Emitter::addF(Value a, Value c) {
  return arith::AddFOp::create(b, loc, a, c);
}
Value Emitter::subF(Value a, Value c) {
  return arith::SubFOp::create(b, loc, a, c);
}
Value Emitter::mulF(Value a, Value c) {
  return arith::MulFOp::create(b, loc, a, c);
}
Value Emitter::divF(Value a, Value c) {
  return arith::DivFOp::create(b, loc, a, c);
}
Value Emitter::fma(Value a, Value c, Value d) {
  return math::FmaOp::create(b, loc, a, c, d);
}
Value Emitter::maxF(Value a, Value c) {
  // maxps is `a > c ? a : c`; maxnum would add two instructions for NaN.
  Value more =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, a, c);
  return arith::SelectOp::create(b, loc, more, a, c);
}
Value Emitter::minF(Value a, Value c) {
  Value less =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, a, c);
  return arith::SelectOp::create(b, loc, less, a, c);
}
Value Emitter::exp2(Value x) {
  // 2^n, an exponent, times 2^f, f in [-1/2, 1/2]: a polynomial of degree 5,
  // fitted to the least relative error (7.6e-8).
  constexpr float coefficients[] = {1.0f,           0.693147004f, 0.240221187f,
                                    0.0555070117f, 0.00967557449f,
                                    0.00132803537f};
  x = maxF(x, splatF(-126));
  Value n = math::RoundEvenOp::create(b, loc, x);
  Value f = subF(x, n), power = splatF(coefficients[5]);
  for (int i = 4; i >= 0; --i)
    power = fma(power, f, splatF(coefficients[i]));
  auto words = vec(kLanes, i32());
  Value exponent = arith::FPToSIOp::create(b, loc, words, n);
  exponent = arith::ShLIOp::create(b, loc, exponent, splatI(23));
  Value bits = vector::BitCastOp::create(b, loc, words, power);
  bits = arith::AddIOp::create(b, loc, bits, exponent);
  return vector::BitCastOp::create(b, loc, vecF(), bits);
}

Value Emitter::splat(Value scalar, int64_t lanes) {
  return vector::BroadcastOp::create(b, loc, vec(lanes, scalar.getType()),
                                     scalar);
}

/// Halves a vector until one lane is left: a fixed order of summation.
static Value reduceHalves(Emitter &e, Value vector,
                          llvm::function_ref<Value(Value, Value)> combine) {
  auto type = cast<VectorType>(vector.getType());
  for (int64_t n = type.getDimSize(0) / 2; n >= 1; n /= 2) {
    llvm::SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < n; ++i) {
      low.push_back(i);
      high.push_back(i + n);
    }
    Value lo = vector::ShuffleOp::create(e.b, e.loc, vector, vector, low);
    Value hi = vector::ShuffleOp::create(e.b, e.loc, vector, vector, high);
    vector = combine(lo, hi);
  }
  return vector::ExtractOp::create(e.b, e.loc, vector, 0);
}

Value Emitter::sumF(Value vector) {
  return reduceHalves(*this, vector,
                      [&](Value a, Value c) { return addF(a, c); });
}
Value Emitter::maxLaneF(Value vector) {
  return reduceHalves(*this, vector,
                      [&](Value a, Value c) { return maxF(a, c); });
}

//===- Memory -------------------------------------------------------------===//

Value Emitter::load(Value memref, ValueRange at) {
  return memref::LoadOp::create(b, loc, memref, at);
}
void Emitter::store(Value scalar, Value memref, ValueRange at) {
  memref::StoreOp::create(b, loc, scalar, memref, at);
}
Value Emitter::loadVec(VectorType type, Value memref, ValueRange at) {
  return vector::LoadOp::create(b, loc, type, memref, at);
}
void Emitter::storeVec(Value vector, Value memref, ValueRange at) {
  vector::StoreOp::create(b, loc, vector, memref, at);
}

static Value laneMask(Emitter &e, int64_t lanes, Value count) {
  return vector::CreateMaskOp::create(e.b, e.loc, e.vec(lanes, e.b.getI1Type()),
                                      ValueRange{count});
}

Value Emitter::loadMasked(VectorType type, Value memref, ValueRange at,
                          Value count) {
  Value mask = laneMask(*this, type.getDimSize(0), count);
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  return vector::MaskedLoadOp::create(b, loc, type, memref, at, mask, zero);
}
void Emitter::storeMasked(Value vector, Value memref, ValueRange at,
                          Value count) {
  auto type = cast<VectorType>(vector.getType());
  Value mask = laneMask(*this, type.getDimSize(0), count);
  vector::MaskedStoreOp::create(b, loc, memref, at, mask, vector);
}

Value Emitter::gather(VectorType type, Value table, Value offset,
                      Value index) {
  auto lanes = vec(type.getDimSize(0), b.getI1Type());
  Value all =
      arith::ConstantOp::create(b, loc, DenseElementsAttr::get(lanes, true));
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  return vector::GatherOp::create(b, loc, type, table, ValueRange{offset},
                                  index, all, zero);
}

static Value loadBytesAt(Emitter &e, Type type, Value bytes, ValueRange at) {
  auto vector = dyn_cast<VectorType>(type);
  Type element = vector ? vector.getElementType() : type;
  int64_t lanes = vector ? vector.getDimSize(0) : 1;
  int64_t size = lanes * element.getIntOrFloatBitWidth() / 8;
  Value raw = e.loadVec(e.vec(size, e.b.getI8Type()), bytes, at);
  Value cast = vector::BitCastOp::create(e.b, e.loc, e.vec(lanes, element), raw);
  if (vector)
    return cast;
  return vector::ExtractOp::create(e.b, e.loc, cast, 0);
}

Value Emitter::loadBytes(Type type, Value bytes, Value row, Value offset) {
  return loadBytesAt(*this, type, bytes, {row, offset});
}
Value Emitter::loadBytes(Type type, Value bytes, Value offset) {
  return loadBytesAt(*this, type, bytes, offset);
}

Value Emitter::flat(Value bytes) {
  SmallVector<ReassociationIndices> all = {{0, 1}};
  return memref::CollapseShapeOp::create(b, loc, bytes, all);
}

void Emitter::storeBytes(Value value, Value bytes, Value row, Value offset) {
  auto vector = dyn_cast<VectorType>(value.getType());
  if (!vector) {
    vector = vec(1, value.getType());
    value = vector::BroadcastOp::create(b, loc, vector, value);
  }
  int64_t size = vector.getDimSize(0) *
                 vector.getElementType().getIntOrFloatBitWidth() / 8;
  Value raw =
      vector::BitCastOp::create(b, loc, vec(size, b.getI8Type()), value);
  storeVec(raw, bytes, {row, offset});
}

//===- Control ------------------------------------------------------------===//

Emitter::Values Emitter::loop(Value lo, Value hi, int64_t step,
                              ValueRange carried, LoopBody body) {
  auto loop = scf::ForOp::create(
      b, loc, lo, hi, index(step), carried,
      [&](OpBuilder &builder, Location where, Value iv, ValueRange values) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(builder.getInsertionBlock(),
                            builder.getInsertionPoint());
        Values next = body(iv, values);
        scf::YieldOp::create(b, where, next);
      });
  return Values(loop.getResults());
}

void Emitter::each(Value lo, Value hi, int64_t step,
                   llvm::function_ref<void(Value)> body) {
  loop(lo, hi, step, ValueRange(), [&](Value iv, ValueRange) {
    body(iv);
    return Values();
  });
}

void Emitter::ifThen(Value condition, llvm::function_ref<void()> then) {
  scf::IfOp::create(b, loc, condition, [&](OpBuilder &builder, Location where) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(builder.getInsertionBlock(),
                        builder.getInsertionPoint());
    then();
    scf::YieldOp::create(b, where);
  });
}

void Emitter::overVectors(int64_t length,
                          llvm::function_ref<void(Value, Value)> body) {
  int64_t full = length / kLanes * kLanes;
  if (full)
    each(index(0), index(full), kLanes, [&](Value k) { body(k, Value()); });
  if (full < length)
    body(index(full), index(length - full));
}

Value Emitter::overVectors(
    int64_t length, Value carried,
    llvm::function_ref<Value(Value, Value, Value)> body) {
  int64_t full = length / kLanes * kLanes;
  if (full)
    carried = loop(index(0), index(full), kLanes, carried,
                   [&](Value k, ValueRange values) {
                     return Values{body(k, Value(), values[0])};
                   })[0];
  if (full < length)
    carried = body(index(full), index(length - full), carried);
  return carried;
}

Value Emitter::loadRow(Value matrix, Value row, Value k, Value lanes) {
  return lanes ? loadMasked(vecF(), matrix, {row, k}, lanes)
               : loadVec(vecF(), matrix, {row, k});
}

Value Emitter::gatherRow(Value matrix, Value row, Value columns, Value k,
                         Value lanes) {
  VectorType indices = vec(kLanes, i32());
  Value all = lanes ? lanes : index(kLanes);
  Value at = lanes ? loadMasked(indices, columns, k, lanes)
                   : loadVec(indices, columns, k);
  return vector::GatherOp::create(b, loc, vecF(), matrix,
                                  ValueRange{row, index(0)}, at,
                                  laneMask(*this, kLanes, all), splatF(0));
}

void Emitter::storeRow(Value vector, Value matrix, Value row, Value k,
                       Value lanes) {
  if (lanes)
    storeMasked(vector, matrix, {row, k}, lanes);
  else
    storeVec(vector, matrix, {row, k});
}

std::pair<Value, Value> Emitter::partition(Value n, Value worker,
                                           Value workers) {
  Value lo = divFloor(mul(n, worker), workers);
  Value hi = divFloor(mul(n, add(worker, 1)), workers);
  return {lo, hi};
}

} // namespace lowbit
