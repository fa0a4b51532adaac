//===- quant-compile.cpp - Models to modules, ahead of time ---------------===//

#include "Options.h"
#include "Quantize.h"

#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  bool done = false;
  auto command = lowbit::parseOptions(argc, argv, done);
  if (command && done)
    return 0;
  bool quantizes = command && (!command->recipe.empty() ||
                               command->budget.limit ||
                               !command->outputImportance.empty());
  llvm::Error error = !command    ? command.takeError()
                      : quantizes ? lowbit::quantize(*command)
                                  : lowbit::compile(command->compile);
  if (!error)
    return 0;
  llvm::errs() << "quant-compile: " << llvm::toString(std::move(error)) << "\n";
  return 1;
}
