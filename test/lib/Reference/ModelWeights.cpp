//===- ModelWeights.cpp - A model file's tensors for the evaluator --------===//

#include "test/lib/Reference/ModelWeights.h"

#include "lowbit/Reference/LowBit.h"

#include "dialects/LowBit/IR/LowBitDialect.h"

namespace lowbit::reference {

static LowBits readRows(const SourceTensor &tensor) {
  LowBits bits{tensor.format->scheme, tensor.columns(), {}};
  for (int64_t r = 0; r < tensor.rows(); ++r) {
    RowFields &row = bits.rows.emplace_back();
    row.resize(bits.scheme, bits.columns);
    unpackRow(*tensor.format, tensor.row(r), bits.columns, row);
  }
  return bits;
}

Evaluator::WeightLookup weightsOf(const ModelSource &source) {
  return [&source](llvm::StringRef name, mlir::Type type) -> ValueRef {
    const SourceTensor *tensor = source.find(name);
    if (!tensor)
      return nullptr;
    LowBits bits = readRows(*tensor);
    if (mlir::isa<TensorType>(type))
      return share(std::move(bits));
    Reals reals = dequantize(bits);
    if (mlir::cast<mlir::ShapedType>(type).getRank() == 1)
      reals.shape = {tensor->columns()};
    return share(std::move(reals));
  };
}

} // namespace lowbit::reference
