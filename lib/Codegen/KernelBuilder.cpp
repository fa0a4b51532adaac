//===- KernelBuilder.cpp - Ops to kernel calls ----------------------------===//

#include "KernelBuilder.h"

#include "dialects/Rt/IR/RtOps.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace lowbit {

/// Of the rows that an op computes.
static RowsLayout layoutOf(Value rows, const TargetInfo &target) {
  return rowsLayout(rows.getDefiningOp<pack::RowsOp>(), target);
}

static PanelLayout layoutOf(pack::PanelsType type) {
  return PanelLayout(type.getScheme().getScheme(), type.getColumns(),
                     type.getLayout().getUnit());
}

//===- Buffers ------------------------------------------------------------===//

int64_t KernelBuilder::addBuffer(Buffer buffer) {
  program_.buffers.push_back(std::move(buffer));
  return program_.buffers.size() - 1;
}

/// Rows of a tensor: static, or as many as a call of this class may have.
static int64_t rowsOf(RankedTensorType type, bool oneRow, int64_t maxRows) {
  if (!type.isDynamicDim(0))
    return type.getDimSize(0);
  return oneRow ? 1 : maxRows;
}

MemRefType KernelBuilder::bufferType(Value value) {
  if (isa<pack::RowsType>(value.getType())) {
    // The type does not tell the number of rows; its source does.
    auto source = value.getDefiningOp<pack::RowsOp>().getX();
    int64_t count = rowsOf(source.getType(), oneRow_, maxRows_);
    return MemRefType::get({count, layoutOf(value, target_).rowBytes()},
                           IntegerType::get(value.getContext(), 8));
  }
  auto tensor = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> shape(tensor.getShape());
  shape[0] = rowsOf(tensor, oneRow_, maxRows_);
  return MemRefType::get(shape, tensor.getElementType());
}

Count KernelBuilder::countOf(Value value) {
  auto known = counts_.find(value);
  if (known != counts_.end())
    return known->second;
  if (auto rows = value.getDefiningOp<pack::RowsOp>())
    return countOf(rows.getX());
  auto tensor = dyn_cast<RankedTensorType>(value.getType());
  if (tensor && !tensor.isDynamicDim(0))
    return Count::Static;
  return Count::Rows;
}

int64_t KernelBuilder::resultBuffer(Value value, Split split) {
  auto preset = preset_.find(value);
  if (preset != preset_.end())
    return bufferOf_[value] = preset->second;
  Buffer buffer;
  buffer.kind = split == Split::None ? Buffer::Private : Buffer::Shared;
  buffer.type = bufferType(value);
  return bufferOf_[value] = addBuffer(buffer);
}

int64_t KernelBuilder::weightBuffer(StringRef name, MemRefType type) {
  Buffer buffer;
  buffer.kind = Buffer::Weight;
  buffer.index = weights_.indexOf(name);
  buffer.type = type;
  return addBuffer(buffer);
}

int64_t KernelBuilder::textBuffer(StringRef field, MemRefType type) {
  Buffer buffer;
  buffer.kind = Buffer::Text;
  buffer.field = field.str();
  buffer.type = type;
  return addBuffer(buffer);
}

//===- Kernels ------------------------------------------------------------===//

