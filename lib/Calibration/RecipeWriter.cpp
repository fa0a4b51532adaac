//===- RecipeWriter.cpp - Recipes as files --------------------------------===//

#include "Provenance.h"
#include "lowbit/Calibration/Budget.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Regex.h"

#include <array>

namespace lowbit {

//===- Rules --------------------------------------------------------------===//

/// A name around its first number: "blk.", "17", ".attn_q.weight". Without one
/// all of it is before.
static std::array<llvm::StringRef, 3> aroundNumber(llvm::StringRef name) {
  size_t from = name.find_first_of("0123456789");
  size_t to = name.find_first_not_of("0123456789", from);
  return {name.slice(0, from), name.slice(from, to),
          to == llvm::StringRef::npos ? "" : name.substr(to)};
}

std::vector<TensorRule> rulesOf(llvm::ArrayRef<std::string> names,
                                llvm::ArrayRef<std::string> schemes,
                                Algorithm algorithm) {
  struct Group {
    llvm::StringRef before, behind, scheme;
    std::vector<std::string> numbers;
  };
  std::vector<Group> groups;
  llvm::StringMap<size_t> places;
  for (auto [name, scheme] : llvm::zip_equal(names, schemes)) {
    auto [before, number, behind] = aroundNumber(name);
    std::string key = (before + "\n" + behind + "\n" + scheme + "\n" +
                       (number.empty() ? "" : "#"))
                          .str();
    auto [place, isNew] = places.try_emplace(key, groups.size());
    if (isNew)
      groups.emplace_back();
    Group &group = groups[place->second];
    group.before = before;
    group.behind = behind;
    group.scheme = scheme;
    if (!number.empty())
      group.numbers.push_back(number.str());
  }
  std::vector<TensorRule> rules;
  for (const Group &group : groups) {
    std::string match = llvm::Regex::escape(group.before);
    if (group.numbers.size() == 1)
      match += group.numbers.front();
    else if (!group.numbers.empty())
      match += "(" + llvm::join(group.numbers, "|") + ")";
    match += llvm::Regex::escape(group.behind);
    rules.push_back({match, group.scheme.str(), algorithm});
  }
  return rules;
}

//===- Files --------------------------------------------------------------===//

llvm::Error writeRecipe(llvm::StringRef path, const Recipe &recipe) {
  Recipe absolute = recipe; // a reader looks beside the recipe
  if (!absolute.calibration.path.empty()) {
    llvm::SmallString<128> text(absolute.calibration.path);
    llvm::sys::fs::make_absolute(text);
    absolute.calibration.path = std::string(text);
  }
  llvm::Error error =
      llvm::writeToOutput(path, [&](llvm::raw_ostream &os) -> llvm::Error {
        os << recipeText(absolute, /*keepsFolders=*/true) << "\n";
        return llvm::Error::success();
      });
  if (!error)
    return error;
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 "cannot write the recipe " + path + ": " +
                                     llvm::toString(std::move(error)));
}

} // namespace lowbit
