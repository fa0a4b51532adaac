//===- KernelModule.cpp - Compile functions and call them -----------------===//

#include "KernelModule.h"

#include "Emulator.h"
#include "TileEmulator.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LowBit/IR/LowBitOps.h"
#include "dialects/Pack/IR/PackOps.h"
#include "lib/Driver/Describe.h"
#include "lib/Driver/Weights.h"
#include "lowbit/InitAll.h"
#include "lowbit/Pipelines/Pipelines.h"
#include "lowbit/Target/CPU.h"

#include "gtest/gtest.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FileSystem.h"

#include <cmath>
#include <cstring>

using namespace mlir;

namespace lowbit::test {

std::vector<const TargetInfo *> levelsOfThisCpu() {
  std::vector<const TargetInfo *> levels;
  for (const TargetInfo &target : knownTargets())
    if (hostRuns(target))
      levels.push_back(&target);
  return levels;
}

/// Those levels; and on a CPU without AMX its loops, once with pack.tile_dot as
/// a loop and once as its instructions, which are emulated. The rest of level
/// amx is avx512vnni.
static std::vector<TestLevel> testLevels() {
  std::vector<TestLevel> levels;
  for (const TargetInfo *target : levelsOfThisCpu())
    levels.push_back(*target);
  const TargetInfo &amx = *findTarget("amx");
  const TargetInfo &base = *findTarget("avx512vnni");
  if (hostRuns(amx) || !hostRuns(base))
    return levels;
  TestLevel loops = base;
  loops.loops = "amx";
  loops.target.level = "amx-by-dot4";
  loops.onlyForTiles = true;
  levels.push_back(loops);
  if (!emulateTiles())
    return levels;
  TestLevel tiles = amx;
  tiles.target.level = "amx-emulated";
  tiles.onlyForTiles = true;
  tiles.target.abiFeatures = base.abiFeatures;
  levels.push_back(tiles);
  return levels;
}

std::string typeOf(int64_t rows, int64_t columns, const Scheme &scheme) {
  return "!lowbit.tensor<" + std::to_string(rows) + "x" +
         std::to_string(columns) + ", #lowbit.scheme<" + scheme.str() + ">>";
}

std::string typeOf(const LowBits &weight) {
  std::string type =
      typeOf(int64_t(weight.rows.size()), weight.columns, weight.scheme);
  if (!weight.permutation.empty())
    type.insert(type.size() - 1, ", permuted");
  return type;
}

std::string declarationOf(const std::string &name, const LowBits &weight) {
  std::string type = typeOf(weight), order, what;
  if (!weight.permutation.empty()) {
    std::string indices = "tensor<" + std::to_string(weight.columns) + "xi32>";
    order = "  %p = lm.weight \"" + name + ".permutation\" : " + indices + "\n";
    what = " permuted %p";
    type += ", " + indices;
  }
  return order + "  %w = lm.weight \"" + name + "\"" + what + " : " + type +
         "\n";
}

std::vector<float> floats(const Reals &reals) {
  return {reals.data.begin(), reals.data.end()};
}

/// One for all modules: to fill it takes longer than to compile a function.
static MLIRContext &context() {
  static auto *context = [] {
    DialectRegistry registry;
    registerDialects(registry);
    return new MLIRContext(registry, MLIRContext::Threading::DISABLED);
  }();
  return *context;
}

KernelModule::~KernelModule() {
  for (const Loaded &loaded : loaded_)
    qrt_unload(loaded.model);
  if (!emulated_.empty())
    llvm::sys::fs::remove(emulated_);
}

//===- Contents -----------------------------------------------------------===//

void KernelModule::weight(const std::string &name, const LowBits &weight) {
  WeightImage image;
  image.name = name;
  image.sourceType = "test";
  image.scheme = weight.scheme;
  image.rows = static_cast<int64_t>(weight.rows.size());
  image.columns = weight.columns;
  image.readRow = [rows = weight.rows](int64_t row, RowFields &fields) {
    fields = rows[static_cast<size_t>(row)];
  };
  weights_.push_back(std::move(image));
  if (weight.permutation.empty())
    return;
  WeightImage permutation;
  permutation.name = name + ".permutation";
  permutation.sourceType = "test";
  permutation.columns = weight.columns;
  permutation.isVector = true;
  permutation.indices = weight.permutation;
  weights_.push_back(std::move(permutation));
}

void KernelModule::table(const std::string &name, const Reals &weight) {
  LowBits low{Scheme::ofFloat(FieldType::F32), weight.columns(), {}};
  for (int64_t r = 0; r < weight.rows(); ++r) {
    RowFields &row = low.rows.emplace_back();
    row.resize(low.scheme, low.columns);
    row.reals.assign(weight.row(r), weight.row(r) + low.columns);
  }
  this->weight(name, low);
}

void KernelModule::model(int64_t vocabulary, int64_t embedding) {
  attributes_ =
      "attributes {lm.model = {vocabulary = " + std::to_string(vocabulary) +
      ", embedding = " + std::to_string(embedding) +
      ", layers = 1, heads = 1, context = 512}} ";
}

std::optional<Scheme>
KernelModule::activations(const std::string &weight) const {
  auto found = activations_.find(weight);
  if (found == activations_.end())
    return std::nullopt;
  return found->second;
}

//===- Compiling ----------------------------------------------------------===//

namespace {

/// The steps of lib/Driver/Compile.cpp behind the source of the weights.
class Steps {
public:
  Steps(const std::string &text, const std::string &activations,
        int64_t maxRows)
      : module(parseSourceString<ModuleOp>(text, &context())),
        maxRows(maxRows) {
    options.activations = activations;
    options.maxRows = maxRows;
    image.producer = "KernelTests";
    image.metadata = std::string(8, '\0');
  }

