//===- quant-opt.cpp - Run passes over IR, as mlir-opt does ---------------===//

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LowBit/IR/LowBitOps.h"
#include "dialects/Pack/IR/PackOps.h"
#include "dialects/Rt/IR/RtOps.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllPasses();
  registry.insert<lowbit::lm::LMDialect, lowbit::LowBitDialect,
                  lowbit::pack::PackDialect, lowbit::rt::RtDialect>();
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv, "LowBit optimizer driver\n", registry));
}
