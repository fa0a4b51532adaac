//===- TensorMap.cpp - A checkpoint's tensors under GGUF's names ----------===//

#include "TensorMap.h"

#include "QuantizedWeights.h"

#include "llvm/ADT/StringSet.h"

using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

namespace lowbit::huggingface {

namespace {
class Mapper {
public:
  Mapper(const Checkpoint &checkpoint, const Config &config, StringRef folder,
         FormatList &formats, llvm::StringMap<std::string> &theirNames)
      : checkpoint(checkpoint), config(config), folder(folder),
        theirNames(theirNames),
        quantized(checkpoint, config.quantization, folder, formats, used) {}

  llvm::Expected<std::vector<SourceTensor>> run();

private:
  Error failTensor(StringRef name, const Twine &message) const {
    return fileError(folder,
                     "tensor " + safetensors::quoted(name) + " " + message);
  }
  Error findPrefix();
  Error add(const TensorRule &rule, const std::string &theirs,
            const std::string &ours);
  Error readFloats(const std::string &theirs, SourceTensor &tensor);
  bool has(const std::string &weight) const {
    return checkpoint.find(weight) || quantized.has(weight);
  }
  Error addHead();
  Error addClassifier();
  Error skipPositions(SourceTensor &tensor, StringRef theirs) const;
  Error selectRows(SourceTensor &tensor, StringRef theirs, Rows rows) const;
  bool isPretraining(StringRef name) const;
  Error checkAllUsed() const;

