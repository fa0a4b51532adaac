//===- ExportFolder.cpp - A model to a folder of Hugging Face -------------===//

#include "ExportFolder.h"

#include "CompressedLayer.h"
#include "Weights.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LowBit/IR/LowBitDialect.h"
#include "lib/Target/AtomicFile.h"
#include "lowbit/Import/FolderLayout.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <list>
#include <map>
#include <unistd.h>

using namespace mlir;

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static std::string fileIn(StringRef folder, StringRef name) {
  llvm::SmallString<256> path(folder);
  llvm::sys::path::append(path, name);
  return path.str().str();
}

/// What goes with the weights, where the source's folder has it.
static constexpr const char *kCompanions[] = {
    "generation_config.json", "tokenizer.json",     "tokenizer_config.json",
    "tokenizer.model",        "vocab.json",         "merges.txt",
    "added_tokens.json",      "chat_template.json", "chat_template.jinja",
    "special_tokens_map.json"};

/// Tables of tokens, positions and types, of which rows are looked up.
static bool isLookedUp(StringRef name) {
  return name.starts_with("token_embd.") ||
         name.starts_with("position_embd.") || name.starts_with("token_types.");
}

namespace {

class FolderExporter {
public:
  FolderExporter(ModuleOp module, const ModelSource &source,
                 const FolderLayout &layout, bool perToken)
      : module(module), source(source), layout(layout), perToken(perToken) {}

  /// Everything that the folder will hold; nothing is written.
  llvm::Error plan();
  llvm::Error write(StringRef folder, Console &console);

  std::vector<WeightImage> summary;
  std::vector<std::string> notes;

private:
  llvm::Error planTensor(const SourceTensor &tensor);
  llvm::Error keep(const SourceTensor &tensor,
                   const FolderLayout::Place &place);
  llvm::Error compress(const SourceTensor &tensor,
                       const FolderLayout::Place &place, const Scheme &scheme);
  llvm::Error replaceVector(const SourceTensor &tensor,
                            const FolderLayout::Place &place);
  void addStored(const FolderLayout::Stored &stored);
  void addToGroup(const CompressedScheme &scheme, StringRef layer);
  llvm::json::Object quantizationConfig() const;
  llvm::Error writeConfig(StringRef folder) const;

  ModuleOp module;
  const ModelSource &source;
  const FolderLayout &layout;
  bool perToken;

  struct Group {
    CompressedScheme scheme;
    std::vector<std::string> layers;
  };
  std::map<std::string, Group> groups; ///< by what the config says of them
  std::vector<std::string> floatLayers;
  std::list<WeightImage> images; ///< that tensors point to
  std::vector<SafetensorsTensor> tensors;
  llvm::StringSet<> done; ///< names in the folder
};

} // namespace

void FolderExporter::addStored(const FolderLayout::Stored &stored) {
  if (!done.insert(stored.name).second)
    return;
  SafetensorsTensor tensor;
  tensor.name = stored.name.str();
  tensor.type = stored.type;
  tensor.shape = stored.shape.vec();
  tensor.rowBytes = int64_t(stored.bytes);
  tensor.data = stored.data;
  tensors.push_back(std::move(tensor));
}

/// The folder's own bytes.
llvm::Error FolderExporter::keep(const SourceTensor &tensor,
                                 const FolderLayout::Place &place) {
  for (const FolderLayout::Stored &stored : layout.stored)
    if (stored.name == place.name) {
      addStored(stored);
      StringRef layer = place.name;
      bool isTable = isLookedUp(tensor.name);
      if (tensor.shape.size() == 2 && !isTable &&
          layer.consume_back(".weight") &&
          !llvm::is_contained(floatLayers, layer))
        floatLayers.push_back(layer.str());
      return llvm::Error::success();
    }
  return failure("tensor '" + place.name +
                 "' is quantized in the folder and is a table of embeddings, "
                 "which has to be floats: give the checkpoint that it was "
                 "made from");
}

/// A norm that a recipe has multiplied factors into.
llvm::Error FolderExporter::replaceVector(const SourceTensor &tensor,
                                          const FolderLayout::Place &place) {
  if (tensor.shape.size() != 1 || place.lessOne || place.headDim)
    return failure("tensor '" + place.name +
                   "' is changed by the recipe, which the folder cannot hold "
                   "exactly: take smoothing and rotations out of the recipe, "
                   "or write a module (-o NAME.so)");
  SafetensorsTensor result;
  result.name = place.name;
  result.type = "F32";
  result.shape = tensor.shape;
  result.rowBytes = 4 * tensor.columns();
  result.writeRow = [from = &tensor](int64_t, uint8_t *bytes) {
    std::vector<float> values(size_t(from->columns()));
    from->readReals(0, values.data());
    memcpy(bytes, values.data(), 4 * values.size());
  };
  done.insert(place.name);
  tensors.push_back(std::move(result));
  return llvm::Error::success();
}

