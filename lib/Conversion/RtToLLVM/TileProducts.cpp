//===- TileProducts.cpp - Instructions for pack.tile_dot ------------------===//
//
// A block of rows times unpacked panels, through memory: a loop of pack.dot4 on
// any level; AMX's tiles; i8mm's products of 2 x 8 and 8 x 2 bytes. All are
// exact. test/Conversion/tile-dot.mlir checks the instructions,
// test/unit/Codegen the integers.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/DotProducts.h"

#include "dialects/Pack/IR/PackOps.h"
#include "lowbit/Conversion/Emitter.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace lowbit {

namespace {

using Values = Emitter::Values;

constexpr int64_t kVector = 64; ///< bytes of a quad of a panel, of 16 sums

/// Byte of the sums of row t, panel j.
Value placeOf(Emitter &e, pack::TileDotOp op, Value t, int64_t j) {
  int64_t panels = op.getPanels();
  return e.add(op.getPlace(),
               e.add(e.mul(t, panels * kVector), j * kVector));
}

/// Byte of quad q of panel j.
Value weightOf(Emitter &e, pack::TileDotOp op, Value q, int64_t j) {
  int64_t panels = op.getPanels();
  return e.add(op.getWeights(),
               e.add(e.mul(q, panels * kVector), j * kVector));
}

//===- Any level ----------------------------------------------------------===//

struct TileDotByDot4 : OpRewritePattern<pack::TileDotOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(pack::TileDotOp op,
                                PatternRewriter &b) const override {
    Emitter e(b, op.getLoc());
    e.each(e.index(0), e.index(op.getRows()), 1, [&](Value t) {
      Values sums(op.getPanels(), e.splatI(0));
      sums = e.loop(e.index(0), e.index(op.getQuads()), 1, sums,
                    [&](Value q, ValueRange carried) {
                      return quad(e, op, t, q, llvm::to_vector(carried));
                    });
      for (auto [j, sum] : llvm::enumerate(sums))
        e.storeBytes(sum, op.getSums(), e.index(0), placeOf(e, op, t, j));
    });
    b.eraseOp(op);
    return success();
  }

private:
  static Values quad(Emitter &e, pack::TileDotOp op, Value t, Value q,
                     Values sums) {
    auto bytes = e.vec(64, e.b.getI8Type());
    Value four = e.loadBytes(e.i32(), op.getA(), e.add(op.getRow(), t),
                             e.add(op.getElement(), e.mul(q, 4)));
    Value a = vector::BitCastOp::create(e.b, e.loc, bytes, e.splat(four));
    for (auto [j, sum] : llvm::enumerate(sums)) {
      Value w = e.loadVec(bytes, op.getW(),
                          {e.index(0), weightOf(e, op, q, j)});
      sum = pack::Dot4Op::create(e.b, e.loc, sum.getType(), sum, w, a,
                                 op.getRange(), /*signed_weights=*/false);
    }
    return sums;
  }
};

//===- AMX ----------------------------------------------------------------===//

/// A tile of sums is 16 rows by 16 lanes. One of weights is 16 quads of a
/// panel, one of activations 16 rows by as many bytes; where quads are no
/// multiple of 16, 8. All have one shape for each role, as LLVM configures the
/// registers once. Tiles that one instruction needs are loaded just before it;
/// each is used twice.
struct TileDotByAMX : OpRewritePattern<pack::TileDotOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(pack::TileDotOp op,
                                PatternRewriter &b) const override {
    int64_t blocks = op.getRows() / 16, panels = op.getPanels();
    if (op.getRows() % 16 != 0 || blocks * panels > 4)
      return failure();
    Emitter e(b, op.getLoc());
    int64_t step = op.getQuads() % 16 == 0 ? 16 : 8;
    Values sums;
    for (int64_t i = 0; i < blocks * panels; ++i)
      sums.push_back(call(e, "llvm.x86.tilezero.internal", tile(e),
                          {i16(e, 16), i16(e, kVector)}));
    auto some = [&](Value q, ValueRange carried) {
      return products(e, op, q, step, llvm::to_vector(carried));
    };
    sums = int64_t(op.getQuads()) == step
               ? some(e.index(0), sums)
               : e.loop(e.index(0), e.index(op.getQuads()), step, sums, some);
    for (auto [i, sum] : llvm::enumerate(sums)) {
      Value t = e.index(int64_t(i) / panels * 16);
      call(e, "llvm.x86.tilestored64.internal", Type(),
           {i16(e, 16), i16(e, kVector),
            pointer(e, op.getSums(), e.index(0),
                    placeOf(e, op, t, int64_t(i) % panels)),
            i64(e, panels * kVector), sum});
    }
    b.eraseOp(op);
    return success();
  }

