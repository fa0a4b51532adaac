//===- Json.cpp - JSON files of a checkpoint ------------------------------===//

#include "Json.h"

#include "lib/Import/MappedFile.h"

#include "llvm/ADT/Twine.h"

using llvm::StringRef;

namespace lowbit::huggingface {

static constexpr int kDeepest = 100;

static bool nestsTooDeep(StringRef text) {
  int depth = 0;
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (inString) {
      i += c == '\\';
      inString = c != '"';
    } else if (c == '"') {
      inString = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kDeepest)
        return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

/// Messages of llvm::json have the position in front and are one line.
static llvm::Expected<llvm::json::Value> parseValue(StringRef text,
                                                    StringRef path) {
  if (text.starts_with("version https://git-lfs"))
    return fileError(path, "it is a Git LFS pointer, fetch the file itself "
                           "with `git lfs pull`");
  if (nestsTooDeep(text))
    return fileError(path, "is JSON of more than " + llvm::Twine(kDeepest) +
                               " levels, which no checkpoint has: download it "
                               "again");
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(text);
  if (!value)
    return fileError(path, "is not JSON: " + llvm::toString(value.takeError()) +
                               ": download it again");
  return value;
}

llvm::Expected<llvm::json::Object> parseJson(StringRef text, StringRef path) {
  llvm::Expected<llvm::json::Value> value = parseValue(text, path);
  if (!value)
    return value.takeError();
  if (llvm::json::Object *object = value->getAsObject())
    return std::move(*object);
  return fileError(path, "expected a JSON object: download it again");
}

llvm::Expected<std::optional<llvm::json::Object>>
readJsonIfThere(StringRef path) {
  if (!llvm::sys::fs::exists(path))
    return std::nullopt;
  MappedFile file;
  if (llvm::Error error = file.open(path, "a JSON file"))
    return std::move(error);
  llvm::Expected<llvm::json::Object> object = parseJson(file.bytes(), path);
  if (!object)
    return object.takeError();
  return std::move(*object);
}

llvm::Expected<std::optional<llvm::json::Array>>
readJsonListIfThere(StringRef path) {
  if (!llvm::sys::fs::exists(path))
    return std::nullopt;
  MappedFile file;
  if (llvm::Error error = file.open(path, "a JSON file"))
    return std::move(error);
  llvm::Expected<llvm::json::Value> value = parseValue(file.bytes(), path);
  if (!value)
    return value.takeError();
  if (llvm::json::Array *list = value->getAsArray())
    return std::move(*list);
  return fileError(path, "expected a JSON list: download it again");
}

const llvm::json::Value *present(const llvm::json::Object &object,
                                 StringRef key) {
  const llvm::json::Value *value = object.get(key);
  return value && value->kind() != llvm::json::Value::Null ? value : nullptr;
}

void forEachObject(
    const llvm::json::Object &object, StringRef key,
    llvm::function_ref<void(const llvm::json::Object &)> visit) {
  if (const llvm::json::Array *list = object.getArray(key))
    for (const llvm::json::Value &value : *list)
      if (const llvm::json::Object *element = value.getAsObject())
        visit(*element);
}

} // namespace lowbit::huggingface
