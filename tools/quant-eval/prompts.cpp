//===- prompts.cpp - Logits after prompts ---------------------------------===//

#include "tools/quant-eval/prompts.h"

#include "tools/common/files.h"
#include "tools/common/ids.h"
#include "tools/common/text.h"

using namespace lowbit::tools;

Error lowbit::tools::readPrompts(const qrt_model *model,
                                 const std::string &path, bool isText,
                                 std::vector<std::vector<int32_t>> &prompts) {
  std::string content;
  TOOLS_TRY(readFile(path, content));
  prompts.clear();
  int32_t most = modelInfo(model).max_context;
  for (std::string_view line : splitLines(content)) {
    std::string where =
        "'" + path + "', line " + std::to_string(prompts.size() + 1);
    prompts.emplace_back();
    if (isText)
      TOOLS_TRY(
          tokenize(model, processEscapes(line), true, true, prompts.back()));
    else
      TOOLS_TRY(
          parseIds(line, modelInfo(model).n_vocab, where, prompts.back()));
    if (prompts.back().empty())
      return Error(where + ": an empty prompt has no logits; remove the line");
    if (prompts.back().size() > static_cast<size_t>(most))
      return Error(
          where + ": the prompt has " + std::to_string(prompts.back().size()) +
          " tokens, but the model's context holds " + std::to_string(most));
  }
  if (prompts.empty())
    return Error("'" + path + "' is empty; it must hold one prompt a line");
  return Error::success();
}

namespace {
struct PromptVisit {
  const std::vector<int32_t> *prompt;
  size_t vocabulary;
  OutputFile *logits; ///< or null
  LayerWriter *layers;
  Error error = Error::success();

  qrt_status row(int32_t index, const float *rowLogits, const float *probes) {
    size_t row = static_cast<size_t>(index);
    if (layers)
      error = layers->add((*prompt)[row], index, probes);
    if (!error && logits && row + 1 == prompt->size())
      error = logits->write(rowLogits, vocabulary * sizeof(float));
    return error ? QRT_CANCELLED : QRT_OK;
  }
};
} // namespace

static Error evaluatePrompt(qrt_model *model,
                            const std::vector<int32_t> &prompt,
                            OutputFile *logits, LayerWriter *layers) {
  SessionHandle session;
  int32_t length = static_cast<int32_t>(prompt.size());
  TOOLS_TRY(createSession(model, length, session));
  PromptVisit visit{&prompt, static_cast<size_t>(modelInfo(model).n_vocab),
                    logits, layers};
  qrt_status status = qrt_append_visit(
      session.get(), prompt.data(), length, layers ? 0 : length - 1,
      [](void *user, int32_t index, const float *rowLogits,
         const float *probes) {
        return static_cast<PromptVisit *>(user)->row(index, rowLogits, probes);
      },
      &visit);
  if (visit.error)
    return visit.error;
  return check(status);
}

Error lowbit::tools::evaluatePrompts(
    qrt_model *model, const std::vector<std::vector<int32_t>> &prompts,
    const std::string &logitsPath, LayerWriter *layers) {
  OutputFile file;
  OutputFile *logits = logitsPath.empty() ? nullptr : &file;
  if (logits)
    TOOLS_TRY(file.open(logitsPath));
  for (size_t i = 0; i < prompts.size(); ++i) {
    if (layers)
      layers->beginSequence(static_cast<int32_t>(i));
    TOOLS_TRY(evaluatePrompt(model, prompts[i], logits, layers));
  }
  return logits ? file.commit() : Error::success();
}
