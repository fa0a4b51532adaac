//===- QuantizedNodes.cpp - Codes, their scales and products --------------===//

#include "Graph.h"

#include "dialects/LowBit/IR/LowBitOps.h"

#include <cmath>

using llvm::Error;
using llvm::Twine;
using namespace mlir;

namespace lowbit::onnx {

/// The numbers of both are the same.
static bool areEqual(const Tensor *a, const Tensor *b) {
  if (a == b || !a || !b)
    return a == b;
  return a->type == b->type && a->elements() == b->elements() &&
         a->bytes == b->bytes;
}

/// Codes of activations: round(x / scale) + zero, clamped, and their values.
/// "u8, LEVEL scale f32 zero u8".
static Scheme codesOf(const ElementInfo &type, int64_t level) {
  Scheme scheme;
  scheme.kind = type.isSigned ? CodeKind::Signed : CodeKind::Unsigned;
  scheme.bits = uint8_t(type.bits);
  FieldType zero{type.isSigned ? FieldType::SInt : FieldType::UInt,
                 uint8_t(type.bits)};
  scheme.levels.push_back(
      {level, {{Component::Scale, FieldType{}}, {Component::Zero, zero}}});
  return scheme;
}

static Quantizer rangeQuantizer() {
  Quantizer quantizer;
  quantizer.range = Quantizer::Range::MinMax;
  quantizer.apply = Quantizer::Apply::Divide;
  return quantizer;
}

llvm::Expected<Rows> GraphImporter::roundStatic(const Node &node, const Rows &x,
                                                const Tensor &scale,
                                                const Tensor *zero,
                                                const ElementInfo *type) {
  if (!type || type->isFloat || type->bits > 8)
    return fail(node, "expected codes of 2, 4 or 8 bits for activations");
  if (scale.elements() != 1 || (zero && zero->elements() != 1))
    return fail(node, "has several scales for activations: quantize them with "
                      "one for the tensor");
  float factor = scale.real(0);
  if (!std::isfinite(factor) || factor <= 0)
    return fail(node, "has a scale that is no positive number: quantize the "
                      "model again");
  MLIRContext *context = builder.getContext();
  int64_t count = cast<ShapedType>(x.value.getType()).getDimSize(0);
  Value scales = constant(count, 1, factor);
  Value zeros = constant(count, 1, zero ? float(zero->integer(0)) : 0);
  Value y =
      FakeQuantOp::create(builder, x.value.getType(), x.value, scales, zeros,
                          QuantizerAttr::get(context, rangeQuantizer()),
                          SchemeAttr::get(context, codesOf(*type, Level::kRow)),
                          /*straight_through=*/UnitAttr());
  Rows result = withColumns(x, y);
  result.rounded = true;
  return result;
}

Error GraphImporter::importQuantize(const Node &node) {
  auto x = rowsAt(node, 0);
  if (!x)
    return x.takeError();
  auto scale = tensorAt(node, 1);
  if (!scale)
    return scale.takeError();
  const Tensor *zero = nullptr;
  const ElementInfo *type =
      elementInfo(integerOf(node, "output_dtype", int64_t(ElementType::UInt8)));
  if (input(node, 2)) {
    auto found = tensorAt(node, 2);
    if (!found)
      return found.takeError();
    zero = *found;
    type = zero->type;
  }
  auto rounded = roundStatic(node, *x, **scale, zero, type);
  if (!rounded)
    return rounded.takeError();
  return define(node, Codes{*rounded, *scale, zero});
}

Error GraphImporter::importDequantize(const Node &node) {
  const Item *x = input(node, 0);
  auto scale = tensorAt(node, 1);
  if (!scale)
    return scale.takeError();
  const Tensor *zero = nullptr;
  if (input(node, 2)) {
    auto found = tensorAt(node, 2);
    if (!found)
      return found.takeError();
    zero = *found;
  }
  if (const Codes *codes = x ? std::get_if<Codes>(x) : nullptr) {
    if (!areEqual(codes->scale, *scale) || !areEqual(codes->zero, zero))
      return fail(node, "has another scale or zero point than the codes that "
                        "it dequantizes: quantize the model again");
    return define(node, codes->rows);
  }
  auto constant = constantAt(node, 0);
  if (!constant)
    return constant.takeError();
  if (constant->scales)
    return fail(node, "dequantizes reals: quantize the model again");
  constant->scales = *scale;
  constant->zeros = zero;
  constant->axis = integerOf(node, "axis", 1);
  constant->block = integerOf(node, "block_size", 0);
  // The axis counts dimensions as stored.
  return define(node, *constant);
}

//===- Codes without scales -----------------------------------------------===//

/// y = codes of u8, their scale, their zero point: of the whole tensor.
Error GraphImporter::importDynamicQuantize(const Node &node) {
  auto x = rowsAt(node, 0);
  if (!x)
    return x.takeError();
  MLIRContext *context = builder.getContext();
  Quantizer quantizer = rangeQuantizer();
  // A tensor of zeros has the scale 0, which ONNX Runtime makes 1: its codes
  // are 0 under any other one.
  quantizer.leastScale = 0x1p-126f;
  const ElementInfo *bytes = elementInfo(int64_t(ElementType::UInt8));
  Value y = FakeQuantOp::create(
      builder, x->value.getType(), x->value, Value(), Value(),
      QuantizerAttr::get(context, quantizer),
      SchemeAttr::get(context, codesOf(*bytes, Level::kTensor)),
      /*straight_through=*/UnitAttr());
  Rows rounded = withColumns(*x, y);
  rounded.rounded = true;
  for (auto part : {Dynamic::Code, Dynamic::Scale, Dynamic::Zero})
    if (Error error = define(node, Dynamic{part, rounded}, size_t(part)))
      return error;
  return Error::success();
}

Error GraphImporter::importMatMulInteger(const Node &node) {
  const Item *a = input(node, 0), *zero = input(node, 2);
  const Dynamic *codes = a ? std::get_if<Dynamic>(a) : nullptr;
  const Dynamic *point = zero ? std::get_if<Dynamic>(zero) : nullptr;
  if (!codes || codes->part != Dynamic::Code || !point ||
      point->part != Dynamic::Zero || point->rows.value != codes->rows.value)
    return fail(node, "expected codes and zero point of one "
                      "DynamicQuantizeLinear");
  auto weight = constantAt(node, 1);
  if (!weight)
    return weight.takeError();
  if (input(node, 3)) {
    auto zeros = tensorAt(node, 3);
    if (!zeros)
      return zeros.takeError();
    weight->zeros = *zeros;
  }
  // Scales, which come later, belong to outputs.
  weight->axis = weight->transposed ? 0 : 1;
  return define(node, IntegerProduct{codes->rows, *weight});
}

Error GraphImporter::importQLinearMatMul(const Node &node) {
  const Item *a = input(node, 0);
  const Codes *codes = a ? std::get_if<Codes>(a) : nullptr;
  if (!codes)
    return fail(node, "expected codes of QuantizeLinear");
  const Tensor *fields[8] = {};
  for (size_t i : {1, 2, 4, 5, 6, 7}) {
    auto found = tensorAt(node, i);
    if (!found)
      return found.takeError();
    fields[i] = *found;
  }
  if (!areEqual(codes->scale, fields[1]) || !areEqual(codes->zero, fields[2]))
    return fail(node, "has another scale or zero point than its codes: "
                      "quantize the model again");
  auto constant = constantAt(node, 3);
  if (!constant)
    return constant.takeError();
  constant->scales = fields[4];
  constant->zeros = fields[5];
  constant->axis = constant->transposed ? 0 : 1;
  auto weight = source.matrix(*constant);
  if (!weight)
    return weight.takeError();
  auto y = linear(node, codes->rows, *weight, {});
  if (!y)
    return y.takeError();
  auto rounded = roundStatic(node, *y, *fields[6], fields[7], fields[7]->type);
  if (!rounded)
    return rounded.takeError();
  return define(node, Codes{*rounded, fields[6], fields[7]});
}

/// com.microsoft: A, its scale and zero point, B, its, C of i32 under the
/// product of both scales, and scale and zero point of the codes of Y, without
/// which Y is real.
Error GraphImporter::importQGemm(const Node &node) {
  const Item *a = input(node, 0);
  const Codes *codes = a ? std::get_if<Codes>(a) : nullptr;
  if (!codes || integerOf(node, "transA", 0) || realOf(node, "alpha", 1) != 1)
    return fail(node, "expected codes of QuantizeLinear, no transA, no alpha");
  const Tensor *fields[9] = {};
  for (size_t i : {1, 2, 4, 5, 6, 7, 8}) {
    if (i >= 6 && !input(node, i))
      continue;
    auto found = tensorAt(node, i);
    if (!found)
      return found.takeError();
    fields[i] = *found;
  }
  if (!areEqual(codes->scale, fields[1]) || !areEqual(codes->zero, fields[2]))
    return fail(node, "has another scale or zero point than its codes: "
                      "quantize the model again");
  auto constant = constantAt(node, 3);
  if (!constant)
    return constant.takeError();
  if (integerOf(node, "transB", 0))
    constant->transposed = !constant->transposed;
  constant->scales = fields[4];
  constant->zeros = fields[5];
  constant->axis = constant->transposed ? 0 : 1;
  auto weight = source.matrix(*constant);
  if (!weight)
    return weight.takeError();
  Value bias;
  if (const Tensor *integers = fields[6]) {
    int64_t count = integers->elements(), scales = fields[4]->elements();
    if (count != weight->rows || integers->type->isFloat)
      return fail(node, "expected " + Twine(weight->rows) + " integers in " +
                            quoted(integers->name));
    std::vector<float> values;
    for (int64_t i = 0; i < count; ++i)
      values.push_back(fields[1]->real(0) *
                       fields[4]->real(scales == 1 ? 0 : i) *
                       float(integers->integer(i)));
    bias = vectorWeight(source.vector(integers->name, std::move(values)));
  }
  auto y = linear(node, codes->rows, *weight, bias);
  if (!y)
    return y.takeError();
  if (!fields[7])
    return define(node, *y);
  const ElementInfo *type =
      fields[8] ? fields[8]->type : elementInfo(int64_t(ElementType::UInt8));
  auto rounded = roundStatic(node, *y, *fields[7], fields[8], type);
  if (!rounded)
    return rounded.takeError();
  return define(node, Codes{*rounded, fields[7], fields[8]});
}

} // namespace lowbit::onnx
