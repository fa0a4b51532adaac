//===- Gemma.cpp - gemma3 -------------------------------------------------===//

#include "lib/Import/Architectures/Architectures.h"

#include <cmath>

using namespace mlir;

namespace lowbit {

/// Which layers see a window only: five of six, the sixth sees everything,
/// unless the file has another period or a list.
static std::vector<bool> localLayers(GraphBuilder &graph) {
  const HyperParameters &hp = graph.hp;
  std::vector<bool> local(hp.layers, false);
  if (!hp.window)
    return local;
  std::string name = "attention.sliding_window_pattern";
  if (std::vector<bool> list = graph.layerPattern(name); !list.empty())
    return list;
  std::string key = hp.key(name);
  int64_t period = graph.source.integer(key).value_or(6);
  if (period < 1) {
    graph.fail("key '" + key + "' is " + Twine(period) +
               ", expected a period of at least 1");
    return local;
  }
  for (int64_t i = 0; i < hp.layers; ++i)
    local[i] = i % period < period - 1;
  return local;
}

// The norms' gains are stored with their 1 already added. Scaled positions are
// the global layers' only.
void buildGemma3(GraphBuilder &graph) {
  const HyperParameters &hp = graph.hp;
  // As in llama.cpp the scale is f32, whatever type the table has; transformers
  // rounds it to the type of the checkpoint.
  Value x = graph.embed(std::sqrt(static_cast<float>(hp.embedding)));
  std::vector<bool> isLocal = localLayers(graph);

  AttentionOptions global, local;
  global.headNorms = local.headNorms = true;
  // The 27B model scales by its embedding's share of a head, not by the head's
  // length; the file does not tell, its 62 layers do (as in llama.cpp).
  if (hp.layers == 62 && !graph.source.has(hp.key("attention.scale")))
    global.scale = local.scale =
        1 / std::sqrt(static_cast<float>(hp.embedding / hp.heads.front()));
  local.window = hp.window;
  if (llvm::is_contained(isLocal, false))
    global.ropeTable = graph.ropeTable(hp.ropeBase, hp.ropeScaling);
  if (llvm::is_contained(isLocal, true)) {
    std::string key = hp.key("rope.freq_base_swa");
    double base = graph.source.real(key).value_or(10000.0);
    if (!(base > 1 && std::isfinite(base)))
      graph.fail("key '" + key + "' must be above 1");
    local.ropeTable = graph.ropeTable(static_cast<float>(base), {});
  }
  for (int64_t layer = 0; layer < hp.layers && !graph.failed(); ++layer) {
    graph.beginLayer(layer);
    Value a = graph.attention(graph.norm(x, "attn_norm"),
                              isLocal[layer] ? local : global);
    x = graph.add(x, graph.norm(a, "post_attention_norm"));
    Value f =
        graph.feedForward(graph.norm(x, "ffn_norm"), lm::Activation::GeluTanh);
    x = graph.add(x, graph.norm(f, "post_ffw_norm"));
    graph.endLayer(x);
  }
  graph.head(x);
}

} // namespace lowbit
