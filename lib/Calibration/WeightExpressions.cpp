//===- WeightExpressions.cpp - Weights that are computed ------------------===//

#include "WeightExpressions.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LowBit/IR/LowBitDialect.h"
#include "lowbit/Quantize/Hadamard.h"

#include "llvm/ADT/DenseMap.h"

#include <numeric>
#include <optional>

using namespace mlir;

namespace lowbit {

namespace {

/// A weight, or an op on one; evaluated a block of rows at a time, in f32.
struct Expression {
  enum Kind {
    Leaf,
    Chosen,
    ScaleColumns,
    ScaleRows,
    RotateColumns,
    RotateRows
  };
  Kind kind = Leaf;
  SourceTensor tensor; ///< of a leaf
  std::string name;    ///< of chosen factors
  std::shared_ptr<const Factors> chosen;
  std::shared_ptr<const Expression> x; ///< of the others
  std::shared_ptr<const Expression> factors;
  bool inverse = false;
  int64_t block = 1;
  std::optional<Rotation> rotation; ///< of a block
  int64_t rows = 1, columns = 0;

  /// Rows that must be known to know one.
  int64_t unit() const {
    int64_t own = kind == RotateRows ? block : 1;
    return x ? std::lcm(own, x->unit()) : own;
  }
  /// Rows [first, first + count), a multiple of unit() at each end.
  std::vector<float> evaluate(int64_t first, int64_t count) const;
  /// All of a vector.
  std::vector<float> vector() const { return evaluate(0, 1); }
};

std::vector<float> Expression::evaluate(int64_t first, int64_t count) const {
  if (kind == Chosen)
    return chosen->get(name, columns);
  if (kind == Leaf) {
    std::vector<float> values(size_t(count * columns));
    for (int64_t r = 0; r < count; ++r)
      tensor.readReals(first + r, values.data() + r * columns);
    return values;
  }
  std::vector<float> values = x->evaluate(first, count);
  std::vector<float> scales;
  if (factors)
    scales = factors->vector();
  for (int64_t r = 0; factors && r < count; ++r)
    for (int64_t k = 0; k < columns; ++k) {
      float factor = scales[size_t(kind == ScaleRows ? first + r : k)];
      float &value = values[size_t(r * columns + k)];
      value = inverse ? value / factor : value * factor;
    }
  ThreadPool alone; // whoever reads rows has threads of its own
  if (kind == RotateColumns)
    rotation->applyToRows(alone, values.data(), count * columns / block);
  if (kind == RotateRows)
    for (int64_t r = 0; r < count; r += block)
      rotation->applyToColumns(alone, values.data() + r * columns, columns);
  return values;
}

/// A row of an expression. Neighbours of a row that was asked for are kept, as
/// they are asked for next.
void readRow(const std::shared_ptr<const Expression> &expression, int64_t row,
             RowFields &fields) {
  struct Kept {
    std::shared_ptr<const Expression> expression;
    int64_t first = 0;
    std::vector<float> values;
  };
  thread_local Kept kept;
  int64_t unit = expression->unit(), first = row / unit * unit;
  // Factors may have changed where they are part of it; blocks have none.
  if (unit == 1 || kept.expression != expression || kept.first != first)
    kept = {expression, first, expression->evaluate(first, unit)};
  int64_t columns = expression->columns;
  auto begin = kept.values.begin() + (row - first) * columns;
  fields.reals.assign(begin, begin + columns);
}

/// Ops on weights whose result something else reads.
SmallVector<Operation *> rootsOf(ModuleOp module) {
  auto isPart = [](Operation *op) {
    return isa<lm::ScaleOp, lm::RotateOp>(op);
  };
  auto isOfWeights = [&](Operation *op) {
    while (op && isPart(op))
      op = op->getOperand(0).getDefiningOp();
    return isa_and_present<lm::WeightOp>(op);
  };
  SmallVector<Operation *> roots;
  module.walk([&](Operation *op) {
    if (isPart(op) && isOfWeights(op) && !llvm::all_of(op->getUsers(), isPart))
      roots.push_back(op);
  });
  return roots;
}

/// Replaces what a root computes by a weight of the same name, in f32 for
/// computed vectors, in `scheme` for matrices.
LogicalResult replaceRoot(Operation *root, const Scheme &scheme) {
  SmallVector<Operation *> chain{root};
  while (!isa<lm::WeightOp>(chain.back())) {
    Operation *below = chain.back()->getOperand(0).getDefiningOp();
    if (!below->hasOneUse())
      return below->emitError("is read both as it is and computed");
    chain.push_back(below);
  }
  auto weight = cast<lm::WeightOp>(chain.back());
  OpBuilder b(weight);
  auto shape = cast<ShapedType>(root->getResult(0).getType()).getShape();
  Type type = RankedTensorType::get(shape, b.getF32Type());
  if (shape.size() == 2)
    type = TensorType::get(b.getContext(), shape,
                           SchemeAttr::get(b.getContext(), scheme));
  auto computed =
      lm::WeightOp::create(b, weight.getLoc(), type, weight.getName());
  root->getResult(0).replaceAllUsesWith(computed.getResult());
  for (Operation *op : chain) {
    Operation *factors =
        op->getNumOperands() > 1 ? op->getOperand(1).getDefiningOp() : nullptr;
    op->erase();
    if (factors && factors->use_empty())
      factors->erase();
  }
  return success();
}

StringRef nameOf(Operation *root) {
  while (!isa<lm::WeightOp>(root))
    root = root->getOperand(0).getDefiningOp();
  return cast<lm::WeightOp>(root).getName();
}

/// Expressions of the values of a module.
class ExpressionBuilder {
public:
  ExpressionBuilder(const ModelSource &model,
                    std::shared_ptr<const Factors> factors)
      : model_(model), factors_(std::move(factors)) {}

