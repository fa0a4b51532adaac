//===- RtToLLVM.cpp - Host requests as loads and calls --------------------===//

#include "dialects/Pack/IR/PackOps.h"
#include "dialects/Rt/IR/RtOps.h"
#include "lowbit/Conversion/DotProducts.h"
#include "lowbit/Conversion/Passes.h"

#include "quantrt/abi.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <cstddef>

#define DEBUG_TYPE "convert-rt-to-llvm"

using namespace mlir;

namespace lowbit {

#define GEN_PASS_DEF_CONVERTRTTOLLVM
#include "lib/Conversion/Passes.h.inc"

namespace {

struct Field {
  llvm::StringLiteral name;
  int64_t offset;
};

// The one place where compiled code learns the layout of abi.h.
constexpr Field textFields[] = {
    {"tokens", offsetof(qrt_text, tokens)},
    {"embeddings", offsetof(qrt_text, embeddings)},
    {"positions", offsetof(qrt_text, positions)},
    {"visible_end", offsetof(qrt_text, visible_end)},
    {"out_rows", offsetof(qrt_text, out_rows)},
    {"out_first", offsetof(qrt_text, out_first)},
    {"token_types", offsetof(qrt_text, token_types)},
    {"logits", offsetof(qrt_text, logits)},
    {"probes", offsetof(qrt_text, probes)},
    {"kv", offsetof(qrt_text, kv)},
    {"rows", offsetof(qrt_text, rows)},
    {"n_runs", offsetof(qrt_text, n_runs)},
    {"n_out", offsetof(qrt_text, n_out)},
};

int64_t textOffset(StringRef name) {
  for (const Field &field : textFields)
    if (field.name == name)
      return field.offset;
  return 0; // the verifier knows the names
}

class RtLowering {
public:
  RtLowering(ModuleOp module)
      : b(module.getContext()), converter(module.getContext()) {}

  LogicalResult run(func::FuncOp function) {
    setFrameTypes(function);
    SmallVector<Operation *> requests;
    function.walk([&](Operation *op) {
      if (isa<rt::RtDialect>(op->getDialect()))
        requests.push_back(op);
    });
    arena = function->getAttrOfType<DenseI64ArrayAttr>("rt.arena");
    for (Operation *op : requests)
      if (failed(lower(op)))
        return failure();
    function->removeAttr("rt.arena");
    return success();
  }

private:
  Type pointer() { return LLVM::LLVMPointerType::get(b.getContext()); }

  /// `!rt.frame` becomes a pointer; a public function's worker numbers i32.
  void setFrameTypes(func::FuncOp function) {
    auto convert = [&](Type type) {
      return isa<rt::FrameType>(type) ? pointer() : type;
    };
    SmallVector<Type> inputs;
    for (Type type : function.getFunctionType().getInputs())
      inputs.push_back(convert(type));
    if (!function.isDeclaration()) {
      Block &entry = function.getBody().front();
      for (BlockArgument argument : entry.getArguments())
        argument.setType(convert(argument.getType()));
      b.setInsertionPointToStart(&entry);
      for (auto [i, argument] : llvm::enumerate(entry.getArguments())) {
        if (!function.isPublic() || !argument.getType().isIndex())
          continue;
        inputs[i] = b.getI32Type();
        argument.setType(b.getI32Type());
        auto cast = arith::IndexCastOp::create(b, function.getLoc(),
                                               b.getIndexType(), argument);
        argument.replaceAllUsesExcept(cast.getResult(), cast);
      }
    }
    function.setFunctionType(b.getFunctionType(inputs, {}));
  }

  Value frameOf(Value frame) { return frame; }

  Value loadAt(Location loc, Type type, Value base, int64_t offset) {
    Value at = LLVM::GEPOp::create(b, loc, pointer(), b.getI8Type(), base,
                                   ArrayRef<LLVM::GEPArg>{
                                       static_cast<int32_t>(offset)});
    return LLVM::LoadOp::create(b, loc, type, at);
  }
  Value pointerAt(Location loc, Value base, int64_t offset) {
    return loadAt(loc, pointer(), base, offset);
  }
  Value indexAt(Location loc, Value base, int64_t offset) {
    Value value = loadAt(loc, b.getI64Type(), base, offset);
    return arith::IndexCastOp::create(b, loc, b.getIndexType(), value);
  }
  Value textOf(Location loc, Value frame) {
    return pointerAt(loc, frame, offsetof(qrt_frame, text));
  }
  Value offsetBy(Location loc, Value base, Value bytes) {
    return LLVM::GEPOp::create(b, loc, pointer(), b.getI8Type(), base, bytes);
  }
  Value constant(Location loc, int64_t value) {
    return LLVM::ConstantOp::create(b, loc, b.getI64Type(),
                                    b.getI64IntegerAttr(value));
  }

  /// A pointer as the memref it stands for.
  Value memrefAt(Location loc, MemRefType type, Value address) {
    Value descriptor = MemRefDescriptor::fromStaticShape(b, loc, converter,
                                                         type, address);
    return UnrealizedConversionCastOp::create(b, loc, type, descriptor)
        .getResult(0);
  }

  Value tableEntry(Location loc, Value frame, int64_t table, int64_t index) {
    Value base = pointerAt(loc, frame, table);
    return pointerAt(loc, base, index * sizeof(void *));
  }

