//===- LowBitDialect.cpp - Registration of the lowbit dialect -------------===//

#include "dialects/LowBit/IR/LowBitOps.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "dialects/LowBit/IR/LowBitDialect.cpp.inc"

namespace {
/// Prints a scheme once, as `#scheme`, however many types hold it; a quantizer
/// as `#quantizer`.
struct SchemeAliases : public OpAsmDialectInterface {
  using OpAsmDialectInterface::OpAsmDialectInterface;
  AliasResult getAlias(Attribute attr, raw_ostream &os) const override {
    if (isa<lowbit::SchemeAttr>(attr))
      os << "scheme";
    else if (isa<lowbit::QuantizerAttr>(attr))
      os << "quantizer";
    else
      return AliasResult::NoAlias;
    return AliasResult::FinalAlias;
  }
};
} // namespace

void lowbit::LowBitDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/LowBit/IR/LowBitOps.cpp.inc"
      >();
  registerAttributes();
  addInterfaces<SchemeAliases>();
}