void FolderExporter::addToGroup(const CompressedScheme &scheme,
                                StringRef layer) {
  std::string key;
  llvm::raw_string_ostream(key)
      << scheme.format << llvm::json::Value(scheme.weights());
  Group &group = groups[key];
  group.scheme = scheme;
  group.layers.push_back(layer.str());
}

llvm::Error FolderExporter::compress(const SourceTensor &tensor,
                                     const FolderLayout::Place &place,
                                     const Scheme &scheme) {
  StringRef layer = place.name;
  auto compressed = compressedScheme(scheme, tensor.columns());
  if (!compressed || !layer.consume_back(".weight"))
    return failure("tensor '" + place.name + "' has the scheme '" +
                   scheme.str() + "' in rows of " +
                   llvm::Twine(tensor.columns()) +
                   ", which compressed-tensors cannot say: choose integers "
                   "with one scale for a row or for groups without a tail, "
                   "such as --recipe=W8A8, or write a module (-o NAME.so)");
  if (!place.whole)
    return failure("tensor '" + place.name +
                   "' is several matrices in one, which cannot be written "
                   "again yet: write a module (-o NAME.so)");
  if (!tensor.permutation.empty() && !source.isReplaced(tensor.name) &&
      scheme == tensor.format->scheme)
    return failure("tensor '" + place.name +
                   "' has its columns in another order (an activation order), "
                   "which compressed-tensors no longer reads: round it to "
                   "another scheme, or write a module (-o NAME.so)");
  images.push_back(imageOf(tensor, scheme));
  auto parts = compressLayer(layer.str(), *compressed, images.back(),
                             [place](int64_t row) { return place.rowOf(row); });
  if (!parts)
    return parts.takeError();
  for (SafetensorsTensor &part : *parts) {
    done.insert(part.name);
    tensors.push_back(std::move(part));
  }
  addToGroup(*compressed, layer);
  // A bias belongs to the layer and to nobody else.
  for (const FolderLayout::Stored &stored : layout.stored)
    if (stored.name == (layer + ".bias").str())
      addStored(stored);
  return llvm::Error::success();
}

llvm::Error FolderExporter::planTensor(const SourceTensor &tensor) {
  auto place = layout.places.find(tensor.name);
  if (place == layout.places.end())
    return llvm::Error::success(); // computed from the config
  const FolderLayout::Place &theirs = place->second;
  Scheme scheme = tensor.format->scheme;
  module.walk([&](lm::WeightOp weight) {
    auto type = dyn_cast<lowbit::TensorType>(weight.getType());
    if (type && weight.getName() == tensor.name)
      scheme = type.getScheme().getScheme();
  });
  bool changed =
      source.isReplaced(tensor.name) || !(scheme == tensor.format->scheme);
  bool isTable = isLookedUp(tensor.name);
  if (isTable && changed)
    notes.push_back(theirs.name +
                    " keeps its floats: libraries look up rows of floats");
  if (isTable || (scheme.isFloat() && !changed))
    return keep(tensor, theirs);
  return scheme.isFloat() ? replaceVector(tensor, theirs)
                          : compress(tensor, theirs, scheme);
}

llvm::Error FolderExporter::plan() {
  for (const SourceTensor &tensor : source.tensors()) {
    size_t before = tensors.size();
    if (llvm::Error error = planTensor(tensor))
      return error;
    WeightImage image;
    image.name = tensor.name;
    image.rows = tensor.rows();
    image.columns = tensor.columns();
    for (size_t i = before; i < tensors.size(); ++i) {
      image.sourceType = tensors[before].type.str();
      image.sourceBytes += tensors[i].bytes();
    }
    if (tensors.size() > before)
      summary.push_back(std::move(image));
  }
  if (groups.empty())
    return failure("no matrix is in low bits: choose how with --recipe or "
                   "--scheme, such as --recipe=W8A8");
  return llvm::Error::success();
}

//===- config.json --------------------------------------------------------===//

