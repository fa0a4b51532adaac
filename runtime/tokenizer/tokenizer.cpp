//===- tokenizer.cpp - Text to ids and back -------------------------------===//

#include "tokenizer/tokenizer.h"

#include "tokenizer/spm_bpe.h"
#include "tokenizer/unicode.h"
#include "tokenizer/unigram.h"
#include "tokenizer/word_piece.h"

#include <algorithm>
#include <new>

namespace qrt {

namespace {

/// Keeps every offset and position inside 31 bits.
constexpr size_t maxTextBytes = size_t(1) << 30;

/// Texts of control tokens that end a turn, as llama.cpp has them.
constexpr std::string_view endTexts[] = {
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|flush|>",
    "<|calls|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "</s>",
    "<|eom_id|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<|end_of_text|>",
    "<end_of_utterance>",
    "<eos>",
    "<turn|>",
    "<|tool_response>",
    "<｜end▁of▁sentence｜>",
    "<|fim_pad|>",
    "<fim-pad>",
    "<|fim_repo|>",
    "<|repo_name|>",
    "<fim-repo>",
    "<|file_sep|>",
};

/// These are also ordinary markup in some vocabularies (Gemma's </s>), so only
/// control tokens count.
bool endsAsControlOnly(std::string_view text) {
  return text.substr(0, 2) != "<|" && text != "<end_of_turn>";
}

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char &c : out)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

} // namespace

Status Tokenizer::create(const Metadata &metadata,
                         std::unique_ptr<Tokenizer> &out) {
  try {
    Status status = createUnguarded(metadata, out);
    return status.ok() ? status
                       : Status(status.code(), oneLine(status.message()));
  } catch (const std::bad_alloc &) {
    return Status(QRT_OUT_OF_MEMORY, "tokenizer: no memory for the vocabulary");
  }
}

Status Tokenizer::createUnguarded(const Metadata &metadata,
                                  std::unique_ptr<Tokenizer> &out) {
  std::optional<std::string_view> model =
      metadata.string("tokenizer.ggml.model");
  if (!model)
    return corrupt("tokenizer: the metadata has no tokenizer.ggml.model");
  std::unique_ptr<Tokenizer> tokenizer(new Tokenizer());
  QRT_TRY(Vocabulary::create(metadata, tokenizer->vocabulary_));
  if (*model == "gpt2")
    QRT_TRY(tokenizer->createBytePairs(metadata));
  else if (*model == "llama")
    QRT_TRY(tokenizer->createSentencePiece(metadata));
  else if (*model == "bert")
    QRT_TRY(tokenizer->createWordPiece(metadata));
  else if (*model == "t5")
    QRT_TRY(tokenizer->createUnigram(metadata));
  else
    return unsupported("tokenizer: unknown tokenizer.ggml.model '" +
                       std::string(model->substr(0, 100)) +
                       "' (known: bert, gpt2, llama, t5)");
  tokenizer->findEnds(metadata);
  out = std::move(tokenizer);
  return Status();
}

/// The model's own expressions, else those that GGUF knows by name.
Status Tokenizer::readWords(const Metadata &metadata, ByteBpeRules &rules) {
  if (metadata.has("tokenizer.lowbit.words")) {
    rules.composes =
        metadata.boolean("tokenizer.lowbit.compose").value_or(false);
    rules.ignoreMerges =
        metadata.boolean("tokenizer.lowbit.ignore_merges").value_or(false);
    return WordSplitter::create(metadata.strings("tokenizer.lowbit.words"),
                                rules.words);
  }
  std::string_view name =
      metadata.string("tokenizer.ggml.pre").value_or("default");
  const PreTokenizer *preTokenizer = findPreTokenizer(name);
  if (!preTokenizer)
    return unsupported("tokenizer: unknown tokenizer.ggml.pre '" +
                       std::string(name.substr(0, 100)) + "'");
  addBos_ = preTokenizer->addsBos;
  rules.composes = preTokenizer->composes;
  rules.ignoreMerges = preTokenizer->ignoreMerges;
  rules.words = WordSplitter(*preTokenizer);
  return Status();
}

