//===- GraphBuilder.cpp - The parts decoders are built from ---------------===//

#include "lib/Import/Architectures/GraphBuilder.h"

#include "dialects/LowBit/IR/LowBitOps.h"
#include "lib/Import/BitLinear.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace lowbit {

/// Arguments of `text`; those behind the store are of functions that pool.
enum Argument {
  Tokens,
  Embeddings,
  Positions,
  OutRows,
  Store,
  OutFirst,
  Types
};

static Type elementType(OpBuilder &b, KVElement element) {
  switch (element) {
  case KVElement::F32:
    return b.getF32Type();
  case KVElement::F16:
    return b.getF16Type();
  case KVElement::BF16:
    return b.getBF16Type();
  case KVElement::Q8:
    return b.getI8Type();
  case KVElement::Q4:
    return b.getIntegerType(4);
  }
  llvm_unreachable("no other element");
}

//===- The function around ------------------------------------------------===//

GraphBuilder::GraphBuilder(const ModelSource &source, const HyperParameters &hp,
                           const TextResult &result,
                           const ImportOptions &options, MLIRContext *context)
    : hp(hp), result(result), source(source), options(options),
      builder(UnknownLoc::get(context), context) {
  context->loadDialect<arith::ArithDialect, func::FuncDialect, LowBitDialect,
                       lm::LMDialect>();
  builder.setLoc(NameLoc::get(builder.getStringAttr(source.path())));
  module = ModuleOp::create(builder.getLoc());
  (*module)->setAttr("lm.model", modelAttribute());

  Type kvType = lm::KVType::get(context, hp.layers, hp.kvHeads, hp.headDim,
                                elementType(builder, options.kv));
  Type indices =
      RankedTensorType::get({ShapedType::kDynamic}, builder.getI32Type());
  SmallVector<Type> arguments = {indices, rows(hp.embedding), indices, indices,
                                 kvType};
  if (result.pools())
    arguments.append({indices, indices});
  FunctionType type =
      builder.getFunctionType(arguments, {rows(result.columns), kvType});
  builder.setInsertionPointToEnd(module->getBody());
  function = func::FuncOp::create(builder, "text", type);
  builder.setInsertionPointToStart(function.addEntryBlock());
  kv = function.getArgument(Store);
}

DictionaryAttr GraphBuilder::modelAttribute() {
  NamedAttrList attributes;
  auto set = [&](StringRef name, int64_t value) {
    attributes.set(name, builder.getI64IntegerAttr(value));
  };
  attributes.set("architecture", builder.getStringAttr(hp.architecture));
  set("context", hp.context);
  set("embedding", hp.embedding);
  set("heads", hp.mostHeads());
  set("layers", hp.layers);
  set("vocabulary", hp.vocabulary);
  if (result.pools()) {
    bool isClasses = result.kind == TextResult::Classes;
    attributes.set("result",
                   builder.getStringAttr(isClasses ? "classes" : "embedding"));
    set("columns", result.columns);
    if (result.tokenTypes)
      set("token_types", result.tokenTypes);
  }
  if (result.bidirectional)
    attributes.set("bidirectional", builder.getUnitAttr());
  return attributes.getDictionary(builder.getContext());
}

llvm::Expected<OwningOpRef<ModuleOp>> GraphBuilder::take() {
  if (!failed())
    checkAllUsed();
  if (failed())
    return importError(source, problem);
  return std::move(module);
}

void GraphBuilder::fail(const Twine &message) {
  if (problem.empty())
    problem = message.str();
}

//===- Tensors ------------------------------------------------------------===//

Type GraphBuilder::rows(int64_t columns) {
  return RankedTensorType::get({ShapedType::kDynamic, columns},
                               builder.getF32Type());
}

std::string GraphBuilder::tensorName(StringRef name, StringRef suffix) const {
  return prefix + name.str() + suffix.str();
}

void GraphBuilder::checkShape(const SourceTensor &tensor,
                              ArrayRef<Dimension> shape) {
  SmallVector<int64_t> expected;
  for (const Dimension &dimension : shape)
    expected.push_back(dimension.size);
  ArrayRef<int64_t> got(tensor.shape);
  if (got == ArrayRef(expected))
    return;
  auto text = [](ArrayRef<int64_t> sizes) {
    return llvm::join(
        llvm::map_range(sizes,
                        [](int64_t size) { return std::to_string(size); }),
        "x");
  };
  const Dimension *wrong = &shape.front();
  for (size_t i = 0; i < shape.size() && got.size() == shape.size(); ++i)
    if (got[i] != expected[i]) {
      wrong = &shape[i];
      break;
    }
  fail("tensor '" + source.nameInFile(tensor.name) + "' is " + text(got) +
       ", but " + source.nameInFile(wrong->key) + " says " + text(expected));
}