/// What a kernel depends on: the op's name and attributes, without what is an
/// argument (weight names, layers), and the types of its buffers.
static std::string kernelKey(Operation *op, bool oneRow,
                             ArrayRef<MemRefType> types,
                             const TargetInfo &target) {
  std::string key;
  llvm::raw_string_ostream os(key);
  os << op->getName().getStringRef() << (oneRow ? " one " : " many ");
  for (NamedAttribute attr : op->getAttrs())
    if (attr.getName() != "layer" && attr.getName() != "index")
      os << attr.getName().getValue() << "=" << attr.getValue() << " ";
  if (auto properties = op->getPropertiesAsAttribute())
    if (auto dictionary = dyn_cast<DictionaryAttr>(properties))
      for (NamedAttribute attr : dictionary)
        if (attr.getName() != "layer" && attr.getName() != "index")
          os << attr.getName().getValue() << "=" << attr.getValue() << " ";
  // Types of both: buffers of two layouts of rows may be equally large.
  for (Type type : op->getOperandTypes())
    os << type << " ";
  for (Type type : op->getResultTypes())
    os << type << " ";
  for (MemRefType type : types)
    os << type << " ";
  // What a row has depends on all who read it.
  auto describe = [&](Value value) {
    if (!isa<pack::RowsType>(value.getType()))
      return;
    RowsLayout layout = layoutOf(value, target);
    for (int64_t bias : layout.biases)
      os << "bias " << bias << " ";
    os << (layout.hasSums ? "sums " : "");
  };
  llvm::for_each(op->getOperands(), describe);
  llvm::for_each(op->getResults(), describe);
  return key;
}

func::FuncOp KernelBuilder::kernelFor(Operation *op, const KernelCall &call,
                                      ArrayRef<int64_t> buffers, Body body) {
  bool hasLayer = call.layer >= 0;
  MLIRContext *context = op->getContext();
  SmallVector<MemRefType> memrefs;
  for (int64_t id : buffers)
    memrefs.push_back(program_.buffers[id].type);
  std::string key = kernelKey(op, oneRow_, memrefs, target_);
  if (call.count == Count::Static)
    key += "count " + std::to_string(call.staticCount);
  auto keyAttr = StringAttr::get(context, key);
  int64_t number = 0;
  for (auto kernel : module_.getOps<func::FuncOp>()) {
    if (kernel->getAttr("rt.key") == keyAttr)
      return kernel;
    number += kernel->hasAttr("rt.key");
  }
  Type index = IndexType::get(context);
  SmallVector<Type> inputs = {rt::FrameType::get(context), index, index, index};
  if (hasLayer)
    inputs.push_back(index);
  llvm::append_range(inputs, memrefs);
  OpBuilder b(context);
  b.setInsertionPointToEnd(module_.getBody());
  auto kernel = func::FuncOp::create(b, op->getLoc(),
                                     op->getName().stripDialect().str() + "." +
                                         std::to_string(number),
                                     b.getFunctionType(inputs, {}));
  kernel.setPrivate();
  kernel->setAttr("rt.key", keyAttr);
  for (auto [i, type] : llvm::enumerate(inputs))
    if (isa<MemRefType>(type))
      kernel.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(),
                        b.getUnitAttr());
  emitKernel(kernel, call, body);
  return kernel;
}

void KernelBuilder::emitKernel(func::FuncOp kernel, const KernelCall &call,
                               Body body) {
  bool hasLayer = call.layer >= 0;
  Block *entry = kernel.addEntryBlock();
  OpBuilder b(entry, entry->end());
  Emitter e(b, kernel.getLoc());
  // A count that is known leaves only the tiles that occur: for one row of a
  // layer an eighth of the code.
  Value count = call.count == Count::Static ? e.index(call.staticCount)
                                            : Value(entry->getArgument(3));
  KernelContext context{entry->getArgument(0),
                        entry->getArgument(1),
                        entry->getArgument(2),
                        count,
                        &target_,
                        oneRow_};
  Value layer = hasLayer ? entry->getArgument(4) : Value();
  body(e, context, layer, entry->getArguments().drop_front(hasLayer ? 5 : 4));
  func::ReturnOp::create(b, kernel.getLoc());
}