private:
  static Type tile(Emitter &e) {
    return LLVM::LLVMX86AMXType::get(e.b.getContext());
  }
  static Value i16(Emitter &e, int64_t value) {
    return LLVM::ConstantOp::create(e.b, e.loc, e.b.getI16Type(),
                                    e.b.getI16IntegerAttr(value));
  }
  static Value i64(Emitter &e, int64_t value) {
    return LLVM::ConstantOp::create(e.b, e.loc, e.b.getI64Type(),
                                    e.b.getI64IntegerAttr(value));
  }

  static Value call(Emitter &e, StringRef name, Type type,
                    ValueRange operands) {
    auto attr = e.b.getStringAttr(name);
    if (!type) {
      LLVM::CallIntrinsicOp::create(e.b, e.loc, attr, operands);
      return {};
    }
    return LLVM::CallIntrinsicOp::create(e.b, e.loc, type, attr, operands)
        ->getResult(0);
  }

  /// Shapes are static and dense: an address is row * columns + byte.
  static Value pointer(Emitter &e, Value memref, Value row, Value byte) {
    int64_t columns = cast<MemRefType>(memref.getType()).getDimSize(1);
    Value base =
        memref::ExtractAlignedPointerAsIndexOp::create(e.b, e.loc, memref);
    Value address = e.add(base, e.add(e.mul(row, columns), byte));
    address = arith::IndexCastOp::create(e.b, e.loc, e.b.getI64Type(), address);
    return LLVM::IntToPtrOp::create(
        e.b, e.loc, LLVM::LLVMPointerType::get(e.b.getContext()), address);
  }

  static Value load(Emitter &e, int64_t rows, int64_t bytes, Value from,
                    int64_t stride) {
    return call(e, "llvm.x86.tileloadd64.internal", tile(e),
                {i16(e, rows), i16(e, bytes), from, i64(e, stride)});
  }

  /// Adds `step` quads. Activations are the signed operand, the first.
  static Values products(Emitter &e, pack::TileDotOp op, Value q, int64_t step,
                         Values sums) {
    int64_t panels = op.getPanels(), blocks = op.getRows() / 16;
    int64_t rowBytes = op.getA().getType().getDimSize(1);
    Values weights;
    for (int64_t j = 0; j < panels; ++j)
      weights.push_back(load(
          e, step, kVector,
          pointer(e, op.getW(), e.index(0), weightOf(e, op, q, j)),
          panels * kVector));
    for (int64_t block = 0; block < blocks; ++block) {
      Value a = load(e, 16, 4 * step,
                     pointer(e, op.getA(), e.add(op.getRow(), 16 * block),
                             e.add(op.getElement(), e.mul(q, 4))),
                     rowBytes);
      for (int64_t j = 0; j < panels; ++j) {
        Value &sum = sums[block * panels + j];
        sum = call(e, "llvm.x86.tdpbsud.internal", tile(e),
                   {i16(e, 16), i16(e, kVector), i16(e, 4 * step), sum, a,
                    weights[j]});
      }
    }
    return sums;
  }
};

//===- i8mm ---------------------------------------------------------------===//

