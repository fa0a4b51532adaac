//===- quant-reference-test.cpp - Run programs that check themselves ------===//
//
//   quant-reference-test [--passes=PIPELINE] FILE.mlir
//
// Evaluates every function without arguments in FILE; fails at the first
// expectation that does not hold in each. With passes, what they make of FILE,
// which is printed first: so a test sees that a rewrite changed how a function
// is computed, and not what.
//
//===----------------------------------------------------------------------===//

#include "test/lib/Check/Check.h"

#include "lowbit/InitAll.h"
#include "lowbit/Reference/Evaluator.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LowBit/IR/LowBitOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace lowbit;

static LogicalResult runPasses(ModuleOp module, StringRef pipeline) {
  registerPasses();
  PassManager pm(module.getContext());
  if (failed(parsePassPipeline(pipeline, pm, llvm::errs())) ||
      failed(pm.run(module)))
    return failure();
  module.print(llvm::outs());
  return success();
}

int main(int argc, char **argv) {
  StringRef passes = argc == 3 ? argv[1] : "";
  if (argc != 2 && !passes.consume_front("--passes=")) {
    llvm::errs()
        << "usage: quant-reference-test [--passes=PIPELINE] FILE.mlir\n";
    return 1;
  }
  MLIRContext context;
  context.loadDialect<lm::LMDialect, LowBitDialect, check::CheckDialect,
                      arith::ArithDialect, func::FuncDialect>();
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler handler(sources, &context);
  auto module = parseSourceFile<ModuleOp>(argv[argc - 1], sources, &context);
  if (!module || (!passes.empty() && failed(runPasses(*module, passes))))
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
