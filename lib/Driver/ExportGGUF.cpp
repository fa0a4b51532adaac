//===- ExportGGUF.cpp - A model back to a file of weights -----------------===//

#include "ExportGGUF.h"

#include "Weights.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LowBit/IR/LowBitOps.h"
#include "lib/Import/BitLinear.h"
#include "lowbit/Target/GGUF.h"

#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

namespace {

/// Schemes of the matrices that a module names.
llvm::StringMap<Scheme> schemesOf(ModuleOp module) {
  llvm::StringMap<Scheme> schemes;
  module.walk([&](lm::WeightOp weight) {
    if (auto type = dyn_cast<lowbit::TensorType>(weight.getType()))
      schemes[weight.getName()] = type.getScheme().getScheme();
  });
  return schemes;
}

/// A tensor whose rows are made when they are written.
llvm::Expected<GGUFTensor> makeTensor(const SourceTensor &from,
                                      const Scheme &scheme) {
  GGUFTensor tensor;
  tensor.name = from.name;
  tensor.shape = from.shape;
  tensor.format = findBitFormat(scheme);
  if (tensor.format && !tensor.format->packsAnyRow)
    return failure("tensor '" + llvm::Twine(from.name) +
                   "' cannot be rounded "
                   "to " +
                   tensor.format->name +
                   ", whose files hold less than "
                   "its scheme says: choose another type, such as "
                   "--scheme=Q2_K");
  if (!tensor.format)
    return failure("tensor '" + llvm::Twine(from.name) + "' has the scheme '" +
                   scheme.str() +
                   "', which no type of GGUF holds: choose one that does, such "
                   "as --scheme=Q4_0, or write a module (-o NAME.so)");
  WeightImage image = imageOf(from, scheme);
  const BitFormat *format = tensor.format;
  tensor.writeRow = [image, format](int64_t row, uint8_t *bytes) {
    thread_local RowFields fields;
    fields.resize(image.scheme, image.columns);
    image.readRow(row, fields);
    packRow(*format, fields, image.columns, bytes);
  };
  return tensor;
}

llvm::Expected<GGUFTensor> tensorOf(const SourceTensor &from,
                                    const llvm::StringMap<Scheme> &schemes) {
  auto found = schemes.find(from.name);
  Scheme scheme = found == schemes.end() ? from.format->scheme : found->second;
  // llama.cpp multiplies by vectors of bf16 nowhere; each is an f32.
  if (from.shape.size() == 1 && scheme == Scheme::ofFloat(FieldType::BF16))
    scheme = Scheme::ofFloat(FieldType::F32);
  bool keeps = scheme == from.format->scheme;
  if (keeps && !from.permutation.empty())
    return failure("tensor '" + llvm::Twine(from.name) +
                   "' has its columns in another order (an activation order), "
                   "which a GGUF file cannot say: round it to another type, "
                   "such as --scheme=Q8_0, or write a module (-o NAME.so)");
  if (!from.data || !keeps)
    return makeTensor(from, scheme);
  GGUFTensor tensor;
  tensor.name = from.name;
  tensor.shape = from.shape;
  tensor.format = from.format;
  tensor.data = from.data;
  return tensor;
}

/// The format that most bytes are in.
const BitFormat *mainFormat(const GGUFImage &image) {
  llvm::DenseMap<const BitFormat *, uint64_t> bytes;
  const BitFormat *most = nullptr;
  for (const GGUFTensor &tensor : image.tensors) {
    bytes[tensor.format] += tensor.bytes();
    if (!most || bytes[tensor.format] > bytes[most])
      most = tensor.format;
  }
  return most;
}

/// Says in the pairs what rounding has made of the file.
llvm::Error describeFormats(GGUFImage &image) {
  const BitFormat *most = mainFormat(image);
  for (auto [key, value] :
       {std::pair("general.file_type", most->fileType),
        std::pair("general.quantization_version", uint32_t(2))}) {
    auto changed = setPair(image.metadata, key, value);
    if (!changed)
      return changed.takeError();
    image.metadata = std::move(*changed);
  }
  return llvm::Error::success();
}

/// Whether a file says that the inputs of a layer are rounded: of ternary
/// matrices of a bitnet it goes without saying (lib/Import/Architectures).
bool impliesRounding(lm::LinearOp linear, const ModelSource &source) {
  auto weight = dyn_cast<TensorType>(linear.getWeight().getType());
  return weight && holdsTernaryWeights(weight.getScheme().getScheme()) &&
         source.string("general.architecture") == "bitnet";
}

/// What the network does beside its weights and a file has no key for.
llvm::Error checkExpressible(ModuleOp module, const ModelSource &source) {
  // Its weights are of use only where activations are rotated too.
  if (module.walk([](lm::RotateOp) { return WalkResult::interrupt(); })
          .wasInterrupted())
    return failure(source.path() +
                   ": the model rotates activations, which a GGUF file cannot "
                   "say: take rotate out of the recipe, or write a module");
  bool isRounded =
      module
          .walk([&](lm::LinearOp linear) {
            bool isLost = linear.getX().getDefiningOp<FakeQuantOp>() &&
                          !impliesRounding(linear, source);
            return isLost ? WalkResult::interrupt() : WalkResult::advance();
          })
          .wasInterrupted();
  if (isRounded)
    return failure(source.path() +
                   ": the model rounds activations, which a GGUF file says "
                   "of ternary weights of a bitnet alone: write a module");
  return llvm::Error::success();
}

} // namespace

llvm::Error exportGGUF(ModuleOp module, const ModelSource &source,
                       StringRef path, Console &console) {
  if (llvm::Error error = checkExpressible(module, source))
    return error;
  GGUFImage image;
  image.metadata = source.metadataBytes();
  image.alignment = source.integer("general.alignment").value_or(32);
  llvm::StringMap<Scheme> schemes = schemesOf(module);
  ModuleImage summary;
  bool rounds = false;
  for (const SourceTensor &from : source.tensors()) {
    auto tensor = tensorOf(from, schemes);
    if (!tensor)
      return failure(source.path() + ": " + llvm::toString(tensor.takeError()));
    rounds |= !tensor->data;
    WeightImage weight;
    weight.name = from.name;
    weight.sourceType = tensor->format->name;
    weight.rows = from.rows();
    weight.columns = from.columns();
    weight.sourceBytes = tensor->bytes();
    summary.weights.push_back(std::move(weight));
    image.tensors.push_back(std::move(*tensor));
  }
  if (rounds)
    if (llvm::Error error = describeFormats(image))
      return error;
  auto progress = [&](uint64_t done, uint64_t total) {
    console.progress(done, total);
  };
  if (llvm::Error error = writeGGUF(image, path, progress))
    return failure(source.path() + ": " + llvm::toString(std::move(error)));
  console.exported(summary.weights, path.str());
  return llvm::Error::success();
}

} // namespace lowbit
