//===- ImportModel.cpp - Which family builds a model ----------------------===//

#include "lib/Import/Architectures/Architectures.h"

#include "lowbit/Import/Importers.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace lowbit {

namespace {
struct Architecture {
  StringRef name; ///< general.architecture
  void (*build)(GraphBuilder &graph);
  /// Of encoders; null: logits, or embeddings where they are asked for.
  TextResult (*result)(const ModelSource &, const HyperParameters &) = nullptr;
};
} // namespace

static constexpr Architecture kArchitectures[] = {
    {"llama", buildLlama},           {"qwen2", buildQwen2},
    {"qwen3", buildQwen3},           {"gemma3", buildGemma3},
    {"smollm3", buildSmolLM3},       {"phi3", buildPhi3},
    {"bitnet", buildBitNet},         {"bert", buildBert, bertResult},
};

static TextResult resultOf(const Architecture &architecture,
                           const ModelSource &source, const HyperParameters &hp,
                           const ImportOptions &options) {
  if (architecture.result)
    return architecture.result(source, hp);
  TextResult result;
  result.kind = options.embedding ? TextResult::Embedding : TextResult::Logits;
  result.columns = options.embedding ? hp.embedding : hp.vocabulary;
  return result;
}

static const Architecture *findArchitecture(StringRef name) {
  for (const Architecture &architecture : kArchitectures)
    if (architecture.name == name)
      return &architecture;
  return nullptr;
}

/// Something printable and short, whatever the file says.
static std::string quoted(StringRef text) {
  std::string result = "'";
  for (char c : text.take_front(64))
    result += llvm::isPrint(c) ? c : '?';
  return result + "'";
}

llvm::Expected<OwningOpRef<ModuleOp>>
importModel(const ModelSource &source, MLIRContext *context,
            const ImportOptions &options) {
  std::optional<StringRef> name = source.string("general.architecture");
  if (!name)
    return importError(source, "key 'general.architecture' is missing; is "
                               "this a language model?");
  const Architecture *architecture = findArchitecture(*name);
  if (!architecture) {
    auto names = llvm::map_range(
        kArchitectures, [](const Architecture &known) { return known.name; });
    return importError(source, "unknown architecture " + quoted(*name) +
                                   "; known are " + llvm::join(names, ", "));
  }
  llvm::Expected<HyperParameters> hp = readHyperParameters(source, *name);
  if (!hp)
    return hp.takeError();
  TextResult result = resultOf(*architecture, source, *hp, options);
  GraphBuilder graph(source, *hp, result, options, context);
  architecture->build(graph);
  return graph.take();
}

} // namespace lowbit