void KernelBuilder::call(Operation *op, ValueRange reads, Split split,
                         Body body, ArrayRef<int64_t> extraReads,
                         ArrayRef<int64_t> extraWrites, int64_t layer) {
  KernelCall call;
  call.split = split;
  call.layer = layer;
  for (Value value : reads)
    call.reads.push_back(bufferOf_.lookup(value));
  llvm::append_range(call.reads, extraReads);
  Value counted = reads.front();
  call.count = countOf(counted);
  if (call.count == Count::Static)
    call.staticCount = program_.buffers[call.reads.front()].type.getDimSize(0);
  llvm::append_range(call.writes, extraWrites);
  if (op->getNumResults() && !isa<lm::KVType>(op->getResult(0).getType())) {
    Value result = op->getResult(0);
    if (!counts_.count(result) && call.count != Count::Static)
      counts_[result] = call.count;
    call.writes.push_back(resultBuffer(result, split));
  }
  SmallVector<int64_t> all(call.reads);
  llvm::append_range(all, call.writes);
  call.kernel = kernelFor(op, call, all, body);
  program_.calls.push_back(std::move(call));
}

//===- The function's border ----------------------------------------------===//

LogicalResult KernelBuilder::bindArguments(func::FuncOp function) {
  Type i32 = IntegerType::get(function.getContext(), 32);
  bool isText = function.getSymName() == "text";
  // In the order of text's arguments; the store has no field of its own.
  static const char *const fields[] = {"tokens",     "embeddings", "positions",
                                       "out_rows",   "",           "out_first",
                                       "token_types"};
  for (auto [i, argument] : llvm::enumerate(function.getArguments())) {
    if (isa<lm::KVType>(argument.getType()))
      continue;
    if (isText) {
      int64_t rows = oneRow_ ? 1 : maxRows_;
      MemRefType type = MemRefType::get({rows}, i32);
      if (i == 1)
        type = bufferType(argument);
      bufferOf_[argument] = textBuffer(fields[i], type);
      counts_[argument] = i == 3 || i == 5 ? Count::Out : Count::Rows;
      continue;
    }
    Buffer buffer;
    buffer.kind = Buffer::Argument;
    buffer.index = i;
    buffer.type = bufferType(argument);
    bufferOf_[argument] = addBuffer(buffer);
  }
  return success();
}

LogicalResult KernelBuilder::bindResults(func::FuncOp function) {
  bool isText = function.getSymName() == "text";
  auto ret = cast<func::ReturnOp>(function.getBody().front().getTerminator());
  for (auto [i, result] : llvm::enumerate(ret.getOperands())) {
    if (isa<lm::KVType>(result.getType()))
      continue;
    // A value that is returned twice, or an argument, needs a copy.
    if (!result.getDefiningOp() || preset_.count(result))
      return ret.emitOpError("result ")
             << i << " must be computed by the function and returned once";
    Buffer buffer;
    buffer.kind = isText ? Buffer::Text : Buffer::Argument;
    buffer.field = isText ? "logits" : "";
    buffer.index = function.getNumArguments() + i;
    buffer.type = bufferType(result);
    preset_[result] = addBuffer(buffer);
  }
  return success();
}

LogicalResult KernelBuilder::build(func::FuncOp function) {
  if (!llvm::hasSingleElement(function.getBody()))
    return function.emitOpError("must be one block");
  if (failed(bindArguments(function)) || failed(bindResults(function)))
    return failure();
  for (Operation &op : function.getBody().front().without_terminator())
    if (failed(lower(&op)))
      return failure();
  if (!problem_.empty())
    return function.emitOpError() << problem_;
  planScratch(program_);
  placeBarriers(program_);
  return success();
}

//===- Ops ----------------------------------------------------------------===//

/// The cost model's, or what the module's tuning says; it was checked.
LinearPlan KernelBuilder::planOf(const PanelLayout &panel,
                                 const RowsLayout &layout) {
  LinearPlan plan = planLinear(panel, layout, target_);
  auto tuning = module_->getAttrOfType<DictionaryAttr>("rt.tuning");
  auto level = tuning ? tuning.getAs<DictionaryAttr>(target_.level) : nullptr;
  auto words =
      level ? level.getAs<StringAttr>(linearKey(panel, layout)) : nullptr;
  if (!words)
    return plan;
  std::string problem = applyChoices(words, plan);
  if (!problem.empty() && problem_.empty())
    problem_ = "tuning for " + std::string(target_.level) + ", " +
               linearKey(panel, layout) + ": " + problem;
  return plan;
}