/// tokenizer.lowbit.space_prefix, or `absent`.
static Status readSpacePrefix(const Metadata &metadata, SpacePrefix absent,
                              SpacePrefix &out) {
  std::optional<std::string_view> name =
      metadata.string("tokenizer.lowbit.space_prefix");
  out = absent;
  if (!name)
    return Status();
  if (*name == "each")
    out = SpacePrefix::Each;
  else if (*name == "missing")
    out = SpacePrefix::Missing;
  else if (*name == "first")
    out = SpacePrefix::First;
  else
    return corrupt("tokenizer: tokenizer.lowbit.space_prefix is '" +
                   std::string(name->substr(0, 100)) +
                   "', expected each, missing or first");
  return Status();
}

Status Tokenizer::createBytePairs(const Metadata &metadata) {
  ByteBpeRules rules;
  QRT_TRY(readWords(metadata, rules));
  QRT_TRY(readSpacePrefix(metadata, SpacePrefix::None, rules.spacePrefix));
  QRT_TRY(readIds(metadata));
  added_ = std::make_unique<AddedTokens>(metadata, vocabulary_, false);
  return ByteBpe::create(metadata, vocabulary_, std::move(rules), model_);
}

Status Tokenizer::createSentencePiece(const Metadata &metadata) {
  // Files of llama.cpp may have both; they are made for scores.
  bool usesMerges =
      metadata.boolean("tokenizer.lowbit.use_merges").value_or(false);
  if (!usesMerges && !metadata.has("tokenizer.ggml.scores"))
    return corrupt("tokenizer: the metadata has no scores "
                   "(tokenizer.ggml.scores)");
  // SentencePiece's own defaults.
  unknownId_ = 0;
  bosId_ = 1;
  eosId_ = 2;
  addBos_ = true;
  sentencePiece_ = true;
  SpmBpeRules rules;
  bool prefix =
      metadata.boolean("tokenizer.ggml.add_space_prefix").value_or(true);
  QRT_TRY(readSpacePrefix(metadata,
                          prefix ? SpacePrefix::Each : SpacePrefix::None,
                          rules.spacePrefix));
  rules.usesMerges = usesMerges;
  rules.splitsSpaces =
      metadata.boolean("tokenizer.lowbit.split_spaces").value_or(false);
  stripsPrefix_ = rules.spacePrefix != SpacePrefix::None;
  // GGUF has no key for it: the added tokens of Phi-3 have `rstrip`.
  std::string name = lowered(metadata.string("general.name").value_or(""));
  controlsStrip_ = !usesMerges && (name.find("phi-3") != std::string::npos ||
                                   name.find("phi3") != std::string::npos);
  QRT_TRY(readIds(metadata));
  rules.unknownId = unknownId_;
  added_ = std::make_unique<AddedTokens>(metadata, vocabulary_, !usesMerges);
  return SpmBpe::create(metadata, vocabulary_, *added_, rules, model_);
}

/// Texts stand between [CLS] and [SEP], which have other names in old files.
Status Tokenizer::createWordPiece(const Metadata &metadata) {
  bosId_ = vocabulary_.find("[CLS]");
  eosId_ = vocabulary_.find("[SEP]");
  unknownId_ = vocabulary_.find("[UNK]");
  addBos_ = addEos_ = true;
  stripsPrefix_ = true;
  QRT_TRY(readIds(metadata));
  for (auto [key, id] :
       {std::pair("tokenizer.ggml.cls_token_id", &bosId_),
        std::pair("tokenizer.ggml.seperator_token_id", &eosId_)})
    if (int64_t given = metadata.integer(key).value_or(-1);
        given >= 0 && given < vocabulary_.size())
      *id = static_cast<int32_t>(given);
  added_ = std::make_unique<AddedTokens>(metadata, vocabulary_, false);
  return WordPiece::create(metadata, vocabulary_, unknownId_, model_);
}

