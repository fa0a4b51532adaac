//===- QuantizeModel.cpp - Linear layers become low-bit -------------------===//

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LowBit/IR/LowBitOps.h"
#include "lowbit/Support/Activations.h"
#include "lowbit/Support/PanelLayout.h"
#include "lowbit/Transforms/Passes.h"

#include "mlir/IR/BuiltinOps.h"

#include <cmath>

#define DEBUG_TYPE "quantize-model"

using namespace mlir;

namespace lowbit {

#define GEN_PASS_DEF_QUANTIZEMODEL
#include "lib/Transforms/Passes.h.inc"

namespace {

/// Sums of products with int8 are exact only for codes that are integers times
/// one power of two, of at most 8 bits; such codes are exact in bf16 too.
static bool hasIntegerCodes(const Scheme &scheme) {
  if (scheme.kind == CodeKind::Float)
    return false;
  if (scheme.kind != CodeKind::Codebook)
    return true;
  for (int shift = 0; shift <= 8; ++shift)
    if (llvm::all_of(scheme.codebook, [&](float entry) {
          float scaled = std::ldexp(entry, shift);
          return scaled == std::nearbyint(scaled) && std::fabs(scaled) <= 127;
        }))
      return true;
  return false;
}

struct QuantizeModel : impl::QuantizeModelBase<QuantizeModel> {
  using QuantizeModelBase::QuantizeModelBase;

  void runOnOperation() override {
    if (!isActivationWord(activations)) {
      getOperation().emitError()
          << "activations must be " << activationWordList() << ", but got '"
          << activations << "'";
      return signalPassFailure();
    }
    getOperation().walk([&](lm::LinearOp linear) { convert(linear); });
    getOperation().walk([&](lm::EmbedOp embed) { convert(embed); });
    getOperation().walk([](FakeQuantOp rounded) {
      if (rounded.use_empty())
        rounded.erase();
    });
  }

private:
  /// A weight that got more than 4 bits got them because it matters: a head in
  /// Q8_0 keeps activations of 8 bits.
  bool hasFourBits(const Scheme &weight) const {
    return StringRef(activations).starts_with("int4") && weight.bits <= 4;
  }

  /// The activations' scheme for a weight; null: reals.
  SchemeAttr activationScheme(TensorType weight) {
    Scheme scheme = weight.getScheme().getScheme();
    Scheme bf16 = Scheme::ofFloat(FieldType::BF16);
    if (activations == "bf16" && (scheme == bf16 || hasIntegerCodes(scheme)))
      return SchemeAttr::get(&getContext(), bf16);
    if (activations == "bf16" || activations == "f32" ||
        !hasIntegerCodes(scheme))
      return {};
    Scheme result;
    bool isBinary = activations == "binary" && multipliesSigns(scheme);
    bool perToken = StringRef(activations).ends_with("per-token");
    result.kind = isBinary ? CodeKind::Sign : CodeKind::Signed;
    result.bits = isBinary ? 1 : hasFourBits(scheme) ? 4 : 8;
    int64_t groups = activationScaleGroups(scheme);
    Level level;
    level.group = perToken || isBinary || groups == 0
                      ? Level::kRow
                      : groups * scheme.innerGroup();
    FieldType scale;
    if (activations == "int8-pow2")
      scale = {FieldType::E8M0, 8, 0};
    level.components.push_back({Component::Scale, scale});
    result.levels.push_back(level);
    return SchemeAttr::get(&getContext(), result);
  }

  void convert(lm::LinearOp linear) {
    auto weight = dyn_cast<TensorType>(linear.getWeight().getType());
    if (!weight)
      return;
    OpBuilder b(linear);
    Value permutation = lm::permutationOf(linear.getWeight());
    Value x = linear.getX();
    if (auto rounded = x.getDefiningOp<FakeQuantOp>())
      x = codesOf(rounded, weight, permutation);
    else if (SchemeAttr scheme = activationScheme(weight))
      x = quantized(x, scheme, {}, permutation, linear.getLoc());
    auto low =
        LinearOp::create(b, linear.getLoc(), linear.getResult().getType(), x,
                         linear.getWeight(), linear.getBias());
    linear.replaceAllUsesWith(low.getResult());
    linear.erase();
  }

  /// The codes of activations that the model itself rounds, where kernels
  /// multiply such codes; else the reals as rounded.
  Value codesOf(FakeQuantOp rounded, TensorType weight, Value permutation) {
    SchemeAttr attr = rounded.getScheme();
    const Scheme &scheme = attr.getScheme();
    int64_t group = weight.getScheme().getScheme().innerGroup();
    int64_t span = scheme.innerGroup();
    bool covers = span <= 0 || (group > 0 && span % group == 0);
    if (rounded.getScales() || rounded.getStraightThrough() || !covers ||
        !hasIntegerCodes(weight.getScheme().getScheme()) ||
        !makesSignedBytes(rounded.getQuantizer().getQuantizer(), scheme))
      return rounded.getResult();
    return quantized(rounded.getX(), attr, rounded.getQuantizer(), permutation,
                     rounded.getLoc());
  }

  /// `x` as codes, shared by all layers that want the same of it.
  Value quantized(Value x, SchemeAttr scheme, QuantizerAttr quantizer,
                  Value permutation, Location loc) {
    Value &result = quantized_[{x, permutation, scheme, quantizer}];
    if (result)
      return result;
    auto type =
        TensorType::get(&getContext(), cast<ShapedType>(x.getType()).getShape(),
                        scheme, /*permuted=*/bool(permutation));
    const Scheme &codes = scheme.getScheme();
    if (!quantizer && codes.kind == CodeKind::Signed && codes.bits == 4)
      quantizer = QuantizerAttr::get(
          &getContext(),
          fourBitQuantizer(codes.innerGroup() > 0 ? kReachOfGroup
                                                  : kReachOfRow));
    // Right behind what it reads, so that every layer can share it.
    OpBuilder b(&getContext());
    b.setInsertionPointAfterValue(laterOf(x, permutation));
    return result = QuantizeOp::create(b, loc, type, x, permutation, quantizer);
  }

  /// Of two values of a block.
  static Value laterOf(Value x, Value other) {
    Operation *a = x.getDefiningOp();
    Operation *b = other ? other.getDefiningOp() : nullptr;
    if (!a || !b || a->getBlock() != b->getBlock())
      return b && !a ? other : x;
    return a->isBeforeInBlock(b) ? other : x;
  }

  void convert(lm::EmbedOp embed) {
    if (!isa<TensorType>(embed.getTable().getType()))
      return;
    OpBuilder b(embed);
    auto low = EmbedOp::create(b, embed.getLoc(), embed.getResult().getType(),
                               embed.getTokens(), embed.getTable(),
                               embed.getEmbeddings(), embed.getScaleAttr());
    embed.replaceAllUsesWith(low.getResult());
    embed.erase();
  }

  llvm::DenseMap<std::tuple<Value, Value, Attribute, Attribute>, Value>
      quantized_;
};

} // namespace

} // namespace lowbit
