//===- quant-compile.cpp - Models to modules, ahead of time ---------------===//

#include "Options.h"

#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  bool done = false;
  auto options = lowbit::parseOptions(argc, argv, done);
  if (options && done)
    return 0;
  llvm::Error error = options ? lowbit::compile(*options) : options.takeError();
  if (!error)
    return 0;
  llvm::errs() << "quant-compile: " << llvm::toString(std::move(error)) << "\n";
  return 1;
}