/// One op for a name, before everything that computes.
Value GraphBuilder::weight(const std::string &name, Type type,
                           const std::vector<int32_t> &permutation) {
  Value &value = weights[name];
  if (value)
    return value;
  OpBuilder::InsertionGuard guard(builder);
  if (lastWeight)
    builder.setInsertionPointAfter(lastWeight);
  else
    builder.setInsertionPointToStart(&function.front());
  Value order;
  if (!permutation.empty()) {
    Value &known = permutations[permutation];
    if (!known)
      known = arith::ConstantOp::create(builder,
                                        builder.getI32TensorAttr(permutation));
    order = known;
  }
  auto op =
      lm::WeightOp::create(builder, type, builder.getStringAttr(name), order);
  lastWeight = op;
  value = op.getResult();
  return value;
}

Value GraphBuilder::matrix(const std::string &name, Dimension rows,
                           Dimension columns) {
  const SourceTensor *tensor = source.find(name);
  Scheme scheme = Scheme::ofFloat(FieldType::F32);
  std::vector<int32_t> permutation;
  if (tensor) {
    checkShape(*tensor, {rows, columns});
    scheme = tensor->format->scheme;
    permutation = tensor->permutation;
  } else {
    fail("tensor '" + source.nameInFile(name) + "' is missing; " +
         source.remedy());
  }
  // Of another length: checkShape has said so.
  if (int64_t(permutation.size()) != columns.size)
    permutation.clear();
  MLIRContext *context = builder.getContext();
  return weight(name,
                TensorType::get(context, {rows.size, columns.size},
                                SchemeAttr::get(context, scheme),
                                /*permuted=*/!permutation.empty()),
                permutation);
}

Value GraphBuilder::vector(const std::string &name, Dimension size) {
  if (const SourceTensor *tensor = source.find(name)) {
    checkShape(*tensor, {size});
    if (!tensor->format->scheme.isFloat())
      fail("tensor '" + source.nameInFile(name) + "' is " +
           tensor->format->name + ", expected F32, F16 or BF16");
  } else {
    fail("tensor '" + source.nameInFile(name) + "' is missing; " +
         source.remedy());
  }
  return weight(name, RankedTensorType::get({size.size}, builder.getF32Type()));
}

Value GraphBuilder::constant(ArrayRef<float> values) {
  auto type = RankedTensorType::get({static_cast<int64_t>(values.size())},
                                    builder.getF32Type());
  return arith::ConstantOp::create(builder,
                                   DenseElementsAttr::get(type, values));
}

/// A correction (lm-add-low-rank), which no file holds: a pass behind the
/// importer reads it.
static bool isCorrection(const SourceTensor &tensor) {
  llvm::StringRef name = tensor.name;
  return tensor.generate &&
         (name.ends_with(".weight.left") || name.ends_with(".weight.right"));
}

/// A tensor that nobody reads means that this is not the model we think it is:
/// a norm, an expert or a bias would silently be left out.
void GraphBuilder::checkAllUsed() {
  for (const SourceTensor &tensor : source.tensors())
    if (!weights.contains(tensor.name) && !isCorrection(tensor) &&
        !(result.kind == TextResult::Embedding &&
          tensor.name == "output.weight"))
      return fail("tensor '" + source.nameInFile(tensor.name) +
                  "' has no place in architecture " + hp.architecture +
                  "; is the model a variant that is not supported?");
}

//===- Parts --------------------------------------------------------------===//

Value GraphBuilder::embed(float scale) {
  Value table = matrix("token_embd.weight", {hp.vocabulary, hp.vocabularyKey},
                       {hp.embedding, hp.key("embedding_length")});
  return lm::EmbedOp::create(
      builder, rows(hp.embedding), function.getArgument(Tokens), table,
      function.getArgument(Embeddings), builder.getF32FloatAttr(scale));
}

Value GraphBuilder::ropeTable(float base, const RopeScaling &scaling) {
  Value factors;
  std::string name = has(kShortFactors) ? kShortFactors : kRopeFactors;
  if (has(name)) {
    if (!scaling.factors.empty())
      fail("tensor '" + name + "' and YaRN cannot both scale positions");
    factors = vector(name, {hp.ropeDims / 2, hp.key("rope.dimension_count")});
  } else if (!scaling.factors.empty()) {
    factors = constant(scaling.factors);
  }
  return lm::RopeTableOp::create(
      builder, rows(hp.ropeDims), function.getArgument(Positions), factors,
      builder.getF32FloatAttr(base),
      builder.getF32FloatAttr(scaling.frequencyScale),
      builder.getF32FloatAttr(scaling.magnitude));
}

