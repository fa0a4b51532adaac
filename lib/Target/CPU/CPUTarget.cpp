//===- CPUTarget.cpp - Loops to machine code ------------------------------===//

#include "lowbit/Target/CPU.h"

#include "quantrt/abi.h"

#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Analysis/RuntimeLibcallInfo.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/CodeGen/CodeGenTargetMachineImpl.h"
#include "llvm/CodeGen/MachineModuleInfo.h"
#include "llvm/CodeGen/Passes.h"
#include "llvm/CodeGen/TargetPassConfig.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

#include <mutex>

namespace lowbit {

static std::string entrySymbol(llvm::StringRef prefix, llvm::StringRef level,
                               llvm::StringRef function) {
  return (prefix + "." + level + "." + function).str();
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

/// What TargetMachine::addPassesToEmitFile adds, without what a level does not
/// want. Without the two tables of libraries the register allocator spills in
/// loops of attention that do not need it (LLVM 22.1). Returns true if it fails.
static bool addCodegenPasses(llvm::legacy::PassManager &passes,
                             llvm::TargetMachine &machine,
                             llvm::raw_pwrite_stream &os,
                             bool keepsOrder,
                             llvm::CodeGenFileType type) {
  if (!keepsOrder)
    return machine.addPassesToEmitFile(passes, os, nullptr, type);
  llvm::TargetPassConfig *config = machine.createPassConfig(passes);
  auto *info = new llvm::MachineModuleInfoWrapperPass(&machine);
  config->setDisableVerify(true);
  passes.add(config);
  passes.add(info);
  const llvm::TargetOptions &options = machine.Options;
  passes.add(new llvm::TargetLibraryInfoWrapperPass(
      llvm::TargetLibraryInfoImpl(machine.getTargetTriple(),
                                  options.VecLib)));
  passes.add(new llvm::RuntimeLibraryInfoWrapper(
      machine.getTargetTriple(), options.ExceptionModel, options.FloatABIType,
      options.EABIVersion, options.MCOptions.ABIName, options.VecLib));
  config->disablePass(&llvm::MachineSchedulerID);
  config->disablePass(&llvm::MachineCombinerID);
  if (config->addISelPasses())
    return true;
  config->addMachinePasses();
  config->setInitialized();
  auto &codegen = static_cast<llvm::CodeGenTargetMachineImpl &>(machine);
  if (codegen.addAsmPrinter(passes, os, nullptr, type,
                            info->getMMI().getContext()))
    return true;
  passes.add(llvm::createFreeMachineFunctionPass());
  return false;
}

static llvm::Expected<std::string> emit(llvm::Module &module,
                                        llvm::TargetMachine &machine,
                                        bool keepsOrder, EmitKind kind) {
  llvm::SmallString<0> bytes;
  llvm::raw_svector_ostream os(bytes);
  if (kind == EmitKind::LLVMIR) {
    module.print(os, nullptr);
    return std::string(bytes);
  }
  llvm::legacy::PassManager passes;
  if (addCodegenPasses(passes, machine, os, keepsOrder,
                       kind == EmitKind::Object
                           ? llvm::CodeGenFileType::ObjectFile
                           : llvm::CodeGenFileType::AssemblyFile))
    return failure("LLVM cannot emit code for this target");
  passes.run(module);
  return std::string(bytes);
}

static void prepareFunctions(llvm::Module &module, const TargetInfo &target,
                             llvm::StringRef prefix) {
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
    function.setName(entrySymbol(prefix, target.level, function.getName()));
    function.setVisibility(llvm::GlobalValue::HiddenVisibility);
  }
}

llvm::Expected<std::string> compileLevel(mlir::ModuleOp op,
                                         const TargetInfo &target,
                                         EmitKind kind,
                                         llvm::StringRef prefix) {
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
  prepareFunctions(*module, target, prefix);
  optimize(*module, **machine);
  return emit(*module, **machine, target.keepsOrder, kind);
}

//===- Tables -------------------------------------------------------------===//

namespace {

/// A module of LLVM that holds tables and no code.
class TableModule {
public:
  TableModule() : module_("tables", context_) {}

