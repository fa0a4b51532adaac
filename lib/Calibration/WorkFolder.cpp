//===- WorkFolder.cpp - Where a calibration keeps its files ---------------===//

#include "WorkFolder.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"

namespace lowbit {

/// Changes with anything that a finished layer depends on: rules, text, and the
/// model's tensors.
static std::string keyOf(const QuantizeOptions &options,
                         const ModelSource &source) {
  const Recipe &recipe = options.recipe;
  std::string text;
  llvm::raw_string_ostream os(text);
  for (const TensorRule &rule : recipe.tensors)
    os << rule.match << '\n'
       << rule.scheme << '\n'
       << int(rule.algorithm) << ' ' << rule.lowRank << rule.fallsBack << '\n';
  const CalibrationText &calibration = recipe.calibration;
  os << recipe.rotate << '\n'
     << int(recipe.scale) << ' ' << recipe.alpha << '\n'
     << options.compile.activations << ' ' << recipe.rotateHeads << ' '
     << options.outputImportance.empty() << '\n'
     << calibration.sequences << ' ' << calibration.length << ' '
     << calibration.seed << '\n';
  if (auto file = llvm::MemoryBuffer::getFile(calibration.path))
    os << llvm::xxh3_64bits((*file)->getBuffer()) << '\n';
  if (auto file = llvm::MemoryBuffer::getFile(recipe.importance))
    os << llvm::xxh3_64bits((*file)->getBuffer()) << '\n';
  os << source.path() << '\n';
  for (const SourceTensor &tensor : source.tensors()) {
    os << tensor.name << ' ' << tensor.format->name << ' ' << tensor.bytes;
    if (tensor.data) // a sample of it
      os << ' '
         << llvm::xxh3_64bits(llvm::ArrayRef<uint8_t>(
                tensor.data, std::min<uint64_t>(tensor.bytes, 4096)));
    os << '\n';
  }
  return llvm::utohexstr(llvm::xxh3_64bits(text));
}

/// Of `key`, by what a run before has left; 0 where it is for something else.
static int64_t layersOf(const std::string &path, const std::string &key) {
  auto file = llvm::MemoryBuffer::getFile(path);
  if (!file)
    return 0;
  auto parsed = llvm::json::parse((*file)->getBuffer());
  if (!parsed) {
    llvm::consumeError(parsed.takeError());
    return 0;
  }
  const llvm::json::Object *object = parsed->getAsObject();
  if (!object || object->getString("key") != key)
    return 0;
  return std::max<int64_t>(0, object->getInteger("layers").value_or(0));
}

llvm::Error WorkFolder::open(const QuantizeOptions &options,
                             const ModelSource &source) {
  std::error_code error = llvm::sys::fs::create_directories(path_);
  if (!error && !llvm::sys::fs::is_directory(path_))
    error = std::make_error_code(std::errc::not_a_directory);
  if (error)
    return llvm::createStringError(error, "cannot make the work folder " +
                                              path_ + ": " + error.message());
  key_ = keyOf(options, source);
  finished_ = layersOf(path("progress.json"), key_);
  // What it says is about to be overwritten.
  if (finished_ == 0)
    llvm::sys::fs::remove(path("progress.json"));
  return llvm::Error::success();
}

llvm::Error WorkFolder::finish(int64_t layers) {
  finished_ = layers;
  std::string file = path("progress.json");
  llvm::Error error =
      llvm::writeToOutput(file, [&](llvm::raw_ostream &os) -> llvm::Error {
        os << llvm::formatv("{0:2}\n", llvm::json::Value(llvm::json::Object{
                                           {"key", key_}, {"layers", layers}}));
        return llvm::Error::success();
      });
  if (!error)
    return error;
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 "cannot write " + file + ": " +
                                     llvm::toString(std::move(error)));
}

} // namespace lowbit
