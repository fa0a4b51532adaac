//===- OutlineKernels.cpp - Functions on tensors to kernel calls ----------===//

#include "Regions.h"

#include "dialects/Rt/IR/RtOps.h"
#include "lowbit/Codegen/Passes.h"

#define DEBUG_TYPE "outline-kernels"

using namespace mlir;

namespace lowbit {

#define GEN_PASS_DEF_OUTLINEKERNELS
#include "lib/Codegen/Passes.h.inc"

namespace {

/// Writes a KernelProgram as a function of rt ops and calls.
class ProgramWriter {
public:
  /// `marks`: behind kernels and barriers.
  ProgramWriter(OpBuilder &b, Location loc, const KernelProgram &program,
                bool marks)
      : b(b), loc(loc), program(program), marks(marks) {}

  void write(func::FuncOp function) {
    Block *entry = function.addEntryBlock();
    b.setInsertionPointToEnd(entry);
    frame = entry->getArgument(0);
    worker = entry->getArgument(1);
    workers = entry->getArgument(2);
    mark(program.betweenRegion);
    for (const KernelCall &call : program.calls)
      writeCall(call);
    func::ReturnOp::create(b, loc);
  }

private:
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  }

  Value count(const KernelCall &call) {
    if (call.count == Count::Static)
      return index(call.staticCount);
    return rt::TextSizeOp::create(
        b, loc, b.getIndexType(), frame,
        call.count == Count::Rows ? "rows" : "n_out");
  }

  Value address(const Buffer &buffer) {
    switch (buffer.kind) {
    case Buffer::Shared:
      return rt::ScratchOp::create(b, loc, buffer.type, frame, buffer.offset,
                                   Value());
    case Buffer::Private:
      return rt::ScratchOp::create(b, loc, buffer.type, frame, buffer.offset,
                                   worker);
    case Buffer::Weight:
      return rt::WeightOp::create(b, loc, buffer.type, frame, buffer.index);
    case Buffer::Argument:
      return rt::ArgumentOp::create(b, loc, buffer.type, frame, buffer.index);
    case Buffer::Text:
      return rt::TextOp::create(b, loc, buffer.type, frame, buffer.field);
    case Buffer::Store:
      return rt::TextOp::create(b, loc, buffer.type, frame, "kv");
    }
    return {};
  }

  void mark(int64_t region) {
    if (marks)
      rt::MarkOp::create(b, loc, frame, region, worker);
  }

  void writeCall(const KernelCall &call) {
    if (call.barrierBefore) {
      rt::BarrierOp::create(b, loc, frame, worker);
      mark(program.barrierRegion);
    }
    bool all = call.split == Split::None;
    SmallVector<Value> operands = {frame, all ? index(0) : worker,
                                   all ? index(1) : workers, count(call)};
    if (call.layer >= 0)
      operands.push_back(index(call.layer));
    for (const auto *list : {&call.reads, &call.writes})
      for (int64_t id : *list)
        operands.push_back(address(program.buffers[id]));
    func::CallOp::create(b, loc, call.kernel, operands);
    mark(call.region);
  }

  OpBuilder &b;
  Location loc;
  const KernelProgram &program;
  const bool marks;
  Value frame, worker, workers;
};

struct OutlineKernels : impl::OutlineKernelsBase<OutlineKernels> {
  using OutlineKernelsBase::OutlineKernelsBase;

  void runOnOperation() override {
    target = findTarget(level);
    if (!target) {
      getOperation().emitError() << "unknown CPU level '" << level << "'";
      return signalPassFailure();
    }
    SmallVector<func::FuncOp> functions;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.isPublic() && !function.isDeclaration())
        functions.push_back(function);
    Builder b(&getContext());
    SmallVector<NamedAttribute> sizes;
    for (func::FuncOp function : functions) {
      auto size = outline(function);
      if (failed(size))
        return signalPassFailure();
      sizes.push_back(b.getNamedAttr(function.getSymName(),
                                     b.getDenseI64ArrayAttr(
                                         {size->first, size->second})));
      finish(function);
    }
    for (auto kernel : getOperation().getOps<func::FuncOp>())
      kernel->removeAttr("rt.key");
    SmallVector<Attribute> names;
    for (const std::string &name : weights.names())
      names.push_back(b.getStringAttr(name));
    getOperation()->setAttr("rt.weights", b.getArrayAttr(names));
    getOperation()->setAttr("rt.functions", b.getDictionaryAttr(sizes));
    getOperation()->setAttr("rt.max_rows", b.getI64IntegerAttr(maxRows));
    getOperation()->setAttr("rt.level", b.getStringAttr(level));
    if (profile)
      getOperation()->setAttr("rt.regions", regions.attribute(&getContext()));
  }

private:
  using Sizes = std::pair<int64_t, int64_t>;

