//===- chat_template.cpp - Messages to a prompt ---------------------------===//

#include "tokenizer/chat_template.h"

#include "tokenizer/jinja_evaluator.h"
#include "tokenizer/jinja_parser.h"
#include "tokenizer/unicode.h"

#include <new>

namespace qrt {

using namespace jinja;

/// A list of {"role": .., "content": ..}, as transformers passes it.
static Status makeMessages(Store &store,
                           const std::vector<ChatMessage> &messages,
                           Value &out) {
  List items;
  for (const ChatMessage &message : messages) {
    items.emplace_back();
    QRT_TRY(store.dict({{Value::view("role"), Value::view(message.role)},
                        {Value::view("content"), Value::view(message.content)}},
                       items.back()));
  }
  return store.list(std::move(items), out);
}

static Status render(std::string_view source,
                     const std::vector<ChatMessage> &messages,
                     bool addGenerationPrompt, std::string_view bos,
                     std::string_view eos, std::string &out) {
  Tree tree;
  QRT_TRY(parse(source, tree));
  Store store;
  Value list;
  QRT_TRY(located(*tree.root, makeMessages(store, messages, list)));
  Evaluator evaluator(store);
  evaluator.define("messages", list);
  evaluator.define("add_generation_prompt", Value::of(addGenerationPrompt));
  evaluator.define("bos_token", Value::view(bos));
  evaluator.define("eos_token", Value::view(eos));
  evaluator.define("tools", Value::none());
  evaluator.define("documents", Value::none());
  return evaluator.render(tree, out);
}

Status renderChatTemplate(std::string_view source,
                          const std::vector<ChatMessage> &messages,
                          bool addGenerationPrompt, std::string_view bos,
                          std::string_view eos, std::string &out) {
  // Far above the largest known template (20 KB).
  constexpr size_t maxSource = size_t(1) << 20;
  if (source.size() > maxSource)
    return unsupported("chat template: " + std::to_string(source.size()) +
                       " bytes are more than the " + std::to_string(maxSource) +
                       " that are read");
  try {
    std::string text;
    Status status =
        render(source, messages, addGenerationPrompt, bos, eos, text);
    if (!status.ok())
      return Status(status.code(), oneLine(status.message()));
    out += text;
    return Status();
  } catch (const std::bad_alloc &) {
    return Status(QRT_OUT_OF_MEMORY, "chat template: no memory for the prompt");
  }
}

} // namespace qrt
