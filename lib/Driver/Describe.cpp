//===- Describe.cpp - What the header says of a module --------------------===//

#include "Describe.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LowBit/IR/LowBitOps.h"
#include "dialects/Pack/IR/PackOps.h"
#include "dialects/Rt/IR/RtOps.h"
#include "lowbit/Conversion/Kernels.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

Stage stageOf(ModuleOp module) {
  Stage stage = Stage::Import;
  module.walk([&](Operation *op) {
    StringRef dialect = op->getName().getDialectNamespace();
    Stage mine = Stage::Import;
    if (isa<QuantizeOp, LinearOp, EmbedOp>(op))
      mine = Stage::Quantize;
    else if (dialect == "pack")
      mine = Stage::Pack;
    else if (dialect == "rt" || dialect == "scf" || dialect == "memref")
      mine = Stage::Loops;
    else if (dialect == "llvm")
      mine = Stage::Target;
    stage = std::max(stage, mine);
  });
  return stage;
}

static std::optional<uint32_t> typeCode(Type type) {
  if (type.isF32())
    return QRT_TYPE_F32;
  if (type.isF16())
    return QRT_TYPE_F16;
  if (type.isBF16())
    return QRT_TYPE_BF16;
  if (type.isInteger(8))
    return QRT_TYPE_I8;
  if (type.isInteger(32))
    return QRT_TYPE_I32;
  if (type.isInteger(64))
    return QRT_TYPE_I64;
  return std::nullopt;
}

static llvm::Expected<ArgumentImage> describeArgument(Type type,
                                                      const std::string &name,
                                                      StringRef function) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  std::optional<uint32_t> code;
  if (tensor && tensor.hasStaticShape() && tensor.getRank() <= 6)
    code = typeCode(tensor.getElementType());
  if (!code)
    return failure("function '" + function + "': " + name +
                   " must be a static tensor of f32 or integers");
  ArgumentImage image;
  image.name = name;
  image.type = *code;
  image.shape.assign(tensor.getShape().begin(), tensor.getShape().end());
  return image;
}

static llvm::Error describePlain(func::FuncOp function, FunctionImage &image) {
  image.kind = QRT_FUNCTION_PLAIN;
  for (auto [types, list, word] :
       {std::tuple(function.getArgumentTypes(), &image.inputs, "input"),
        std::tuple(function.getResultTypes(), &image.outputs, "output")})
    for (auto [i, type] : llvm::enumerate(types)) {
      auto argument = describeArgument(type, word + std::to_string(i),
                                       function.getSymName());
      if (!argument)
        return argument.takeError();
      list->push_back(std::move(*argument));
    }
  return llvm::Error::success();
}

static uint32_t kvCode(Type element) {
  if (element.isF32())
    return QRT_KV_F32;
  if (element.isF16())
    return QRT_KV_F16;
  if (element.isBF16())
    return QRT_KV_BF16;
  return element.isInteger(4) ? QRT_KV_Q4 : QRT_KV_Q8;
}

/// What its rows are: logits, unless the model says otherwise.
static void describeResult(DictionaryAttr model, qrt_text_record &text) {
  text.n_result = text.n_vocab;
  auto result = model.getAs<StringAttr>("result");
  if (!result)
    return;
  text.result = result.getValue() == "classes" ? QRT_RESULT_CLASSES
                                               : QRT_RESULT_EMBEDDING;
  text.n_result = model.getAs<IntegerAttr>("columns").getInt();
  if (auto types = model.getAs<IntegerAttr>("token_types"))
    text.n_types = types.getInt();
  if (model.contains("bidirectional"))
    text.flags |= QRT_TEXT_BIDIRECTIONAL;
}

static llvm::Error describeText(func::FuncOp function, int64_t maxRows,
                                qrt_text_record &text) {
  auto model = function->getParentOfType<ModuleOp>()
                   ->getAttrOfType<DictionaryAttr>("lm.model");
  if (!model)
    return failure("function 'text' needs the module attribute lm.model");
  auto number = [&](StringRef key) -> int64_t {
    auto attr = model.getAs<IntegerAttr>(key);
    return attr ? attr.getInt() : 0;
  };
  // Outlining has not changed the arguments yet.
  auto type = cast<lm::KVType>(function.getArgumentTypes()[4]);
  KVLayout kv = kvLayout(type);
  text.n_vocab = number("vocabulary");
  text.n_embd = number("embedding");
  text.n_layers = number("layers");
  text.n_heads = number("heads");
  text.n_kv_heads = kv.heads;
  text.head_dim = kv.dim;
  text.max_rows = maxRows;
  text.max_context = number("context");
  text.page_size = kv.pageSize;
  text.kv_type = kvCode(type.getElement());
  text.page_bytes = kv.pageBytes();
  text.kv_bytes_per_position = kv.bytesPerPosition();
  describeResult(model, text);
  function.walk([&](pack::LinearOp linear) {
    pack::PanelsType panels = linear.getPanels().getType();
    text.macs_per_row += panels.getRows() * panels.getColumns();
    text.activations = std::max<uint32_t>(
        text.activations, linear.getRows().getType().getBits());
  });
  function.walk([&](lm::ProbeOp probe) {
    text.n_probes =
        std::max<uint32_t>(text.n_probes, probe.getIndex() + 1);
  });
  return llvm::Error::success();
}

