//===- Tokenizer.cpp - tokenizer.json in the keys of GGUF -----------------===//

#include "Tokenizer.h"

#include "Checkpoint.h"
#include "Json.h"
#include "TokenizerSteps.h"
#include "WordSteps.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/Twine.h"

using llvm::Error;
using llvm::StringRef;
using llvm::Twine;
using llvm::json::Array;
using llvm::json::Object;
using llvm::json::Value;

namespace lowbit::huggingface {

/// GGUF's types of tokens.
enum TokenType : int32_t {
  Normal = 1,
  Control = 3,
  UserDefined = 4,
  Unused = 5,
  Byte = 6
};

static constexpr const char *kSpaceMark = "\xE2\x96\x81";

static std::string quoted(StringRef text) { return safetensors::quoted(text); }

namespace {
class TokenizerReader {
public:
  TokenizerReader(StringRef folder, const Object &json, int64_t vocabulary,
                  KeyValueSource &source)
      : path(fileIn(folder, "tokenizer.json")), folder(folder), json(json),
        vocabulary(size_t(vocabulary)), source(source) {}

  Error readModel();
  Error readWordPiece(const Object &model);
  Error readUnigram(const Object &model);
  Error readScores(const Object &model);
  Error readSpecialTokens(const Object &config);
  Error readChatTemplate();

private:
  Error fail(const Twine &message) const { return fileError(path, message); }
  Error readVocabulary(const Object &model);
  Error readAddedTokens();
  Error addToken(const Object &token);
  Error setTokens();
  void setScores(const std::vector<std::string> &merges);
  Error readMerges(const Object &model);
  Error readPostProcessor();
  Error readPostProcessor(const Object &processor);
  Error readTemplate(const Object &processor);
  Error readPair(const Object &processor);
  Error readOneSpecial(const Value &entry, bool isFront, bool &isText);
  Error readConfigs();
  std::optional<int64_t> tokenOf(const Value *value) const;
  void setToken(const char *key, std::optional<int64_t> id);
  void setFromConfig(const char *key, StringRef name, const Object &config);
  void addEnds(const Value *value);