  const Checkpoint &checkpoint;
  const Config &config;
  StringRef folder;
  llvm::StringMap<std::string> &theirNames;
  std::string prefix; ///< "model."
  llvm::StringSet<> used;
  QuantizedWeights quantized;
  std::vector<SourceTensor> result;
};
} // namespace

static constexpr const char *kWords = "embeddings.word_embeddings.weight";

/// Where the language model is: alone, or inside of one that sees.
Error Mapper::findPrefix() {
  if (isEncoder(*config.family)) {
    for (const char *known : {"", "bert.", "roberta."})
      if (has(known + std::string(kWords))) {
        prefix = known;
        return Error::success();
      }
    return failTensor(kWords, "is missing: is this the folder of an encoder?");
  }
  for (const char *known : {"model.", "model.language_model.",
                            "language_model.model.", "language_model.", ""})
    if (has(known + std::string("embed_tokens.weight"))) {
      prefix = known;
      return Error::success();
    }
  return failTensor("model.embed_tokens.weight",
                    "is missing: is this the folder of a language model?");
}

/// Takes off the rows of positions that no token has.
Error Mapper::skipPositions(SourceTensor &tensor, StringRef theirs) const {
  int64_t skipped = config.skippedPositions;
  if (skipped == 0)
    return Error::success();
  if (tensor.shape.size() != 2 || tensor.shape[0] <= skipped || !tensor.data)
    return failTensor(theirs, "must be a matrix of floats with more than " +
                                  Twine(skipped) + " rows");
  uint64_t bytes = tensor.format->rowBytes(tensor.columns()) * skipped;
  tensor.data += bytes;
  tensor.bytes -= bytes;
  tensor.shape[0] -= skipped;
  return Error::success();
}

/// Keeps the rows that a rule asks for; a row's bytes are its own.
Error Mapper::selectRows(SourceTensor &tensor, StringRef theirs,
                         Rows rows) const {
  if (rows == Rows::All)
    return Error::success();
  if (rows == Rows::Positions)
    return skipPositions(tensor, theirs);
  bool isQkv = rows <= Rows::Values;
  int64_t whole =
      isQkv ? config.queryRows + 2 * config.keyRows : 2 * config.hidden;
  if (tensor.shape.size() != 2 || tensor.shape[0] != whole)
    return failTensor(theirs, "must have " + Twine(whole) +
                                  " rows, as config.json says (" +
                                  (isQkv ? "num_attention_heads, "
                                           "num_key_value_heads, head_dim)"
                                         : "intermediate_size)"));
  int64_t first = 0, count = config.queryRows;
  if (rows == Rows::Keys || rows == Rows::Values) {
    count = config.keyRows;
    first = config.queryRows + (rows == Rows::Values ? config.keyRows : 0);
  } else if (!isQkv) {
    count = config.hidden;
    first = rows == Rows::Up ? config.hidden : 0;
  }
  tensor.bytes = uint64_t(double(tensor.bytes) / double(whole) * double(count));
  tensor.shape[0] = count;
  if (tensor.generate)
    tensor.generate = [make = tensor.generate, first](int64_t row,
                                                      RowFields &fields) {
      make(first + row, fields);
    };
  else
    tensor.data += first * tensor.format->rowBytes(tensor.columns());
  return Error::success();
}

bool rotatesRows(const Config &config, StringRef name, int64_t rows) {
  bool rotates = name.contains(".attn_q.") || name.contains(".attn_k.");
  return config.family->rotatesPairs && rotates && rows % config.headDim == 0;
}

bool isGainLessOne(const Config &config, StringRef name, size_t dimensions) {
  return config.family->gainsLessOne && name.ends_with("norm.weight") &&
         dimensions == 1;
}

/// A norm that multiplies by 1 + w; GGUF holds the sum, rounded to f32.
static void addOne(SourceTensor &tensor) {
  SourceTensor stored = tensor;
  tensor.format = findBitFormat("F32");
  tensor.bytes = tensor.format->rowBytes(tensor.columns());
  tensor.data = nullptr;
  tensor.generate = [stored](int64_t row, RowFields &fields) {
    unpackRow(*stored.format, stored.row(row), stored.columns(), fields);
    for (float &value : fields.reals)
      value += 1;
  };
}

/// In each head, elements half a head apart become neighbours.
static int64_t pairedIndex(int64_t index, int64_t headDim) {
  int64_t head = index / headDim, inside = index % headDim;
  return head * headDim + inside % 2 * (headDim / 2) + inside / 2;
}

/// Rows of queries or keys, or elements of their bias, in the order of GGUF.
static void pairRows(SourceTensor &tensor, int64_t headDim) {
  SourceTensor stored = tensor;
  tensor.data = nullptr;
  if (stored.shape.size() > 1) {
    tensor.generate = [stored, headDim](int64_t row, RowFields &fields) {
      stored.readRow(pairedIndex(row, headDim), fields);
    };
    return;
  }
  tensor.generate = [stored, headDim](int64_t row, RowFields &fields) {
    RowFields whole;
    unpackRow(*stored.format, stored.row(row), stored.columns(), whole);
    fields = whole;
    for (size_t i = 0; i < fields.reals.size(); ++i)
      fields.reals[i] = whole.reals[size_t(pairedIndex(int64_t(i), headDim))];
  };
}

Error Mapper::readFloats(const std::string &theirs, SourceTensor &tensor) {
  const safetensors::Tensor *found = checkpoint.find(theirs);
  if (!found)
    return failTensor(theirs, "is missing, which config.json says the model "
                              "has: download the checkpoint again");
  used.insert(theirs);
  tensor.shape = found->shape;
  tensor.format = findBitFormat(std::string_view(found->type->name));
  tensor.data = found->data;
  tensor.bytes = found->bytes;
  if (!tensor.format || !tensor.format->scheme.isFloat())
    return failTensor(theirs, Twine("is ") + found->type->name +
                                  ", expected F32, F16 or BF16: save the model "
                                  "in one of these");
  if (tensor.shape.empty() || llvm::is_contained(tensor.shape, 0))
    return failTensor(theirs, "has no elements or no dimension: download the "
                              "checkpoint again");
  return Error::success();
}

Error Mapper::add(const TensorRule &rule, const std::string &theirs,
                  const std::string &ours) {
  SourceTensor tensor;
  tensor.name = ours;
  if (Error error = quantized.has(theirs) ? quantized.read(theirs, tensor)
                                          : readFloats(theirs, tensor))
    return error;
  if (Error error = selectRows(tensor, theirs, rule.rows))
    return error;
  if (isGainLessOne(config, ours, tensor.shape.size()))
    addOne(tensor);
  if (rotatesRows(config, ours, tensor.shape.front()))
    pairRows(tensor, config.headDim);
  theirNames[ours] = theirs;
  result.push_back(std::move(tensor));
  return Error::success();
}

/// The head stands beside the model, or inside of it in checkpoints of models
/// that see. One that is tied may be stored all the same.
Error Mapper::addHead() {
  std::string beside = "lm_head.weight";
  StringRef outer = prefix;
  if (outer.consume_back("model.") && !outer.empty() &&
      has((outer + "lm_head.weight").str()))
    beside = (outer + "lm_head.weight").str();
  used.insert(beside);
  if (config.tied)
    return Error::success();
  if (!has(beside))
    return failTensor(beside,
                      "is missing; where the head is the embedding's "
                      "table, config.json says \"tie_word_embeddings\": "
                      "true");
  return add({SeparateHead, "", ""}, beside, "output.weight");
}

/// It stands beside the encoder: `classifier` behind its pooler, or one with a
/// matrix of its own.
Error Mapper::addClassifier() {
  auto addPair = [&](const std::string &theirs,
                     const std::string &ours) -> Error {
    for (const char *part : {".weight", ".bias"})
      if (Error error = add({Encoder, "", ""}, theirs + part, ours + part))
        return error;
    return Error::success();
  };
  if (config.parts & Pooler)
    return addPair("classifier", "cls.output");
  if (!(config.parts & DenseClassifier))
    return Error::success();
  if (Error error = addPair("classifier.dense", "cls"))
    return error;
  return addPair("classifier.out_proj", "cls.output");
}

/// What pretraining has left: heads that guess words and next sentences, and
/// the pooler, where there is no classifier behind it.
bool Mapper::isPretraining(StringRef name) const {
  if (!isEncoder(*config.family))
    return false;
  return name.starts_with("cls.") || name.starts_with("lm_head.") ||
         name == prefix + "embeddings.position_ids" ||
         (!(config.parts & Pooler) && name.starts_with(prefix + "pooler."));
}

/// Buffers that old checkpoints hold and nobody reads.
static bool isBuffer(StringRef name) {
  return name.ends_with(".rotary_emb.inv_freq") ||
         name.ends_with(".self_attn.bias") ||
         name.ends_with(".self_attn.masked_bias");
}

/// A tensor that nobody reads means that this is not the model we think it is.
Error Mapper::checkAllUsed() const {
  for (const safetensors::Tensor &tensor : checkpoint.tensors()) {
    StringRef name = tensor.name;
    // The eyes and ears of a model whose words alone are wanted.
    bool other = config.nested && !name.starts_with(prefix);
    bool unread = !used.contains(name) && !isBuffer(name) &&
                  !isPretraining(name) && !other;
    if (unread && !quantized.isEmpty(tensor))
      return failTensor(name, Twine("has no place in a model of type ") +
                                  config.family->modelType +
                                  "; is it a variant that is not supported?");
  }
  return Error::success();
}

llvm::Expected<std::vector<SourceTensor>> Mapper::run() {
  if (Error error = findPrefix())
    return std::move(error);
  bool encodes = isEncoder(*config.family);
  for (const TensorRule &rule : modelRules())
    if (config.parts & rule.part)
      if (Error error = add(rule, prefix + rule.theirs, rule.ours))
        return std::move(error);
  std::string layers = prefix + (encodes ? "encoder.layer." : "layers.");
  for (int64_t layer = 0; layer < config.layers; ++layer) {
    std::string number = std::to_string(layer) + ".";
    for (const TensorRule &rule : layerRules())
      if (config.parts & rule.part)
        if (Error error = add(rule, layers + number + rule.theirs,
                              "blk." + number + rule.ours))
          return std::move(error);
  }
  if (Error error = encodes ? addClassifier() : addHead())
    return std::move(error);
  if (Error error = checkAllUsed())
    return std::move(error);
  return std::move(result);
}

llvm::Expected<std::vector<SourceTensor>>
mapTensors(const Checkpoint &checkpoint, const Config &config, StringRef folder,
           FormatList &formats, llvm::StringMap<std::string> &theirNames) {
  return Mapper(checkpoint, config, folder, formats, theirNames).run();
}

} // namespace lowbit::huggingface
