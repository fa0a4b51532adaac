//===- generate.h - Prompt in, text out -------------------------*- C++ -*-===//

#ifndef TOOLS_QUANTRUN_GENERATE_H
#define TOOLS_QUANTRUN_GENERATE_H

#include "tools/common/json.h"
#include "tools/common/runtime.h"
#include "tools/common/text.h"

#include <functional>
#include <string>
#include <vector>

namespace lowbit::tools {

/// Times in milliseconds, counted as llama.cpp counts them.
struct Timings {
  double loadMs = 0;
  double promptMs = 0, predictedMs = 0;
  int64_t promptTokens = 0;
  int64_t predictedTokens = 0; ///< chosen
  int64_t runs = 0; ///< computed: the first token is the prompt's result

  /// llama.cpp's lines.
  std::string lines() const;
  Json json() const;
};

/// Milliseconds of a clock that never goes back.
double nowMs();

/// Ids to text, one after the other, as the text continues `context`: a piece
/// may depend on the ids before it, and a character may need several ids.
class TextStream {
public:
  TextStream(const qrt_model *model, const std::vector<int32_t> &context);
  Error push(int32_t id, std::string &text);
  std::string finish() { return characters_.finish(); }

private:
  const qrt_model *model_;
  std::vector<int32_t> window_; ///< the last few ids
  std::string windowText_;
  Utf8Stream characters_;
};

/// Why a generation ended: "eos", "length" (-n), "context" (full),
/// "interrupted" (Ctrl-C).
struct Generation {
  std::vector<int32_t> ids;
  std::string text;
  const char *stopReason = "";
};

/// A model with the session and the sampler of one conversation.
class Generator {
public:
  using OnText = std::function<Error(const std::string &)>;

  /// `ignoreEnd`: no token that ends the text is ever chosen.
  Error create(qrt_model *model, int32_t context, qrt_sampling sampling,
               std::vector<qrt_logit_bias> biases, bool ignoreEnd);

  /// Makes the session hold `prompt`, of which it keeps what it has already,
  /// and goes on from there.
  Error generate(const std::vector<int32_t> &prompt, int32_t maxTokens,
                 const OnText &onText, Generation &result);

  int32_t contextSize() const { return contextSize_; }
  Timings timings;

private:
  Error prefill(const std::vector<int32_t> &prompt);
  Error append(int32_t id);

  qrt_model *model_ = nullptr;
  SessionHandle session_;
  SamplerHandle sampler_;
  int32_t contextSize_ = 0;
  std::vector<int32_t> held_; ///< the ids in the session
  std::vector<float> logits_;
  std::vector<qrt_logit_bias> biases_;
};

/// The -p mode: streams the text, or prints one JSON object.
struct RunOptions;
Error runPrompt(qrt_model *model, const RunOptions &options, double loadMs);

/// Prints a text as it comes; true if it is the terminal's that an answer
/// needs a last line end.
Error printStreamed(const std::string &text);
void endStreamed();

} // namespace lowbit::tools

#endif // TOOLS_QUANTRUN_GENERATE_H
