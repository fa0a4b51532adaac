//===- unicode_forms.h - Normal forms, case and marks -----------*- C++ -*-===//

#ifndef QUANTRT_TOKENIZER_UNICODE_FORMS_H
#define QUANTRT_TOKENIZER_UNICODE_FORMS_H

#include <cstdint>
#include <string_view>
#include <vector>

namespace qrt {

/// Code points of a text; U+FFFD for a stray byte.
using Points = std::vector<uint32_t>;

Points pointsOf(std::string_view text);

/// Unicode's normal forms: composed or not, compatible characters replaced or
/// not.
void decompose(Points &points, bool compatible);
void compose(Points &points);

/// Appends the lower case of a character, whatever stands beside it.
void appendLower(uint32_t point, Points &out);

bool isNonspacingMark(uint32_t point); ///< Mn
bool isMark(uint32_t point);           ///< M
/// \w of regular expressions: letters, marks, digits, what connects them.
bool isWordCharacter(uint32_t point);
/// Control, format and private use characters: C, but what is not assigned.
bool isOther(uint32_t point);

} // namespace qrt

#endif // QUANTRT_TOKENIZER_UNICODE_FORMS_H
