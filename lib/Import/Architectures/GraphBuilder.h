//===- GraphBuilder.h - The parts decoders are built from -------*- C++ -*-===//
//
// Builds the function `text` op by op. Each family's file composes these parts;
// what differs between families is an argument, never a test of the
// architecture's name.
//
// The first problem with a tensor is kept and building goes on with a weight of
// the expected shape, so that no part has to look for errors.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_IMPORT_ARCHITECTURES_GRAPHBUILDER_H
#define LOWBIT_IMPORT_ARCHITECTURES_GRAPHBUILDER_H

#include "lib/Import/Architectures/HyperParameters.h"

#include "lowbit/Import/Importers.h"

#include "dialects/LM/IR/LMOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <map>

namespace lowbit {

/// A size and the key that says so, for the message when a tensor disagrees.
struct Dimension {
  int64_t size;
  std::string key;
};

struct AttentionOptions {
  lm::RopeStyle rope = lm::RopeStyle::Halves;
  mlir::Value ropeTable;      ///< null: heads are not rotated
  bool headNorms = false;     ///< norms of each head of queries and keys
  bool biasRequired = false;  ///< of queries, keys and values
  int64_t window = 0;         ///< 0: all positions
  std::optional<float> scale; ///< of the scores; absent: the keys' own
  llvm::StringRef outputNorm; ///< in front of attn_output; empty: none
};

class GraphBuilder {
public:
  GraphBuilder(const ModelSource &source, const HyperParameters &hp,
               const TextResult &result, const ImportOptions &options,
               mlir::MLIRContext *context);

  const HyperParameters &hp;
  const TextResult &result;
  const ModelSource &source;

  //===- Parts, in the order a model uses them ---------------------------===//

  mlir::Value embed(float scale);
  /// The table of all heads that rotate alike; `rope_freqs.weight` included.
  mlir::Value ropeTable(float base, const RopeScaling &scaling);
  /// What follows belongs to layer `layer`.
  void beginLayer(int64_t layer);
  mlir::Value norm(mlir::Value x, llvm::StringRef name);
  mlir::Value attention(mlir::Value x, const AttentionOptions &options);
  /// `hiddenNorm` stands in front of ffn_down; empty: none.
  mlir::Value feedForward(mlir::Value x, lm::Activation function,
                          llvm::StringRef hiddenNorm = {});
  /// The same without a gate.
  mlir::Value plainFeedForward(mlir::Value x, lm::Activation function);
  mlir::Value add(mlir::Value lhs, mlir::Value rhs);
  /// The residual after the layer: probed if asked for.
  void endLayer(mlir::Value x);
  /// The rows asked for, normalized, times the head (or the embedding's table);
  /// where embeddings are wanted, the normalized rows pooled.
  void head(mlir::Value x);

  //===- Parts of encoders -----------------------------------------------===//

  /// Rows of a learned table by position or by type of token.
  mlir::Value embedPositions();
  mlir::Value embedTypes();
  mlir::Value layerNorm(mlir::Value x, llvm::StringRef name);
  /// Means of the rows asked for, and behind them the classifier if there is
  /// one: `cls` with tanh, then `cls.output`.
  void pool(mlir::Value x);
  /// Ternary matrices whose source does not say how their inputs are rounded
  /// round them so.
  void setTernaryInputs(const InputRounding *rounding) {
    ternaryInputs = rounding;
  }

  /// What the list of booleans under `name` says of each layer; empty if there
  /// is no such list.
  std::vector<bool> layerPattern(llvm::StringRef name);

  bool failed() const { return !problem.empty(); }
  void fail(const llvm::Twine &message);
  /// The finished module, or the first problem.
  llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> take();

private:
  mlir::Type rows(int64_t columns);
  /// "blk.3.attn_q" + ".weight" inside a layer, the bare name outside.
  std::string tensorName(llvm::StringRef name, llvm::StringRef suffix) const;
  bool has(const std::string &name) const { return source.find(name); }
  void checkShape(const SourceTensor &tensor, llvm::ArrayRef<Dimension> shape);
  mlir::Value weight(const std::string &name, mlir::Type type,
                     const std::vector<int32_t> &permutation = {});
  mlir::Value matrix(const std::string &name, Dimension rows,
                     Dimension columns);
  mlir::Value vector(const std::string &name, Dimension size);
  mlir::Value constant(llvm::ArrayRef<float> values);
  mlir::Value rmsNorm(mlir::Value x, const std::string &name, Dimension size);
  mlir::Value linear(mlir::Value x, llvm::StringRef name, Dimension outputs,
                     Dimension inputs, bool biasRequired = false);
  mlir::Value embedRows(mlir::Value indices, mlir::Value table);
  mlir::Value means(mlir::Value x);
  mlir::Value activate(mlir::Value x, lm::Activation function);
  mlir::DictionaryAttr modelAttribute();
  /// `x` as the layer of `weight` sees it.
  mlir::Value roundedInput(mlir::Value x, const std::string &weight);
  void checkAllUsed();

  ImportOptions options;
  mlir::ImplicitLocOpBuilder builder;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp function;
  mlir::Value kv; ///< the store as the last append left it
  int64_t layer = -1;
  std::string prefix;
  llvm::StringMap<mlir::Value> weights;
  const InputRounding *ternaryInputs = nullptr;
  llvm::DenseMap<std::pair<mlir::Value, const InputRounding *>, mlir::Value>
      roundedInputs; ///< layers that read one value share what is made of it
  /// One constant for equal orders of columns: their layers share rows.
  std::map<std::vector<int32_t>, mlir::Value> permutations;
  mlir::Operation *lastWeight = nullptr;
  std::string problem;
};

} // namespace lowbit

#endif // LOWBIT_IMPORT_ARCHITECTURES_GRAPHBUILDER_H
