//===- Bert.cpp - bert ----------------------------------------------------===//
//
// Encoders whose norms follow the residual. GGUF's architecture `bert` is also
// that of RoBERTa and XLM-RoBERTa, whose first positions the source has cut
// off.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/Architectures/Architectures.h"

using namespace mlir;

namespace lowbit {

TextResult bertResult(const ModelSource &source, const HyperParameters &hp) {
  TextResult result;
  result.kind = TextResult::Embedding;
  result.columns = hp.embedding;
  result.bidirectional = true;
  // Whoever builds the graph compares these with the keys.
  if (const SourceTensor *types = source.find("token_types.weight"))
    result.tokenTypes = types->rows();
  if (const SourceTensor *classes = source.find("cls.output.weight")) {
    result.kind = TextResult::Classes;
    result.columns = std::max<int64_t>(1, classes->rows());
  }
  return result;
}

void buildBert(GraphBuilder &graph) {
  const HyperParameters &hp = graph.hp;
  if (graph.source.boolean(hp.key("attention.causal")).value_or(false))
    graph.fail("key '" + hp.key("attention.causal") +
               "' is true, expected false for an encoder");
  std::string labels = hp.key("classifier.output_labels");
  if (std::optional<uint64_t> names = graph.source.arrayLength(labels);
      names && graph.result.kind == TextResult::Classes &&
      int64_t(*names) != graph.result.columns)
    graph.fail("key '" + labels + "' names " + std::to_string(*names) +
               " classes, but 'cls.output.weight' has " +
               std::to_string(graph.result.columns) + " rows");
  Value x = graph.embed(1);
  if (graph.result.tokenTypes)
    x = graph.add(x, graph.embedTypes());
  x = graph.add(x, graph.embedPositions());
  x = graph.layerNorm(x, "token_embd_norm");
  for (int64_t layer = 0; layer < hp.layers && !graph.failed(); ++layer) {
    graph.beginLayer(layer);
    Value a = graph.attention(x, {});
    x = graph.layerNorm(graph.add(a, x), "attn_output_norm");
    Value f = graph.plainFeedForward(x, lm::Activation::Gelu);
    x = graph.layerNorm(graph.add(f, x), "layer_output_norm");
    graph.endLayer(x);
  }
  graph.pool(x);
}

} // namespace lowbit