std::vector<bool> GraphBuilder::layerPattern(StringRef name) {
  std::string key = hp.key(name);
  std::optional<uint64_t> length = source.arrayLength(key);
  if (!length)
    return {};
  std::vector<int64_t> list = source.integers(key);
  if (*length != uint64_t(hp.layers))
    fail("key '" + key + "' has " + Twine(*length) +
         " elements, but the model has " + Twine(hp.layers) + " layers");
  else if (list.empty())
    fail("key '" + key + "' is not a list of booleans");
  list.resize(hp.layers);
  return {list.begin(), list.end()};
}

void GraphBuilder::beginLayer(int64_t index) {
  layer = index;
  prefix = "blk." + std::to_string(layer) + ".";
  builder.setLoc(
      NameLoc::get(builder.getStringAttr("blk." + std::to_string(layer))));
}

void GraphBuilder::endLayer(Value x) {
  if (options.probeLayers)
    lm::ProbeOp::create(builder, x, builder.getI64IntegerAttr(layer));
  prefix.clear();
  builder.setLoc(module->getLoc());
}

Value GraphBuilder::rmsNorm(Value x, const std::string &name, Dimension size) {
  return lm::RmsNormOp::create(builder, x.getType(), x, vector(name, size),
                               builder.getF32FloatAttr(hp.epsilon));
}

Value GraphBuilder::norm(Value x, StringRef name) {
  return rmsNorm(x, tensorName(name, ".weight"),
                 {hp.embedding, hp.key("embedding_length")});
}

Value GraphBuilder::linear(Value x, StringRef name, Dimension outputs,
                           Dimension inputs, bool biasRequired) {
  Value w = matrix(tensorName(name, ".weight"), outputs, inputs);
  Value bias;
  std::string biasName = tensorName(name, ".bias");
  if (biasRequired || has(biasName))
    bias = vector(biasName, outputs);
  x = roundedInput(x, tensorName(name, ".weight"));
  return lm::LinearOp::create(builder, rows(outputs.size), x, w, bias);
}

Value GraphBuilder::roundedInput(Value x, const std::string &weight) {
  const SourceTensor *tensor = source.find(weight);
  if (!tensor)
    return x;
  const InputRounding *rounding = tensor->inputs;
  if (!rounding && holdsTernaryWeights(tensor->format->scheme))
    rounding = ternaryInputs;
  if (!rounding)
    return x;
  Value &result = roundedInputs[{x, rounding}];
  MLIRContext *context = builder.getContext();
  if (!result)
    result = FakeQuantOp::create(
        builder, x.getType(), x, Value(), Value(),
        QuantizerAttr::get(context, rounding->quantizer),
        SchemeAttr::get(context, rounding->scheme), UnitAttr());
  return result;
}

Value GraphBuilder::attention(Value x, const AttentionOptions &attention) {
  Dimension embedding{hp.embedding, hp.key("embedding_length")};
  Dimension queries{hp.heads[layer] * hp.headDim,
                    hp.key("attention.head_count")};
  Dimension keys{hp.kvHeads * hp.headDim, hp.key("attention.head_count_kv")};
  bool bias = attention.biasRequired;
  Value q = linear(x, "attn_q", queries, embedding, bias);
  Value k = linear(x, "attn_k", keys, embedding, bias);
  Value v = linear(x, "attn_v", keys, embedding, bias);
  if (attention.headNorms) {
    Dimension head{hp.headDim, hp.key("attention.key_length")};
    q = rmsNorm(q, tensorName("attn_q_norm", ".weight"), head);
    k = rmsNorm(k, tensorName("attn_k_norm", ".weight"), head);
  }
  auto rotate = [&](Value heads) -> Value {
    if (!attention.ropeTable)
      return heads;
    return lm::RopeOp::create(builder, heads.getType(), attention.rope, heads,
                              attention.ropeTable, hp.headDim);
  };
  q = rotate(q);
  k = rotate(k);
  kv = lm::KVAppendOp::create(builder, kv.getType(), kv, k, v, layer);
  IntegerAttr window;
  if (attention.window)
    window = builder.getI64IntegerAttr(attention.window);
  Value a = lm::CachedAttentionOp::create(
      builder, q.getType(), q, kv, builder.getI64IntegerAttr(layer),
      builder.getF32FloatAttr(attention.scale.value_or(hp.attentionScale)),
      window);
  if (!attention.outputNorm.empty())
    a = rmsNorm(a, tensorName(attention.outputNorm, ".weight"), queries);
  return linear(a, "attn_output", embedding, queries);
}

