//===- Weights.cpp - What the module stores of a source -------------------===//

#include "Weights.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/Pack/IR/PackOps.h"
#include "lowbit/Quantize/RoundToNearest.h"
#include "lowbit/Support/Permutation.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Regex.h"

using namespace mlir;

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

int64_t overrideSchemes(ModuleOp module, const Scheme &scheme,
                        StringRef pattern) {
  llvm::Regex regex(("^(" + pattern + ")$").str());
  llvm::StringSet<> names;
  module.walk([&](lm::WeightOp weight) {
    auto type = dyn_cast<TensorType>(weight.getType());
    if (!type || !regex.match(weight.getName()))
      return;
    names.insert(weight.getName());
    // What is in the scheme keeps its bits, and the order of its columns.
    if (type.getScheme().getScheme() == scheme)
      return;
    weight.getPermutationMutable().clear();
    weight.getResult().setType(
        TensorType::get(type.getContext(), type.getShape(),
                        SchemeAttr::get(type.getContext(), scheme)));
  });
  return names.size();
}

static llvm::Expected<Scheme> schemeInFile(StringRef reference,
                                           MLIRContext *context) {
  auto [file, name] = reference.rsplit('#');
  auto text = llvm::MemoryBuffer::getFile(file);
  if (!text)
    return failure("cannot read " + file + ": " + text.getError().message());
  // An alias has no life of its own in IR: a module that uses it fetches it.
  std::string source = ((*text)->getBuffer() +
                        "\nmodule attributes {lowbit.wanted = #" + name +
                        "} {}\n")
                           .str();
  ParserConfig config(context);
  Block block;
  if (failed(parseSourceString(source, &block, config, file)))
    return failure(file + ": cannot read the scheme #" + name +
                   "; declare it as #" + name + " = #lowbit.scheme<...>");
  Scheme scheme;
  bool found = false;
  for (Operation &op : block)
    if (auto wanted = op.getAttrOfType<SchemeAttr>("lowbit.wanted")) {
      scheme = wanted.getScheme();
      found = true;
    }
  if (!found)
    return failure(file + ": #" + name + " is not a #lowbit.scheme");
  return scheme;
}

llvm::Expected<WeightFormat> readScheme(StringRef reference,
                                        MLIRContext *context) {
  WeightFormat format{reference.str(), {}};
  if (const BitFormat *known = findBitFormat(format.name)) {
    format.scheme = known->scheme;
    return format;
  }
  if (reference.contains('#')) {
    auto scheme = schemeInFile(reference, context);
    if (!scheme)
      return scheme.takeError();
    format.name = reference.rsplit('#').second.str();
    format.scheme = std::move(*scheme);
    return format;
  }
  std::string problem;
  if (Scheme::parse(format.name, format.scheme, problem))
    problem = format.scheme.check();
  if (!problem.empty())
    return failure("a scheme is a type of GGUF such as Q4_0, FILE.mlir#NAME or "
                   "the words of one, but got '" +
                   reference + "': " + problem);
  return format;
}

//===- Collecting ---------------------------------------------------------===//

namespace {

/// Values of a row; the memory is the thread's.
const std::vector<float> &realsOf(const SourceTensor &tensor, int64_t row) {
  thread_local std::vector<float> values;
  values.resize(tensor.columns());
  tensor.readReals(row, values.data());
  return values;
}

} // namespace

WeightImage imageOf(const SourceTensor &tensor, const Scheme &scheme) {
  WeightImage image;
  image.name = tensor.name;
  image.scheme = scheme;
  image.rows = tensor.rows();
  image.columns = tensor.columns();
  image.sourceType = tensor.format->name;
  image.sourceBytes = tensor.bytes;
  const SourceTensor *from = &tensor;
  if (scheme == tensor.format->scheme) {
    image.readRow = [from](int64_t row, RowFields &fields) {
      from->readRow(row, fields);
    };
    return image;
  }
  image.sourceType = "rounded from " + image.sourceType;
  image.sourceBytes =
      (image.rows * image.columns * scheme.bitsPerWeight(image.columns) + 7) /
      8;
  TensorRange range;
  if (!scheme.levels.empty() &&
      scheme.levels.front().group == Level::kTensor)
    for (int64_t row = 0; row < image.rows; ++row)
      range.add(realsOf(*from, row).data(), from->columns());
  image.readRow = [from, scheme, range](int64_t row, RowFields &fields) {
    if (range.count)
      chooseTensorFields(scheme, range, fields);
    roundToNearest(scheme, realsOf(*from, row).data(), from->columns(), fields);
  };
  return image;
}

