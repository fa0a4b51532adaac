//===- LowBitToPack.cpp - Give every low-bit tensor a place ---------------===//

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LowBit/IR/LowBitOps.h"
#include "dialects/Pack/IR/PackOps.h"
#include "lowbit/Conversion/Passes.h"
#include "lowbit/Support/PanelLayout.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

#define DEBUG_TYPE "convert-lowbit-to-pack"

using namespace mlir;

namespace lowbit {

#define GEN_PASS_DEF_CONVERTLOWBITTOPACK
#include "lib/Conversion/Passes.h.inc"

namespace {

class Packer {
public:
  explicit Packer(func::FuncOp function) : function(function) {}

  LogicalResult run() {
    Block &body = function.getBody().front();
    for (Operation &op : llvm::make_early_inc_range(body))
      if (failed(convert(&op)))
        return failure();
    // Users first: what is left of lowbit has no use any more.
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
      if (isa<QuantizeOp, lm::WeightOp>(op) && op.use_empty())
        op.erase();
    foldResiduals(body);
    return success();
  }

private:
  LogicalResult convert(Operation *op) {
    if (auto linear = dyn_cast<LinearOp>(op))
      return convertLinear(linear);
    if (auto embed = dyn_cast<EmbedOp>(op))
      return convertEmbed(embed);
    return success();
  }

  /// The panels of a weight, made once for each.
  FailureOr<Value> panelsOf(Value weight, Operation *user) {
    auto op = weight.getDefiningOp<lm::WeightOp>();
    if (!op)
      return user->emitOpError("weight must come from lm.weight");
    Value &panels = panelsOf_[weight];
    if (panels)
      return panels;
    auto type = cast<TensorType>(weight.getType());
    MLIRContext *context = op.getContext();
    PanelLayout layout(type.getScheme().getScheme(), type.getColumns());
    auto layoutAttr =
        pack::LayoutAttr::get(context, PanelLayout::kLanes, layout.unit());
    OpBuilder b(op);
    panels = pack::WeightOp::create(
        b, op.getLoc(),
        pack::PanelsType::get(context, type.getRows(), type.getColumns(),
                              type.getScheme(), layoutAttr),
        op.getName());
    return panels;
  }

  /// Whether kernels can make these codes: they have a sign and at most 8 bits,
  /// lie within +-127, and one scale or divisor of f32 covers a group.
  LogicalResult checkActivations(LinearOp linear, QuantizeOp quantize) {
    SchemeAttr attr = quantize.getResult().getType().getScheme();
    const Scheme &scheme = attr.getScheme();
    auto quantizer = quantize.getQuantizerAttr();
    bool isNarrow = scheme.kind == CodeKind::Signed && scheme.bits < 8;
    if (!quantizer && !scheme.has(Component::Divisor) && !isNarrow)
      return success();
    if (quantizer && makesSignedBytes(quantizer.getQuantizer(), scheme))
      return success();
    auto diagnostic = linear.emitOpError(
        "activations have codes of `s8`, or by a quantizer of `s2` to `s8` "
        "under one f32 scale or divisor of the row or of groups, from absmax "
        "with a reach of at most 127, in f32, but got ");
    diagnostic << attr;
    if (quantizer)
      diagnostic << " by " << quantizer;
    return diagnostic;
  }

  /// Codes of fewer bits lie in bytes too: the clamp says how many they have.
  static QuantizerAttr clamped(QuantizerAttr attr, const Scheme &codes) {
    if (!attr || codes.bits == 8)
      return attr;
    Quantizer quantizer = attr.getQuantizer();
    CodeRange range = codeRange(quantizer, codes);
    quantizer.hasClamp = true;
    quantizer.low = range.low;
    quantizer.high = range.high;
    return QuantizerAttr::get(attr.getContext(), quantizer);
  }

