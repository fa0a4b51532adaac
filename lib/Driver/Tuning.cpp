//===- Tuning.cpp - Choices for kernels, read and measured ----------------===//
//
// One choice after another is measured, each with the best of those before it:
// a layer of random weights in the product's scheme, by quant-bench, as a share
// of the ceiling probed in the same run. A candidate must gain 2 % to be taken,
// so that noise does not decide.
//
//===----------------------------------------------------------------------===//

#include "Tuning.h"

#include "dialects/Pack/IR/PackOps.h"
#include "lowbit/Conversion/Kernels.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

#include <map>

using namespace mlir;

namespace lowbit {

namespace {

llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// The file as JSON; an empty object if there is none and `mayMiss`.
llvm::Expected<llvm::json::Object> load(llvm::StringRef path, bool mayMiss) {
  auto file = llvm::MemoryBuffer::getFile(path);
  if (!file && mayMiss)
    return llvm::json::Object();
  if (!file)
    return failure("cannot read the tuning file " + path + ": " +
                   file.getError().message());
  auto parsed = llvm::json::parse((*file)->getBuffer());
  if (!parsed)
    return failure(path + ": " + llvm::toString(parsed.takeError()));
  if (llvm::json::Object *object = parsed->getAsObject())
    return std::move(*object);
  return failure(path + ": expected an object of CPU levels");
}

/// The file is there whole or as it was.
llvm::Error save(llvm::StringRef path, const llvm::json::Object &object) {
  return llvm::writeToOutput(path, [&](llvm::raw_ostream &os) -> llvm::Error {
    os << llvm::formatv("{0:2}", llvm::json::Value(llvm::json::Object(object)))
       << "\n";
    return llvm::Error::success();
  });
}

/// One matrix product: what it depends on, and a layer like it.
struct Product {
  std::string scheme, activations, columns;
  int64_t rows = 0; ///< of the largest such weight
};

/// In the order of the module.
using Products = llvm::MapVector<std::string, Product,
                                 std::map<std::string, unsigned>>;

class Tuner {
public:
  Tuner(llvm::StringRef path, const TargetInfo &target, Console &console)
      : path(path), target(target), console(console) {}

  llvm::Error run(ModuleOp module) {
    auto loaded = load(path, /*mayMiss=*/true);
    if (!loaded)
      return loaded.takeError();
    file = std::move(*loaded);
    if (llvm::Error error = findBench())
      return error;
    Products products;
    module.walk([&](pack::LinearOp linear) { add(linear, products); });
    console.begin("tune");
    total = products.size() * kMeasurements;
    for (auto &[key, product] : products)
      if (llvm::Error error = tuneOne(key, product))
        return error;
    return llvm::Error::success();
  }

private:
  llvm::Error findBench() {
    std::string self = llvm::sys::fs::getMainExecutable(
        nullptr, reinterpret_cast<void *>(&lowbit::tune));
    llvm::SmallString<128> beside(llvm::sys::path::parent_path(self));
    llvm::sys::path::append(beside, "quant-bench");
    bench = std::string(beside);
    if (llvm::sys::fs::can_execute(bench))
      return llvm::Error::success();
    return failure("--tune measures with quant-bench, which is not beside "
                   "quant-compile: expected " + bench);
  }

  void add(pack::LinearOp linear, Products &products) {
    auto type = linear.getPanels().getType();
    PanelLayout panel(type.getScheme().getScheme(), type.getColumns(),
                      type.getLayout().getUnit());
    auto rows = linear.getRows().getDefiningOp<pack::RowsOp>();
    std::string key = linearKey(panel, rowsLayout(rows, target));
    auto [scheme, rest] = llvm::StringRef(key).split("; ");
    auto [activations, columns] = rest.split("; ");
    Product &product = products[key];
    product.scheme = scheme.str();
    product.activations = activations.str();
    product.columns = columns.str();
    product.rows = std::max<int64_t>(product.rows, type.getRows());
  }

  /// A share of the ceiling for `count` rows, with `words`; of 3 samples.
  llvm::Expected<double> measure(const std::string &key, const Product &product,
                                 int64_t count, const std::string &words) {
    console.progress(++done, total);
    llvm::SmallString<128> tuning, output;
    if (llvm::sys::fs::createTemporaryFile("lowbit-tuning", "json", tuning) ||
        llvm::sys::fs::createTemporaryFile("lowbit-bench", "json", output))
      return failure("cannot make a temporary file; set TMPDIR");
    llvm::FileRemover removeTuning(tuning), removeOutput(output);
    llvm::json::Object choices{{key, words}};
    if (llvm::Error error = save(
            tuning, llvm::json::Object{{target.level, std::move(choices)}}))
      return std::move(error);
    // A head of 100,000 rows is as fast as one of 8192.
    std::string shape = product.columns + "x" +
                        std::to_string(std::min<int64_t>(product.rows, 8192));
    std::string m = std::to_string(count);
    llvm::StringRef arguments[] = {
        bench, "--linear", shape, "--scheme", product.scheme, "--activations",
        product.activations, "--m", m, "-t", "1", "-r", "3", "-o", "json",
        "--tuning", tuning};
    std::optional<llvm::StringRef> redirects[] = {"", output.str(), ""};
    if (llvm::sys::ExecuteAndWait(bench, arguments, std::nullopt, redirects))
      return failure("--tune: quant-bench --linear " + shape + " --scheme '" +
                     product.scheme + "' failed");
    return shareOf(output, count == 1);
  }

