//===- Checkpoint.cpp - The weights of a folder ---------------------------===//

#include "Checkpoint.h"

#include "Json.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Path.h"

#include <set>

using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

namespace lowbit::huggingface {

static constexpr const char *kSingle = "model.safetensors";
static constexpr const char *kIndex = "model.safetensors.index.json";

std::string fileIn(StringRef folder, StringRef name) {
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, name);
  return path.str().str();
}

const safetensors::Tensor *Checkpoint::find(StringRef name) const {
  auto found = numbers.find(name);
  return found == numbers.end() ? nullptr : &all[found->second];
}

const std::string *Checkpoint::metadata(StringRef name) const {
  auto found = texts.find(name);
  return found == texts.end() ? nullptr : &found->second;
}

Error Checkpoint::openFile(const std::string &path) {
  if (!llvm::sys::fs::exists(path))
    return fileError(path, "no such file: a shard is missing, download it too");
  if (Error error = maps.emplace_back().open(path, "a safetensors file"))
    return error;
  auto file = safetensors::parseFile(maps.back().bytes(), path);
  if (!file)
    return file.takeError();
  for (safetensors::Tensor &tensor : file->tensors) {
    if (!numbers.try_emplace(tensor.name, all.size()).second)
      return fileError(path, "tensor " + safetensors::quoted(tensor.name) +
                                 " is in two shards: they are not of one "
                                 "model, download them again");
    all.push_back(std::move(tensor));
  }
  for (auto &[name, text] : file->metadata)
    texts.try_emplace(name, std::move(text));
  return Error::success();
}

Error Checkpoint::openShards(StringRef folder, const std::string &index) {
  auto object = readJsonIfThere(index);
  if (!object)
    return object.takeError();
  const llvm::json::Object *map = (*object)->getObject("weight_map");
  if (!map)
    return fileError(index, "has no weight_map: download it again");
  std::set<std::string> shards;
  for (const auto &[tensor, file] : *map) {
    StringRef name = file.getAsString().value_or("");
    // A path could lead out of the folder.
    if (name.empty() || name != llvm::sys::path::filename(name) || name == "..")
      return fileError(index, "tensor " +
                                  safetensors::quoted(StringRef(tensor)) +
                                  " is not in a file of the folder: download "
                                  "the index again");
    shards.insert(name.str());
  }
  for (const std::string &shard : shards)
    if (Error error = openFile(fileIn(folder, shard)))
      return error;
  for (const auto &[tensor, file] : *map)
    if (!find(StringRef(tensor)))
      return fileError(fileIn(folder, *file.getAsString()),
                       "tensor " + safetensors::quoted(StringRef(tensor)) +
                           " is missing, but " + kIndex +
                           " says that it is here: download the shards again");
  return Error::success();
}

/// The name of a pickle in the folder, or "".
static std::string findPickle(StringRef folder) {
  std::error_code problem;
  std::set<std::string> found; // whatever order the folder has
  for (llvm::sys::fs::directory_iterator file(folder, problem), end;
       file != end && !problem; file.increment(problem)) {
    StringRef name = llvm::sys::path::filename(file->path());
    StringRef extension = llvm::sys::path::extension(name);
    if (llvm::StringSet<>{".bin", ".pt", ".pth", ".ckpt"}.contains(extension))
      found.insert(name.str());
  }
  return found.empty() ? "" : *found.begin();
}

llvm::Expected<Checkpoint> Checkpoint::open(StringRef folder) {
  Checkpoint checkpoint;
  std::string single = fileIn(folder, kSingle), index = fileIn(folder, kIndex);
  if (llvm::sys::fs::exists(single)) {
    if (Error error = checkpoint.openFile(single))
      return std::move(error);
    return checkpoint;
  }
  if (llvm::sys::fs::exists(index)) {
    if (Error error = checkpoint.openShards(folder, index))
      return std::move(error);
    return checkpoint;
  }
  std::string pickle = findPickle(folder);
  if (pickle.empty())
    return fileError(folder, Twine("has neither ") + kSingle + " nor " +
                                 kIndex +
                                 ": download the checkpoint's "
                                 "safetensors files");
  return fileError(
      fileIn(folder, pickle),
      "is a pickle, which can run any code and is never loaded: convert it in "
      "Python, where you trust it, with "
      "AutoModelForCausalLM.from_pretrained(FOLDER).save_pretrained(NEW_FOLDER,"
      " "
      "safe_serialization=True)");
}

} // namespace lowbit::huggingface
