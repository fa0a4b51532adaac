//===- LowBitAttrs.cpp - Schemes and low-bit tensors as IR ----------------===//

#include "dialects/LowBit/IR/LowBitDialect.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "dialects/LowBit/IR/LowBitEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/LowBit/IR/LowBitAttrs.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/LowBit/IR/LowBitTypes.cpp.inc"

namespace lowbit {

void LowBitDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/LowBit/IR/LowBitAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/LowBit/IR/LowBitTypes.cpp.inc"
      >();
}

//===- #lowbit.scheme -----------------------------------------------------===//

SchemeAttr SchemeAttr::get(MLIRContext *context, const Scheme &scheme) {
  return Base::get(context, scheme.str());
}

Scheme SchemeAttr::getScheme() const {
  Scheme scheme;
  std::string error;
  Scheme::parse(getText().str(), scheme, error); // verified at construction
  return scheme;
}

LogicalResult SchemeAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 StringRef text) {
  Scheme scheme;
  std::string error;
  if (!Scheme::parse(text.str(), scheme, error))
    return emitError() << error;
  error = scheme.check();
  if (!error.empty())
    return emitError() << error;
  return success();
}

/// Reads a number as text; integers are reals too.
static ParseResult parseReal(AsmParser &parser, const char *what,
                             std::string &text) {
  SMLoc where = parser.getCurrentLocation();
  Attribute number;
  if (parser.parseAttribute(number))
    return failure();
  double value;
  if (auto real = dyn_cast<FloatAttr>(number))
    value = real.getValueAsDouble();
  else if (auto integer = dyn_cast<IntegerAttr>(number))
    value = integer.getValue().signedRoundToDouble();
  else
    return parser.emitError(where) << what << " must be a number";
  char buffer[32];
  snprintf(buffer, sizeof buffer, "%.9g", value);
  text += buffer;
  return success();
}

/// Reads what may stand between `codebook` and a word of digits: the length of
/// an entry and `[REAL, ...]`.
static ParseResult parseCodebook(AsmParser &parser, std::string &text) {
  int64_t length;
  OptionalParseResult hasLength = parser.parseOptionalInteger(length);
  if (hasLength.has_value()) {
    if (failed(*hasLength))
      return failure();
    text += " " + std::to_string(length);
  }
  std::string list;
  auto parseEntry = [&]() -> ParseResult {
    list += list.empty() ? " [" : ", ";
    return parseReal(parser, "a codebook entry", list);
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::OptionalSquare,
                                     parseEntry))
    return failure();
  if (!list.empty())
    text += list + "]";
  return success();
}

/// Collects tokens as text up to the closing `>`: the grammar belongs to
/// Scheme::parse, so that tools without MLIR read the same words.
static ParseResult parseSchemeText(AsmParser &parser, std::string &text) {
  auto append = [&](StringRef token) {
    if (!text.empty() && token != ",")
      text += ' ';
    text += token.str();
  };
  while (true) {
    StringRef keyword;
    if (succeeded(parser.parseOptionalKeyword(&keyword))) {
      append(keyword);
      if (keyword == "codebook" && failed(parseCodebook(parser, text)))
        return failure();
      if (keyword == "delta" &&
          failed(parseReal(parser, "a delta", text += ' ')))
        return failure();
      continue;
    }
    int64_t integer;
    OptionalParseResult number = parser.parseOptionalInteger(integer);
    if (number.has_value()) {
      if (failed(*number))
        return failure();
      append(std::to_string(integer));
      continue;
    }
    if (succeeded(parser.parseOptionalComma())) {
      append(",");
      continue;
    }
    return success();
  }
}

Attribute SchemeAttr::parse(AsmParser &parser, Type) {
  std::string text, error;
  SMLoc where = parser.getCurrentLocation();
  if (parser.parseLess() || parseSchemeText(parser, text) ||
      parser.parseGreater())
    return {};
  Scheme scheme;
  if (!Scheme::parse(text, scheme, error)) {
    parser.emitError(where, error);
    return {};
  }
  return parser.getChecked<SchemeAttr>(where, parser.getContext(),
                                       StringRef(scheme.str()));
}

