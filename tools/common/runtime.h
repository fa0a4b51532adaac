//===- runtime.h - quantrt.h with owners and errors -------------*- C++ -*-===//

#ifndef TOOLS_COMMON_RUNTIME_H
#define TOOLS_COMMON_RUNTIME_H

#include "quantrt/quantrt.h"
#include "tools/common/error.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lowbit::tools {

struct RuntimeDeleter {
  void operator()(qrt_model *model) const { qrt_unload(model); }
  void operator()(qrt_session *session) const { qrt_session_destroy(session); }
  void operator()(qrt_sampler *sampler) const { qrt_sampler_destroy(sampler); }
};
using ModelHandle = std::unique_ptr<qrt_model, RuntimeDeleter>;
using SessionHandle = std::unique_ptr<qrt_session, RuntimeDeleter>;
using SamplerHandle = std::unique_ptr<qrt_sampler, RuntimeDeleter>;

/// The runtime's own words if the call failed.
Error check(qrt_status status);

qrt_model_info modelInfo(const qrt_model *model);
Error createSession(qrt_model *model, int32_t positions,
                    SessionHandle &session);

Error tokenize(const qrt_model *model, std::string_view text, bool addSpecial,
               bool parseSpecial, std::vector<int32_t> &ids);
Error detokenize(const qrt_model *model, const int32_t *ids, size_t count,
                 bool special, std::string &text);
Error applyTemplate(const qrt_model *model,
                    const std::vector<qrt_message> &messages,
                    bool addGenerationPrompt, std::string &text);

} // namespace lowbit::tools

#endif // TOOLS_COMMON_RUNTIME_H
