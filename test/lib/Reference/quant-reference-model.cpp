//===- quant-reference-model.cpp - A model file, evaluated slowly ---------===//
//
//   quant-reference-model MODEL.gguf --tokens=1,2,3 [--logits=OUT.f32]
//                         [--activations=int8|per-token|f32] [--kv-f32]
//
// What the model answers after the last token, by the reference: the five
// likeliest ids on stdout, all logits to a file of f32. One to two seconds a
// token for 135M weights.
//
//===----------------------------------------------------------------------===//

#include "test/lib/Reference/ModelWeights.h"

#include "lowbit/Import/Importers.h"
#include "lowbit/Transforms/Passes.h"

#include "dialects/LM/IR/LMOps.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <numeric>

using namespace mlir;
using namespace lowbit;
using namespace lowbit::reference;

namespace cl = llvm::cl;
static cl::opt<std::string> model(cl::Positional, cl::Required);
static cl::list<int> tokens("tokens", cl::CommaSeparated, cl::OneOrMore);
static cl::opt<std::string> logitsFile("logits");
static cl::opt<std::string> activations("activations", cl::init("f32"));
static cl::opt<bool> kvF32("kv-f32");

static int fail(const llvm::Twine &message) {
  llvm::errs() << message << "\n";
  return 1;
}

/// Arguments of the function `text` for one sequence, logits of its last row.
static SmallVector<ValueRef> argumentsOf(func::FuncOp text) {
  auto count = static_cast<int64_t>(tokens.size());
  Indices ids({count}), positions({count}), last({1});
  llvm::copy(tokens, ids.data.begin());
  std::iota(positions.data.begin(), positions.data.end(), 0);
  last.data = {static_cast<int32_t>(count - 1)};
  auto rows = cast<RankedTensorType>(text.getArgumentTypes()[1]);
  auto kv = cast<lm::KVType>(text.getArgumentTypes()[4]);
  return {share(ids), share(Reals({count, rows.getDimSize(1)})),
          share(positions), share(last),
          share(KVStore(kv.getLayers(), kv.getHeads(), kv.getDim(),
                        elementOf(kv), Batch::ofOneSequence(count)))};
}

static int report(const Reals &logits) {
  std::vector<size_t> order(logits.data.size());
  std::iota(order.begin(), order.end(), size_t(0));
  size_t shown = std::min<size_t>(5, order.size());
  std::partial_sort(
      order.begin(), order.begin() + static_cast<std::ptrdiff_t>(shown),
      order.end(),
      [&](size_t a, size_t b) { return logits.data[a] > logits.data[b]; });
  for (size_t i = 0; i < shown; ++i)
    llvm::outs() << order[i] << llvm::format(" %.6f\n", logits.data[order[i]]);
  if (logitsFile.empty())
    return 0;
  std::error_code error;
  llvm::raw_fd_ostream out(logitsFile, error);
  if (error)
    return fail(logitsFile + ": " + error.message());
  std::vector<float> narrow(logits.data.begin(), logits.data.end());
  out.write(reinterpret_cast<const char *>(narrow.data()),
            narrow.size() * sizeof(float));
  return 0;
}

int main(int argc, char **argv) {
  cl::ParseCommandLineOptions(argc, argv);
  auto source = openGGUF(model);
  if (!source)
    return fail(llvm::toString(source.takeError()));
  MLIRContext context;
  ImportOptions options;
  if (kvF32)
    options.kv = KVElement::F32;
  auto module = importModel(**source, &context, options);
  if (!module)
    return fail(llvm::toString(module.takeError()));
  PassManager passes(&context);
  QuantizeModelOptions quantize;
  quantize.activations = activations;
  passes.addPass(createQuantizeModel(quantize));
  if (failed(passes.run(**module)))
    return 1;
  auto text = (*module)->lookupSymbol<func::FuncOp>("text");
  if (!text)
    return fail("the model has no function `text`");
  Evaluator evaluator(weightsOf(**source));
  auto results = evaluator.call(text, argumentsOf(text));
  return failed(results) ? 1 : report(std::get<Reals>(*(*results)[0]));
}
