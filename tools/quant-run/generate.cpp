//===- generate.cpp - Prompt in, text out ---------------------------------===//

#include "tools/quant-run/generate.h"

#include "tools/common/files.h"
#include "tools/quant-run/run_options.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <unistd.h>

using namespace lowbit::tools;

double lowbit::tools::nowMs() {
  using namespace std::chrono;
  return duration<double, std::milli>(steady_clock::now().time_since_epoch())
      .count();
}

static std::string timingLine(const char *name, double ms, int64_t count,
                              const char *unit) {
  char line[200];
  double each = count > 0 ? ms / double(count) : 0;
  double rate = ms > 0 ? 1e3 * double(count) / ms : 0;
  std::snprintf(line, sizeof line,
                "%16s = %10.2f ms / %5lld %s (%8.2f ms per token, %8.2f "
                "tokens per second)\n",
                name, ms, static_cast<long long>(count), unit, each, rate);
  return line;
}

std::string Timings::lines() const {
  char line[120];
  std::snprintf(line, sizeof line, "%16s = %10.2f ms\n", "load time", loadMs);
  std::string result = line;
  result += timingLine("prompt eval time", promptMs, promptTokens, "tokens");
  result += timingLine("eval time", predictedMs, runs, "runs  ");
  std::snprintf(line, sizeof line, "%16s = %10.2f ms / %5lld tokens\n",
                "total time", promptMs + predictedMs,
                static_cast<long long>(promptTokens + predictedTokens));
  return result + line;
}

Json Timings::json() const {
  return {{"prompt_n", promptTokens},
          {"prompt_ms", promptMs},
          {"predicted_n", predictedTokens},
          {"predicted_ms", predictedMs},
          {"load_ms", loadMs}};
}

/// A piece's text depends on few ids before it: SentencePiece drops the blank
/// of a text's first piece only, and byte pieces join within a character.
static constexpr size_t windowLength = 4;

TextStream::TextStream(const qrt_model *model,
                       const std::vector<int32_t> &context)
    : model_(model) {
  size_t length = std::min(windowLength, context.size());
  window_.assign(context.end() - static_cast<ptrdiff_t>(length), context.end());
  if (Error error = detokenize(model_, window_.data(), window_.size(), false,
                               windowText_))
    window_.clear();
}

Error TextStream::push(int32_t id, std::string &text) {
  window_.push_back(id);
  std::string whole;
  TOOLS_TRY(detokenize(model_, window_.data(), window_.size(), false, whole));
  text = characters_.push(std::string_view(whole).substr(
      std::min(windowText_.size(), whole.size())));
  if (window_.size() > 2 * windowLength) {
    window_.erase(window_.begin(), window_.begin() + windowLength);
    TOOLS_TRY(detokenize(model_, window_.data(), window_.size(), false, whole));
  }
  windowText_ = std::move(whole);
  return Error::success();
}

Error Generator::create(qrt_model *model, int32_t context,
                        qrt_sampling sampling,
                        std::vector<qrt_logit_bias> biases, bool ignoreEnd) {
  qrt_model_info info = modelInfo(model);
  model_ = model;
  contextSize_ = context > 0 ? context : std::min(info.max_context, 4096);
  TOOLS_TRY(createSession(model, contextSize_, session_));
  biases_ = std::move(biases);
  for (const qrt_logit_bias &bias : biases_)
    if (bias.id >= info.n_vocab)
      return Error("logit bias: the model has no token " +
                   std::to_string(bias.id) + "; ids go to " +
                   std::to_string(info.n_vocab - 1));
  if (ignoreEnd)
    for (int32_t id = 0; id < info.n_vocab; ++id)
      if (qrt_is_end(model, id))
        biases_.push_back({id, -INFINITY});
  sampling.biases = biases_.data();
  sampling.n_biases = biases_.size();
  qrt_sampler *sampler = nullptr;
  TOOLS_TRY(check(qrt_sampler_create(model, &sampling, &sampler)));
  sampler_.reset(sampler);
  logits_.resize(static_cast<size_t>(info.n_vocab));
  return Error::success();
}

