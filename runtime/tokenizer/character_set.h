//===- character_set.h - [..], \p{..} and \s of an expression ---*- C++ -*-===//

#ifndef QUANTRT_TOKENIZER_CHARACTER_SET_H
#define QUANTRT_TOKENIZER_CHARACTER_SET_H

#include "tokenizer/unicode.h"

#include <vector>

namespace qrt {

/// A set of characters as an expression writes it.
struct CharacterSet {
  /// One member: a range, categories, white space, or a set.
  struct Item {
    uint32_t first = 1, last = 0; ///< no character
    uint32_t categories = 0;      ///< a bit for each of Unicode's, as utf8proc
                                  ///< numbers them
    bool space = false;           ///< White_Space
    bool negated = false;
    std::vector<CharacterSet> nested; ///< none or one
  };

  std::vector<Item> items;
  bool negated = false;
  bool anyCase = false; ///< upper and lower case are the same

  bool contains(const Character &character) const;
};

/// Bits of the categories that "L", "Lu", ... stand for; 0: no such name.
uint32_t categoriesOf(std::string_view name);

} // namespace qrt

#endif // QUANTRT_TOKENIZER_CHARACTER_SET_H