Value GraphBuilder::feedForward(Value x, lm::Activation activation,
                                StringRef hiddenNorm) {
  Dimension embedding{hp.embedding, hp.key("embedding_length")};
  Dimension hidden{hp.feedForward[layer], hp.key("feed_forward_length")};
  Value gate = linear(x, "ffn_gate", hidden, embedding);
  Value up = linear(x, "ffn_up", hidden, embedding);
  Value gated = lm::GateOp::create(
      builder, gate.getType(),
      lm::ActivationAttr::get(builder.getContext(), activation), gate, up);
  if (!hiddenNorm.empty())
    gated = rmsNorm(gated, tensorName(hiddenNorm, ".weight"), hidden);
  return linear(gated, "ffn_down", embedding, hidden);
}

Value GraphBuilder::add(Value lhs, Value rhs) {
  return lm::AddOp::create(builder, lhs.getType(), lhs, rhs);
}

Value GraphBuilder::activate(Value x, lm::Activation activation) {
  return lm::ActivateOp::create(
      builder, x.getType(),
      lm::ActivationAttr::get(builder.getContext(), activation), x);
}

Value GraphBuilder::plainFeedForward(Value x, lm::Activation activation) {
  Dimension embedding{hp.embedding, hp.key("embedding_length")};
  Dimension hidden{hp.feedForward[layer], hp.key("feed_forward_length")};
  Value up = linear(x, "ffn_up", hidden, embedding);
  return linear(activate(up, activation), "ffn_down", embedding, hidden);
}

void GraphBuilder::head(Value x) {
  if (result.pools()) {
    Value pooled = means(norm(x, "output_norm"));
    func::ReturnOp::create(builder, ValueRange{pooled, kv});
    return;
  }
  Value last = lm::GatherRowsOp::create(builder, rows(hp.embedding), x,
                                        function.getArgument(OutRows));
  Value normalized = norm(last, "output_norm");
  bool tied = !has("output.weight");
  Value logits = linear(normalized, tied ? "token_embd" : "output",
                        {hp.vocabulary, hp.vocabularyKey},
                        {hp.embedding, hp.key("embedding_length")});
  func::ReturnOp::create(builder, ValueRange{logits, kv});
}

//===- Parts of encoders --------------------------------------------------===//

Value GraphBuilder::embedRows(Value indices, Value table) {
  return lm::EmbedOp::create(builder, rows(hp.embedding), indices, table,
                             Value(), builder.getF32FloatAttr(1));
}

Value GraphBuilder::embedPositions() {
  return embedRows(function.getArgument(Positions),
                   matrix("position_embd.weight",
                          {hp.context, hp.key("context_length")},
                          {hp.embedding, hp.key("embedding_length")}));
}

Value GraphBuilder::embedTypes() {
  return embedRows(
      function.getArgument(Types),
      matrix("token_types.weight",
             {result.tokenTypes, "tokenizer.ggml.token_type_count"},
             {hp.embedding, hp.key("embedding_length")}));
}

Value GraphBuilder::layerNorm(Value x, StringRef name) {
  Dimension size{hp.embedding, hp.key("embedding_length")};
  Value gain = vector(tensorName(name, ".weight"), size);
  Value bias = vector(tensorName(name, ".bias"), size);
  return lm::LayerNormOp::create(builder, x.getType(), x, gain, bias,
                                 builder.getF32FloatAttr(hp.epsilon));
}

Value GraphBuilder::means(Value x) {
  return lm::MeanRowsOp::create(builder, x.getType(), x,
                                function.getArgument(OutFirst),
                                function.getArgument(OutRows));
}

void GraphBuilder::pool(Value x) {
  Value pooled = means(x);
  if (result.kind == TextResult::Classes) {
    Dimension embedding{hp.embedding, hp.key("embedding_length")};
    if (has("cls.weight"))
      pooled = activate(linear(pooled, "cls", embedding, embedding),
                        lm::Activation::Tanh);
    pooled =
        linear(pooled, "cls.output",
               {result.columns, hp.key("classifier.output_labels")}, embedding);
  }
  func::ReturnOp::create(builder, ValueRange{pooled, kv});
}

} // namespace lowbit
