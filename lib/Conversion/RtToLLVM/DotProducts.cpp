//===- DotProducts.cpp - Instructions for pack.dot4 and its like ----------===//
//
// What differs between CPU levels in a matrix product. Each lowering is exact
// for the operands that pack.dot4 allows; test/Conversion/dot-products.mlir
// checks the instructions, test/unit the integers at the extremes and the sums
// of pack.dot2 against their bound.
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
/// but one. Each product stays where it was: a quad's weights then serve all rows
/// of a tile before the next quad's need their registers. Signed weights move
/// their sign to the activation.
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
    for (int64_t i : {0, 1}) {
      b.setInsertionPoint(chain.front());
      parts[i] = ymm(chain, b, half(b, loc, chain.front().getAcc(), i), i);
    }
    b.setInsertionPoint(op);
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
        b.setInsertionPoint(op);
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

/// Words of bits, one instruction for those that differ and one that counts.
struct PopcountOfWords : OpRewritePattern<pack::XorPopcountOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(pack::XorPopcountOp op,
                                PatternRewriter &b) const override {
    Location loc = op.getLoc();
    Value differing = arith::XOrIOp::create(b, loc, op.getW(), op.getA());
    Value count = math::CtPopOp::create(b, loc, differing);
    b.replaceOpWithNewOp<arith::AddIOp>(op, op.getAcc(), count);
    return success();
  }
};

/// Bytes are counted; as many as a byte can hold, 15 of 8, are summed before
/// pack.dot4 sums those of a lane. Where one instruction computes any function
/// of three bits, words are added bit by bit first (Harley and Seal): two
/// instructions make two words of three, and counting a word takes six. A loop
/// of 8 rows x 3 panels x 8 words takes 494 cycles in place of 624 on Ice Lake
/// (llvm-mca 22); 8 rows of a layer 113 us in place of 142, 512 rows 5 % more
/// (Zen 5, 2026-11-24).
struct PopcountOfBytes : OpRewritePattern<pack::XorPopcountOp> {
  PopcountOfBytes(MLIRContext *context, bool addsBits)
      : OpRewritePattern(context), addsBits(addsBits) {}
  static constexpr size_t kMost = 15; // neon's bytes are signed

  LogicalResult matchAndRewrite(pack::XorPopcountOp op,
                                PatternRewriter &b) const override {
    if (continuation(op))
      return failure();
    SmallVector<pack::XorPopcountOp> chain = {op};
    while (auto before =
               chain.back().getAcc().getDefiningOp<pack::XorPopcountOp>()) {
      if (continuation(before) != chain.back())
        break;
      chain.push_back(before);
    }
    std::reverse(chain.begin(), chain.end());
    Value sum = chain.front().getAcc();
    for (size_t first = 0; first < chain.size(); first += kMost)
      sum = add(b, sum,
                ArrayRef(chain).slice(
                    first, std::min(kMost, chain.size() - first)));
    b.replaceOp(op, sum);
    for (pack::XorPopcountOp dead : llvm::reverse(ArrayRef(chain).drop_back()))
      b.eraseOp(dead);
    return success();
  }

private:
  using Values = SmallVector<Value>;

  /// The op that alone adds to this one's result.
  static pack::XorPopcountOp continuation(pack::XorPopcountOp op) {
    if (!op->hasOneUse())
      return {};
    auto next = dyn_cast<pack::XorPopcountOp>(*op->user_begin());
    bool continues = next && next.getAcc() == op.getResult() &&
                     next->getBlock() == op->getBlock();
    return continues ? next : pack::XorPopcountOp();
  }

  Value add(OpBuilder &b, Value sum,
            ArrayRef<pack::XorPopcountOp> chain) const {
    Location loc = chain.back()->getLoc();
    SmallVector<Values> words(1); // of bits that count 2^i
    for (pack::XorPopcountOp op : chain)
      words[0].push_back(
          arith::XOrIOp::create(b, loc, op.getW(), op.getA()));
    for (size_t i = 0; addsBits && i < words.size(); ++i)
      while (words[i].size() >= 3) {
        if (i + 1 == words.size())
          words.emplace_back();
        auto three = ArrayRef(words[i]).take_front(3);
        Value odd = ofThree(b, loc, three, 0x96);
        words[i + 1].push_back(ofThree(b, loc, three, 0xe8)); // two or three
        words[i].erase(words[i].begin(), words[i].begin() + 3);
        words[i].push_back(odd);
      }
    for (auto [i, ofWeight] : llvm::enumerate(words))
      sum = addBytes(b, loc, sum, ofWeight, int64_t(1) << i);
    return sum;
  }

