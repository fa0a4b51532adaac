//===- CPUTarget.cpp - Loops to machine code ------------------------------===//

#include "lowbit/Target/CPU.h"

#include "quantrt/abi.h"

#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

#include <mutex>

namespace lowbit {

std::string entrySymbol(llvm::StringRef level, llvm::StringRef function) {
  return ("qrt." + level + "." + function).str();
}

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
makeMachine(const char *tripleName, llvm::StringRef cpu,
            llvm::StringRef features) {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
  });
  std::string error;
  llvm::Triple triple(tripleName);
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return failure("LLVM has no target for " + triple.str() + ": " + error);
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      triple, cpu, features, llvm::TargetOptions(), llvm::Reloc::PIC_, {},
      llvm::CodeGenOptLevel::Aggressive));
}

static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions tuning;
  // The loops are vectorized and unrolled as they should be.
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  tuning.LoopUnrolling = false;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2)
      .run(module, modules);
}

static llvm::Expected<std::string> emit(llvm::Module &module,
                                        llvm::TargetMachine &machine,
                                        EmitKind kind) {
  llvm::SmallString<0> bytes;
  llvm::raw_svector_ostream os(bytes);
  if (kind == EmitKind::LLVMIR) {
    module.print(os, nullptr);
    return std::string(bytes);
  }
  llvm::legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, os, nullptr,
                                  kind == EmitKind::Object
                                      ? llvm::CodeGenFileType::ObjectFile
                                      : llvm::CodeGenFileType::AssemblyFile))
    return failure("LLVM cannot emit code for this target");
  passes.run(module);
  return std::string(bytes);
}

static void prepareFunctions(llvm::Module &module, const TargetInfo &target) {
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", target.cpu);
    function.addFnAttr("target-features", target.features);
    function.addFnAttr("prefer-vector-width", "512");
    function.setDoesNotThrow();
    if (function.hasLocalLinkage() ||
        function.getVisibility() == llvm::GlobalValue::HiddenVisibility) {
      // Kernels stay functions: a layer's code exists once.
      function.setLinkage(llvm::GlobalValue::InternalLinkage);
      function.addFnAttr(llvm::Attribute::NoInline);
      continue;
    }
    function.setName(entrySymbol(target.level, function.getName()));
    function.setVisibility(llvm::GlobalValue::HiddenVisibility);
  }
}

llvm::Expected<std::string> compileLevel(mlir::ModuleOp op,
                                         const TargetInfo &target,
                                         EmitKind kind) {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module =
      mlir::translateModuleToLLVMIR(op, context);
  if (!module)
    return failure("cannot translate the module to LLVM IR");
  auto machine = makeMachine(target.triple, target.cpu, target.features);
  if (!machine)
    return machine.takeError();
  module->setDataLayout((*machine)->createDataLayout());
  module->setTargetTriple(llvm::Triple(target.triple));
  prepareFunctions(*module, target);
  optimize(*module, **machine);
  return emit(*module, **machine, kind);
}

llvm::Expected<std::string>
compileCodeTable(llvm::ArrayRef<const TargetInfo *> levels,
                 llvm::ArrayRef<std::string> functions) {
  llvm::LLVMContext context;
  llvm::Module module("code-table", context);
  // Data alone: no CPU to choose.
  const char *triple = levels.front()->triple;
  auto machine = makeMachine(triple, "", "");
  if (!machine)
    return machine.takeError();
  module.setDataLayout((*machine)->createDataLayout());
  module.setTargetTriple(llvm::Triple(triple));
  llvm::Type *i32 = llvm::Type::getInt32Ty(context);
  llvm::Type *pointer = llvm::PointerType::get(context, 0);
  auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(context),
                                       {pointer, i32, i32}, false);
  llvm::SmallVector<llvm::Constant *> entries;
  for (const TargetInfo *level : levels)
    for (const std::string &function : functions) {
      auto *entry = llvm::Function::Create(
          type, llvm::GlobalValue::ExternalLinkage,
          entrySymbol(level->level, function), module);
      entry->setVisibility(llvm::GlobalValue::HiddenVisibility);
      entries.push_back(entry);
    }
  auto number = [&](uint32_t value) {
    return llvm::ConstantInt::get(i32, value);
  };
  llvm::Constant *table = llvm::ConstantStruct::getAnon(
      {number(QRT_ABI_VERSION), number(levels.size()),
       number(functions.size()), number(0),
       llvm::ConstantArray::get(
           llvm::ArrayType::get(pointer, entries.size()), entries)});
  new llvm::GlobalVariable(module, table->getType(), /*isConstant=*/true,
                           llvm::GlobalValue::ExternalLinkage, table,
                           QRT_CODE_TABLE_SYMBOL);
  return emit(module, **machine, EmitKind::Object);
}

} // namespace lowbit