namespace {

WeightImage vectorImage(const SourceTensor &tensor) {
  WeightImage image;
  image.name = tensor.name;
  image.scheme = Scheme::ofFloat(FieldType::F32);
  image.columns = tensor.rows() * tensor.columns();
  image.isVector = true;
  image.sourceType = tensor.format->name;
  image.sourceBytes = tensor.bytes;
  const SourceTensor *from = &tensor;
  image.readRow = [from](int64_t, RowFields &fields) {
    from->readReals(0, fields.reals.data());
  };
  return image;
}

uint32_t useOf(Operation *weight) {
  uint32_t use = 0;
  for (OpOperand &operand : weight->getUses()) {
    auto embed = dyn_cast<pack::EmbedOp>(operand.getOwner());
    use |= embed && embed.getTable() == operand.get() ? QRT_WEIGHT_GATHERED
                                                      : QRT_WEIGHT_STREAMED;
  }
  return use;
}

bool isPermutation(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getElementType().isInteger(32);
}

/// What is wrong with a permutation, or nothing: kernels index by it.
std::string checkPermutation(const WeightImage &image, Type type) {
  int64_t columns = cast<RankedTensorType>(type).getNumElements();
  std::string error = permutationError(image.indices);
  if (int64_t(image.indices.size()) != columns)
    error = "expected " + std::to_string(columns) + " integers, but got " +
            std::to_string(image.indices.size());
  return error.empty() ? error : "permutation '" + image.name + "': " + error;
}

} // namespace

llvm::Error collectWeights(ModuleOp module, const ModelSource *source,
                           std::vector<WeightImage> &weights) {
  llvm::StringMap<size_t> known;
  for (auto [i, image] : llvm::enumerate(weights))
    known[image.name] = i;
  std::string problem;
  auto find = [&](Operation *op, StringRef name,
                  llvm::function_ref<WeightImage(const SourceTensor &)> make)
      -> WeightImage * {
    auto [entry, isNew] = known.try_emplace(name, weights.size());
    if (isNew) {
      // No source has vectors of integers yet.
      bool lacks = !source || isPermutation(op->getResult(0).getType());
      const SourceTensor *tensor = lacks ? nullptr : source->find(name);
      if (!tensor) {
        problem = "has no tensor '" + name.str() + "'";
        if (!source)
          problem += ": IR has names of weights only; say where they are with "
                     "--weights=MODEL.gguf";
        return nullptr;
      }
      weights.push_back(make(*tensor));
    }
    weights[entry->second].use |= useOf(op);
    return &weights[entry->second];
  };
  auto result = module.walk([&](Operation *op) {
    if (auto weight = dyn_cast<pack::WeightOp>(op)) {
      pack::PanelsType type = weight.getType();
      WeightImage *image =
          find(op, weight.getName(), [&](const SourceTensor &tensor) {
            return imageOf(tensor, type.getScheme().getScheme());
          });
      if (!image)
        return WalkResult::interrupt();
      image->unit = type.getLayout().getUnit();
    } else if (auto weight = dyn_cast<lm::WeightOp>(op)) {
      WeightImage *image = find(op, weight.getName(), vectorImage);
      if (image && isPermutation(weight.getType()))
        problem = checkPermutation(*image, weight.getType());
      if (!problem.empty())
        return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  if (!result.wasInterrupted())
    return llvm::Error::success();
  StringRef where = source ? source->path() : StringRef("the module");
  return failure(where + ": " + problem);
}

} // namespace lowbit