void KernelBuilder::lowerPack(Operation *op) {
  if (auto rows = dyn_cast<pack::RowsOp>(op)) {
    call(op, op->getOperands(), oneRow_ ? Split::None : Split::Rows,
         [&](Emitter &e, const KernelContext &c, Value, ValueRange v) {
           RowsLayout layout = layoutOf(rows.getResult(), target_);
           emitPackRows(e, c, layout, rowsQuantizer(rows), v[0],
                        rows.getPermutation() ? v[1] : Value(), v.back());
         });
    return;
  }
  if (auto linear = dyn_cast<pack::LinearOp>(op)) {
    PanelLayout panel = layoutOf(linear.getPanels().getType());
    RowsLayout layout = layoutOf(linear.getRows(), target_);
    SmallVector<int64_t> work;
    const LinearPlan plan = planOf(panel, layout);
    auto [slots, bytes] = linearWork(panel, layout, plan);
    if (bytes && !oneRow_) {
      Buffer buffer;
      buffer.kind = Buffer::Private;
      buffer.isWork = true;
      buffer.type = MemRefType::get({slots, bytes},
                                    IntegerType::get(op->getContext(), 8));
      work.push_back(addBuffer(buffer));
    }
    call(
        op, op->getOperands(), Split::Other,
        [&](Emitter &e, const KernelContext &c, Value, ValueRange v) {
          Value bias = linear.getBias() ? v[2] : Value();
          Value residual = linear.getResidual() ? v[2 + bool(bias)] : Value();
          emitLinear(e, c, panel, layout, plan,
                     linear.getPanels().getType().getRows(), v[0], v[1], bias,
                     residual, work.empty() ? Value() : v.drop_back().back(),
                     v.back());
        },
        {}, work);
    pack::PanelsType matrix = linear.getPanels().getType();
    program_.calls.back().macs = matrix.getRows() * matrix.getColumns();
    return;
  }
  auto embed = cast<pack::EmbedOp>(op);
  call(op, op->getOperands(), oneRow_ ? Split::None : Split::Rows,
       [&](Emitter &e, const KernelContext &c, Value, ValueRange v) {
         PanelLayout panel = layoutOf(embed.getTable().getType());
         Value permutation = embed.getPermutation() ? v[2] : Value();
         Value given =
             embed.getEmbeddings() ? v[2 + bool(permutation)] : Value();
         emitEmbed(e, c, panel, embed.getScale().convertToFloat(), v[0], v[1],
                   permutation, given, v.back());
       });
}

void KernelBuilder::lowerAttention(Operation *op) {
  if (auto append = dyn_cast<lm::KVAppendOp>(op)) {
    Buffer store;
    store.kind = Buffer::Store;
    store.type = kvMemRef(append.getKv().getType());
    int64_t id = addBuffer(store);
    call(
        op, {append.getKeys(), append.getValues()}, Split::Other,
        [&](Emitter &e, const KernelContext &c, Value layer, ValueRange v) {
          emitKVAppend(e, c, kvLayout(append.getKv().getType()), layer, v[0],
                       v[1], v[2]);
        },
        {}, {id}, append.getLayer());
    return;
  }
  auto attention = cast<lm::CachedAttentionOp>(op);
  KVLayout kv = kvLayout(attention.getKv().getType());
  Buffer store, work;
  store.kind = Buffer::Store;
  store.type = kvMemRef(attention.getKv().getType());
  work.kind = Buffer::Private;
  work.isWork = true;
  work.type = MemRefType::get({attentionWork(kv, target_)},
                              Float32Type::get(op->getContext()));
  int64_t storeId = addBuffer(store), workId = addBuffer(work);
  int64_t endId = textBuffer(
      "visible_end", MemRefType::get({oneRow_ ? 1 : maxRows_},
                                     IntegerType::get(op->getContext(), 32)));
  std::optional<int64_t> window;
  if (attention.getWindow())
    window = *attention.getWindow();
  call(
      op, attention.getQ(), Split::Other,
      [&](Emitter &e, const KernelContext &c, Value layer, ValueRange v) {
        emitCachedAttention(e, c, kv, layer,
                            attention.getScale().convertToFloat(), window, v[0],
                            v[1], v[2], v[3], v[4]);
      },
      {storeId, endId}, {workId}, attention.getLayer());
}

