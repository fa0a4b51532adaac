//===- Qwen.cpp - qwen2 and qwen3 -----------------------------------------===//

#include "lib/Import/Architectures/Architectures.h"

using namespace mlir;

namespace lowbit {

static void buildQwen(GraphBuilder &graph, AttentionOptions attention) {
  const HyperParameters &hp = graph.hp;
  // Transformers windows only the layers from max_window_layers on, which GGUF
  // does not tell.
  std::vector<bool> local =
      graph.layerPattern("attention.sliding_window_pattern");
  if (local.empty() && hp.window && hp.window < hp.context)
    graph.fail("key '" + hp.key("attention.sliding_window") +
               "' is not supported for architecture " + hp.architecture);
  Value x = graph.embed(1);
  attention.rope = lm::RopeStyle::Halves;
  attention.ropeTable = graph.ropeTable(hp.ropeBase, hp.ropeScaling);
  for (int64_t layer = 0; layer < hp.layers && !graph.failed(); ++layer) {
    graph.beginLayer(layer);
    attention.window = !local.empty() && local[layer] ? hp.window : 0;
    x = graph.add(x, graph.attention(graph.norm(x, "attn_norm"), attention));
    x = graph.add(
        x, graph.feedForward(graph.norm(x, "ffn_norm"), lm::Activation::Silu));
    graph.endLayer(x);
  }
  graph.head(x);
}

void buildQwen2(GraphBuilder &graph) {
  AttentionOptions attention;
  attention.biasRequired = true;
  buildQwen(graph, attention);
}

void buildQwen3(GraphBuilder &graph) {
  AttentionOptions attention;
  attention.headNorms = true;
  buildQwen(graph, attention);
}

} // namespace lowbit