Status Tokenizer::createUnigram(const Metadata &metadata) {
  if (!metadata.has("tokenizer.ggml.scores"))
    return corrupt("tokenizer: the metadata has no scores "
                   "(tokenizer.ggml.scores)");
  unknownId_ = vocabulary_.find("<unk>");
  eosId_ = vocabulary_.find("</s>");
  addEos_ = true;
  sentencePiece_ = true;
  bool prefix =
      metadata.boolean("tokenizer.ggml.add_space_prefix").value_or(true);
  SpacePrefix spaces = SpacePrefix::None;
  QRT_TRY(readSpacePrefix(
      metadata, prefix ? SpacePrefix::Missing : SpacePrefix::None, spaces));
  stripsPrefix_ = spaces != SpacePrefix::None;
  QRT_TRY(readIds(metadata));
  added_ = std::make_unique<AddedTokens>(metadata, vocabulary_, false);
  return Unigram::create(metadata, vocabulary_, spaces, unknownId_, model_);
}

Status Tokenizer::readIds(const Metadata &metadata) {
  struct {
    const char *key;
    int32_t &id;
  } keys[] = {{"tokenizer.ggml.bos_token_id", bosId_},
              {"tokenizer.ggml.eos_token_id", eosId_},
              {"tokenizer.ggml.unknown_token_id", unknownId_}};
  for (auto &[key, id] : keys) {
    if (std::optional<int64_t> value = metadata.integer(key)) {
      if (*value < 0 || *value >= vocabulary_.size())
        return corrupt("tokenizer: " + std::string(key) + " is " +
                       std::to_string(*value) + ", but there are " +
                       std::to_string(vocabulary_.size()) + " tokens");
      id = static_cast<int32_t>(*value);
    }
    if (!vocabulary_.contains(id))
      id = -1;
  }
  addBos_ = metadata.boolean("tokenizer.ggml.add_bos_token").value_or(addBos_);
  addEos_ = metadata.boolean("tokenizer.ggml.add_eos_token").value_or(addEos_);
  return Status();
}

