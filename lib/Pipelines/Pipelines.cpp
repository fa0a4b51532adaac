//===- Pipelines.cpp - The whole compiler on one page ---------------------===//

#include "lowbit/Pipelines/Pipelines.h"

#include "dialects/LM/Transforms/Passes.h"
#include "dialects/LowBit/Transforms/Passes.h"
#include "dialects/Pack/Transforms/Passes.h"
#include "dialects/Rt/Transforms/Passes.h"
#include "lowbit/Codegen/Passes.h"
#include "lowbit/Conversion/Passes.h"
#include "lowbit/Transforms/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace lowbit {

static constexpr std::pair<Stage, llvm::StringLiteral> stageNames[] = {
    {Stage::Import, "import"}, {Stage::Quantize, "quantize"},
    {Stage::Pack, "pack"},     {Stage::Loops, "loops"},
    {Stage::Target, "target"}, {Stage::Module, "module"}};

std::optional<Stage> parseStage(llvm::StringRef name) {
  for (auto &[stage, text] : stageNames)
    if (text == name)
      return stage;
  return std::nullopt;
}

llvm::StringRef stageName(Stage stage) {
  return stageNames[static_cast<int>(stage)].second;
}

static void cleanup(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

static void buildQuantize(OpPassManager &pm, const PipelineOptions &options) {
  // lm (+ lowbit weights) --> lm + lowbit
  QuantizeModelOptions quantize;
  quantize.activations = options.activations;
  pm.addPass(createQuantizeModel(quantize));
  pm.addPass(createVerifyQuantized());
}

static void buildPack(OpPassManager &pm) {
  // lowbit --> pack
  pm.addPass(createConvertLowBitToPack());
  pm.addPass(createCSEPass());
  pm.addPass(pack::createVerifyPacked());
}

static void buildLoops(OpPassManager &pm, const PipelineOptions &options) {
  // pack + lm on tensors --> kernels on memrefs: vector, scf, rt
  OutlineKernelsOptions outline;
  outline.level = options.level;
  outline.maxRows = options.maxRows;
  outline.profile = options.profile;
  pm.addPass(createOutlineKernels(outline));
  cleanup(pm);
  pm.addPass(rt::createVerifyHostCalls());
}

static void buildTarget(OpPassManager &pm) {
  // rt, pack.dot4 --> llvm, before memrefs lose their types
  pm.addPass(createConvertRtToLLVM());
  // scf --> cf, vector, memref, ... --> llvm
  pm.addPass(createConvertVectorToSCFPass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createConvertVectorToLLVMPass());
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createConvertIndexToLLVMPass());
  ConvertFuncToLLVMPassOptions func;
  func.useBarePtrCallConv = true; // all shapes are static
  pm.addPass(createConvertFuncToLLVMPass(func));
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  cleanup(pm);
}

void buildStage(Stage stage, OpPassManager &pm,
                const PipelineOptions &options) {
  switch (stage) {
  case Stage::Import:
    pm.addPass(lm::createVerifyModel());
    return;
  case Stage::Quantize:
    return buildQuantize(pm, options);
  case Stage::Pack:
    return buildPack(pm);
  case Stage::Loops:
    return buildLoops(pm, options);
  case Stage::Target:
    return buildTarget(pm);
  case Stage::Module:
    return;
  }
}

namespace {
struct StageOptions : PassPipelineOptions<StageOptions> {
  PassOptions::Option<std::string> activations{
      *this, "activations",
      llvm::cl::desc("as --activations of quant-compile"),
      llvm::cl::init("int8")};
  PassOptions::Option<std::string> level{*this, "level",
                                         llvm::cl::desc("CPU level"),
                                         llvm::cl::init("avx512vnni")};
  PassOptions::Option<int64_t> maxRows{
      *this, "max-rows", llvm::cl::desc("rows of one call of text"),
      llvm::cl::init(256)};
  PassOptions::Option<bool> profile{
      *this, "profile", llvm::cl::desc("mark the end of kernels and barriers"),
      llvm::cl::init(false)};
};
} // namespace

void registerPipelines() {
  std::vector<std::string> names;
  names.reserve(std::size(stageNames));
  for (auto &[stage, text] : stageNames) {
    if (stage == Stage::Module)
      continue;
    names.push_back(text.str() + "-pipeline");
    PassPipelineRegistration<StageOptions>(
        names.back(), "From the stage before to " + text.str(),
        [stage = stage](OpPassManager &pm, const StageOptions &options) {
          PipelineOptions values;
          values.activations = options.activations;
          values.level = options.level;
          values.maxRows = options.maxRows;
          values.profile = options.profile;
          buildStage(stage, pm, values);
        });
  }
}

} // namespace lowbit
