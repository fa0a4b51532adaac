//===- tokens.cpp - Text to ids and back ----------------------------------===//

#include "tools/quant-run/tokens.h"

#include "tools/common/files.h"
#include "tools/common/ids.h"
#include "tools/common/json.h"
#include "tools/common/text.h"

using namespace lowbit::tools;

/// stdout is written in pieces of this size.
static constexpr size_t pieceBytes = 1 << 16;

static Error flush(std::string &output, size_t least) {
  if (output.size() < least)
    return Error::success();
  TOOLS_TRY(writeStdout(output));
  output.clear();
  return Error::success();
}

Error lowbit::tools::runTokenize(const qrt_model *model,
                                 const std::string &path) {
  std::string content, output;
  TOOLS_TRY(readFile(path, content));
  std::vector<int32_t> ids;
  for (std::string_view line : splitLines(content)) {
    TOOLS_TRY(tokenize(model, line, false, true, ids));
    output += dumpJson(Json(ids));
    TOOLS_TRY(flush(output, pieceBytes));
  }
  return flush(output, 1);
}

Error lowbit::tools::runDetokenize(const qrt_model *model,
                                   const std::string &path) {
  std::string content, output, text;
  TOOLS_TRY(readFile(path, content));
  std::vector<int32_t> ids;
  size_t number = 0;
  int32_t vocabulary = modelInfo(model).n_vocab;
  for (std::string_view line : splitLines(content)) {
    TOOLS_TRY(parseIds(line, vocabulary,
                       "'" + path + "', line " + std::to_string(++number),
                       ids));
    TOOLS_TRY(detokenize(model, ids.data(), ids.size(), true, text));
    output += text + "\n";
    TOOLS_TRY(flush(output, pieceBytes));
  }
  return flush(output, 1);
}