void Tokenizer::findEnds(const Metadata &metadata) {
  for (std::string_view text : endTexts) {
    int32_t id = vocabulary_.find(text);
    if (id >= 0 && (vocabulary_.type(id) == Vocabulary::Control ||
                    !endsAsControlOnly(text)))
      ends_.push_back(id);
  }
  // With the harmony format <|end|> closes a message, not the turn.
  auto isAnEnd = [&](std::string_view text) {
    int32_t id = vocabulary_.find(text);
    return id >= 0 && std::count(ends_.begin(), ends_.end(), id) != 0;
  };
  bool harmony = (isAnEnd("<|return|>") && isAnEnd("<|call|>")) ||
                 (isAnEnd("<|calls|>") && isAnEnd("<|flush|>"));
  if (harmony)
    ends_.erase(
        std::remove(ends_.begin(), ends_.end(), vocabulary_.find("<|end|>")),
        ends_.end());
  if (eosId_ >= 0)
    ends_.push_back(eosId_);
  for (const char *key :
       {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
    int64_t id = metadata.integer(key).value_or(-1);
    if (id >= 0 && id < vocabulary_.size())
      ends_.push_back(static_cast<int32_t>(id));
  }
  for (int32_t id : metadata.integers("tokenizer.lowbit.end_token_ids"))
    if (vocabulary_.contains(id))
      ends_.push_back(id);
  std::sort(ends_.begin(), ends_.end());
  ends_.erase(std::unique(ends_.begin(), ends_.end()), ends_.end());
}

/// Of a GGUF of Phi-3: all but these, whose `rstrip` is off.
bool Tokenizer::stripsAfter(int32_t id) const {
  if (!controlsStrip_)
    return added_->stripsRight(id);
  std::string_view text = vocabulary_.text(id);
  return text != "<unk>" && text != "<s>" && text != "<|endoftext|>";
}

/// The first place from `position` on that is not white space.
static size_t skipSpaces(std::string_view text, size_t position) {
  while (position < text.size()) {
    uint32_t value = 0;
    size_t length = decodeUtf8(text, position, value);
    if (length == 0 || !(classOf(value) & ClassSpace))
      break;
    position += length;
  }
  return position;
}

/// The end of [begin, end) without white space at its end.
static size_t trimSpaces(std::string_view text, size_t begin, size_t end) {
  std::vector<Character> characters;
  decodeCharacters(text.substr(begin, end - begin), characters);
  size_t count = characters.size() - 1;
  while (count > 0 && (characters[count - 1].classes & ClassSpace))
    --count;
  return begin + characters[count].offset;
}

Status Tokenizer::encode(std::string_view text, bool addSpecial,
                         bool parseSpecial, std::vector<int32_t> &ids) const {
  if (text.size() > maxTextBytes)
    return invalid("tokenizer: the text has " + std::to_string(text.size()) +
                   " bytes; split it into parts of at most " +
                   std::to_string(maxTextBytes));
  try {
    encodeUnguarded(text, addSpecial, parseSpecial, ids);
    return Status();
  } catch (const std::bad_alloc &) {
    return Status(QRT_OUT_OF_MEMORY, "tokenizer: no memory for a text of " +
                                         std::to_string(text.size()) +
                                         " bytes");
  }
}

void Tokenizer::encodeUnguarded(std::string_view text, bool addSpecial,
                                bool parseSpecial,
                                std::vector<int32_t> &ids) const {
  if (addSpecial && addBos_ && bosId_ >= 0)
    ids.push_back(bosId_);
  size_t begin = 0;
  for (size_t i = 0; i < text.size();) {
    AddedTokens::Match match = added_->at(text, i, parseSpecial);
    if (match.length == 0) {
      ++i;
      continue;
    }
    size_t end = added_->stripsLeft(match.id) ? trimSpaces(text, begin, i) : i;
    if (begin < end)
      model_->encode(text.substr(begin, end - begin), begin == 0, ids);
    ids.push_back(match.id);
    i += match.length;
    if (stripsAfter(match.id))
      i = skipSpaces(text, i);
    begin = i;
  }
  if (begin < text.size())
    model_->encode(text.substr(begin), begin == 0, ids);
  if (addSpecial && addEos_ && eosId_ >= 0)
    ids.push_back(eosId_);
}

void Tokenizer::appendPiece(int32_t id, bool special, std::string &out) const {
  if (!vocabulary_.contains(id) || (!special && isControl(id)))
    return;
  if (vocabulary_.isAdded(id) && !sentencePiece_)
    out += vocabulary_.text(id);
  else
    model_->appendPiece(id, out);
}

std::string Tokenizer::piece(int32_t id) const {
  std::string out;
  appendPiece(id, true, out);
  return out;
}

void Tokenizer::decode(const std::vector<int32_t> &ids, bool special,
                       std::string &out) const {
  size_t start = out.size();
  bool first = stripsPrefix_;
  for (int32_t id : ids) {
    size_t before = out.size();
    appendPiece(id, special, out);
    if (first && before == start && out.size() > before && out[before] == ' ')
      out.erase(before, 1);
    first = first && (before == out.size() && isControl(id));
  }
}

bool Tokenizer::isEnd(int32_t id) const {
  return std::binary_search(ends_.begin(), ends_.end(), id);
}

bool Tokenizer::isControl(int32_t id) const {
  return vocabulary_.contains(id) &&
         (vocabulary_.type(id) == Vocabulary::Control ||
          vocabulary_.type(id) == Vocabulary::Unknown);
}

} // namespace qrt