llvm::json::Object FolderExporter::quantizationConfig() const {
  llvm::json::Object entries;
  std::string format;
  for (const auto &[key, group] : groups) {
    llvm::json::Object entry{{"weights", group.scheme.weights()},
                             {"format", group.scheme.format},
                             {"input_activations", nullptr},
                             {"output_activations", nullptr}};
    // One group is all layers but those that are ignored.
    entry["targets"] = groups.size() == 1 ? llvm::json::Array{"Linear"}
                                          : llvm::json::Array(group.layers);
    if (perToken && !group.scheme.isFloat)
      entry["input_activations"] = llvm::json::Object{
          {"num_bits", 8},       {"type", "int"},   {"symmetric", true},
          {"strategy", "token"}, {"dynamic", true}, {"group_size", nullptr}};
    format = format.empty() || format == group.scheme.format
                 ? group.scheme.format
                 : "mixed-precision";
    entries["group_" + std::to_string(entries.size())] = std::move(entry);
  }
  return llvm::json::Object{{"quant_method", "compressed-tensors"},
                            {"quantization_status", "compressed"},
                            {"format", format},
                            {"config_groups", std::move(entries)},
                            {"ignore", llvm::json::Array(floatLayers)},
                            {"kv_cache_scheme", nullptr},
                            {"global_compression_ratio", nullptr}};
}

static llvm::Error writeText(const std::string &path, StringRef text) {
  AtomicFile file(path);
  if (llvm::Error error = file.open())
    return error;
  if (llvm::Error error = file.write(text.data(), text.size(), 0))
    return error;
  return file.commit();
}

llvm::Error FolderExporter::writeConfig(StringRef folder) const {
  std::string path = fileIn(source.path(), "config.json");
  auto text = llvm::MemoryBuffer::getFile(path);
  if (!text)
    return failure(path + ": " + text.getError().message());
  auto config = llvm::json::parse((*text)->getBuffer());
  if (!config)
    return config.takeError();
  llvm::json::Object *object = config->getAsObject();
  if (!object)
    return failure(path + " has changed: it is no object");
  (*object)["quantization_config"] = quantizationConfig();
  std::string out;
  llvm::raw_string_ostream(out) << llvm::formatv("{0:2}\n", *config);
  return writeText(fileIn(folder, "config.json"), out);
}

//===- The folder ---------------------------------------------------------===//

llvm::Error FolderExporter::write(StringRef folder, Console &console) {
  if (llvm::Error error = writeConfig(folder))
    return error;
  for (const char *name : kCompanions) {
    std::string from = fileIn(source.path(), name);
    if (!llvm::sys::fs::exists(from))
      continue;
    if (std::error_code error =
            llvm::sys::fs::copy_file(from, fileIn(folder, name)))
      return failure("cannot copy " + from + ": " + error.message());
  }
  return writeSafetensors(
      tensors, fileIn(folder, "model.safetensors"),
      [&](uint64_t done, uint64_t total) { console.progress(done, total); });
}

/// Written beside its name and renamed.
static llvm::Error writeWhole(FolderExporter &exporter, StringRef path,
                              Console &console) {
  StringRef name = path.rtrim('/');
  std::string part = (name + ".part." + llvm::Twine(getpid())).str();
  if (llvm::sys::fs::exists(name))
    return failure(name + " is there already: give another name with -o, or "
                          "remove it");
  if (std::error_code error =
          llvm::sys::fs::create_directory(part, /*IgnoreExisting=*/false))
    return failure("cannot make the folder " + part + ": " + error.message());
  llvm::Error error = exporter.write(part, console);
  if (!error)
    if (std::error_code code = llvm::sys::fs::rename(part, name))
      error = failure("cannot rename " + part + ": " + code.message());
  if (error)
    llvm::sys::fs::remove_directories(part);
  return error;
}

llvm::Error exportFolder(ModuleOp module, const ModelSource &source,
                         StringRef path, bool perToken, Console &console) {
  const FolderLayout *layout = source.folder();
  if (!layout)
    return failure(source.path() +
                   ": --emit=compressed-tensors needs the folder of a Hugging "
                   "Face model, whose config.json and tokenizer it copies: of "
                   "a .gguf write --emit=gguf or a module");
  if (module.walk([](lm::RotateOp) { return WalkResult::interrupt(); })
          .wasInterrupted())
    return failure(source.path() +
                   ": the model rotates activations, which the folder cannot "
                   "say: take rotate out of the recipe, or write a module");
  FolderExporter exporter(module, source, *layout, perToken);
  if (llvm::Error error = exporter.plan())
    return failure(source.path() + ": " + llvm::toString(std::move(error)));
  if (llvm::Error error = writeWhole(exporter, path, console))
    return error;
  for (const std::string &note : exporter.notes)
    console.note(note);
  console.exported(exporter.summary, path.str());
  return llvm::Error::success();
}

} // namespace lowbit