Error Generator::prefill(const std::vector<int32_t> &prompt) {
  if (prompt.empty())
    return Error("the prompt is empty; the model needs at least one token");
  if (prompt.size() > static_cast<size_t>(contextSize_))
    return Error("the prompt has " + std::to_string(prompt.size()) +
                 " tokens, but the context holds " +
                 std::to_string(contextSize_) + "; shorten it or raise -c");
  // At least one row must be computed, for its logits.
  size_t kept = 0;
  while (kept < held_.size() && kept + 1 < prompt.size() &&
         held_[kept] == prompt[kept])
    ++kept;
  TOOLS_TRY(
      check(qrt_session_truncate(session_.get(), static_cast<int32_t>(kept))));
  double start = nowMs();
  TOOLS_TRY(check(qrt_append(session_.get(), prompt.data() + kept,
                             static_cast<int32_t>(prompt.size() - kept), 1,
                             logits_.data())));
  timings.promptMs += nowMs() - start;
  timings.promptTokens += static_cast<int64_t>(prompt.size() - kept);
  // All of it, also what the session has kept: the penalty's window is to end
  // with this prompt, as the template renders it now.
  for (int32_t id : prompt)
    qrt_sampler_accept(sampler_.get(), id);
  held_ = prompt;
  return Error::success();
}

Error Generator::append(int32_t id) {
  TOOLS_TRY(check(qrt_append(session_.get(), &id, 1, 1, logits_.data())));
  held_.push_back(id);
  ++timings.runs;
  return Error::success();
}

static volatile std::sig_atomic_t interrupted = 0;

namespace {
/// The first Ctrl-C ends the answer, a second one the program.
class InterruptHandler {
public:
  InterruptHandler() {
    interrupted = 0;
    struct sigaction action{};
    action.sa_handler = [](int) { interrupted = 1; };
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigaction(SIGINT, &action, &before_);
  }
  ~InterruptHandler() { ::sigaction(SIGINT, &before_, nullptr); }

private:
  struct sigaction before_;
};
} // namespace

Error Generator::generate(const std::vector<int32_t> &prompt, int32_t maxTokens,
                          const OnText &onText, Generation &result) {
  InterruptHandler handler;
  TOOLS_TRY(prefill(prompt));
  TextStream stream(model_, prompt);
  double start = nowMs();
  auto emit = [&](const std::string &text) {
    result.text += text;
    return text.empty() ? Error::success() : onText(text);
  };
  while (true) {
    if (maxTokens >= 0 && result.ids.size() >= static_cast<size_t>(maxTokens)) {
      result.stopReason = "length";
      break;
    }
    if (interrupted) {
      result.stopReason = "interrupted";
      break;
    }
    // The last token chosen is computed only if another one is to follow.
    if (!result.ids.empty()) {
      if (held_.size() >= static_cast<size_t>(contextSize_)) {
        result.stopReason = "context";
        break;
      }
      TOOLS_TRY(append(result.ids.back()));
    }
    int32_t id = qrt_sample(sampler_.get(), logits_.data());
    if (qrt_is_end(model_, id)) {
      result.stopReason = "eos";
      break;
    }
    result.ids.push_back(id);
    ++timings.predictedTokens;
    std::string text;
    TOOLS_TRY(stream.push(id, text));
    TOOLS_TRY(emit(text));
  }
  TOOLS_TRY(emit(stream.finish()));
  timings.predictedMs += nowMs() - start;
  return Error::success();
}

Error lowbit::tools::printStreamed(const std::string &text) {
  return writeStdout(text);
}

void lowbit::tools::endStreamed() {
  if (::isatty(STDOUT_FILENO))
    std::fputc('\n', stdout), std::fflush(stdout);
  std::fputc('\n', stderr);
}

Error lowbit::tools::runPrompt(qrt_model *model, const RunOptions &options,
                               double loadMs) {
  Generator generator;
  double start = nowMs();
  TOOLS_TRY(generator.create(model, options.context, options.sampling,
                             options.biases, options.ignoreEos));
  generator.timings.loadMs = loadMs + nowMs() - start;
  std::vector<int32_t> prompt;
  TOOLS_TRY(tokenize(model, options.prompt, true, true, prompt));
  Generation result;
  auto onText = [&](const std::string &text) {
    return options.json ? Error::success() : printStreamed(text);
  };
  TOOLS_TRY(generator.generate(prompt, options.maxTokens, onText, result));
  if (options.json) {
    Json object = {
        {"prompt_ids", prompt},          {"ids", result.ids},
        {"text", result.text},           {"stop_reason", result.stopReason},
        {"seed", options.sampling.seed}, {"timings", generator.timings.json()}};
    TOOLS_TRY(writeStdout(dumpJson(object)));
  } else {
    endStreamed();
  }
  std::fputs(generator.timings.lines().c_str(), stderr);
  return Error::success();
}