  std::string path;
  StringRef folder;
  const Object &json;
  size_t vocabulary;
  KeyValueSource &source;
  TokenizerSteps steps;
  std::vector<std::string> tokens;
  std::vector<int32_t> types;
  std::vector<int32_t> stripLeft, stripRight, ends;
  llvm::StringMap<int64_t> ids;
  Object tokenizerConfig, generationConfig;
  std::optional<int64_t> front, back; ///< what the post-processor puts there
  bool hasTemplate = false;
};
} // namespace

//===- Tokens -------------------------------------------------------------===//

Error TokenizerReader::readVocabulary(const Object &model) {
  const Object *vocab = model.getObject("vocab");
  if (!vocab || vocab->empty())
    return fail("model.vocab is missing: download it again");
  tokens.resize(vocabulary);
  types.assign(vocabulary, Unused);
  bool bytes = model.getBoolean("byte_fallback").value_or(false);
  for (const auto &[text, value] : *vocab) {
    std::optional<int64_t> id = value.getAsInteger();
    if (!id || *id < 0 || uint64_t(*id) >= vocabulary)
      return fail("token " + quoted(StringRef(text)) +
                  " has no id below vocab_size, " + Twine(vocabulary) +
                  ", of config.json: the files are not of one model");
    StringRef name = text;
    bool isByte = bytes && name.size() == 6 && name.starts_with("<0x") &&
                  name.ends_with(">");
    tokens[*id] = name.str();
    types[*id] = isByte ? Byte : Normal;
    ids[name] = *id;
  }
  return Error::success();
}

/// A token that stands for itself wherever it is written.
Error TokenizerReader::addToken(const Object &token) {
  std::optional<int64_t> id = token.getInteger("id");
  std::optional<StringRef> text = token.getString("content");
  if (!id || *id < 0 || !text)
    return fail("added_tokens has a token without id or content: download it "
                "again");
  // Tables are often shorter than lists of added tokens: those of pictures in a
  // model of words alone.
  if (uint64_t(*id) >= vocabulary)
    return Error::success();
  if (token.getBoolean("single_word").value_or(false))
    return fail("added token " + quoted(*text) +
                " has single_word, which is not supported");
  tokens[*id] = text->str();
  types[*id] =
      token.getBoolean("special").value_or(false) ? Control : UserDefined;
  ids[*text] = *id;
  if (token.getBoolean("lstrip").value_or(false))
    stripLeft.push_back(int32_t(*id));
  if (token.getBoolean("rstrip").value_or(false))
    stripRight.push_back(int32_t(*id));
  return Error::success();
}

Error TokenizerReader::readAddedTokens() {
  if (const Array *added = json.getArray("added_tokens"))
    for (const Value &value : *added) {
      const Object *token = value.getAsObject();
      if (!token)
        return fail("added_tokens has an element that is no object: download "
                    "it again");
      if (Error error = addToken(*token))
        return error;
    }
  // Rows that no token names, as llama.cpp's converter fills them.
  for (size_t id = 0; id < tokens.size(); ++id)
    if (types[id] == Unused)
      tokens[id] = "[PAD" + std::to_string(id) + "]";
  return Error::success();
}

/// SentencePiece's way to say how early a token merges, for other readers of
/// what is exported; the runtime takes the merges. What no merge makes is never
/// chosen over what one does.
void TokenizerReader::setScores(const std::vector<std::string> &merges) {
  std::vector<float> scores(vocabulary, -1e6f);
  for (size_t rank = merges.size(); rank-- > 0;) {
    auto [left, right] = StringRef(merges[rank]).split(' ');
    auto found = ids.find((left + right).str());
    if (found != ids.end())
      scores[size_t(found->second)] = -static_cast<float>(rank);
  }
  source.set("tokenizer.ggml.scores", std::move(scores));
}

/// Merges are pairs since tokenizers 0.20, lines with a space before.
Error TokenizerReader::readMerges(const Object &model) {
  const Array *list = model.getArray("merges");
  if (!list)
    return fail("model.merges is missing: download it again");
  std::vector<std::string> merges;
  merges.reserve(list->size());
  for (const Value &value : *list) {
    if (std::optional<StringRef> line = value.getAsString()) {
      merges.push_back(line->str());
      continue;
    }
    const Array *pair = value.getAsArray();
    std::optional<StringRef> left, right;
    if (pair && pair->size() == 2) {
      left = (*pair)[0].getAsString();
      right = (*pair)[1].getAsString();
    }
    if (!left || !right)
      return fail("merge " + Twine(merges.size()) +
                  " is not a pair of tokens: download it again");
    if (left->contains(' ') || right->contains(' '))
      return fail("merge " + Twine(merges.size()) +
                  " has a space, which is not supported");
    merges.push_back((*left + " " + *right).str());
  }
  setScores(merges);
  source.set("tokenizer.ggml.merges", std::move(merges));
  return Error::success();
}

Error TokenizerReader::readModel() {
  const Object *model = json.getObject("model");
  StringRef type = model ? model->getString("type").value_or("") : "";
  if (type == "WordPiece")
    return readWordPiece(*model);
  if (type == "Unigram" || (model && type.empty() && model->getArray("vocab")))
    return readUnigram(*model);
  // Files of the first versions do not say the type of BPE.
  if (model && type.empty() && model->getArray("merges"))
    type = "BPE";
  if (type != "BPE")
    return fail("model.type is " + quoted(type) +
                ", expected BPE, Unigram or WordPiece; remove the file to "
                "compile a model of ids");
  if (Error error = readVocabulary(*model))
    return error;
  if (Error error = readAddedTokens())
    return error;
  if (Error error = readMerges(*model))
    return error;
  if (std::string problem = steps.read(json); !problem.empty())
    return fail(problem + "; remove the file to compile a model of ids");
  steps.set(source);
  if (std::optional<StringRef> unknown = model->getString("unk_token"))
    if (auto found = ids.find(*unknown); found != ids.end())
      setToken("tokenizer.ggml.unknown_token_id", found->second);
  return setTokens();
}

/// Tokens of words begin with U+2581 in GGUF, others have lost their prefix.
Error TokenizerReader::readWordPiece(const Object &model) {
  if (Error error = readVocabulary(model))
    return error;
  StringRef prefix =
      model.getString("continuing_subword_prefix").value_or("##");
  for (size_t id = 0; id < tokens.size(); ++id) {
    StringRef text = tokens[id];
    if (types[id] == Normal)
      tokens[id] =
          text.consume_front(prefix) ? text.str() : kSpaceMark + text.str();
  }
  if (Error error = readAddedTokens())
    return error;
  int64_t longest = model.getInteger("max_input_chars_per_word").value_or(100);
  if (prefix.empty() || longest < 1 || longest > 1000)
    return fail(
        "WordPiece without continuing_subword_prefix, or with words of "
        "no or more than 1000 characters (max_input_chars_per_word), is "
        "not supported");
  WordSteps words;
  if (std::string problem = words.read(json, /*marks=*/false); !problem.empty())
    return fail(problem + "; remove the file to compile a model of ids");
  words.set(source);
  source.set("tokenizer.ggml.model", std::string("bert"));
  source.set("tokenizer.lowbit.longest_word", longest);
  StringRef unknown = model.getString("unk_token").value_or("[UNK]");
  auto found = ids.find(unknown);
  if (found == ids.end())
    return fail("model.unk_token is " + quoted(unknown) +
                ", which is no token");
  setToken("tokenizer.ggml.unknown_token_id", found->second);
  return setTokens();
}

/// [["<unk>", 0.0], ["the", -3.5], ..]: the place is the id.
Error TokenizerReader::readScores(const Object &model) {
  const Array *vocab = model.getArray("vocab");
  if (!vocab || vocab->empty() || vocab->size() > vocabulary)
    return fail("model.vocab is missing or has more tokens than vocab_size, " +
                Twine(vocabulary) + ", of config.json");
  tokens.resize(vocabulary);
  types.assign(vocabulary, Unused);
  std::vector<float> scores(vocabulary, 0);
  bool bytes = model.getBoolean("byte_fallback").value_or(false);
  for (size_t id = 0; id < vocab->size(); ++id) {
    const Array *pair = (*vocab)[id].getAsArray();
    std::optional<StringRef> text;
    std::optional<double> score;
    if (pair && pair->size() == 2) {
      text = (*pair)[0].getAsString();
      score = (*pair)[1].getAsNumber();
    }
    if (!text || !score)
      return fail("token " + Twine(id) +
                  " is not a pair of text and score: download it again");
    bool isByte = bytes && text->size() == 6 && text->starts_with("<0x") &&
                  text->ends_with(">");
    tokens[id] = text->str();
    types[id] = isByte ? Byte : Normal;
    scores[id] = float(*score);
    ids[*text] = int64_t(id);
  }
  source.set("tokenizer.ggml.scores", std::move(scores));
  return Error::success();
}

Error TokenizerReader::readUnigram(const Object &model) {
  if (Error error = readScores(model))
    return error;
  if (Error error = readAddedTokens())
    return error;
  WordSteps words;
  if (std::string problem = words.read(json, /*marks=*/true); !problem.empty())
    return fail(problem + "; remove the file to compile a model of ids");
  words.set(source);
  source.set("tokenizer.ggml.model", std::string("t5"));
  if (std::optional<int64_t> unknown = model.getInteger("unk_id"))
    setToken("tokenizer.ggml.unknown_token_id", unknown);
  return setTokens();
}

Error TokenizerReader::setTokens() {
  source.set("tokenizer.ggml.tokens", tokens);
  source.set("tokenizer.ggml.token_type", types);
  if (!stripLeft.empty())
    source.set("tokenizer.lowbit.strip_left", stripLeft);
  if (!stripRight.empty())
    source.set("tokenizer.lowbit.strip_right", stripRight);
  return readPostProcessor();
}

//===- What is put around a text ------------------------------------------===//

/// {"SpecialToken": {"id": "<s>", ..}} or {"Sequence": {"id": "A", ..}}.
Error TokenizerReader::readOneSpecial(const Value &entry, bool isFront,
                                      bool &isText) {
  const Object *object = entry.getAsObject();
  isText = object && object->getObject("Sequence");
  const Object *special = object ? object->getObject("SpecialToken") : nullptr;
  if (!special)
    return Error::success();
  StringRef name = special->getString("id").value_or("");
  auto found = ids.find(name);
  std::optional<int64_t> &place = isFront ? front : back;
  if (found == ids.end() || place)
    return fail("post_processor puts " + quoted(name) +
                (place ? " and another token on one side of a text"
                       : ", which is no token, beside a text") +
                ", which is not supported");
  place = found->second;
  return Error::success();
}

Error TokenizerReader::readTemplate(const Object &processor) {
  const Array *single = processor.getArray("single");
  if (!single)
    return fail("post_processor has no template for a single text: download it "
                "again");
  bool behindText = false;
  for (const Value &entry : *single) {
    bool isText = false;
    if (Error error = readOneSpecial(entry, !behindText, isText))
      return error;
    behindText |= isText;
  }
  hasTemplate = true;
  return Error::success();
}

/// {"cls": ["[CLS]", 101], "sep": ["[SEP]", 102]}.
Error TokenizerReader::readPair(const Object &processor) {
  for (auto [key, place] : {std::pair("cls", &front), {"sep", &back}}) {
    const Array *pair = processor.getArray(key);
    std::optional<StringRef> name =
        pair && !pair->empty() ? pair->front().getAsString() : std::nullopt;
    auto found = name ? ids.find(*name) : ids.end();
    if (found == ids.end() || *place)
      return fail("post_processor has no token '" + Twine(key) +
                  "', or another one beside it");
    *place = found->second;
  }
  hasTemplate = true;
  return Error::success();
}

Error TokenizerReader::readPostProcessor(const Object &processor) {
  StringRef type = processor.getString("type").value_or("");
  if (type == "ByteLevel") // changes offsets, not ids
    return Error::success();
  if (type == "TemplateProcessing")
    return readTemplate(processor);
  if (type == "BertProcessing" || type == "RobertaProcessing")
    return readPair(processor);
  if (type != "Sequence")
    return fail("post_processor " + quoted(type) +
                " is not supported; remove the file to compile a model of ids");
  if (const Array *parts = processor.getArray("processors"))
    for (const Value &part : *parts)
      if (const Object *object = part.getAsObject())
        if (Error error = readPostProcessor(*object))
          return error;
  return Error::success();
}

Error TokenizerReader::readPostProcessor() {
  const Value *processor = present(json, "post_processor");
  if (!processor || !processor->getAsObject())
    return Error::success();
  return readPostProcessor(*processor->getAsObject());
}

//===- Tokens with a meaning ----------------------------------------------===//

/// "<s>", or {"content": "<s>", ..}.
std::optional<int64_t> TokenizerReader::tokenOf(const Value *value) const {
  if (!value)
    return std::nullopt;
  std::optional<StringRef> text = value->getAsString();
  if (const Object *object = value->getAsObject())
    text = object->getString("content");
  if (!text)
    return std::nullopt;
  auto found = ids.find(*text);
  if (found == ids.end())
    return std::nullopt;
  return found->second;
}

void TokenizerReader::setToken(const char *key, std::optional<int64_t> id) {
  if (id && *id >= 0 && uint64_t(*id) < vocabulary)
    source.set(key, *id);
}

/// The tokenizer's own word counts, then the generation's, then the model's.
void TokenizerReader::setFromConfig(const char *key, StringRef name,
                                    const Object &config) {
  std::string idName = (name + "_id").str();
  std::optional<int64_t> id = tokenOf(present(tokenizerConfig, name));
  for (const Object *object :
       std::initializer_list<const Object *>{&generationConfig, &config})
    if (const Value *value = present(*object, idName); value && !id) {
      const Array *list = value->getAsArray();
      id = list && !list->empty() ? list->front().getAsInteger()
                                  : value->getAsInteger();
    }
  setToken(key, id);
}

void TokenizerReader::addEnds(const Value *value) {
  auto add = [&](const Value &one) {
    std::optional<int64_t> id = one.getAsInteger();
    if (id && *id >= 0 && uint64_t(*id) < vocabulary)
      ends.push_back(int32_t(*id));
  };
  if (!value)
    return;
  if (const Array *list = value->getAsArray())
    llvm::for_each(*list, add);
  else
    add(*value);
}

Error TokenizerReader::readConfigs() {
  for (auto [name, object] :
       {std::make_pair("tokenizer_config.json", &tokenizerConfig),
        std::make_pair("generation_config.json", &generationConfig)}) {
    auto read = readJsonIfThere(fileIn(folder, name));
    if (!read)
      return read.takeError();
    if (*read)
      *object = std::move(**read);
  }
  return Error::success();
}

Error TokenizerReader::readSpecialTokens(const Object &config) {
  if (Error error = readConfigs())
    return error;
  setFromConfig("tokenizer.ggml.bos_token_id", "bos_token", config);
  setFromConfig("tokenizer.ggml.eos_token_id", "eos_token", config);
  setFromConfig("tokenizer.ggml.padding_token_id", "pad_token", config);
  addEnds(present(generationConfig, "eos_token_id"));
  if (ends.empty())
    addEnds(present(config, "eos_token_id"));
  if (!ends.empty())
    source.set("tokenizer.lowbit.end_token_ids", ends);
  // Classes of transformers such as LlamaTokenizer put BOS in front without a
  // template.
  bool addBos =
      hasTemplate ? front.has_value()
                  : tokenizerConfig.getBoolean("add_bos_token").value_or(false);
  bool addEos =
      hasTemplate ? back.has_value()
                  : tokenizerConfig.getBoolean("add_eos_token").value_or(false);
  source.set("tokenizer.ggml.add_bos_token", addBos);
  source.set("tokenizer.ggml.add_eos_token", addEos);
  setToken("tokenizer.ggml.bos_token_id", front);
  setToken("tokenizer.ggml.eos_token_id", back);
  return Error::success();
}

/// The file wins over tokenizer_config.json, where a list has a template for
/// each use.
Error TokenizerReader::readChatTemplate() {
  std::string file = fileIn(folder, "chat_template.jinja");
  if (llvm::sys::fs::exists(file)) {
    MappedFile map;
    if (Error error = map.open(file, "a chat template"))
      return error;
    source.set("tokenizer.chat_template", map.bytes().str());
    return Error::success();
  }
  const Value *value = present(tokenizerConfig, "chat_template");
  std::optional<StringRef> text = value ? value->getAsString() : std::nullopt;
  if (const Array *list = value ? value->getAsArray() : nullptr)
    for (const Value &entry : *list) {
      const Object *object = entry.getAsObject();
      if (object && object->getString("name").value_or("") == "default")
        text = object->getString("template");
    }
  if (text)
    source.set("tokenizer.chat_template", text->str());
  return Error::success();
}

Error readTokenizer(StringRef folder, const Object &config, int64_t vocabulary,
                    KeyValueSource &source) {
  auto json = readJsonIfThere(fileIn(folder, "tokenizer.json"));
  if (!json)
    return json.takeError();
  if (!*json)
    return Error::success();
  TokenizerReader reader(folder, **json, vocabulary, source);
  if (Error error = reader.readModel())
    return error;
  if (Error error = reader.readSpecialTokens(config))
    return error;
  return reader.readChatTemplate();
}

} // namespace lowbit::huggingface
