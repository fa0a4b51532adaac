//===- chat_template.h - Messages to a prompt -------------------*- C++ -*-===//
//
// Models carry their chat format as a Jinja template. This renders the subset
// that their families use, with the settings of Hugging Face's transformers
// (trim_blocks, lstrip_blocks, loop controls). Work, memory and nesting are
// bounded, so a hostile template cannot hang or crash.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTRT_TOKENIZER_CHAT_TEMPLATE_H
#define QUANTRT_TOKENIZER_CHAT_TEMPLATE_H

#include "base/status.h"

#include <string>
#include <string_view>
#include <vector>

namespace qrt {

struct ChatMessage {
  std::string role, content;
};

/// Appends the prompt to `out`. The template sees `messages`,
/// `add_generation_prompt`, `bos_token`, `eos_token`, and `tools` and
/// `documents` as none. QRT_UNSUPPORTED: it uses something outside the subset;
/// QRT_INVALID_ARGUMENT: it refuses these messages (raise_exception) or they do
/// not suit it; QRT_CORRUPT: it is not Jinja.
Status renderChatTemplate(std::string_view source,
                          const std::vector<ChatMessage> &messages,
                          bool addGenerationPrompt, std::string_view bos,
                          std::string_view eos, std::string &out);

} // namespace qrt

#endif // QUANTRT_TOKENIZER_CHAT_TEMPLATE_H