llvm::Error describeFunctions(ModuleOp module, int64_t maxRows,
                              ModuleImage &image) {
  for (auto function : module.getOps<func::FuncOp>()) {
    if (!function.isPublic() || function.isDeclaration())
      continue;
    FunctionImage entry;
    entry.name = function.getSymName().str();
    entry.kind = QRT_FUNCTION_TEXT;
    llvm::Error error =
        entry.name == "text"
            ? describeText(function, maxRows, image.text)
            : describePlain(function, entry);
    if (error)
      return error;
    image.functions.push_back(std::move(entry));
  }
  if (image.functions.empty())
    return failure("the module has no public function");
  return llvm::Error::success();
}

/// A region as the header has it; `storeReads`: of all regions.
static RegionImage imageOf(DictionaryAttr region, const ModuleImage &image,
                           int64_t storeReads) {
  auto number = [&](StringRef key) {
    return region.getAs<IntegerAttr>(key).getInt();
  };
  auto indices = [&](StringRef key) {
    return region.getAs<DenseI64ArrayAttr>(key).asArrayRef();
  };
  RegionImage result;
  result.name = region.getAs<StringAttr>("name").str();
  StringRef function = region.getAs<StringAttr>("function");
  result.function =
      llvm::find_if(image.functions,
                    [&](auto &entry) { return entry.name == function; }) -
      image.functions.begin();
  result.kernels = number("kernels");
  result.flags = region.getAs<BoolAttr>("out").getValue() ? QRT_REGION_OUT : 0;
  for (int64_t i : indices("weights"))
    result.weightBytes += image.weights[i].sourceBytes;
  for (int64_t i : indices("row_weights"))
    result.rowWeightBytes +=
        image.weights[i].sourceBytes / image.weights[i].rows;
  result.rowBytes = number("row_bytes");
  result.rowMacs = number("row_macs");
  if (storeReads)
    result.kvBytesPerPosition = image.text.kv_bytes_per_position *
                                number("store_reads") / storeReads;
  return result;
}

/// What all levels have in common: rows of activations have other sums for
/// weights that a level stores with another offset.
static ArrayAttr withoutRowBytes(ArrayAttr regions) {
  if (!regions)
    return regions;
  SmallVector<Attribute> common;
  for (auto region : regions.getAsRange<DictionaryAttr>()) {
    NamedAttrList fields(region);
    fields.erase("row_bytes");
    common.push_back(fields.getDictionary(regions.getContext()));
  }
  return ArrayAttr::get(regions.getContext(), common);
}

/// Bytes of activations are those of the best level.
static llvm::Error describeRegions(llvm::ArrayRef<LevelNeeds> needs,
                                   ModuleImage &image) {
  ArrayAttr regions = needs.back().regions;
  for (const LevelNeeds &level : needs)
    if (withoutRowBytes(level.regions) != withoutRowBytes(regions))
      return failure("levels disagree on the regions of the profile: compile "
                     "for one level with --target-cpu=LEVEL");
  if (!regions)
    return llvm::Error::success();
  int64_t storeReads = 0;
  for (auto region : regions.getAsRange<DictionaryAttr>())
    storeReads += region.getAs<IntegerAttr>("store_reads").getInt();
  for (auto region : regions.getAsRange<DictionaryAttr>())
    image.regions.push_back(imageOf(region, image, storeReads));
  return llvm::Error::success();
}

llvm::Error nameEntries(llvm::ArrayRef<LevelNeeds> needs, ModuleImage &image) {
  for (const LevelNeeds &level : needs) {
    if (!level.sizes || !level.weights)
      return failure("the module lacks rt.functions and rt.weights: they come "
                     "from outline-kernels");
    if (level.weights != needs[0].weights)
      return failure("levels disagree on the order of weights");
    for (FunctionImage &function : image.functions) {
      auto size = level.sizes.getAs<DenseI64ArrayAttr>(function.name);
      if (!size)
        return failure("rt.functions lacks '" + function.name + "'");
      function.scratchBytes = std::max<uint64_t>(function.scratchBytes, size[0]);
      function.privateBytes = std::max<uint64_t>(function.privateBytes, size[1]);
    }
  }
  ArrayAttr names = needs[0].weights;
  std::vector<WeightImage> ordered;
  for (auto name : names.getAsValueRange<StringAttr>()) {
    auto found = llvm::find_if(image.weights, [&](const WeightImage &weight) {
      return weight.name == name;
    });
    if (found == image.weights.end())
      return failure("weight '" + name + "' has no source");
    ordered.push_back(std::move(*found));
    found->name.clear();
  }
  image.weights = std::move(ordered);
  return describeRegions(needs, image);
}

} // namespace lowbit
