//===- Graph.h - Values and nodes of an ONNX graph --------------*- C++ -*-===//
//-*-===//
//
// A node of ONNX is often part of something that has one op here: codes and
// their scale, x * sigmoid(x), the five nodes of GELU. So a value is not always
// an mlir::Value: it is what is known of it, and becomes ops when the last part
// comes.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_IMPORT_ONNX_GRAPH_H
#define LOWBIT_LIB_IMPORT_ONNX_GRAPH_H

#include "OnnxSource.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <variant>

namespace lowbit::onnx {

/// Reals [product of all dimensions but the last, the last].
struct Rows {
  mlir::Value value;
  std::vector<int64_t> shape; ///< in the graph; all positive
  /// They are a code's values: rounding them again would be another network.
  bool rounded = false;
};

/// QuantizeLinear's result; `rows` has what the codes stand for.
struct Codes {
  Rows rows;
  const Tensor *scale, *zero;
};

/// A result of DynamicQuantizeLinear; `rows` has what the codes stand for.
struct Dynamic {
  enum Part { Code, Scale, Zero } part;
  Rows rows;
};

/// MatMulInteger: a sum of products of codes, which is a layer when both scales
/// are multiplied to it.
struct IntegerProduct {
  Rows rows;
  Constant weight; ///< without scales
};

/// The scale of activations times that of a weight.
struct ScaleProduct {
  mlir::Value of; ///< the activations
  const Tensor *scale;
};

/// A function of rows that only a later node gives a name.
struct Unfinished {
  enum Function {
    Scaled,     ///< factor * x
    Sigmoid,    ///< 1 / (1 + exp(-x))
    Erf,        ///< erf(x / sqrt 2)
    OnePlusErf, ///< 1 + erf(x / sqrt 2)
    TwiceGelu   ///< x (1 + erf(x / sqrt 2))
  } function;
  Rows of;
  float factor = 1; ///< of Scaled
};

/// Rows whose columns are heads, as attention sees them.
struct Heads {
  enum Layout {
    RowsFirst,  ///< [1, S, H, D]
    HeadsFirst, ///< [1, H, S, D]
    Transposed  ///< [1, H, D, S]
  };
  Rows of; ///< [S, H D]
  int64_t heads;
  Layout layout;
  float factor; ///< of every element
};

/// Products of queries and keys, their softmax in the end.
struct Scores {
  Heads q, k;
  float scale;
  bool masked, isSoft;
};

using Item = std::variant<Constant, Rows, Codes, Dynamic, IntegerProduct,
                          ScaleProduct, Unfinished, Heads, Scores>;

/// Builds one function.
class GraphImporter {
public:
  /// `rows`: what the last symbolic dimension of an input is.
  GraphImporter(OnnxSource &source, int64_t rows, mlir::ModuleOp module);

  llvm::Error import(llvm::StringRef function);

private:
  using Handler = llvm::Error (GraphImporter::*)(const Node &node);
  struct Operator {
    const char *domain, *type;
    Handler handler;
  };
  static const Operator kOperators[];
  static const Operator *findOperator(const Node &node);

  // Borders.
  llvm::Error checkOperators();
  void countUses();
  llvm::Error declareInputs();
  llvm::Expected<std::vector<int64_t>> shapeOf(const Border &border);
  llvm::Error returnOutputs();

  // Nodes (Layers.cpp).
  llvm::Error importMatMul(const Node &node);
  llvm::Error importGemm(const Node &node);
  llvm::Error importMatMulNBits(const Node &node);
  llvm::Error importLayerNorm(const Node &node);
  llvm::Error importRmsNorm(const Node &node);
  // (Pointwise.cpp)
  llvm::Error importAdd(const Node &node);
  llvm::Error importMul(const Node &node);
  llvm::Error importDiv(const Node &node);
  llvm::Error importRelu(const Node &node);
  llvm::Error importGelu(const Node &node);
  llvm::Error importFastGelu(const Node &node);
  llvm::Error importSigmoid(const Node &node);
  llvm::Error importErf(const Node &node);
  // (Attention.cpp)
  llvm::Error importSoftmax(const Node &node);
  llvm::Error importMultiHeadAttention(const Node &node);
  // (QuantizedNodes.cpp)
  llvm::Error importQuantize(const Node &node);
  llvm::Error importDequantize(const Node &node);
  llvm::Error importDynamicQuantize(const Node &node);
  llvm::Error importMatMulInteger(const Node &node);
  llvm::Error importQLinearMatMul(const Node &node);
  llvm::Error importQGemm(const Node &node);
  // (ShapeNodes.cpp)
  llvm::Error importConstant(const Node &node);
  llvm::Error importIdentity(const Node &node);
  llvm::Error importCast(const Node &node);
  llvm::Error importTranspose(const Node &node);
  llvm::Error importFlatten(const Node &node);
  llvm::Error importReshape(const Node &node);

