//===- generate.h - Prompt in, text out -------------------------*- C++ -*-===//

#ifndef QUANTRT_SESSION_GENERATE_H
#define QUANTRT_SESSION_GENERATE_H

#include "session/model.h"

#include <string_view>

namespace qrt {

/// As qrt_generate.
Status generate(Model &model, std::string_view prompt,
                const qrt_generate_options &options, qrt_on_text onText,
                void *user);

} // namespace qrt

#endif // QUANTRT_SESSION_GENERATE_H
