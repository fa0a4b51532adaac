//===- quant-reference-test.cpp - Run programs that check themselves ------===//
//
//   quant-reference-test FILE.mlir
//
// Evaluates every function without arguments in FILE; fails at the first
// expectation that does not hold in each.
//
//===----------------------------------------------------------------------===//

#include "test/lib/Check/Check.h"

#include "lowbit/Reference/Evaluator.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LowBit/IR/LowBitOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace lowbit;

int main(int argc, char **argv) {
  if (argc != 2) {
    llvm::errs() << "usage: quant-reference-test FILE.mlir\n";
    return 1;
  }
  MLIRContext context;
  context.loadDialect<lm::LMDialect, LowBitDialect, check::CheckDialect,
                      arith::ArithDialect, func::FuncDialect>();
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler handler(sources, &context);
  auto module = parseSourceFile<ModuleOp>(argv[1], sources, &context);
  if (!module)
    return 1;
  int passed = 0, failures = 0;
  for (auto function : module->getOps<func::FuncOp>()) {
    if (function.getNumArguments() != 0)
      continue;
    reference::Evaluator evaluator({}, check::evaluate);
    bool ok = succeeded(evaluator.call(function, {}));
    ++(ok ? passed : failures);
  }
  llvm::outs() << passed << " passed, " << failures << " failed\n";
  return failures == 0 && passed > 0 ? 0 : 1;
}