void KernelBuilder::lowerPlainAttention(lm::AttentionOp attention) {
  Buffer work;
  work.kind = Buffer::Private;
  work.isWork = true;
  int64_t rows = bufferType(attention.getK()).getDimSize(0);
  work.type = MemRefType::get(
      {attentionWork(attention.getHeadDim(), rows, target_)},
      Float32Type::get(attention.getContext()));
  int64_t workId = addBuffer(work);
  std::optional<int64_t> window;
  if (attention.getWindow())
    window = *attention.getWindow();
  call(attention, attention.getOperands(), Split::Other,
       [&](Emitter &e, const KernelContext &c, Value, ValueRange v) {
         emitAttention(e, c, attention.getHeadDim(),
                       attention.getScale().convertToFloat(),
                       attention.getMasked(), window, v[0], v[1], v[2], v[3],
                       v[4]);
       },
       {}, {workId});
}

/// Ops that see one row at a time; decoding replicates them.
bool KernelBuilder::lowerRowwise(Operation *op) {
  Split split = oneRow_ ? Split::None : Split::Rows;
  auto emit = [&](Body body) {
    call(op, op->getOperands(), split, body);
    return true;
  };
  if (auto norm = dyn_cast<lm::RmsNormOp>(op))
    return emit([&](Emitter &e, const KernelContext &c, Value, ValueRange v) {
      emitRmsNorm(e, c, norm.getEpsilon().convertToFloat(), v[0], v[1], v[2]);
    });
  if (auto norm = dyn_cast<lm::LayerNormOp>(op))
    return emit([&](Emitter &e, const KernelContext &c, Value, ValueRange v) {
      emitLayerNorm(e, c, norm.getEpsilon().convertToFloat(), v[0], v[1], v[2],
                    v[3]);
    });
  if (auto activate = dyn_cast<lm::ActivateOp>(op))
    return emit([&](Emitter &e, const KernelContext &c, Value, ValueRange v) {
      emitActivate(e, c, activate.getFunction(), v[0], v[1]);
    });
  if (auto gate = dyn_cast<lm::GateOp>(op))
    return emit([&](Emitter &e, const KernelContext &c, Value, ValueRange v) {
      emitGate(e, c, gate.getFunction(), v[0], v[1], v[2]);
    });
  if (auto rotate = dyn_cast<lm::RotateOp>(op);
      rotate && rotate.getAxis() == lm::Axis::Columns)
    return emit([&](Emitter &e, const KernelContext &c, Value, ValueRange v) {
      emitRotate(e, c, rotate.getBlock(), v[0], v[1]);
    });
  if (isa<lm::AddOp>(op))
    return emit([&](Emitter &e, const KernelContext &c, Value, ValueRange v) {
      emitAdd(e, c, v[0], v[1], v[2]);
    });
  if (auto table = dyn_cast<lm::RopeTableOp>(op))
    return emit([&](Emitter &e, const KernelContext &c, Value, ValueRange v) {
      emitRopeTable(e, c, table, v[0], table.getFactors() ? v[1] : Value(),
                    v.back());
    });
  if (auto rope = dyn_cast<lm::RopeOp>(op))
    return emit([&](Emitter &e, const KernelContext &c, Value, ValueRange v) {
      emitRope(e, c, rope.getStyle(), rope.getHeadDim(), v[0], v[1], v[2]);
    });
  return false;
}

