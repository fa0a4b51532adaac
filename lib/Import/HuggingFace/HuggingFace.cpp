//===- HuggingFace.cpp - Folders of Hugging Face as a model source --------===//

#include "Checkpoint.h"
#include "Config.h"
#include "Encoder.h"
#include "Json.h"
#include "TensorMap.h"
#include "Tokenizer.h"
#include "lowbit/Import/FolderLayout.h"

#include "llvm/Support/Path.h"

using llvm::Error;
using llvm::StringRef;

namespace lowbit {

using namespace huggingface;

namespace {
class HuggingFaceSource final : public KeyValueSource {
public:
  explicit HuggingFaceSource(StringRef path) : KeyValueSource(path) {}

  Error open();
  std::string nameInFile(StringRef name) const override;
  StringRef remedy() const override { return "download the checkpoint again"; }
  const FolderLayout *folder() const override { return &layout; }

private:
  void addRopeFactors();
  void describeFolder();

  Checkpoint checkpoint;
  Config config;
  FormatList formats;                        ///< that tensors point to
  llvm::StringMap<std::string> theirTensors; ///< GGUF's name -> the folder's
  FolderLayout layout;
};
} // namespace

std::string HuggingFaceSource::nameInFile(StringRef name) const {
  for (const llvm::StringMap<std::string> *names :
       {&theirTensors, &config.theirKeys})
    if (auto found = names->find(name); found != names->end())
      return found->second;
  return name.str();
}

void HuggingFaceSource::addRopeFactors() {
  if (config.ropeFactors.empty())
    return;
  SourceTensor tensor;
  tensor.name = config.ropeFactorsName;
  tensor.shape = {int64_t(config.ropeFactors.size())};
  tensor.format = findBitFormat("F32");
  tensor.bytes = tensor.format->rowBytes(tensor.columns());
  tensor.generate = [this](int64_t, RowFields &fields) {
    fields.resize(Scheme::ofFloat(FieldType::F32),
                  int64_t(config.ropeFactors.size()));
    fields.reals = config.ropeFactors;
  };
  all.push_back(std::move(tensor));
}

void HuggingFaceSource::describeFolder() {
  for (const safetensors::Tensor &tensor : checkpoint.tensors())
    layout.stored.push_back({tensor.name, tensor.type->name, tensor.shape,
                             tensor.data, tensor.bytes});
  llvm::StringMap<int> parts;
  for (const auto &entry : theirTensors)
    ++parts[entry.second];
  for (const SourceTensor &tensor : all) {
    auto theirs = theirTensors.find(tensor.name);
    if (theirs == theirTensors.end())
      continue;
    FolderLayout::Place &place = layout.places[tensor.name];
    place.name = theirs->second;
    place.whole = parts[place.name] == 1;
    if (rotatesRows(config, tensor.name, tensor.shape.front()))
      place.headDim = config.headDim;
    place.lessOne = isGainLessOne(config, tensor.name, tensor.shape.size());
  }
}

Error HuggingFaceSource::open() {
  std::string configPath = fileIn(path(), "config.json");
  auto object = readJsonIfThere(configPath);
  if (!object)
    return object.takeError();
  if (!*object)
    return fileError(path(), "has no config.json, expected a folder of a "
                             "Hugging Face model or a .gguf file");
  llvm::Expected<Config> read = readConfig(**object, configPath, *this);
  if (!read)
    return read.takeError();
  config = std::move(*read);
  llvm::Expected<Checkpoint> opened = Checkpoint::open(path());
  if (!opened)
    return opened.takeError();
  checkpoint = std::move(*opened);
  auto mapped = mapTensors(checkpoint, config, path(), formats, theirTensors);
  if (!mapped)
    return mapped.takeError();
  all = std::move(*mapped);
  describeFolder();
  addRopeFactors();
  // "folder/" has no name of its own.
  llvm::SmallString<128> real;
  if (!llvm::sys::fs::real_path(path(), real))
    set("general.name", llvm::sys::path::filename(real).str());
  if (Error error = readSentenceFiles(path(), config, *this))
    return error;
  return readTokenizer(path(), **object, config.vocabulary, *this);
}

llvm::Expected<std::unique_ptr<ModelSource>> openHuggingFace(StringRef folder) {
  auto source = std::make_unique<HuggingFaceSource>(folder);
  if (Error error = source->open())
    return std::move(error);
  return source;
}

llvm::Expected<std::unique_ptr<ModelSource>> openModel(StringRef path) {
  if (llvm::sys::fs::is_directory(path))
    return openHuggingFace(path);
  if (path.ends_with(".safetensors"))
    return fileError(path, "holds tensors alone: give the folder, with "
                           "config.json");
  return openGGUF(path);
}

} // namespace lowbit
