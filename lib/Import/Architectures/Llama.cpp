//===- Llama.cpp - llama: SmolLM2, Mistral, TinyLlama, ... ----------------===//

#include "lib/Import/Architectures/Architectures.h"

using namespace mlir;

namespace lowbit {

// The converter permutes the rows of attn_q and attn_k, so that the elements
// which rotate together lie side by side (`pairs`).
void buildLlama(GraphBuilder &graph) {
  const HyperParameters &hp = graph.hp;
  Value x = graph.embed(1);
  AttentionOptions attention;
  attention.rope = lm::RopeStyle::Pairs;
  attention.ropeTable = graph.ropeTable(hp.ropeBase, hp.ropeScaling);
  attention.window = hp.window;
  for (int64_t layer = 0; layer < hp.layers && !graph.failed(); ++layer) {
    graph.beginLayer(layer);
    x = graph.add(x, graph.attention(graph.norm(x, "attn_norm"), attention));
    x = graph.add(
        x, graph.feedForward(graph.norm(x, "ffn_norm"), lm::Activation::Silu));
    graph.endLayer(x);
  }
  graph.head(x);
}

} // namespace lowbit
