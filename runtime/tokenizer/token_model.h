//===- token_model.h - What turns a stretch of text into ids ----*- C++ -*-===//

#ifndef QUANTRT_TOKENIZER_TOKEN_MODEL_H
#define QUANTRT_TOKENIZER_TOKEN_MODEL_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace qrt {

/// Text between added tokens, of at most 1 GiB, to ids, and back.
class TokenModel {
public:
  virtual ~TokenModel() = default;
  virtual void encode(std::string_view text,
                      std::vector<int32_t> &ids) const = 0;
  /// Appends the bytes of a token that is not an added one.
  virtual void appendPiece(int32_t id, std::string &out) const = 0;
};

} // namespace qrt

#endif // QUANTRT_TOKENIZER_TOKEN_MODEL_H
