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
static std::string keyOf(const Recipe &recipe, const ModelSource &source) {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (const TensorRule &rule : recipe.tensors)
    os << rule.match << '\n'
       << rule.scheme << '\n'
       << int(rule.algorithm) << '\n';
  const CalibrationText &calibration = recipe.calibration;
  os << recipe.rotate << '\n'
     << int(recipe.scale) << ' ' << recipe.alpha << '\n'
     << recipe.activations << '\n'
     << calibration.sequences << ' ' << calibration.length << ' '
     << calibration.seed << '\n';
  if (auto file = llvm::MemoryBuffer::getFile(calibration.path))
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

llvm::Error WorkFolder::open(const Recipe &recipe, const ModelSource &source) {
  if (std::error_code error = llvm::sys::fs::create_directories(path_))
    return llvm::createStringError(error, "cannot make the work folder " +
                                              path_ + ": " + error.message());
  key_ = keyOf(recipe, source);
  auto file = llvm::MemoryBuffer::getFile(path("progress.json"));
  if (!file)
    return llvm::Error::success();
  auto parsed = llvm::json::parse((*file)->getBuffer());
  if (!parsed) {
    llvm::consumeError(parsed.takeError());
    return llvm::Error::success();
  }
  const llvm::json::Object *object = parsed->getAsObject();
  if (object && object->getString("key") == key_)
    finished_ = object->getInteger("layers").value_or(0);
  return llvm::Error::success();
}

llvm::Error WorkFolder::finish(int64_t layers) {
  finished_ = layers;
  return llvm::writeToOutput(
      path("progress.json"), [&](llvm::raw_ostream &os) -> llvm::Error {
        os << llvm::formatv("{0:2}\n", llvm::json::Value(llvm::json::Object{
                                           {"key", key_}, {"layers", layers}}));
        return llvm::Error::success();
      });
}

} // namespace lowbit