/// Ops whose rows are those of the result.
bool KernelBuilder::lowerOutRows(Operation *op) {
  if (auto gather = dyn_cast<lm::GatherRowsOp>(op)) {
    counts_[gather.getResult()] = countOf(gather.getRows());
    call(op, {gather.getRows(), gather.getX()},
         oneRow_ ? Split::None : Split::Rows,
         [&](Emitter &e, const KernelContext &c, Value, ValueRange v) {
           emitGatherRows(e, c, v[1], v[0], v[2]);
         });
    return true;
  }
  if (auto mean = dyn_cast<lm::MeanRowsOp>(op)) {
    counts_[mean.getResult()] = countOf(mean.getLast());
    call(op, {mean.getLast(), mean.getFirst(), mean.getX()},
         oneRow_ ? Split::None : Split::Rows,
         [&](Emitter &e, const KernelContext &c, Value, ValueRange v) {
           emitMeanRows(e, c, v[2], v[1], v[0], v[3]);
         });
    return true;
  }
  return false;
}

LogicalResult KernelBuilder::lowerFakeQuant(FakeQuantOp op) {
  if (!hasFakeQuantKernel(op))
    return op.emitOpError("has a kernel for integer codes under one f32 scale, "
                          "by absmax, minmax or given, in f32, but got ")
           << op.getQuantizer() << " in " << op.getScheme();
  bool ofTensor =
      op.getScheme().getScheme().levels[0].group == Level::kTensor &&
      !op.getScales();
  Split split = oneRow_ ? Split::None : ofTensor ? Split::Other : Split::Rows;
  call(op, op->getOperands(), split,
       [&](Emitter &e, const KernelContext &c, Value, ValueRange v) {
         emitFakeQuant(e, c, op, v[0], op.getScales() ? v[1] : Value(),
                       op.getZeros() ? v[2] : Value(), v.back());
       });
  return success();
}

LogicalResult KernelBuilder::lower(Operation *op) {
  if (auto weight = dyn_cast<lm::WeightOp>(op)) {
    auto tensor = dyn_cast<RankedTensorType>(weight.getType());
    if (!tensor)
      return op->emitOpError("must be packed before loops");
    bufferOf_[weight] = weightBuffer(
        weight.getName(),
        MemRefType::get(tensor.getShape(), tensor.getElementType()));
    return success();
  }
  if (auto weight = dyn_cast<pack::WeightOp>(op)) {
    PanelLayout layout = layoutOf(weight.getType());
    bufferOf_[weight] =
        weightBuffer(weight.getName(),
                     MemRefType::get({layout.panels(weight.getType().getRows()),
                                      layout.panelBytes()},
                                     IntegerType::get(op->getContext(), 8)));
    return success();
  }
  if (isa<pack::RowsOp, pack::LinearOp, pack::EmbedOp>(op)) {
    lowerPack(op);
    return success();
  }
  if (isa<lm::KVAppendOp, lm::CachedAttentionOp>(op)) {
    lowerAttention(op);
    return success();
  }
  if (auto attention = dyn_cast<lm::AttentionOp>(op)) {
    lowerPlainAttention(attention);
    return success();
  }
  if (auto fakeQuant = dyn_cast<FakeQuantOp>(op))
    return lowerFakeQuant(fakeQuant);
  if (lowerOutRows(op))
    return success();
  if (auto probe = dyn_cast<lm::ProbeOp>(op)) {
    int64_t columns = probe.getX().getType().getDimSize(1);
    Type f32 = Float32Type::get(op->getContext());
    int64_t slots = 1 << 20; // its extent is the host's business
    int64_t id =
        textBuffer("probes", MemRefType::get({slots * maxRows_, columns}, f32));
    // `layer` carries the slot's first row.
    call(
        op, probe.getX(), Split::Rows,
        [&](Emitter &e, const KernelContext &c, Value first, ValueRange v) {
          emitCopyRows(e, c, first, v[0], v[1]);
        },
        {}, {id}, probe.getIndex() * maxRows_);
    return success();
  }
  if (lowerRowwise(op))
    return success();
  return op->emitOpError("has no kernel: it cannot be compiled for a CPU yet");
}

} // namespace lowbit
