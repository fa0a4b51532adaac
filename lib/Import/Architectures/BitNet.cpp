//===- BitNet.cpp - bitnet ------------------------------------------------===//

#include "lib/Import/Architectures/Architectures.h"

#include "lib/Import/BitLinear.h"

using namespace mlir;

namespace lowbit {

/// llama.cpp computes SiLU whatever the model was trained with and has no key
/// for it; a folder's config.json says what it is (docs/Formats.md, section 4).
static lm::Activation activationOf(GraphBuilder &graph) {
  std::string key = graph.hp.key("feed_forward.activation");
  StringRef name = graph.source.string(key).value_or("silu");
  if (name == "silu")
    return lm::Activation::Silu;
  if (name != "relu2")
    graph.fail("key '" + graph.source.nameInFile(key) +
               "' must be silu or relu2");
  return lm::Activation::Relu2;
}

// A file has no key for the rounding of activations, either: where its matrices
// are ternary, it is that of BitLinear, with which all such models are trained.
void buildBitNet(GraphBuilder &graph) {
  const HyperParameters &hp = graph.hp;
  Value x = graph.embed(1);
  graph.setTernaryInputs(&bitLinearInputs());
  AttentionOptions attention;
  attention.ropeTable = graph.ropeTable(hp.ropeBase, hp.ropeScaling);
  attention.window = hp.window;
  attention.outputNorm = "attn_sub_norm";
  lm::Activation activation = activationOf(graph);
  for (int64_t layer = 0; layer < hp.layers && !graph.failed(); ++layer) {
    graph.beginLayer(layer);
    x = graph.add(x, graph.attention(graph.norm(x, "attn_norm"), attention));
    x = graph.add(x, graph.feedForward(graph.norm(x, "ffn_norm"), activation,
                                       "ffn_sub_norm"));
    graph.endLayer(x);
  }
  graph.head(x);
}

} // namespace lowbit