  using Pointer = std::shared_ptr<const Expression>;

  /// Null where it is not made of weights alone.
  Pointer expressionOf(Value value) {
    auto [entry, isNew] = known_.try_emplace(value);
    if (!isNew)
      return entry->second;
    Pointer made = make(value);
    return known_[value] = made;
  }

private:
  Pointer make(Value value) {
    Operation *op = value.getDefiningOp();
    auto result = std::make_shared<Expression>();
    if (auto weight = dyn_cast_if_present<lm::WeightOp>(op)) {
      const SourceTensor *tensor = model_.find(weight.getName());
      if (!tensor && isa<RankedTensorType>(weight.getType())) {
        result->kind = Expression::Chosen;
        result->name = weight.getName().str();
        result->chosen = factors_;
        result->columns = cast<ShapedType>(weight.getType()).getDimSize(0);
        return result;
      }
      if (!tensor || weight.getPermutation())
        return nullptr;
      result->tensor = *tensor;
      result->rows = tensor->rows();
      result->columns = tensor->columns();
      return result;
    }
    if (!isa_and_present<lm::ScaleOp, lm::RotateOp>(op))
      return nullptr;
    result->x = expressionOf(op->getOperand(0));
    if (!result->x)
      return nullptr;
    result->rows = result->x->rows;
    result->columns = result->x->columns;
    if (auto rotate = dyn_cast<lm::RotateOp>(op)) {
      bool alongRows = rotate.getAxis() == lm::Axis::Rows;
      result->kind =
          alongRows ? Expression::RotateRows : Expression::RotateColumns;
      result->block = rotate.getBlock();
      result->rotation = Rotation::ofOneBlock(result->block);
      return result;
    }
    auto scale = cast<lm::ScaleOp>(op);
    bool alongRows = scale.getAxis() == lm::Axis::Rows;
    result->kind = alongRows ? Expression::ScaleRows : Expression::ScaleColumns;
    result->inverse = scale.getInverse();
    result->factors = expressionOf(scale.getFactors());
    return result->factors ? result : nullptr;
  }

  const ModelSource &model_;
  std::shared_ptr<const Factors> factors_;
  llvm::DenseMap<Value, Pointer> known_;
};

} // namespace

void Factors::set(StringRef name, std::vector<float> values) {
  std::lock_guard<std::mutex> lock(guard_);
  vectors_[name] = std::move(values);
}

std::vector<float> Factors::get(StringRef name, int64_t size) const {
  std::lock_guard<std::mutex> lock(guard_);
  auto found = vectors_.find(name);
  return found == vectors_.end() ? std::vector<float>(size_t(size), 1.0f)
                                 : found->second;
}

llvm::StringMap<std::string> factorsOfWeights(ModuleOp module) {
  llvm::StringMap<std::string> names;
  module.walk([&](lm::ScaleOp scale) {
    auto weight = scale.getX().getDefiningOp<lm::WeightOp>();
    auto factors = scale.getFactors().getDefiningOp<lm::WeightOp>();
    if (weight && factors && !scale.getInverse())
      names[weight.getName()] = factors.getName().str();
  });
  return names;
}

LogicalResult computeWeights(ModuleOp module, QuantizedSource &model,
                             std::shared_ptr<const Factors> factors) {
  ExpressionBuilder builder(model.base(), std::move(factors));
  SmallVector<Operation *> roots = rootsOf(module);
  // All of them before the IR changes.
  std::vector<std::shared_ptr<const Expression>> expressions;
  for (Operation *root : roots) {
    expressions.push_back(builder.expressionOf(root->getResult(0)));
    if (!expressions.back())
      return root->emitError("is not made of the model's weights alone");
  }
  Scheme f32 = Scheme::ofFloat(FieldType::F32);
  for (auto [root, expression] : llvm::zip_equal(roots, expressions)) {
    model.replace(nameOf(root), f32, "F32",
                  [expression = expression](int64_t row, RowFields &fields) {
                    readRow(expression, row, fields);
                  });
    if (failed(replaceRoot(root, f32)))
      return failure();
  }
  return success();
}

LogicalResult useComputedWeights(ModuleOp module, const ModelSource &source) {
  for (Operation *root : rootsOf(module))
    if (failed(replaceRoot(root, source.find(nameOf(root))->format->scheme)))
      return failure();
  return success();
}

} // namespace lowbit
