//===- token_model.h - What turns a stretch of text into ids ----*- C++ -*-===//

#ifndef QUANTRT_TOKENIZER_TOKEN_MODEL_H
#define QUANTRT_TOKENIZER_TOKEN_MODEL_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace qrt {

/// Which stretches of text between added tokens get a space in front.
enum class SpacePrefix : uint8_t {
  None,
  Each,
  Missing, ///< each that does not begin with one
  First    ///< that at the text's beginning, unless it begins with one
};

inline bool wantsSpace(SpacePrefix prefix, bool isFirst, bool hasSpace) {
  return prefix == SpacePrefix::Each ||
         (prefix != SpacePrefix::None && !hasSpace &&
          (prefix == SpacePrefix::Missing || isFirst));
}

/// Text between added tokens, of at most 1 GiB, to ids, and back.
class TokenModel {
public:
  virtual ~TokenModel() = default;
  /// `isFirst`: nothing stands in front of it.
  virtual void encode(std::string_view text, bool isFirst,
                      std::vector<int32_t> &ids) const = 0;
  /// Appends the bytes of a token that is not an added one.
  virtual void appendPiece(int32_t id, std::string &out) const = 0;
};

} // namespace qrt

#endif // QUANTRT_TOKENIZER_TOKEN_MODEL_H