  /// Activations of `linear` in its weight's order, made once for each order.
  FailureOr<Value> rowsOf(LinearOp linear) {
    Value x = linear.getX();
    TensorType weight = linear.getWeight().getType();
    Scheme scheme = weight.getScheme().getScheme();
    int64_t group = std::max<int64_t>(scheme.innerGroup(), 0);
    Value permutation = lm::permutationOf(linear.getWeight());
    int64_t bits = 32, scaleGroups = 0;
    bool pow2 = false;
    QuantizerAttr quantizer;
    UnitAttr divisor;
    if (auto low = dyn_cast<TensorType>(x.getType())) {
      auto quantize = x.getDefiningOp<QuantizeOp>();
      if (!quantize)
        return linear.emitOpError("activations must come from lowbit.quantize");
      const Scheme &codes = low.getScheme().getScheme();
      int64_t span = codes.innerGroup();
      if (span > 0 && (group == 0 || span % group != 0))
        return linear.emitOpError("activation groups of ")
               << span << " do not cover weight groups of " << group;
      scaleGroups = span > 0 ? span / group : 0;
      pow2 = !codes.isFloat() &&
             codes.levels[0].components[0].type.kind == FieldType::E8M0;
      bits = codes.isFloat() ? 16 : codes.kind == CodeKind::Sign ? 1 : 8;
      if (bits == 1 && (span > 0 || !multipliesSigns(scheme)))
        return linear.emitOpError("activations of 1 bit need a scale of the "
                                  "row, and signs in groups of whole words of "
                                  "32 as weights, but got ")
               << low.getScheme() << " and " << weight.getScheme();
      if (failed(checkActivations(linear, quantize)))
        return failure();
      x = quantize.getX();
      permutation = quantize.getPermutation();
      quantizer = clamped(quantize.getQuantizerAttr(), codes);
      if (codes.has(Component::Divisor))
        divisor = UnitAttr::get(linear.getContext());
    }
    auto type = pack::RowsType::get(linear.getContext(), weight.getColumns(),
                                    bits, group, scaleGroups, pow2);
    Value &rows = rowsOf_[{x, permutation, type, quantizer, divisor}];
    if (!rows) {
      OpBuilder b(linear);
      rows = pack::RowsOp::create(b, linear.getLoc(), type, x, permutation,
                                  quantizer, divisor);
    }
    return rows;
  }

  LogicalResult convertLinear(LinearOp linear) {
    auto panels = panelsOf(linear.getWeight(), linear);
    if (failed(panels))
      return failure();
    auto rows = rowsOf(linear);
    if (failed(rows))
      return failure();
    OpBuilder b(linear);
    auto packed =
        pack::LinearOp::create(b, linear.getLoc(), linear.getResult().getType(),
                               *rows, *panels, linear.getBias(), Value());
    linear.replaceAllUsesWith(packed.getResult());
    linear.erase();
    return success();
  }

  LogicalResult convertEmbed(EmbedOp embed) {
    auto panels = panelsOf(embed.getTable(), embed);
    if (failed(panels))
      return failure();
    OpBuilder b(embed);
    auto packed = pack::EmbedOp::create(
        b, embed.getLoc(), embed.getResult().getType(), embed.getTokens(),
        *panels, lm::permutationOf(embed.getTable()), embed.getEmbeddings(),
        embed.getScaleAttr());
    embed.replaceAllUsesWith(packed.getResult());
    embed.erase();
    return success();
  }

  /// add(linear, x) with no other use of the linear: x is added where the sums
  /// are stored.
  void foldResiduals(Block &body) {
    for (Operation &op : llvm::make_early_inc_range(body)) {
      auto add = dyn_cast<lm::AddOp>(op);
      if (!add)
        continue;
      for (auto [sum, other] : {std::pair(add.getLhs(), add.getRhs()),
                                std::pair(add.getRhs(), add.getLhs())}) {
        auto linear = sum.getDefiningOp<pack::LinearOp>();
        if (!linear || linear.getResidual() || !sum.hasOneUse())
          continue;
        OpBuilder b(add);
        auto fused = pack::LinearOp::create(
            b, linear.getLoc(), linear.getResult().getType(), linear.getRows(),
            linear.getPanels(), linear.getBias(), other);
        add.replaceAllUsesWith(fused.getResult());
        add.erase();
        linear.erase();
        break;
      }
    }
  }

  func::FuncOp function;
  llvm::DenseMap<Value, Value> panelsOf_;
  llvm::DenseMap<std::tuple<Value, Value, Type, Attribute, Attribute>, Value>
      rowsOf_;
};

struct ConvertLowBitToPack
    : impl::ConvertLowBitToPackBase<ConvertLowBitToPack> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isDeclaration() && failed(Packer(function).run()))
        return signalPassFailure();
  }
};

} // namespace

} // namespace lowbit
