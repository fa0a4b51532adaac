//===- Constants.cpp - Weights that stand in the IR itself ----------------===//

#include "Constants.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LowBit/IR/LowBitOps.h"
#include "lowbit/Quantize/RoundToNearest.h"
#include "lowbit/Quantize/RowQuantizer.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

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
    SmallVector<arith::ConstantOp> constants, integers;
    module.walk([&](arith::ConstantOp op) {
      auto type = dyn_cast<RankedTensorType>(op.getType());
      if (type && type.getElementType().isF32())
        constants.push_back(op);
      else if (type && type.getElementType().isInteger(32))
        integers.push_back(op);
    });
    for (arith::ConstantOp op : constants)
      if (llvm::Error error = extract(op))
        return std::move(error);
    // Behind them: they read their permutations.
    for (arith::ConstantOp op : integers)
      if (llvm::any_of(op->getUses(), isPermutation))
        if (llvm::Error error = extractPermutation(op))
          return std::move(error);
    return std::move(images);
  }

private:
  static llvm::Error hasNoValues() {
    return llvm::createStringError(
        llvm::inconvertibleErrorCode(),
        "a constant of the module has no dense values");
  }

  llvm::Error extract(arith::ConstantOp op) {
    auto type = cast<RankedTensorType>(op.getType());
    auto values = dyn_cast<DenseElementsAttr>(op.getValue());
    if (!values)
      return hasNoValues();
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
        if (llvm::Error error = extract(quantize, data))
          return error;
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

  /// A constant that is rounded when the module is written.
  llvm::Error extract(QuantizeOp quantize, const Data &data) {
    Value permutation = quantize.getPermutation();
    std::vector<int32_t> columns;
    if (permutation) {
      DenseIntElementsAttr values;
      if (!matchPattern(permutation, m_Constant(&values)))
        return llvm::createStringError(
            llvm::inconvertibleErrorCode(),
            "the permutation of a constant must be a constant, too");
      llvm::append_range(columns, values.getValues<int32_t>());
    }
    quantize.replaceAllUsesWith(weight(quantize, quantize.getResult().getType(),
                                       data, permutation, columns,
                                       quantize.getQuantizerAttr()));
    quantize.erase();
    return llvm::Error::success();
  }

  static bool isPermutation(OpOperand &use) {
    auto quantize = dyn_cast<QuantizeOp>(use.getOwner());
    return isa<lm::WeightOp>(use.getOwner()) ||
           (quantize && quantize.getPermutation() == use.get());
  }

  /// One weight for all uses: layers with one permutation share their rows.
  llvm::Error extractPermutation(arith::ConstantOp op) {
    auto values = dyn_cast<DenseElementsAttr>(op.getValue());
    if (!values)
      return hasNoValues();
    WeightImage image;
    image.name = "constant." + std::to_string(images.size());
    image.sourceType = "I32";
    llvm::append_range(image.indices, values.getValues<int32_t>());
    image.columns = image.indices.size();
    image.sourceBytes = image.columns * sizeof(int32_t);
    image.isVector = true;
    image.use = QRT_WEIGHT_STREAMED;
    op->getResult(0).replaceUsesWithIf(declare(op, image, op.getType()),
                                       isPermutation);
    images.push_back(std::move(image));
    if (op->use_empty())
      op->erase();
    return llvm::Error::success();
  }

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

  Value declare(Operation *user, const WeightImage &image, Type type,
                Value permutation = {}) {
    OpBuilder b(user);
    return lm::WeightOp::create(b, user->getLoc(), type, image.name,
                                permutation);
  }

  /// `columns`: the permutation's elements.
  using ReadRow = std::function<void(int64_t, RowFields &)>;

  /// Rows by a quantizer, which may have to see all of them before the first.
  static ReadRow
  quantized(const RowQuantizer &quantizer, int64_t rows, int64_t columns,
            const std::function<std::vector<float>(int64_t)> &storedRow) {
    MatrixTotals totals(rows * columns);
    for (int64_t row = 0; quantizer.needsTotals() && row < rows; ++row)
      quantizer.observe(storedRow(row).data(), columns, totals);
    return [=](int64_t row, RowFields &fields) {
      quantizer.quantize(storedRow(row).data(), columns, fields, totals);
    };
  }

  Value weight(Operation *user, TensorType type, const Data &data,
               Value permutation = {}, std::vector<int32_t> columns = {},
               QuantizerAttr quantizer = {}) {
    WeightImage image = named(data);
    image.scheme = type.getScheme().getScheme();
    image.rows = type.getRows();
    image.columns = type.getColumns();
    Scheme scheme = image.scheme;
    int64_t count = image.columns;
    auto storedRow = [data, count, columns = std::move(columns)](int64_t row) {
      const float *values = data->data() + row * count;
      std::vector<float> stored(values, values + count);
      for (auto [j, column] : llvm::enumerate(columns))
        stored[j] = values[column];
      return stored;
    };
    if (quantizer)
      image.readRow = quantized(RowQuantizer(quantizer.getQuantizer(), scheme),
                                image.rows, count, storedRow);
    else
      image.readRow = [scheme, count, storedRow](int64_t row,
                                                 RowFields &fields) {
        std::vector<float> stored = storedRow(row);
        if (scheme.isFloat())
          fields.reals = std::move(stored);
        else
          roundToNearest(scheme, stored.data(), count, fields);
      };
    Value result = declare(user, image, type, permutation);
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
