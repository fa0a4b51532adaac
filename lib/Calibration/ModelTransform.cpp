//===- ModelTransform.cpp - Rotations and scalings of a model -------------===//

#include "ModelTransform.h"

#include "Correction.h"

#include "lowbit/Calibration/Calibrate.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LM/Transforms/Passes.h"
#include "dialects/LowBit/IR/LowBitDialect.h"
#include "lowbit/Import/Importers.h"

#include "mlir/Pass/PassManager.h"

using namespace mlir;

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

template <typename Op> static bool hasAny(ModuleOp module) {
  return module.walk([](Op) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

static llvm::Error runPasses(ModuleOp module, const Recipe &recipe) {
  PassManager pm(module.getContext());
  if (recipe.scale != Scaling::None)
    pm.addPass(lm::createScaleInputs());
  if (!recipe.rotate.empty()) {
    lm::RotateInputsOptions rotate;
    rotate.match = recipe.rotate;
    pm.addPass(lm::createRotateInputs(rotate));
    pm.addPass(lm::createFoldRotations());
  }
  if (recipe.rotateHeads)
    pm.addPass(lm::createRotateHeads());
  if (failed(pm.run(module)))
    return failure("recipe " + recipe.name + ": its passes failed (see above)");
  if (recipe.scale != Scaling::None && !hasAny<lm::ScaleOp>(module))
    return failure("recipe " + recipe.name +
                   ": scale: no input of this model's matrices can be scaled; "
                   "take it out");
  if (!recipe.rotate.empty() && !hasAny<lm::RotateOp>(module))
    return failure("recipe " + recipe.name + ": rotate: '" + recipe.rotate +
                   "' is the whole name of no matrix whose input can be "
                   "rotated; take it out");
  return llvm::Error::success();
}

llvm::Error prepareModel(ModuleOp module, const Recipe &recipe,
                         const ModelSource &source) {
  if (llvm::Error error = runPasses(module, recipe))
    return error;
  if (failed(useComputedWeights(module, source)))
    return failure("recipe " + recipe.name + ": cannot fold (see above)");
  if (failed(useCorrections(module, source)))
    return failure("recipe " + recipe.name +
                   ": cannot add corrections of low rank (see above)");
  return llvm::Error::success();
}

llvm::Expected<TransformedModel>
transformModel(std::unique_ptr<ModelSource> source, const Recipe &recipe) {
  TransformedModel result;
  std::unique_ptr<MLIRContext> context = makeContext();
  auto module = importModel(*source, context.get(), ImportOptions());
  if (!module)
    return module.takeError();
  if (llvm::Error error = runPasses(**module, recipe))
    return std::move(error);
  result.factorsOf = factorsOfWeights(**module);
  auto model = std::make_unique<QuantizedSource>(std::move(source));
  if (failed(computeWeights(**module, *model, result.factors)))
    return failure("recipe " + recipe.name + ": cannot fold (see above)");
  result.source = std::move(model);
  return std::move(result);
}

} // namespace lowbit