  static Value ofThree(OpBuilder &b, Location loc, ArrayRef<Value> words,
                       int32_t function) {
    Value table =
        arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(function));
    return callIntrinsic(b, loc, "llvm.x86.avx512.pternlog.d.512",
                         words[0].getType(),
                         {words[0], words[1], words[2], table});
  }

  /// Adds `weight` for each bit of `words`.
  static Value addBytes(OpBuilder &b, Location loc, Value sum,
                        ArrayRef<Value> words, int64_t weight) {
    auto bytes = VectorType::get({64}, b.getI8Type());
    Value counts;
    for (Value word : words) {
      Value count = math::CtPopOp::create(
          b, loc, vector::BitCastOp::create(b, loc, bytes, word));
      counts = counts ? arith::AddIOp::create(b, loc, counts, count) : count;
    }
    Value weights = arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(bytes, b.getI8IntegerAttr(weight)));
    return pack::Dot4Op::create(b, loc, sum.getType(), sum, counts, weights,
                                8 * static_cast<int64_t>(words.size()),
                                /*signed_weights=*/false);
  }

  bool addsBits;
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

/// One instruction: vdpbf16ps.
struct PairDot : OpRewritePattern<pack::Dot2Op> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(pack::Dot2Op op,
                                PatternRewriter &b) const override {
    b.replaceOp(op, callIntrinsic(b, op.getLoc(),
                                  "llvm.x86.avx512bf16.dpbf16ps.512",
                                  op.getType(),
                                  {op.getAcc(), op.getW(), op.getA()}));
    return success();
  }
};

/// Two sums of f32: a bf16 is the upper half of one.
struct WidenedPairDot : OpRewritePattern<pack::Dot2Op> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(pack::Dot2Op op,
                                PatternRewriter &b) const override {
    Location loc = op.getLoc();
    Value sum = op.getAcc();
    for (int64_t which : {0, 1})
      sum = math::FmaOp::create(b, loc, widenedHalf(b, loc, op.getW(), which),
                                widenedHalf(b, loc, op.getA(), which), sum);
    b.replaceOp(op, sum);
    return success();
  }

private:
  static Value widenedHalf(OpBuilder &b, Location loc, Value pairs,
                           int64_t which) {
    auto words = VectorType::get({16}, b.getI32Type());
    auto splat = [&](int32_t value) {
      return arith::ConstantOp::create(b, loc,
                                       DenseElementsAttr::get(words, value));
    };
    Value bits = vector::BitCastOp::create(b, loc, words, pairs);
    bits = which ? arith::AndIOp::create(b, loc, bits, splat(-65536))
                       .getResult()
                 : arith::ShLIOp::create(b, loc, bits, splat(16)).getResult();
    return vector::BitCastOp::create(
        b, loc, VectorType::get({16}, b.getF32Type()), bits);
  }
};

/// vpermw: a table of 32 words is one register.
struct LookupWords : OpRewritePattern<pack::LookupWordsOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(pack::LookupWordsOp op,
                                PatternRewriter &b) const override {
    Location loc = op.getLoc();
    auto type = cast<VectorType>(op.getType());
    Value table = arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(type, op.getTable()));
    b.replaceOp(op, callIntrinsic(b, loc, "llvm.x86.avx512.permvar.hi.512",
                                  type, {table, op.getIndex()}));
    return success();
  }
};

} // namespace

void populateDotProductPatterns(RewritePatternSet &patterns,
                                const TargetInfo &target) {
  MLIRContext *context = patterns.getContext();
  if (target.countsWords)
    patterns.add<PopcountOfWords>(context);
  else
    patterns.add<PopcountOfBytes>(context,
                                  target.dot == DotProduct::AVX512VNNI);
  if (target.dotsPairs)
    patterns.add<PairDot, LookupWords>(context);
  else
    patterns.add<WidenedPairDot>(context);
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