  bool run(ModuleOp module, Stage stage) {
    PassManager pm(&context());
    buildStage(stage, pm, options);
    return succeeded(pm.run(module));
  }

  llvm::Error front() {
    auto error = [](const char *what) {
      return llvm::createStringError(llvm::inconvertibleErrorCode(), what);
    };
    if (!module)
      return error("the test's IR does not parse");
    if (!run(*module, Stage::Quantize))
      return error("quantize");
    noteActivations();
    if (!run(*module, Stage::Pack))
      return error("pack");
    if (llvm::Error failed = collectWeights(*module, nullptr, image.weights))
      return failed;
    return describeFunctions(*module, maxRows, image);
  }

  /// `loops`, `instructions`: the levels that these stages generate.
  static bool hasTiles(ModuleOp module) {
    return module.walk([](pack::TileDotOp) { return WalkResult::interrupt(); })
        .wasInterrupted();
  }

  /// Empty: not worth a test.
  llvm::Expected<std::string> code(const TestLevel &level) {
    OwningOpRef<ModuleOp> copy = module->clone();
    options.level = level.loops;
    if (!run(*copy, Stage::Loops))
      return llvm::createStringError("loops");
    if (level.onlyForTiles && !hasTiles(*copy))
      return "";
    needs.push_back(
        {copy->getOperation()->getAttrOfType<DictionaryAttr>("rt.functions"),
         copy->getOperation()->getAttrOfType<ArrayAttr>("rt.weights")});
    copy->getOperation()->setAttr(
        "rt.level", StringAttr::get(&context(), level.instructions));
    if (!run(*copy, Stage::Target))
      return llvm::createStringError("target");
    return compileLevel(*copy, level.target);
  }

  llvm::Error write(llvm::ArrayRef<TestLevel> levels,
                    const std::string &path) {
    std::vector<std::string> objects, names;
    for (const TestLevel &level : levels) {
      auto object = code(level);
      if (!object)
        return object.takeError();
      if (object->empty())
        continue;
      image.levels.push_back(&level.target);
      objects.push_back(std::move(*object));
    }
    if (llvm::Error failed = nameEntries(needs, image))
      return failed;
    for (const FunctionImage &function : image.functions)
      names.push_back(function.name);
    auto table = compileCodeTable(image.levels, names);
    if (!table)
      return table.takeError();
    objects.push_back(std::move(*table));
    std::string code = path + ".code";
    if (llvm::Error failed = linkSharedObject(objects, code))
      return failed;
    llvm::Error result =
        writeModule(code, image, path, [](uint64_t, uint64_t) {});
    llvm::sys::fs::remove(code);
    return result;
  }

  void noteActivations() {
    module->walk([&](LinearOp linear) {
      auto weight = linear.getWeight().getDefiningOp<lm::WeightOp>();
      if (auto low = dyn_cast<TensorType>(linear.getX().getType()))
        activations[weight.getName().str()] = low.getScheme().getScheme();
    });
  }

