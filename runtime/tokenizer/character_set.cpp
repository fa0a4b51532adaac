//===- character_set.cpp - [..], \p{..} and \s of an expression -----------===//

#include "tokenizer/character_set.h"

#include <utf8proc.h>

namespace qrt {

static uint32_t bit(int category) { return uint32_t(1) << category; }

uint32_t categoriesOf(std::string_view name) {
  struct Named {
    std::string_view name;
    int category;
  };
  static constexpr Named all[] = {
      {"Lu", UTF8PROC_CATEGORY_LU}, {"Ll", UTF8PROC_CATEGORY_LL},
      {"Lt", UTF8PROC_CATEGORY_LT}, {"Lm", UTF8PROC_CATEGORY_LM},
      {"Lo", UTF8PROC_CATEGORY_LO}, {"Mn", UTF8PROC_CATEGORY_MN},
      {"Mc", UTF8PROC_CATEGORY_MC}, {"Me", UTF8PROC_CATEGORY_ME},
      {"Nd", UTF8PROC_CATEGORY_ND}, {"Nl", UTF8PROC_CATEGORY_NL},
      {"No", UTF8PROC_CATEGORY_NO}, {"Pc", UTF8PROC_CATEGORY_PC},
      {"Pd", UTF8PROC_CATEGORY_PD}, {"Ps", UTF8PROC_CATEGORY_PS},
      {"Pe", UTF8PROC_CATEGORY_PE}, {"Pi", UTF8PROC_CATEGORY_PI},
      {"Pf", UTF8PROC_CATEGORY_PF}, {"Po", UTF8PROC_CATEGORY_PO},
      {"Sm", UTF8PROC_CATEGORY_SM}, {"Sc", UTF8PROC_CATEGORY_SC},
      {"Sk", UTF8PROC_CATEGORY_SK}, {"So", UTF8PROC_CATEGORY_SO},
      {"Zs", UTF8PROC_CATEGORY_ZS}, {"Zl", UTF8PROC_CATEGORY_ZL},
      {"Zp", UTF8PROC_CATEGORY_ZP}, {"Cc", UTF8PROC_CATEGORY_CC},
      {"Cf", UTF8PROC_CATEGORY_CF}, {"Cs", UTF8PROC_CATEGORY_CS},
      {"Co", UTF8PROC_CATEGORY_CO}, {"Cn", UTF8PROC_CATEGORY_CN},
  };
  uint32_t categories = 0;
  if (!name.empty() && name.size() <= 2)
    for (const Named &one : all)
      if (one.name.substr(0, name.size()) == name)
        categories |= bit(one.category);
  return categories;
}

namespace {
/// What one character is, looked up once for all items.
struct Properties {
  uint32_t value;
  uint32_t category; ///< its bit
  bool space;
};
} // namespace

static bool holds(const CharacterSet &set, const Properties &properties) {
  for (const CharacterSet::Item &item : set.items) {
    bool inside =
        (properties.value >= item.first && properties.value <= item.last) ||
        (properties.category & item.categories) ||
        (item.space && properties.space) ||
        (!item.nested.empty() && holds(item.nested.front(), properties));
    if (inside != item.negated)
      return !set.negated;
  }
  return set.negated;
}

static Properties propertiesOf(uint32_t value) {
  return {value, bit(utf8proc_category(static_cast<utf8proc_int32_t>(value))),
          (classOf(value) & ClassSpace) != 0};
}

bool CharacterSet::contains(const Character &character) const {
  // A stray byte has no class, U+FFFD itself has one.
  if (character.value == 0xFFFD && character.classes == 0)
    return holds(*this, {character.value, 0, false});
  if (!anyCase)
    return holds(*this, propertiesOf(character.value));
  // A negated set must not take a character whose other case it excludes.
  auto value = static_cast<utf8proc_int32_t>(character.value);
  utf8proc_int32_t upper = utf8proc_toupper(value);
  bool result = negated;
  for (utf8proc_int32_t other :
       {value, upper, utf8proc_tolower(value), utf8proc_tolower(upper)})
    if (holds(*this, propertiesOf(static_cast<uint32_t>(other))) != negated)
      result = !negated;
  return result;
}

} // namespace qrt
