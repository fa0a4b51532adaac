//===- ConfigReader.cpp - Checked keys of config.json ---------------------===//

#include "ConfigReader.h"

#include "Json.h"

#include <cmath>

using llvm::StringRef;
using llvm::Twine;
using llvm::json::Value;

namespace lowbit::huggingface {

const Value *ConfigReader::find(StringRef key) const {
  // null in the file is its word, too: a window of null is none.
  return object.get(key) ? present(object, key) : present(defaults, key);
}

int64_t ConfigReader::size(StringRef key, std::optional<int64_t> absent,
                           int64_t most) {
  const Value *value = find(key);
  if (!value) {
    if (!absent)
      fail("key '" + key + "' is missing");
    return absent.value_or(1);
  }
  std::optional<int64_t> number = value->getAsInteger();
  if (number && *number >= 1 && *number <= most)
    return *number;
  fail("key '" + key + "' must be a whole number from 1 to " + Twine(most));
  return 1;
}

double ConfigReader::real(StringRef key, double absent) {
  const Value *value = find(key);
  if (!value)
    return absent;
  std::optional<double> number = value->getAsNumber();
  if (number && std::isfinite(*number))
    return *number;
  fail("key '" + key + "' must be a number");
  return absent;
}

bool ConfigReader::flag(StringRef key, bool absent) {
  const Value *value = find(key);
  if (!value)
    return absent;
  std::optional<bool> given = value->getAsBoolean();
  if (!given)
    fail("key '" + key + "' must be true or false");
  return given.value_or(absent);
}

StringRef ConfigReader::text(StringRef key) {
  const Value *value = find(key);
  if (!value)
    return "";
  std::optional<StringRef> given = value->getAsString();
  if (!given)
    fail("key '" + key + "' must be a string");
  return given.value_or("");
}

const llvm::json::Object *ConfigReader::child(StringRef key) {
  const Value *value = find(key);
  if (!value)
    return nullptr;
  const llvm::json::Object *given = value->getAsObject();
  if (!given)
    fail("key '" + key + "' must be an object");
  return given;
}

void ConfigReader::set(StringRef name, KeyValueSource::Value value,
                       StringRef key) {
  std::string ours = (config.family->architecture + Twine(".") + name).str();
  config.theirKeys[ours] = key.str();
  source.set(ours, std::move(value));
}

//===- Inside of an object ------------------------------------------------===//

bool ScopedReader::has(StringRef key) const {
  return object && present(*object, key);
}

double ScopedReader::real(StringRef key, std::optional<double> absent) {
  if (!has(key)) {
    if (!absent)
      reader.fail("key '" + name(key) + "' is missing");
    return absent.value_or(1);
  }
  std::optional<double> number = object->get(key)->getAsNumber();
  if (number && std::isfinite(*number))
    return *number;
  reader.fail("key '" + name(key) + "' must be a number");
  return 1;
}

std::vector<float> ScopedReader::reals(StringRef key) {
  const llvm::json::Array *list = object ? object->getArray(key) : nullptr;
  std::vector<float> values;
  if (list)
    for (const Value &value : *list)
      values.push_back(static_cast<float>(value.getAsNumber().value_or(0)));
  return values;
}

StringRef ScopedReader::text(StringRef key) const {
  return object ? object->getString(key).value_or("") : "";
}

} // namespace lowbit::huggingface
