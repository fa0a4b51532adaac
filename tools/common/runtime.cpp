//===- runtime.cpp - quantrt.h with owners and errors ---------------------===//

#include "tools/common/runtime.h"

using namespace lowbit::tools;

Error lowbit::tools::check(qrt_status status) {
  if (status == QRT_OK)
    return Error::success();
  std::string message = qrt_last_error();
  if (message.empty())
    message = "the runtime failed with status " + std::to_string(status);
  return Error(std::move(message));
}

qrt_model_info lowbit::tools::modelInfo(const qrt_model *model) {
  qrt_model_info info{};
  qrt_get_model_info(model, &info);
  return info;
}

Error lowbit::tools::createSession(qrt_model *model, int32_t positions,
                                   SessionHandle &session) {
  qrt_session_options options{};
  options.n_ctx = positions;
  qrt_session *created = nullptr;
  TOOLS_TRY(check(qrt_session_create(model, &options, &created)));
  session.reset(created);
  return Error::success();
}

/// Runs a call of the "how much do you need" protocol: once with what most
/// texts need, and again if that was too little.
template <class Buffer, class Call>
static Error fillBuffer(Buffer &buffer, size_t guess, Call call) {
  buffer.resize(guess);
  size_t needed = guess;
  qrt_status status = call(buffer.data(), &needed);
  if (status == QRT_INVALID_ARGUMENT && needed > guess) {
    buffer.resize(needed);
    status = call(buffer.data(), &needed);
  }
  if (status != QRT_OK)
    return check(status);
  buffer.resize(needed);
  return Error::success();
}

Error lowbit::tools::tokenize(const qrt_model *model, std::string_view text,
                              bool addSpecial, bool parseSpecial,
                              std::vector<int32_t> &ids) {
  return fillBuffer(ids, text.size() + 4, [&](int32_t *out, size_t *count) {
    return qrt_tokenize(model, text.data(), text.size(), addSpecial,
                        parseSpecial, out, count);
  });
}

Error lowbit::tools::detokenize(const qrt_model *model, const int32_t *ids,
                                size_t count, bool special, std::string &text) {
  return fillBuffer(text, 16 * count + 16, [&](char *out, size_t *bytes) {
    return qrt_detokenize(model, ids, count, special, out, bytes);
  });
}

Error lowbit::tools::applyTemplate(const qrt_model *model,
                                   const std::vector<qrt_message> &messages,
                                   bool addGenerationPrompt,
                                   std::string &text) {
  size_t guess = 1024;
  for (const qrt_message &message : messages)
    guess += std::char_traits<char>::length(message.content) + 64;
  return fillBuffer(text, guess, [&](char *out, size_t *bytes) {
    return qrt_apply_template(model, messages.data(), messages.size(),
                              addGenerationPrompt, out, bytes);
  });
}
