//===- quant-opt.cpp - Run passes over IR, as mlir-opt does ---------------===//

#include "lowbit/InitAll.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllPasses();
  lowbit::registerDialects(registry);
  lowbit::registerPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv, "LowBit optimizer driver\n", registry));
}