  Value scratch(rt::ScratchOp op) {
    Location loc = op.getLoc();
    Value base =
        pointerAt(loc, op.getFrame(), offsetof(qrt_frame, scratch));
    int64_t offset = op.getOffset();
    if (!op.getWorker())
      return offsetBy(loc, base, constant(loc, offset));
    Value worker = arith::IndexCastOp::create(b, loc, b.getI64Type(),
                                              op.getWorker());
    Value mine =
        LLVM::MulOp::create(b, loc, worker, constant(loc, arena[1]));
    base = offsetBy(loc, base, mine);
    return offsetBy(loc, base, constant(loc, arena[0] + offset));
  }

  void lowerRun(rt::RunOp op) {
    Location loc = op.getLoc();
    Value runs = pointerAt(loc, textOf(loc, op.getFrame()),
                           offsetof(qrt_text, runs));
    Value index = arith::IndexCastOp::create(b, loc, b.getI64Type(),
                                             op.getIndex());
    Value run = offsetBy(
        loc, runs,
        LLVM::MulOp::create(b, loc, index, constant(loc, sizeof(qrt_run))));
    Value pages = pointerAt(loc, run, offsetof(qrt_run, page_table));
    op.replaceAllUsesWith(ValueRange{
        indexAt(loc, run, offsetof(qrt_run, first_row)),
        indexAt(loc, run, offsetof(qrt_run, count)),
        indexAt(loc, run, offsetof(qrt_run, kv_length)),
        memrefAt(loc, cast<MemRefType>(op.getPages().getType()), pages)});
  }

  /// Calls the function at `offset` of qrt_host with the team and `arguments`.
  void callHost(Location loc, Value frame, int64_t offset,
                ArrayRef<Value> arguments) {
    Value host = pointerAt(loc, frame, offsetof(qrt_frame, host));
    SmallVector<Value> operands = {
        pointerAt(loc, host, offset),
        pointerAt(loc, frame, offsetof(qrt_frame, team))};
    SmallVector<Type> types = {pointer()};
    for (Value argument : arguments) {
      operands.push_back(argument);
      types.push_back(argument.getType());
    }
    auto type = LLVM::LLVMFunctionType::get(
        LLVM::LLVMVoidType::get(b.getContext()), types);
    LLVM::CallOp::create(b, loc, type, operands);
  }
  Value workerOf(Location loc, Value worker) {
    return arith::IndexCastOp::create(b, loc, b.getI32Type(), worker);
  }

  void lowerBarrier(rt::BarrierOp op) {
    Location loc = op.getLoc();
    callHost(loc, op.getFrame(), offsetof(qrt_host, barrier),
             workerOf(loc, op.getWorker()));
  }

  void lowerMark(rt::MarkOp op) {
    Location loc = op.getLoc();
    Value region = LLVM::ConstantOp::create(
        b, loc, b.getI32Type(), b.getI32IntegerAttr(op.getRegion()));
    callHost(loc, op.getFrame(), offsetof(qrt_host, mark),
             {workerOf(loc, op.getWorker()), region});
  }

  LogicalResult lower(Operation *op) {
    b.setInsertionPoint(op);
    Location loc = op->getLoc();
    auto replace = [&](Value address) {
      auto type = cast<MemRefType>(op->getResult(0).getType());
      op->getResult(0).replaceAllUsesWith(memrefAt(loc, type, address));
    };
    if (auto weight = dyn_cast<rt::WeightOp>(op))
      replace(tableEntry(loc, weight.getFrame(), offsetof(qrt_frame, weights),
                         weight.getIndex()));
    else if (auto argument = dyn_cast<rt::ArgumentOp>(op))
      replace(tableEntry(loc, argument.getFrame(),
                         offsetof(qrt_frame, arguments), argument.getIndex()));
    else if (auto place = dyn_cast<rt::ScratchOp>(op)) {
      if (place.getWorker() && !arena)
        return op->emitOpError("private memory needs the function's rt.arena");
      replace(scratch(place));
    } else if (auto text = dyn_cast<rt::TextOp>(op))
      replace(pointerAt(loc, textOf(loc, text.getFrame()),
                        textOffset(text.getField())));
    else if (auto size = dyn_cast<rt::TextSizeOp>(op))
      size.replaceAllUsesWith(indexAt(loc, textOf(loc, size.getFrame()),
                                      textOffset(size.getField())));
    else if (auto run = dyn_cast<rt::RunOp>(op))
      lowerRun(run);
    else if (auto mark = dyn_cast<rt::MarkOp>(op))
      lowerMark(mark);
    else
      lowerBarrier(cast<rt::BarrierOp>(op));
    op->erase();
    return success();
  }

  OpBuilder b;
  LLVMTypeConverter converter;
  DenseI64ArrayAttr arena;
};

struct ConvertRtToLLVM : impl::ConvertRtToLLVMBase<ConvertRtToLLVM> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto level = module->getAttrOfType<StringAttr>("rt.level");
    const TargetInfo *target =
        findTarget(level ? level.getValue() : "avx512vnni");
    RewritePatternSet patterns(&getContext());
    populateMathPolynomialApproximationPatterns(patterns);
    populateDotProductPatterns(patterns, *target);
    populateTileDotPatterns(patterns, *target);
    if (failed(applyPatternsGreedily(module, std::move(patterns))))
      return signalPassFailure();
    RtLowering lowering(module);
    for (auto function : module.getOps<func::FuncOp>())
      if (failed(lowering.run(function)))
        return signalPassFailure();
  }
};

} // namespace

} // namespace lowbit