/// usmmla: 2 rows of 8 weights times 2 rows of 8 activations. Two quads of four
/// lanes, zipped, are two such pairs of rows; the zip is shared by all
/// activations.
struct TileDotByI8MM : OpRewritePattern<pack::TileDotOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(pack::TileDotOp op,
                                PatternRewriter &b) const override {
    if (op.getRows() % 2 != 0)
      return failure();
    Emitter e(b, op.getLoc());
    for (int64_t j = 0; j < int64_t(op.getPanels()); ++j) {
      Value zero = arith::ConstantOp::create(
          b, e.loc, b.getZeroAttr(e.vec(4, e.i32())));
      Values sums(op.getRows() / 2 * 8, zero);
      sums = e.loop(e.index(0), e.index(op.getQuads()), 2, sums,
                    [&](Value q, ValueRange carried) {
                      return products(e, op, q, j, llvm::to_vector(carried));
                    });
      store(e, op, j, sums);
    }
    b.eraseOp(op);
    return success();
  }

private:
  static Value shuffle(Emitter &e, Value a, Value b, ArrayRef<int64_t> lanes) {
    return vector::ShuffleOp::create(e.b, e.loc, a, b, lanes);
  }

  /// Weights of 8 elements: pairs of lanes (0, 1), (2, 3), ... of panel j.
  static Values pairs(Emitter &e, pack::TileDotOp op, Value q, int64_t j) {
    auto words = e.vec(4, e.i32()), bytes = e.vec(16, e.b.getI8Type());
    Values result;
    for (int64_t quarter = 0; quarter < 4; ++quarter) {
      Value quads[2];
      for (int64_t i : {0, 1})
        quads[i] = e.loadBytes(
            words, op.getW(), e.index(0),
            e.add(weightOf(e, op, e.add(q, i), j), 16 * quarter));
      for (int64_t low : {0, 2})
        result.push_back(vector::BitCastOp::create(
            e.b, e.loc, bytes,
            shuffle(e, quads[0], quads[1], {low, 4 + low, low + 1, 5 + low})));
    }
    return result;
  }

  static Values products(Emitter &e, pack::TileDotOp op, Value q, int64_t j,
                         Values sums) {
    auto words = e.vec(2, e.i32()), bytes = e.vec(16, e.b.getI8Type());
    Values weights = pairs(e, op, q, j);
    for (int64_t pair = 0; pair < int64_t(op.getRows()) / 2; ++pair) {
      Value rows[2];
      for (int64_t i : {0, 1})
        rows[i] = e.loadBytes(words, op.getA(),
                              e.add(op.getRow(), 2 * pair + i),
                              e.add(op.getElement(), e.mul(q, 4)));
      Value a = vector::BitCastOp::create(
          e.b, e.loc, bytes, shuffle(e, rows[0], rows[1], {0, 1, 2, 3}));
      for (auto [i, w] : llvm::enumerate(weights)) {
        Value &sum = sums[pair * 8 + int64_t(i)];
        sum = LLVM::CallIntrinsicOp::create(
                  e.b, e.loc, sum.getType(),
                  e.b.getStringAttr("llvm.aarch64.neon.usmmla"),
                  ValueRange{sum, w, a})
                  ->getResult(0);
      }
    }
    return sums;
  }

  /// Each sum holds lanes 2 i and 2 i + 1 of both rows, rows innermost.
  static void store(Emitter &e, pack::TileDotOp op, int64_t j, Values sums) {
    for (int64_t t = 0; t < int64_t(op.getRows()); ++t)
      for (int64_t quarter = 0; quarter < 4; ++quarter) {
        const Value *two = &sums[t / 2 * 8 + 2 * quarter];
        int64_t row = t % 2;
        e.storeBytes(
            shuffle(e, two[0], two[1], {row, 2 + row, 4 + row, 6 + row}),
            op.getSums(), e.index(0),
            e.add(placeOf(e, op, e.index(t), j), 16 * quarter));
      }
  }
};

} // namespace

void populateTileDotPatterns(RewritePatternSet &patterns,
                             const TargetInfo &target) {
  MLIRContext *context = patterns.getContext();
  switch (target.tileDot) {
  case TileDot::Dot4:
    patterns.add<TileDotByDot4>(context);
    return;
  case TileDot::AMX:
    patterns.add<TileDotByAMX>(context);
    return;
  case TileDot::I8MM:
    patterns.add<TileDotByI8MM>(context);
    return;
  }
}

} // namespace lowbit
