//===- embed.h - Texts to vectors and classes -------------------*- C++ -*-===//

#ifndef TOOLS_QUANTRUN_EMBED_H
#define TOOLS_QUANTRUN_EMBED_H

#include "tools/common/runtime.h"

#include <string>

namespace lowbit::tools {

struct EmbedOptions {
  bool embed = false;
  bool classify = false;
  std::string pooling; ///< "": as the model says
  int32_t normalize = 2;
  bool normalizeGiven = false;
  std::string format = "default";
  std::string separator = "\n";

  bool any() const { return embed || classify; }
};

/// Prints the embedding of each part of `text`, or the classes of each.
Error runEmbed(qrt_model *model, const EmbedOptions &options,
               const std::string &text, bool json);

} // namespace lowbit::tools

#endif // TOOLS_QUANTRUN_EMBED_H
