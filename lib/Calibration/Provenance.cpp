//===- Provenance.cpp - What a quantized model was made of ----------------===//

#include "Provenance.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"

namespace lowbit {

/// Without its folders, which are nobody else's concern.
static std::string fileName(llvm::StringRef path) {
  return llvm::sys::path::filename(path).str();
}

static llvm::json::Object ruleOf(const TensorRule &rule) {
  llvm::json::Object result{{"match", rule.match},
                            {"scheme", rule.scheme},
                            {"algorithm", wordOf(rule.algorithm)}};
  if (rule.lowRank)
    result["low-rank"] = rule.lowRank;
  if (rule.isOptional)
    result["optional"] = true;
  if (rule.fallsBack)
    result["fallback"] = true;
  return result;
}

std::string recipeText(const Recipe &recipe, bool keepsFolders) {
  auto file = [&](const std::string &path) {
    return keepsFolders ? path : fileName(path);
  };
  llvm::json::Array rules;
  for (const TensorRule &rule : recipe.tensors)
    rules.push_back(ruleOf(rule));
  llvm::json::Object root{{"name", recipe.name}, {"tensors", std::move(rules)}};
  if (!recipe.rotate.empty())
    root["rotate"] = recipe.rotate;
  if (recipe.scale != Scaling::None)
    root["scale"] = recipe.scale == Scaling::AWQ ? "awq" : "smoothquant";
  if (recipe.scale == Scaling::SmoothQuant)
    root["alpha"] = recipe.alpha;
  if (!recipe.activations.empty())
    root["activations"] = recipe.activations;
  if (!recipe.kv.empty())
    root["kv"] = recipe.kv;
  if (recipe.rotateHeads)
    root["rotate-heads"] = true;
  if (!recipe.importance.empty())
    root["importance"] = file(recipe.importance);
  const CalibrationText &text = recipe.calibration;
  if (!text.path.empty())
    root["calibration"] = llvm::json::Object{{"text", file(text.path)},
                                             {"sequences", text.sequences},
                                             {"length", text.length},
                                             {"seed", int64_t(text.seed)}};
  return llvm::formatv("{0:2}", llvm::json::Value(std::move(root)));
}

static uint64_t hashOf(const SourceTensor &tensor) {
  if (tensor.data)
    return llvm::xxh3_64bits(
        llvm::ArrayRef<uint8_t>(tensor.data, size_t(tensor.bytes)));
  std::vector<float> row(size_t(tensor.columns()));
  uint64_t hash = 0;
  for (int64_t i = 0; i < tensor.rows(); ++i) {
    tensor.readReals(i, row.data());
    llvm::ArrayRef<uint8_t> bytes(reinterpret_cast<const uint8_t *>(row.data()),
                                  row.size() * sizeof(float));
    uint64_t pair[2] = {hash, llvm::xxh3_64bits(bytes)};
    hash = llvm::xxh3_64bits(llvm::ArrayRef<uint8_t>(
        reinterpret_cast<const uint8_t *>(pair), sizeof pair));
  }
  return hash;
}

std::string sourceHash(const ModelSource &source, ThreadPool &pool) {
  llvm::ArrayRef<SourceTensor> tensors = source.tensors();
  std::vector<uint64_t> hashes(tensors.size());
  pool.forEach(int64_t(tensors.size()), [&](int64_t i) {
    hashes[size_t(i)] = hashOf(tensors[size_t(i)]);
  });
  std::string text;
  llvm::raw_string_ostream os(text);
  for (size_t i = 0; i < tensors.size(); ++i) {
    os << tensors[i].name << ' ' << tensors[i].format->name;
    for (int64_t size : tensors[i].shape)
      os << ' ' << size;
    os << ' ' << llvm::utohexstr(hashes[i], true, 16) << '\n';
  }
  return "xxh3-64:" + llvm::utohexstr(llvm::xxh3_64bits(text), true, 16);
}

} // namespace lowbit
