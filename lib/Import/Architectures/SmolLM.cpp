//===- SmolLM.cpp - smollm3 -----------------------------------------------===//

#include "lib/Import/Architectures/Architectures.h"

using namespace mlir;

namespace lowbit {

/// llama.cpp: all but each fourth layer rotate; the files do not say so.
static std::vector<bool> rotatedLayers(GraphBuilder &graph) {
  std::vector<bool> rotated = graph.layerPattern("rope.layer_pattern");
  for (int64_t i = rotated.size(); i < graph.hp.layers; ++i)
    rotated.push_back(i % 4 != 3);
  return rotated;
}

void buildSmolLM3(GraphBuilder &graph) {
  const HyperParameters &hp = graph.hp;
  Value x = graph.embed(1);
  AttentionOptions attention;
  attention.rope = lm::RopeStyle::Pairs;
  Value table = graph.ropeTable(hp.ropeBase, hp.ropeScaling);
  std::vector<bool> rotated = rotatedLayers(graph);
  std::vector<bool> local =
      graph.layerPattern("attention.sliding_window_pattern");
  for (int64_t layer = 0; layer < hp.layers && !graph.failed(); ++layer) {
    graph.beginLayer(layer);
    attention.ropeTable = rotated[layer] ? table : Value();
    attention.window = local.empty() || local[layer] ? hp.window : 0;
    x = graph.add(x, graph.attention(graph.norm(x, "attn_norm"), attention));
    x = graph.add(
        x, graph.feedForward(graph.norm(x, "ffn_norm"), lm::Activation::Silu));
    graph.endLayer(x);
  }
  graph.head(x);
}

} // namespace lowbit