  /// A plain function that takes and returns one row gets the kernels of
  /// decoding.
  static bool hasOneRow(func::FuncOp function) {
    auto isRow = [](Type type) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      return tensor && tensor.getRank() > 0 && tensor.getDimSize(0) == 1;
    };
    return llvm::all_of(function.getArgumentTypes(), isRow) &&
           llvm::all_of(function.getResultTypes(), isRow);
  }

  /// Replaces the body by kernel calls; returns the arena's sizes.
  FailureOr<Sizes> outline(func::FuncOp function) {
    bool isText = function.getSymName() == "text";
    SmallVector<func::FuncOp> variants;
    // Both variants share one layout of the private part: its size is one
    // number in the header.
    std::vector<KernelProgram> programs;
    for (bool oneRow : {true, false}) {
      if (!isText && oneRow != hasOneRow(function))
        continue;
      KernelBuilder builder(getOperation(), *target, weights, maxRows, oneRow);
      if (failed(builder.build(function)))
        return failure();
      programs.push_back(std::move(builder.program()));
      if (profile)
        regions.add(function.getSymName(), programs.back(), weights);
    }
    Sizes sizes = {0, 0};
    for (KernelProgram &program : programs) {
      sizes.first = std::max(sizes.first, program.sharedBytes);
      sizes.second = std::max(sizes.second, program.privateBytes);
    }
    OpBuilder b(&getContext());
    for (auto [i, program] : llvm::enumerate(programs)) {
      b.setInsertionPoint(function);
      const char *suffix = !isText ? ".body" : i == 0 ? ".one" : ".many";
      auto variant = func::FuncOp::create(
          b, function.getLoc(), function.getSymName().str() + suffix,
          entryType());
      variant.setPrivate();
      // A straight line of some 500 calls: optimizing it took 12 of 14 s of a
      // SmolLM2 compilation and keeps addresses alive across the whole line.
      variant->setAttr("passthrough",
                       b.getStrArrayAttr({"noinline", "optnone"}));
      ProgramWriter(b, function.getLoc(), program, profile).write(variant);
      setPrivateBase(variant, sizes.first, sizes.second);
      variants.push_back(variant);
    }
    entries.push_back(variants);
    return sizes;
  }

  /// rt.scratch finds a worker's part behind the shared one: both sizes must be
  /// known where it is lowered.
  void setPrivateBase(func::FuncOp variant, int64_t shared, int64_t own) {
    Builder b(&getContext());
    variant->setAttr("rt.arena", b.getDenseI64ArrayAttr({shared, own}));
  }

  FunctionType entryType() {
    Type index = IndexType::get(&getContext());
    return FunctionType::get(&getContext(),
                             {rt::FrameType::get(&getContext()), index, index},
                             {});
  }

  /// The function becomes the choice between its variants.
  void finish(func::FuncOp function) {
    SmallVector<func::FuncOp> variants = entries.back();
    function.getBody().getBlocks().clear();
    function.setFunctionType(entryType());
    function.setAllArgAttrs(ArrayRef<DictionaryAttr>());
    function.setAllResultAttrs(ArrayRef<DictionaryAttr>());
    Block *entry = function.addEntryBlock();
    OpBuilder b(entry, entry->end());
    Emitter e(b, function.getLoc());
    ValueRange arguments = entry->getArguments();
    auto callOf = [&](func::FuncOp variant) {
      func::CallOp::create(b, e.loc, variant, arguments);
    };
    if (variants.size() == 1) {
      callOf(variants[0]);
    } else {
      Value rows = rt::TextSizeOp::create(b, e.loc, b.getIndexType(),
                                          arguments[0], "rows");
      Value one = arith::CmpIOp::create(b, e.loc, arith::CmpIPredicate::sle,
                                        rows, e.index(1));
      Value more = arith::CmpIOp::create(b, e.loc, arith::CmpIPredicate::sgt,
                                         rows, e.index(1));
      e.ifThen(one, [&] { callOf(variants[0]); });
      e.ifThen(more, [&] { callOf(variants[1]); });
    }
    func::ReturnOp::create(b, e.loc);
  }

  const TargetInfo *target = nullptr;
  WeightTable weights;
  RegionTable regions;
  std::vector<SmallVector<func::FuncOp>> entries;
};

} // namespace

} // namespace lowbit
