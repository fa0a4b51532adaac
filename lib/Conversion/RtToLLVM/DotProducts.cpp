//===- DotProducts.cpp - Instructions for pack.dot4 -----------------------===//
//
// What differs between CPU levels in a matrix product. Each lowering is exact
// for the operands that pack.dot4 allows; test/Conversion/dot-products.mlir
// checks the instructions, test/unit the integers at the extremes.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/DotProducts.h"

#include "dialects/Pack/IR/PackOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace lowbit {

namespace {

Value callIntrinsic(OpBuilder &b, Location loc, StringRef name, Type type,
                    ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, loc, type, b.getStringAttr(name),
                                       operands)
      ->getResult(0);
}

Value half(OpBuilder &b, Location loc, Value vector, int64_t which) {
  int64_t n = cast<VectorType>(vector.getType()).getDimSize(0) / 2;
  SmallVector<int64_t> lanes;
  for (int64_t i = 0; i < n; ++i)
    lanes.push_back(which * n + i);
  return vector::ShuffleOp::create(b, loc, vector, vector, lanes);
}

Value join(OpBuilder &b, Location loc, Value low, Value high) {
  int64_t n = 2 * cast<VectorType>(low.getType()).getDimSize(0);
  return vector::ShuffleOp::create(b, loc, low, high,
                                   llvm::to_vector(llvm::seq<int64_t>(0, n)));
}

/// The same operation on each half or quarter of the operands, put together.
Value inParts(OpBuilder &b, Location loc, int64_t parts, ValueRange operands,
              llvm::function_ref<Value(ValueRange)> operation) {
  if (parts == 1)
    return operation(operands);
  Value halves[2];
  for (int64_t which : {0, 1}) {
    SmallVector<Value> of;
    for (Value operand : operands)
      of.push_back(half(b, loc, operand, which));
    halves[which] = inParts(b, loc, parts / 2, of, operation);
  }
  return join(b, loc, halves[0], halves[1]);
}

/// One instruction for so many parts of the operands, exact for all weights of
/// a kind. avx512_vnni, avx_vnni: unsigned weights, so that the activation's
/// broadcast folds into the memory operand. i8mm's usdot: unsigned ones too.
/// dotprod: signed bytes, which unsigned ones up to 127 are as well. On both
/// four activations are loaded into all lanes at once (ld1r) for the quarters.
struct DotInParts : OpRewritePattern<pack::Dot4Op> {
  DotInParts(MLIRContext *context, int64_t parts, StringRef intrinsic,
             bool takesSigned)
      : OpRewritePattern(context), parts(parts), intrinsic(intrinsic),
        takesSigned(takesSigned) {}

  LogicalResult matchAndRewrite(pack::Dot4Op op,
                                PatternRewriter &b) const override {
    bool isLarge = !op.getSignedWeights() && op.getRange() > 127;
    if (takesSigned ? isLarge : op.getSignedWeights())
      return failure();
    Location loc = op.getLoc();
    auto dot = [&](ValueRange part) {
      return callIntrinsic(b, loc, intrinsic, part[0].getType(), part);
    };
    b.replaceOp(op, inParts(b, loc, parts,
                            {op.getAcc(), op.getW(), op.getA()}, dot));
    return success();
  }

private:
  int64_t parts;
  StringRef intrinsic;
  bool takesSigned;
};

/// avx2: pairs of products in 16 bits, which saturate above 128 * 127 * 2; then
/// pairs of those in 32. A chain of dot4 (the quads of a group) is rewritten as
/// a whole: as many pairs as cannot overflow are summed in 16 bits first, 8 for
/// 4-bit codes, which saves the multiplication by one and the 32-bit sum of all
/// but one. Signed weights move their sign to the activation.
struct Avx2Dot : OpRewritePattern<pack::Dot4Op> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(pack::Dot4Op op,
                                PatternRewriter &b) const override {
    if (op.getRange() > 128 || feedsAnother(op))
      return failure();
    SmallVector<pack::Dot4Op> chain = {op};
    while (auto before = chain.back().getAcc().getDefiningOp<pack::Dot4Op>()) {
      if (!feedsAnother(before))
        break;
      chain.push_back(before);
    }
    std::reverse(chain.begin(), chain.end());
    Location loc = op.getLoc();
    Value parts[2];
    for (int64_t i : {0, 1})
      parts[i] = ymm(chain, b, half(b, loc, chain.front().getAcc(), i), i);
    b.replaceOp(op, join(b, loc, parts[0], parts[1]));
    for (pack::Dot4Op dead : llvm::reverse(ArrayRef(chain).drop_back()))
      b.eraseOp(dead);
    return success();
  }