  /// Data alone: no CPU to choose.
  llvm::Error open(const char *triple) {
    auto machine = makeMachine(triple, "", "");
    if (!machine)
      return machine.takeError();
    machine_ = std::move(*machine);
    module_.setDataLayout(machine_->createDataLayout());
    module_.setTargetTriple(llvm::Triple(triple));
    return llvm::Error::success();
  }

  llvm::Constant *number(uint64_t value, unsigned bits = 32) {
    return llvm::ConstantInt::get(llvm::Type::getIntNTy(context_, bits), value);
  }
  llvm::GlobalVariable *add(llvm::Constant *value, llvm::StringRef name,
                            llvm::GlobalValue::LinkageTypes linkage =
                                llvm::GlobalValue::PrivateLinkage) {
    return new llvm::GlobalVariable(module_, value->getType(),
                                    /*isConstant=*/true, linkage, value, name);
  }
  /// A read-only section with one byte in it; its address.
  llvm::GlobalVariable *addSection(llvm::StringRef name) {
    llvm::GlobalVariable *byte = add(number(0, 8), name);
    byte->setSection(name);
    byte->setAlignment(llvm::Align(QRT_WEIGHTS_ALIGNMENT));
    return byte;
  }
  llvm::Constant *text(llvm::StringRef value) {
    return llvm::ConstantDataArray::getString(context_, value);
  }
  /// A qrt_code_table.
  llvm::Constant *codeTable(llvm::StringRef prefix,
                            llvm::ArrayRef<const TargetInfo *> levels,
                            llvm::ArrayRef<std::string> functions);
  llvm::Expected<std::string> object() {
    return emit(module_, *machine_, /*keepsOrder=*/false, EmitKind::Object);
  }

private:
  llvm::LLVMContext context_;
  llvm::Module module_;
  std::unique_ptr<llvm::TargetMachine> machine_;
};

} // namespace

llvm::Constant *
TableModule::codeTable(llvm::StringRef prefix,
                       llvm::ArrayRef<const TargetInfo *> levels,
                       llvm::ArrayRef<std::string> functions) {
  llvm::Type *i32 = llvm::Type::getInt32Ty(context_);
  llvm::Type *pointer = llvm::PointerType::get(context_, 0);
  auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(context_),
                                       {pointer, i32, i32}, false);
  llvm::SmallVector<llvm::Constant *> entries;
  for (const TargetInfo *level : levels)
    for (const std::string &function : functions) {
      auto *entry = llvm::Function::Create(
          type, llvm::GlobalValue::ExternalLinkage,
          entrySymbol(prefix, level->level, function), module_);
      entry->setVisibility(llvm::GlobalValue::HiddenVisibility);
      entries.push_back(entry);
    }
  return llvm::ConstantStruct::getAnon(
      {number(QRT_ABI_VERSION), number(levels.size()),
       number(functions.size()), number(0),
       llvm::ConstantArray::get(llvm::ArrayType::get(pointer, entries.size()),
                                entries)});
}

llvm::Expected<std::string>
compileCodeTable(llvm::ArrayRef<const TargetInfo *> levels,
                 llvm::ArrayRef<std::string> functions) {
  TableModule module;
  if (llvm::Error error = module.open(levels.front()->triple))
    return std::move(error);
  module.add(module.codeTable("qrt", levels, functions), QRT_CODE_TABLE_SYMBOL,
             llvm::GlobalValue::ExternalLinkage);
  return module.object();
}

llvm::Expected<std::string>
compileStaticModule(llvm::StringRef symbol, StaticSizes sizes,
                    llvm::ArrayRef<const TargetInfo *> levels,
                    llvm::ArrayRef<std::string> functions) {
  TableModule module;
  if (llvm::Error error = module.open(levels.front()->triple))
    return std::move(error);
  // Field by field as abi.h declares struct qrt_static_module.
  llvm::Constant *fields[] = {
      module.number(QRT_ABI_VERSION),
      module.number(sizeof(qrt_static_module)),
      module.add(module.text(symbol), "name"),
      module.add(module.codeTable(symbol, levels, functions), "code"),
      module.addSection(kStaticHeaderSection),
      module.number(sizes.headerBytes, 64),
      module.addSection(kStaticWeightsSection),
      module.number(sizes.weightsBytes, 64)};
  module.add(llvm::ConstantStruct::getAnon(fields), symbol,
             llvm::GlobalValue::ExternalLinkage);
  return module.object();
}

} // namespace lowbit
