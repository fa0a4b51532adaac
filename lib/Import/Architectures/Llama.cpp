//===- Llama.cpp - llama (SmolLM2, Mistral, ...), phi3 --------------------===//

#include "lib/Import/Architectures/Architectures.h"

using namespace mlir;

namespace lowbit {

static void buildPlain(GraphBuilder &graph, lm::RopeStyle rope) {
  const HyperParameters &hp = graph.hp;
  Value x = graph.embed(1);
  AttentionOptions attention;
  attention.rope = rope;
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

// llama.cpp's converter permutes the rows of attn_q and attn_k, so that the
// elements which rotate together lie side by side (`pairs`).
void buildLlama(GraphBuilder &graph) {
  buildPlain(graph, lm::RopeStyle::Pairs);
}

// The same network, from a source that has taken the fused matrices apart.
void buildPhi3(GraphBuilder &graph) {
  if (graph.source.find("blk.0.attn_qkv.weight"))
    graph.fail("fused matrices (attn_qkv) of phi3 are not supported in a GGUF "
               "file: give the folder that it was converted from");
  buildPlain(graph, lm::RopeStyle::Halves);
}

} // namespace lowbit