private:
  /// Its only use is as the sum that another of its kind continues.
  static bool feedsAnother(pack::Dot4Op op) {
    if (!op->hasOneUse())
      return false;
    auto next = dyn_cast<pack::Dot4Op>(*op->user_begin());
    return next && next.getAcc() == op.getResult() &&
           next.getRange() == op.getRange() &&
           next.getSignedWeights() == op.getSignedWeights() &&
           next->getBlock() == op->getBlock();
  }

  Value ymm(ArrayRef<pack::Dot4Op> chain, OpBuilder &b, Value acc,
            int64_t which) const {
    pack::Dot4Op last = chain.back();
    Location loc = last.getLoc();
    auto words = VectorType::get({16}, b.getI16Type());
    Value ones = arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(words, b.getI16IntegerAttr(1)));
    int64_t perPair = 2 * 127 * static_cast<int64_t>(last.getRange());
    size_t safe = std::max<int64_t>(1, 32767 / perPair);
    for (size_t first = 0; first < chain.size(); first += safe) {
      Value sum;
      for (pack::Dot4Op op : chain.slice(
               first, std::min(safe, chain.size() - first))) {
        Value pairs = products(op, b, half(b, loc, op.getW(), which),
                               half(b, loc, op.getA(), which));
        sum = sum ? arith::AddIOp::create(b, loc, sum, pairs).getResult()
                  : pairs;
      }
      Value quads = callIntrinsic(b, loc, "llvm.x86.avx2.pmadd.wd",
                                  acc.getType(), {sum, ones});
      acc = arith::AddIOp::create(b, loc, acc, quads);
    }
    return acc;
  }

  /// Sums of two products in 16 bits, exact.
  Value products(pack::Dot4Op op, OpBuilder &b, Value w, Value a) const {
    Location loc = op.getLoc();
    if (op.getSignedWeights()) {
      a = callIntrinsic(b, loc, "llvm.x86.avx2.psign.b", a.getType(), {a, w});
      w = math::AbsIOp::create(b, loc, w);
    }
    return callIntrinsic(b, loc, "llvm.x86.avx2.pmadd.ub.sw",
                         VectorType::get({16}, b.getI16Type()), {w, a});
  }
};

/// A table of 16 bytes in every 128-bit lane.
Value tableConstant(OpBuilder &b, Location loc, ArrayRef<int8_t> table,
                    int64_t bytes) {
  SmallVector<int8_t> all;
  while (static_cast<int64_t>(all.size()) < bytes)
    llvm::append_range(all, table);
  return arith::ConstantOp::create(
      b, loc,
      DenseElementsAttr::get(VectorType::get({bytes}, b.getI8Type()),
                             ArrayRef<int8_t>(all)));
}

/// One instruction for so many parts of the indices.
struct LookupInParts : OpRewritePattern<pack::LookupOp> {
  LookupInParts(MLIRContext *context, int64_t parts, StringRef intrinsic)
      : OpRewritePattern(context), parts(parts), intrinsic(intrinsic) {}

  LogicalResult matchAndRewrite(pack::LookupOp op,
                                PatternRewriter &b) const override {
    Location loc = op.getLoc();
    Value table = tableConstant(b, loc, op.getTable(), 64 / parts);
    auto lookup = [&](ValueRange index) {
      return callIntrinsic(b, loc, intrinsic, table.getType(),
                           {table, index[0]});
    };
    b.replaceOp(op, inParts(b, loc, parts, op.getIndex(), lookup));
    return success();
  }

private:
  int64_t parts;
  StringRef intrinsic;
};

} // namespace

void populateDotProductPatterns(RewritePatternSet &patterns,
                                const TargetInfo &target) {
  MLIRContext *context = patterns.getContext();
  switch (target.dot) {
  case DotProduct::AVX2:
    patterns.add<Avx2Dot>(context);
    patterns.add<LookupInParts>(context, 2, "llvm.x86.avx2.pshuf.b");
    return;
  case DotProduct::AVXVNNI:
    // LLVM has one intrinsic for both encodings, VEX and EVEX, and takes the
    // one that the level's features allow.
    patterns.add<DotInParts>(context, 2, "llvm.x86.avx512.vpdpbusd.256", false);
    patterns.add<LookupInParts>(context, 2, "llvm.x86.avx2.pshuf.b");
    return;
  case DotProduct::AVX512VNNI:
    patterns.add<DotInParts>(context, 1, "llvm.x86.avx512.vpdpbusd.512", false);
    patterns.add<LookupInParts>(context, 1, "llvm.x86.avx512.pshuf.b.512");
    return;
  case DotProduct::NEON:
    patterns.add<DotInParts>(context, 4, "llvm.aarch64.neon.sdot", true);
    patterns.add<LookupInParts>(context, 4, "llvm.aarch64.neon.tbl1");
    return;
  case DotProduct::I8MM:
    patterns.add<DotInParts>(context, 4, "llvm.aarch64.neon.usdot", false);
    patterns.add<LookupInParts>(context, 4, "llvm.aarch64.neon.tbl1");
    return;
  }
}

} // namespace lowbit
