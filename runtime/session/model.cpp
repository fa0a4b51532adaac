//===- model.cpp - A loaded model: module, threads, tokenizer -------------===//

#include "session/model.h"
#include "tokenizer/chat_template.h"

#include <cstdlib>

namespace qrt {

namespace {

/// An option of the call, else the environment variable, else "".
std::string setting(const char *option, const char *variable) {
  if (option)
    return option;
  const char *value = std::getenv(variable);
  return value ? value : "";
}

Status parseVerify(const std::string &text, Verify &verify) {
  if (text.empty() || text == "once")
    verify = Verify::Once;
  else if (text == "always")
    verify = Verify::Always;
  else if (text == "never")
    verify = Verify::Never;
  else
    return invalid("QRT_VERIFY is \"" + text +
                   "\": set it to always, once or never");
  return {};
}

Status parseHugePages(const std::string &text, HugePages &pages) {
  if (text.empty() || text == "off")
    pages = HugePages::Off;
  else if (text == "advise")
    pages = HugePages::Advise;
  else if (text == "copy")
    pages = HugePages::Copy;
  else
    return invalid("huge pages \"" + text +
                   "\": expected off, advise or copy");
  return {};
}

Status parseAffinity(const std::string &text, Affinity &affinity) {
  return Affinity::parse(text.empty() ? "none" : text, affinity);
}

std::string baseName(const std::string &path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

} // namespace

Status Model::load(const std::string &path, const qrt_load_options &options,
                   std::unique_ptr<Model> &model) {
  auto made = std::make_unique<Model>();
  QRT_TRY(made->open(
      [&](std::string_view level) { return made->module_.open(path, level); },
      options));
  model = std::move(made);
  return {};
}

Status Model::load(const qrt_static_module &source,
                   const qrt_load_options &options,
                   std::unique_ptr<Model> &model) {
  auto made = std::make_unique<Model>();
  QRT_TRY(made->open(
      [&](std::string_view level) { return made->module_.open(source, level); },
      options));
  model = std::move(made);
  return {};
}

Status Model::open(const OpenModule &openModule,
                   const qrt_load_options &options) {
  Verify verify;
  QRT_TRY(parseVerify(setting(options.verify, "QRT_VERIFY"), verify));
  QRT_TRY(
      parseAffinity(setting(options.affinity, "QRT_AFFINITY"), affinity_));
  QRT_TRY(parseHugePages(setting(options.huge_pages, "QRT_HUGE_PAGES"),
                         hugePages_));
  QRT_TRY(openModule(setting(options.level, "QRT_CPU")));
  QRT_TRY(setThreads(options.threads));
  const OnEachThread onEachThread = [&](const std::function<void()> &job) {
    pool_->onEachThread(job);
  };
  if (hugePages_ == HugePages::Advise)
    module_.adviseHugePages();
  if (hugePages_ == HugePages::Copy)
    QRT_TRY(module_.copyWeights(onEachThread));
  QRT_TRY(module_.verify(verify, onEachThread));
  const Metadata &metadata = module_.metadata();
  name_ = metadata.string("general.name").value_or("");
  if (name_.empty())
    name_ = baseName(path());
  architecture_ = metadata.string("general.architecture").value_or("");
  if (auto text = metadata.string("tokenizer.chat_template")) {
    chatTemplate_ = *text;
    hasChatTemplate_ = true;
  }
  QRT_TRY(readEmbeddingKeys());
  QRT_TRY(createTokenizer());
  // Of a vocabulary of 262144 tokens that saves 5 MB.
  module_.releaseHeader();
  return {};
}

Status Model::readEmbeddingKeys() {
  const Metadata &metadata = module_.metadata();
  const std::string key = architecture_ + ".pooling_type";
  const int64_t pooling = metadata.integer(key).value_or(QRT_POOLING_MEAN);
  if (pooling < QRT_POOLING_NONE || pooling > QRT_POOLING_RANK)
    return corrupt(path() + ": " + key + " is " + std::to_string(pooling) +
                   ", expected 0 to 4");
  pooling_ = int32_t(pooling);
  maxTokens_ = std::max<int64_t>(
      0, metadata.integer("tokenizer.lowbit.max_tokens").value_or(0));
  for (std::string_view name :
       metadata.strings(architecture_ + ".classifier.output_labels"))
    classNames_.emplace_back(name);
  return {};
}

Status Model::createTokenizer() {
  const auto kind = module_.metadata().string("tokenizer.ggml.model");
  if (!kind || *kind == "none" || *kind == "no_vocab")
    return {};
  Status status = Tokenizer::create(module_.metadata(), tokenizer_);
  if (!status.ok())
    return Status(status.code(), path() + ": " + status.message());
  return {};
}

Status Model::needTokenizer() const {
  if (tokenizer_)
    return {};
  return unsupported(path() + ": it carries no vocabulary, so text cannot be "
                              "read or written: use token ids");
}

Status Model::renderChat(const qrt_message *messages, size_t count,
                         bool addGenerationPrompt, std::string &out) const {
  if (!hasChatTemplate_)
    return unsupported(path() + ": it has no chat template: give the model the "
                                "raw text of the conversation");
  std::vector<ChatMessage> all;
  for (size_t i = 0; i < count; ++i) {
    if (!messages || !messages[i].role || !messages[i].content)
      return invalid("message " + std::to_string(i) +
                     " has no role or no content");
    all.push_back({messages[i].role, messages[i].content});
  }
  std::string bos, eos;
  if (tokenizer_) {
    tokenizer_->appendPiece(tokenizer_->bosId(), /*special=*/true, bos);
    tokenizer_->appendPiece(tokenizer_->eosId(), /*special=*/true, eos);
  }
  return renderChatTemplate(chatTemplate_, all, addGenerationPrompt, bos, eos,
                            out);
}

Status Model::setThreads(int32_t threads) {
  const bool bound = affinity_.kind != Affinity::None;
  if (topology_.cpus.empty() && (threads == 0 || bound))
    topology_ = Topology::detect();
  if (threads == 0)
    threads = affinity_.defaultWorkers(topology_);
  std::vector<int32_t> cpus;
  if (bound && threads > 0)
    QRT_TRY(affinity_.place(topology_, threads, cpus));
  std::unique_ptr<Pool> pool;
  QRT_TRY(Pool::create(threads, pool, cpus));
  if (const size_t regions = view().regions.size)
    pool->countRegions(regions);
  pool_ = std::move(pool);
  return {};
}

void Model::info(qrt_model_info &info) const {
  const qrt_text_record &text = view().header.text;
  info = {};
  info.name = name_.c_str();
  info.architecture = architecture_.c_str();
  info.level = module_.levelName();
  info.chat_template = chatTemplate();
  info.n_vocab = int32_t(text.n_vocab);
  info.n_embd = int32_t(text.n_embd);
  info.n_layers = int32_t(text.n_layers);
  info.max_context = int32_t(text.max_context);
  info.max_rows = int32_t(text.max_rows);
  info.threads = pool_->workers();
  info.bos_id = tokenizer_ ? tokenizer_->bosId() : -1;
  info.eos_id = tokenizer_ ? tokenizer_->eosId() : -1;
  info.add_bos = tokenizer_ && tokenizer_->addBos();
  info.file_bytes = module_.fileBytes();
  info.weights_bytes = view().weights.size();
  for (const qrt_weight_record &weight : view().weightRecords) {
    info.source_bytes += weight.source_bytes;
    info.n_parameters += weight.rows * weight.columns;
  }
}

Status Model::textFunction(size_t &function) const {
  const qrt_function_record *text = view().textFunction();
  if (!text)
    return unsupported(path() + ": it has no function text, only plain "
                                "functions: use qrt_call");
  function = size_t(text - view().functions.begin());
  return {};
}

void Model::run(size_t function, qrt_frame &frame) {
  frame.weights = module_.weights();
  frame.host = Pool::host();
  frame.team = pool_.get();
  pool_->run(module_.entry(function), frame);
}

Status Model::reserveScratch(size_t function, Arena &arena) const {
  const qrt_function_record &record = view().functions[function];
  const uint64_t bytes =
      record.scratch_bytes + uint64_t(pool_->workers()) * record.private_bytes;
  if (arena.bytes() >= bytes)
    return {};
  return arena.allocate(bytes, "the scratch of a function", pages());
}

Status Model::call(int32_t function, void *const *arguments) {
  if (function < 0 || size_t(function) >= view().functions.size)
    return invalid(path() + ": it has no function " +
                   std::to_string(function) +
                   " (-1: none of the name that was looked for): compile it "
                   "again together with the header that the program uses");
  const qrt_function_record &record = view().functions[function];
  if (record.kind != QRT_FUNCTION_PLAIN)
    return invalid(std::string("function ") + view().string(record.name) +
                   " is not a plain function: use a session");
  for (uint64_t i = 0; i < uint64_t(record.n_inputs) + record.n_outputs; ++i)
    if (!arguments || !arguments[i])
      return invalid("argument " + std::to_string(i) + " of " +
                     view().string(record.name) + " is NULL");
  const std::lock_guard<std::mutex> lock(calling_);
  QRT_TRY(reserveScratch(size_t(function), scratch_));
  qrt_frame frame = {};
  frame.scratch = scratch_.data();
  frame.arguments = arguments;
  run(size_t(function), frame);
  return {};
}

} // namespace qrt
