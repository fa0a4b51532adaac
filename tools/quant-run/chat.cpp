//===- chat.cpp - Conversations -------------------------------------------===//
//
// For each message the whole conversation is rendered and tokenized again, and
// the session keeps the positions that did not change. So templates may look
// back and trim as they like, and what the model sees is always what the
// template says.
//
//===----------------------------------------------------------------------===//

#include "tools/quant-run/chat.h"

#include "tools/common/files.h"
#include "tools/quant-run/generate.h"

#include <cstdio>
#include <iostream>
#include <unistd.h>

using namespace lowbit::tools;

namespace {
struct Message {
  const char *role;
  std::string content;
};
} // namespace

static Error renderConversation(const qrt_model *model,
                                const std::vector<Message> &messages,
                                std::vector<int32_t> &ids) {
  std::vector<qrt_message> raw;
  for (const Message &message : messages)
    raw.push_back({message.role, message.content.c_str()});
  std::string text;
  TOOLS_TRY(applyTemplate(model, raw, true, text));
  TOOLS_TRY(tokenize(model, text, true, true, ids));
  // Many templates write BOS themselves.
  qrt_model_info info = modelInfo(model);
  if (ids.size() > 1 && info.bos_id >= 0 && ids[0] == info.bos_id &&
      ids[1] == info.bos_id)
    ids.erase(ids.begin());
  return Error::success();
}

/// The next message of the user; false at the end of stdin.
static bool readMessage(std::string &message) {
  do {
    if (::isatty(STDIN_FILENO))
      std::fputs("\n> ", stderr);
    if (!std::getline(std::cin, message))
      return false;
  } while (message.empty());
  return true;
}

static Error answer(qrt_model *model, const RunOptions &options,
                    Generator &generator, std::vector<Message> &messages) {
  std::vector<int32_t> ids;
  Generation result;
  TOOLS_TRY(renderConversation(model, messages, ids));
  auto onText = [&](const std::string &text) {
    return options.json ? Error::success() : printStreamed(text);
  };
  TOOLS_TRY(generator.generate(ids, options.maxTokens, onText, result));
  messages.push_back({"assistant", result.text});
  if (!options.json)
    return printStreamed("\n");
  Json object = {{"prompt_ids", ids},
                 {"ids", result.ids},
                 {"text", result.text},
                 {"stop_reason", result.stopReason},
                 {"seed", options.sampling.seed},
                 {"timings", generator.timings.json()}};
  return writeStdout(dumpJson(object));
}

Error lowbit::tools::runChat(qrt_model *model, const RunOptions &options,
                             double loadMs) {
  if (!modelInfo(model).chat_template)
    return Error("the model has no chat template; use -p TEXT without -cnv");
  Generator generator;
  double start = nowMs();
  TOOLS_TRY(generator.create(model, options.context, options.sampling,
                             options.biases, options.ignoreEos));
  generator.timings.loadMs = loadMs + nowMs() - start;
  std::vector<Message> messages;
  if (!options.system.empty())
    messages.push_back({"system", options.system});
  std::string message = options.prompt;
  bool given = options.hasPrompt;
  while (given || readMessage(message)) {
    given = false;
    messages.push_back({"user", message});
    TOOLS_TRY(answer(model, options, generator, messages));
    if (options.singleTurn)
      break;
  }
  std::fputc('\n', stderr);
  std::fputs(generator.timings.lines().c_str(), stderr);
  return Error::success();
}