  // What nodes have in common.
  llvm::Error fail(const Node &node, const llvm::Twine &message) const;
  /// Input `index`; null if it is left out.
  const Item *input(const Node &node, size_t index) const;
  llvm::Expected<Rows> rowsAt(const Node &node, size_t index) const;
  /// A constant that no scale belongs to.
  llvm::Expected<const Tensor *> tensorAt(const Node &node, size_t index) const;
  llvm::Expected<Constant> constantAt(const Node &node, size_t index) const;
  /// The one element of a constant; nullopt if it is none such.
  static std::optional<float> scalarOf(const Item &item);
  /// A constant's numbers, as DequantizeLinear makes them.
  llvm::Expected<std::vector<float>> realsOf(const Node &node,
                                             const Constant &constant) const;
  static int64_t integerOf(const Node &node, llvm::StringRef attribute,
                           int64_t absent);
  static float realOf(const Node &node, llvm::StringRef attribute,
                      float absent);
  llvm::Error define(const Node &node, Item item, size_t output = 0);

  mlir::RankedTensorType rowsType(int64_t rows, int64_t columns);
  /// Rows of the same shape but for the columns.
  Rows withColumns(const Rows &like, mlir::Value value) const;
  mlir::Value vectorWeight(const Weight &tensor);
  llvm::Expected<mlir::Value> vectorAt(const Node &node, size_t index,
                                       int64_t size);
  /// null where the node has no such input.
  llvm::Expected<mlir::Value> optionalVectorAt(const Node &node, size_t index,
                                               int64_t size);
  mlir::Value constant(int64_t rows, int64_t columns, float value);
  llvm::Expected<Rows> linear(const Node &node, const Rows &x,
                              const Weight &weight, mlir::Value bias);
  /// The node at hand is the only one that ever reads the value.
  bool isReadOnce(mlir::Value value) const;
  /// Adds a vector to the layer that x comes from; false if that cannot be.
  bool addBias(const Rows &x, llvm::StringRef name,
               const std::vector<float> &values);
  llvm::Expected<Rows> roundStatic(const Node &node, const Rows &x,
                                   const Tensor &scale, const Tensor *zero,
                                   const ElementInfo *type);
  llvm::Error addConstant(const Node &node, const Rows &x,
                          const Constant &constant);
  llvm::Error finishGelu(const Node &node, const Rows &x);
  llvm::Error activate(const Node &node, const Rows &x, unsigned function);
  llvm::Error scaleProduct(const Node &node, const IntegerProduct &product,
                           const ScaleProduct &scales);
  /// Whether x seen as `shape` is heads; fills them.
  static bool takeHeads(const Rows &x, llvm::ArrayRef<int64_t> shape,
                        Heads &heads);
  llvm::Error mergeHeads(const Node &node, const Heads &heads,
                         llvm::ArrayRef<int64_t> shape);
  llvm::Error transposeHeads(const Node &node, Heads heads);
  llvm::Error multiplyHeads(const Node &node, const Heads &q, const Heads &k);
  llvm::Error maskScores(const Node &node, Scores scores,
                         const Constant &constant);
  llvm::Error attendScores(const Node &node, const Scores &scores,
                           const Heads &v);
  llvm::Expected<Rows> attend(const Node &node, const Rows &q, const Rows &k,
                              const Rows &v, int64_t heads, float scale,
                              bool masked);
  /// A factor of heads or scores; false if the item is neither.
  static bool scaleItem(Item &item, float factor);
  llvm::Expected<std::vector<int64_t>> shapeAt(const Node &node,
                                               llvm::ArrayRef<int64_t> before);
  llvm::Error reshape(const Node &node, std::vector<int64_t> shape);

  OnnxSource &source;
  int64_t rows;
  mlir::ModuleOp module;
  mlir::ImplicitLocOpBuilder builder;
  mlir::func::FuncOp function;
  llvm::StringMap<Item> items;
  llvm::StringMap<int64_t> uses; ///< of a value's name by nodes and outputs
};

} // namespace lowbit::onnx

#endif // LOWBIT_LIB_IMPORT_ONNX_GRAPH_H
