//===- generate.cpp - Prompt in, text out ---------------------------------===//

#include "session/generate.h"
#include "sample/sampler.h"
#include "session/session.h"
#include "tokenizer/utf8_stream.h"

namespace qrt {

namespace {

/// Gives generated tokens to the caller as whole characters.
class TextOut {
public:
  TextOut(const Tokenizer &tokenizer, qrt_on_text onText, void *user)
      : tokenizer_(tokenizer), onText_(onText), user_(user) {}

  Status push(int32_t id) {
    bytes_.clear();
    tokenizer_.appendPiece(id, /*special=*/false, bytes_);
    stream_.push(bytes_, text_);
    return give();
  }
  Status finish() {
    stream_.flush(text_);
    return give();
  }

private:
  Status give() {
    if (!text_.empty() && onText_ &&
        onText_(user_, text_.data(), text_.size()) != 0)
      return Status(QRT_CANCELLED,
                    "stopped by the function that receives text");
    text_.clear();
    return {};
  }

  const Tokenizer &tokenizer_;
  qrt_on_text onText_;
  void *user_;
  Utf8Stream stream_;
  std::string bytes_; ///< of the last token
  std::string text_;  ///< not given yet
};

Status encodePrompt(const Model &model, std::string_view prompt,
                    std::vector<int32_t> &ids) {
  QRT_TRY(model.needTokenizer());
  const Tokenizer &tokenizer = *model.tokenizer();
  QRT_TRY(tokenizer.encode(prompt, /*addSpecial=*/true, /*parseSpecial=*/true,
                           ids));
  if (ids.empty() && tokenizer.bosId() >= 0)
    ids.push_back(tokenizer.bosId());
  if (ids.empty())
    return invalid("the prompt is empty: give some text to continue");
  return {};
}

} // namespace

Status generate(Model &model, std::string_view prompt,
                const qrt_generate_options &options, qrt_on_text onText,
                void *user) {
  std::vector<int32_t> ids;
  QRT_TRY(encodePrompt(model, prompt, ids));
  std::unique_ptr<Session> session;
  QRT_TRY(Session::create(model, options.n_ctx, session));
  const int32_t vocabulary = int32_t(model.view().header.text.n_vocab);
  std::unique_ptr<Sampler> sampler;
  QRT_TRY(Sampler::create(vocabulary, options.sampling, sampler));
  for (int32_t id : ids)
    sampler->accept(id);

  std::vector<float> logits(size_t(vocabulary), 0.0f);
  QRT_TRY(session->append(ids.data(), int32_t(ids.size()), 1, logits.data()));
  TextOut out(*model.tokenizer(), onText, user);
  for (int32_t made = 0; made != options.max_tokens; ++made) {
    const int32_t id = sampler->sample(logits.data());
    if (!options.ignore_eos && model.tokenizer()->isEnd(id))
      break;
    QRT_TRY(out.push(id));
    if (session->length() == session->capacity() ||
        made + 1 == options.max_tokens)
      break;
    QRT_TRY(session->append(&id, 1, 1, logits.data()));
  }
  return out.finish();
}

} // namespace qrt
