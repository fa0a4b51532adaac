//===- InitAll.cpp - All dialects, passes and pipelines -------------------===//

#include "lowbit/InitAll.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LM/Transforms/Passes.h"
#include "dialects/LowBit/IR/LowBitOps.h"
#include "dialects/LowBit/Transforms/Passes.h"
#include "dialects/Pack/IR/PackOps.h"
#include "dialects/Pack/Transforms/Passes.h"
#include "dialects/Rt/IR/RtOps.h"
#include "dialects/Rt/Transforms/Passes.h"
#include "lowbit/Codegen/Passes.h"
#include "lowbit/Conversion/Passes.h"
#include "lowbit/Pipelines/Pipelines.h"
#include "lowbit/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"

namespace lowbit {

void registerDialects(mlir::DialectRegistry &registry) {
  registry.insert<lm::LMDialect, LowBitDialect, pack::PackDialect,
                  rt::RtDialect, mlir::arith::ArithDialect,
                  mlir::cf::ControlFlowDialect, mlir::func::FuncDialect,
                  mlir::LLVM::LLVMDialect, mlir::math::MathDialect,
                  mlir::memref::MemRefDialect, mlir::scf::SCFDialect,
                  mlir::vector::VectorDialect>();
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
}

void registerPasses() {
  lm::registerLMPasses();
  registerLowBitPasses();
  pack::registerPackPasses();
  rt::registerRtPasses();
  registerLowBitModelPasses();
  registerLowBitConversionPasses();
  registerLowBitCodegenPasses();
  registerPipelines();
}

} // namespace lowbit
