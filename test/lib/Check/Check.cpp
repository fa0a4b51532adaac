//===- Check.cpp - Values and expectations of tests -----------------------===//

#include "test/lib/Check/Check.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LowBit/IR/LowBitOps.h"
#include "lowbit/Reference/Evaluator.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Format.h"

#include <cmath>

using namespace mlir;

#include "test/lib/Check/CheckDialect.cpp.inc"
#define GET_OP_CLASSES
#include "test/lib/Check/CheckOps.cpp.inc"

void lowbit::check::CheckDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "test/lib/Check/CheckOps.cpp.inc"
      >();
}

namespace lowbit::check {

using namespace reference;

//===- Expectations -------------------------------------------------------===//

static std::vector<double> numbersOf(Attribute attr) {
  std::vector<double> numbers;
  auto dense = dyn_cast<DenseElementsAttr>(attr);
  if (!dense)
    return numbers;
  if (isa<FloatType>(dense.getElementType()))
    for (APFloat value : dense.getValues<APFloat>())
      numbers.push_back(value.convertToDouble());
  else
    for (const APInt &value : dense.getValues<APInt>())
      numbers.push_back(double(value.getSExtValue()));
  return numbers;
}

/// `within` is relative above 1, absolute below; NaN is never close.
static LogicalResult expect(Operation *op, Attribute expected,
                            ArrayRef<double> got, double within) {
  std::vector<double> numbers = numbersOf(expected);
  if (numbers.size() != got.size())
    return op->emitOpError("expected ")
           << numbers.size() << " elements, but got " << got.size();
  for (auto [i, number] : llvm::enumerate(numbers)) {
    double bound = within * std::max(1.0, std::fabs(number));
    if (std::fabs(got[i] - number) <= bound)
      continue;
    std::string text;
    llvm::raw_string_ostream(text)
        << llvm::format("expected %.9g, but got %.17g", number, got[i]);
    return op->emitOpError("element ") << i << ": " << text;
  }
  return success();
}

static std::vector<double> elementsOf(const reference::Value &value) {
  if (const auto *reals = std::get_if<Reals>(&value))
    return reals->data;
  if (const auto *indices = std::get_if<Indices>(&value))
    return {indices->data.begin(), indices->data.end()};
  return {};
}

static LogicalResult expectCodes(ExpectCodesOp op, const LowBits &bits) {
  std::vector<double> got;
  for (const RowFields &row : bits.rows)
    for (int64_t k = 0; k < bits.columns; ++k)
      got.push_back(elementValue(bits.scheme, row, k));
  return expect(op, op.getExpected(), got, 0);
}

static LogicalResult expectField(ExpectFieldOp op, const LowBits &bits) {
  uint64_t level = op.getLevel(), component = op.getComponent();
  if (level >= bits.scheme.levels.size() ||
      component >= bits.scheme.levels[level].components.size())
    return op.emitOpError("no such field in the scheme");
  const Component &field = bits.scheme.levels[level].components[component];
  std::vector<double> got;
  for (const RowFields &row : bits.rows)
    for (uint32_t stored : row.fields[level][component])
      got.push_back(fieldValue(field.type, stored));
  return expect(op, op.getExpected(), got, 0);
}

//===- Values -------------------------------------------------------------===//

/// Spreads one component's values, [rows][groups], over the rows.
static LogicalResult setField(LowBitsOp op, const FieldType &type,
                              Attribute attr, size_t level, size_t component,
                              LowBits &bits) {
  std::vector<double> values = numbersOf(attr);
  size_t next = 0;
  for (RowFields &row : bits.rows)
    for (uint32_t &stored : row.fields[level][component]) {
      if (next == values.size())
        return op.emitOpError("a component has too few values");
      auto value = static_cast<float>(values[next++]);
      stored = fieldBits(type, value);
      if (fieldValue(type, stored) != value)
        return op.emitOpError("a field is not exact in its type: ") << value;
    }
  return success();
}

/// Row `r` of [rows][n] numbers; false if they are more or fewer.
template <class Code>
static bool spread(const std::vector<double> &all, const LowBits &bits,
                   size_t r, std::vector<Code> &row) {
  if (all.size() != bits.rows.size() * row.size())
    return false;
  for (size_t i = 0; i < row.size(); ++i)
    row[i] = static_cast<Code>(all[r * row.size() + i]);
  return true;
}

static FailureOr<ValueRef> lowBits(LowBitsOp op) {
  auto type = cast<lowbit::TensorType>(op.getResult().getType());
  LowBits bits{type.getScheme().getScheme(), type.getColumns(), {}};
  std::vector<double> codes = numbersOf(op.getCodes()), signs;
  if (op.getSigns())
    signs = numbersOf(*op.getSigns());
  bits.rows.resize(type.getRows());
  for (auto [r, row] : llvm::enumerate(bits.rows)) {
    row.resize(bits.scheme, bits.columns);
    if (bits.scheme.isVector() ? !spread(codes, bits, r, row.indices)
                               : !spread(codes, bits, r, row.codes))
      return op.emitOpError("needs a code for every element or vector");
    if (!spread(signs, bits, r, row.signs))
      return op.emitOpError("needs a sign for every element");
  }
  size_t next = 0;
  for (auto [level, source] : llvm::enumerate(bits.scheme.levels))
    for (auto [component, field] : llvm::enumerate(source.components)) {
      if (next == op.getFields().size())
        return op.emitOpError("needs an array for every component");
      Attribute values = op.getFields()[next++];
      if (failed(setField(op, field.type, values, level, component, bits)))
        return failure();
    }
  return share(std::move(bits));
}

static ValueRef store(StoreOp op, ArrayRef<ValueRef> operands) {
  Batch batch;
  int64_t first = 0;
  for (int64_t count : op.getCounts()) {
    batch.runs.push_back({first, count});
    first += count;
  }
  batch.visibleEnd = op.getVisibleEnd().vec();
  if (!operands.empty())
    return share(std::get<KVStore>(*operands[0]).withBatch(batch));
  auto type = cast<lm::KVType>(op.getResult().getType());
  return share(KVStore(type.getLayers(), type.getHeads(), type.getDim(),
                       reference::elementOf(type), batch));
}

//===- Dispatch -----------------------------------------------------------===//

FailureOr<ValueRef> evaluate(Operation *op, ArrayRef<ValueRef> operands) {
  auto checked = [](LogicalResult result) -> FailureOr<ValueRef> {
    return failed(result) ? FailureOr<ValueRef>(failure())
                          : FailureOr<ValueRef>(ValueRef());
  };
  return llvm::TypeSwitch<Operation *, FailureOr<ValueRef>>(op)
      .Case([&](ExpectEqOp op) {
        return checked(
            expect(op, op.getExpected(), elementsOf(*operands[0]), 0));
      })
      .Case([&](ExpectCloseOp op) {
        return checked(expect(op, op.getExpected(), elementsOf(*operands[0]),
                              op.getWithin().convertToDouble()));
      })
      .Case([&](ExpectCodesOp op) {
        return checked(expectCodes(op, std::get<LowBits>(*operands[0])));
      })
      .Case([&](ExpectFieldOp op) {
        return checked(expectField(op, std::get<LowBits>(*operands[0])));
      })
      .Case([&](LowBitsOp op) { return lowBits(op); })
      .Case([&](StoreOp op) -> FailureOr<ValueRef> {
        return store(op, operands);
      })
      .Default([&](Operation *) -> FailureOr<ValueRef> { return ValueRef(); });
}

} // namespace lowbit::check
