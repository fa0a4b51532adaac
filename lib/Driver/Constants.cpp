//===- Constants.cpp - Weights that stand in the IR itself ----------------===//

#include "Constants.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LowBit/IR/LowBitOps.h"
#include "lowbit/Quantize/RoundToNearest.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace lowbit {

namespace {

using Data = std::shared_ptr<std::vector<float>>;

class ConstantExtractor {
public:
  explicit ConstantExtractor(ModuleOp module) : module(module) {}

  llvm::Expected<std::vector<WeightImage>> run() {
    // A file that has no low-bit type yet has not loaded the dialect either.
    module.getContext()->loadDialect<LowBitDialect, lm::LMDialect>();
    SmallVector<arith::ConstantOp> constants;
    module.walk([&](arith::ConstantOp op) {
      auto type = dyn_cast<RankedTensorType>(op.getType());
      if (type && type.getElementType().isF32())
        constants.push_back(op);
    });
    for (arith::ConstantOp op : constants)
      if (llvm::Error error = extract(op))
        return std::move(error);
    return std::move(images);
  }

private:
  llvm::Error extract(arith::ConstantOp op) {
    auto type = cast<RankedTensorType>(op.getType());
    auto values = dyn_cast<DenseElementsAttr>(op.getValue());
    if (!values)
      return llvm::createStringError(
          llvm::inconvertibleErrorCode(),
          "a constant of the module has no dense values");
    auto data = std::make_shared<std::vector<float>>();
    for (float value : values.getValues<float>())
      data->push_back(value);
    if (firstNonFinite(data->data(), data->size()) >= 0)
      return llvm::createStringError(
          llvm::inconvertibleErrorCode(),
          "a constant of the module holds NaN or infinity");
    for (OpOperand &use : llvm::make_early_inc_range(op->getUses())) {
      Operation *user = use.getOwner();
      auto quantize = dyn_cast<QuantizeOp>(user);
      if (quantize && type.getRank() == 2) {
        replace(quantize.getResult(),
                weight(user, quantize.getResult().getType(), data));
        user->erase();
      } else if (isMatrixOperand(use)) {
        use.set(weight(user, floatMatrix(type), data));
      } else {
        use.set(plain(user, type, data));
      }
    }
    if (op->use_empty())
      op->erase();
    return llvm::Error::success();
  }

  static void replace(Value from, Value to) { from.replaceAllUsesWith(to); }

  /// The weight of a linear layer or the table of an embed.
  static bool isMatrixOperand(OpOperand &use) {
    return isa<lm::LinearOp, lm::EmbedOp>(use.getOwner()) &&
           use.getOperandNumber() == 1 &&
           cast<RankedTensorType>(use.get().getType()).getRank() == 2;
  }

  TensorType floatMatrix(RankedTensorType type) {
    MLIRContext *context = type.getContext();
    return TensorType::get(
        context, type.getShape(),
        SchemeAttr::get(context, Scheme::ofFloat(FieldType::F32)));
  }

  WeightImage named(const Data &data) {
    WeightImage image;
    image.name = "constant." + std::to_string(images.size());
    image.sourceType = "F32";
    image.sourceBytes = data->size() * sizeof(float);
    return image;
  }

  Value declare(Operation *user, const WeightImage &image, Type type) {
    OpBuilder b(user);
    return lm::WeightOp::create(b, user->getLoc(), type, image.name);
  }

  Value weight(Operation *user, TensorType type, const Data &data) {
    WeightImage image = named(data);
    image.scheme = type.getScheme().getScheme();
    image.rows = type.getRows();
    image.columns = type.getColumns();
    Scheme scheme = image.scheme;
    int64_t columns = image.columns;
    image.readRow = [data, scheme, columns](int64_t row, RowFields &fields) {
      const float *values = data->data() + row * columns;
      if (scheme.isFloat())
        fields.reals.assign(values, values + columns);
      else
        roundToNearest(scheme, values, columns, fields);
    };
    Value result = declare(user, image, type);
    images.push_back(std::move(image));
    return result;
  }

  Value plain(Operation *user, RankedTensorType type, const Data &data) {
    WeightImage image = named(data);
    image.scheme = Scheme::ofFloat(FieldType::F32);
    image.columns = data->size();
    image.isVector = true;
    image.use = QRT_WEIGHT_STREAMED;
    image.readRow = [data](int64_t, RowFields &fields) {
      fields.reals = *data;
    };
    Value result = declare(user, image, type);
    images.push_back(std::move(image));
    return result;
  }

  ModuleOp module;
  std::vector<WeightImage> images;
};

} // namespace

llvm::Expected<std::vector<WeightImage>> extractConstants(ModuleOp module) {
  return ConstantExtractor(module).run();
}

} // namespace lowbit