void SchemeAttr::print(AsmPrinter &printer) const {
  printer << "<" << getText() << ">";
}

//===- #lowbit.quantizer --------------------------------------------------===//

QuantizerAttr QuantizerAttr::get(MLIRContext *context,
                                 const Quantizer &quantizer) {
  return Base::get(context, quantizer.str());
}

Quantizer QuantizerAttr::getQuantizer() const {
  Quantizer quantizer;
  std::string error;
  Quantizer::parse(getText().str(), quantizer, error); // verified before
  return quantizer;
}

LogicalResult
QuantizerAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                      StringRef text) {
  Quantizer quantizer;
  std::string error;
  if (!Quantizer::parse(text.str(), quantizer, error))
    return emitError() << error;
  error = quantizer.check();
  if (!error.empty())
    return emitError() << error;
  return success();
}

/// Collects tokens as text up to the closing `>`; the grammar is
/// Quantizer::parse's.
static ParseResult parseQuantizerText(AsmParser &parser, std::string &text) {
  while (true) {
    StringRef keyword;
    if (succeeded(parser.parseOptionalKeyword(&keyword))) {
      text += " " + keyword.str();
      bool wantsReal =
          keyword == "reach" || keyword == "least" || keyword == "outer";
      if (wantsReal &&
          parseReal(parser, "a number of a quantizer", text += ' '))
        return failure();
      continue;
    }
    int64_t integer;
    OptionalParseResult number = parser.parseOptionalInteger(integer);
    if (number.has_value()) {
      if (failed(*number))
        return failure();
      text += " " + std::to_string(integer);
      continue;
    }
    if (failed(parser.parseOptionalComma()))
      return success();
    text += ",";
  }
}

Attribute QuantizerAttr::parse(AsmParser &parser, Type) {
  std::string text, error;
  SMLoc where = parser.getCurrentLocation();
  if (parser.parseLess() || parseQuantizerText(parser, text) ||
      parser.parseGreater())
    return {};
  Quantizer quantizer;
  if (!Quantizer::parse(text, quantizer, error)) {
    parser.emitError(where, error);
    return {};
  }
  return parser.getChecked<QuantizerAttr>(where, parser.getContext(),
                                          StringRef(quantizer.str()));
}

void QuantizerAttr::print(AsmPrinter &printer) const {
  printer << "<" << getText() << ">";
}

//===- !lowbit.tensor -----------------------------------------------------===//

LogicalResult TensorType::verify(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<int64_t> shape, SchemeAttr, bool) {
  if (shape.size() != 2)
    return emitError() << "a low-bit tensor has 2 dimensions, but got "
                       << shape.size();
  if (shape[1] <= 0 || (shape[0] <= 0 && shape[0] != ShapedType::kDynamic))
    return emitError() << "a low-bit tensor needs rows and static columns";
  return success();
}

Type TensorType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  SMLoc where = parser.getCurrentLocation();
  SchemeAttr scheme;
  if (parser.parseLess() ||
      parser.parseDimensionList(shape, true, /*withTrailingX=*/false) ||
      parser.parseComma() || parser.parseAttribute(scheme))
    return {};
  bool permuted = succeeded(parser.parseOptionalComma());
  if ((permuted && parser.parseKeyword("permuted")) || parser.parseGreater())
    return {};
  return parser.getChecked<TensorType>(where, parser.getContext(), shape,
                                       scheme, permuted);
}

void TensorType::print(AsmPrinter &printer) const {
  printer << "<";
  printer.printDimensionList(getShape());
  printer << ", ";
  printer.printAttribute(getScheme());
  printer << (getPermuted() ? ", permuted>" : ">");
}

ShapedType TensorType::cloneWith(std::optional<ArrayRef<int64_t>> shape,
                                 Type) const {
  if (!shape)
    return *this;
  return TensorType::get(getContext(), *shape, getScheme(), getPermuted());
}

Type TensorType::getElementType() const {
  return IntegerType::get(getContext(), getScheme().getScheme().bits);
}

} // namespace lowbit