  static llvm::Expected<double> shareOf(llvm::StringRef output, bool ofMemory) {
    auto text = llvm::MemoryBuffer::getFile(output);
    auto parsed = llvm::json::parse(text ? (*text)->getBuffer() : "");
    if (!parsed)
      return parsed.takeError();
    auto *rows = parsed->getAsArray();
    auto *row = rows && !rows->empty() ? rows->front().getAsObject() : nullptr;
    auto share = row ? row->getNumber(ofMemory ? "share_of_bandwidth"
                                               : "share_of_peak")
                     : std::nullopt;
    if (!share)
      return failure("--tune: quant-bench wrote no " + output);
    return *share;
  }

  /// The best of `candidates` behind `words`, which they may leave as they are.
  llvm::Error choose(const std::string &key, const Product &product,
                     int64_t count, llvm::ArrayRef<std::string> candidates,
                     std::string &words) {
    auto before = measure(key, product, count, words);
    if (!before)
      return before.takeError();
    double best = *before;
    std::string winner = words;
    for (const std::string &candidate : candidates) {
      std::string all = words.empty() ? candidate : words + " " + candidate;
      auto share = measure(key, product, count, all);
      if (!share) // such as a choice that this product does not have
        llvm::consumeError(share.takeError());
      else if (*share > 1.02 * best)
        best = *share, winner = all;
    }
    console.note(llvm::formatv("{0}, {1} row(s): {2:f1} -> {3:f1} % {4}", key,
                               count, 100 * *before, 100 * best, winner)
                     .str());
    words = winner;
    return llvm::Error::success();
  }

  llvm::Error tuneOne(const std::string &key, const Product &product) {
    struct Step {
      int64_t count;
      std::vector<std::string> candidates;
    } steps[] = {
        {256, {"tile=8x3", "tile=6x2", "tile=4x3", "tile=3x2", "tile=4x2",
               "tile=4x1", "tile=2x1"}},
        {256, {"unpack=0", "unpack=1"}},
        {256, {"block=131072", "block=262144", "block=786432"}},
        {8, {"once=8", "once=4", "once=2"}},
        {16, {"stream=8", "stream=6", "stream=4", "stream=2"}},
        {1, {"ahead=2048", "ahead=4096", "ahead=12288"}},
    };
    std::string words;
    for (const Step &step : steps)
      if (llvm::Error error =
              choose(key, product, step.count, step.candidates, words))
        return error;
    llvm::json::Value &level =
        file.try_emplace(target.level, llvm::json::Object()).first->second;
    if (llvm::json::Object *object = level.getAsObject())
      (*object)[key] = words;
    return save(path, file);
  }

  llvm::StringRef path;
  const TargetInfo &target;
  Console &console;
  /// Of a product: six choices, and their candidates.
  static constexpr uint64_t kMeasurements = 6 + 22;
  uint64_t done = 0, total = 0;
  llvm::json::Object file;
  std::string bench;
};

} // namespace

llvm::Error readTuning(llvm::StringRef path, ModuleOp module) {
  auto file = load(path, /*mayMiss=*/false);
  if (!file)
    return file.takeError();
  Builder b(module.getContext());
  llvm::SmallVector<NamedAttribute> levels;
  for (auto &[level, products] : *file) {
    if (!findTarget(level))
      return failure(path + ": '" + level.str() + "' is no CPU level");
    auto *object = products.getAsObject();
    if (!object)
      return failure(path + ": expected an object of products for " +
                     level.str());
    llvm::SmallVector<NamedAttribute> choices;
    for (auto &[key, words] : *object) {
      auto text = words.getAsString();
      if (!text)
        return failure(path + ": " + key.str() +
                       ": expected words such as \"tile=3x2\"");
      // Whether this product has such choices, code generation knows.
      LinearPlan any;
      any.canUnpack = true;
      std::string problem = applyChoices(*text, any);
      if (!problem.empty())
        return failure(path + ": " + level.str() + ", " + key.str() + ": " +
                       problem);
      choices.push_back(b.getNamedAttr(key.str(), b.getStringAttr(*text)));
    }
    levels.push_back(
        b.getNamedAttr(level.str(), b.getDictionaryAttr(choices)));
  }
  module->setAttr("rt.tuning", b.getDictionaryAttr(levels));
  return llvm::Error::success();
}

llvm::Error tune(llvm::StringRef path, ModuleOp module,
                 const TargetInfo &target, Console &console) {
  if (!hostRuns(target))
    return failure("--tune measures on this machine, which cannot run " +
                   llvm::Twine(target.level));
  return Tuner(path, target, console).run(module);
}

} // namespace lowbit