  OwningOpRef<ModuleOp> module;
  int64_t maxRows;
  PipelineOptions options;
  ModuleImage image;
  std::vector<LevelNeeds> needs;
  std::map<std::string, Scheme> activations;
};

} // namespace

std::string KernelModule::compile(const std::string &activations,
                                  llvm::ArrayRef<TestLevel> levels,
                                  const std::string &path) {
  Steps steps("module " + attributes_ + "{\n" + text_ + "}\n", activations,
              kMaxRows);
  steps.image.weights = weights_;
  if (llvm::Error failed = steps.front())
    return llvm::toString(std::move(failed));
  activations_ = steps.activations;
  std::string failed = llvm::toString(steps.write(levels, path));
  compiled_.clear();
  for (const TargetInfo *level : steps.image.levels)
    compiled_.push_back(level->level);
  return failed;
}

void KernelModule::build(const std::string &activations) {
  llvm::SmallString<128> path;
  ASSERT_FALSE(llvm::sys::fs::createTemporaryFile("kernel", "so", path));
  std::string file(path);
  std::vector<TestLevel> levels = testLevels();
  std::string failed = compile(activations, levels, file);
  emulateTiles(); // LLVM has taken the signal, for files to remove
  EXPECT_EQ(failed, "") << text_;
  if (failed.empty())
    for (const std::string &level : compiled_) {
      qrt_load_options options = {};
      options.threads = 2;
      options.level = level.c_str();
      options.verify = "never";
      Loaded loaded{level, nullptr};
      qrt_status status = qrt_load(file.c_str(), &options, &loaded.model);
      EXPECT_EQ(status, QRT_OK) << qrt_last_error();
      if (status == QRT_OK)
        loaded_.push_back(loaded);
    }
  llvm::sys::fs::remove(file); // mapped by now
  if (!failed.empty() || !emulatorMissing().empty())
    return;
  ASSERT_FALSE(llvm::sys::fs::createTemporaryFile("aarch64", "so", path));
  emulated_ = std::string(path);
  levels.clear();
  for (const char *level : kEmulatedLevels)
    levels.push_back(*findTarget(level));
  EXPECT_EQ(compile(activations, levels, emulated_), "") << text_;
}

//===- Calling ------------------------------------------------------------===//

template <class Run>
std::vector<LevelResult> KernelModule::atEveryLevel(int64_t outputs, Run run) {
  std::vector<LevelResult> results;
  for (const Loaded &loaded : loaded_) {
    std::vector<float> first;
    for (int32_t threads : {2, 1}) {
      EXPECT_EQ(qrt_set_threads(loaded.model, threads), QRT_OK);
      // What no kernel writes stays this, and is equal to nothing.
      std::vector<float> values(static_cast<size_t>(outputs), NAN);
      EXPECT_EQ(run(loaded.model, values.data()), QRT_OK) << qrt_last_error();
      if (threads == 1) {
        EXPECT_EQ(std::memcmp(values.data(), first.data(),
                              values.size() * sizeof(float)),
                  0)
            << loaded.level << ": 1 and 2 threads differ";
        results.push_back({loaded.level, std::move(values)});
      } else {
        first = std::move(values);
      }
    }
  }
  return results;
}

std::vector<LevelResult>
KernelModule::call(const std::string &function,
                   const std::vector<const void *> &inputs, int64_t outputs) {
  auto results = atEveryLevel(outputs, [&](qrt_model *model, float *out) {
    std::vector<void *> arguments;
    for (const void *input : inputs)
      arguments.push_back(const_cast<void *>(input));
    arguments.push_back(out);
    return qrt_call(model, qrt_function_find(model, function.c_str()),
                    arguments.data());
  });
  if (emulated_.empty() || loaded_.empty())
    return results;
  for (const char *level : kEmulatedLevels) {
    LevelResult result{level, std::vector<float>(size_t(outputs), NAN)};
    EXPECT_EQ(callEmulated(emulated_, level, loaded_[0].model, function,
                           inputs, result.values),
              "");
    results.push_back(std::move(result));
  }
  return results;
}

std::vector<LevelResult> KernelModule::decode(int32_t rows, int64_t outputs,
                                              int32_t past) {
  return atEveryLevel(outputs, [&](qrt_model *model, float *out) {
    qrt_session *session = nullptr;
    qrt_status status = qrt_session_create(model, nullptr, &session);
    std::vector<int32_t> ids(static_cast<size_t>(std::max(rows, past)));
    if (status == QRT_OK)
      status = qrt_append(session, ids.data(), past, 0, nullptr);
    if (status == QRT_OK)
      status = qrt_append(session, ids.data(), rows, rows, out);
    qrt_session_destroy(session);
    return status;
  });
}

} // namespace lowbit::test
