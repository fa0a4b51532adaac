//===- module_view.cpp - The header of a module, checked ------------------===//

#include "module/module_view.h"
#include "base/hash.h"

#include <climits>
#include <cstring>

namespace qrt {

namespace {

#if defined(__x86_64__)
constexpr uint16_t hostMachine = EM_X86_64;
constexpr const char *hostName = "x86-64";
#elif defined(__aarch64__)
constexpr uint16_t hostMachine = EM_AARCH64;
constexpr const char *hostName = "AArch64";
#else
#error "quantrt runs on x86-64 and AArch64"
#endif

/// Sizes that no module in reach has; they keep later products within 64 bits.
constexpr uint64_t maxRowsLimit = 1u << 16;
constexpr uint64_t scratchLimit = uint64_t(1) << 46;
constexpr uint64_t pageBytesLimit = uint64_t(1) << 40;

uint64_t elementBytes(uint32_t type) {
  switch (type) {
  case QRT_TYPE_I8:
  case QRT_TYPE_U8:
    return 1;
  case QRT_TYPE_F16:
  case QRT_TYPE_BF16:
    return 2;
  case QRT_TYPE_F32:
  case QRT_TYPE_I32:
    return 4;
  case QRT_TYPE_I64:
    return 8;
  }
  return 0;
}

} // namespace

/// The steps of ModuleView::parse, in the order in which they may rely on each
/// other.
class HeaderReader {
public:
  HeaderReader(const std::string &name, ModuleView &view)
      : name_(name), view_(view), header_(view.header) {}

  Status read(std::string_view file) {
    file_ = file;
    QRT_TRY(ElfView::parse(file_, name_, view_.elf));
    QRT_TRY(checkSections());
    QRT_TRY(checkVersions());
    QRT_TRY(checkLayout());
    bytes_ = file_.substr(header_.code_bytes, header_.header_bytes);
    view_.weights = file_.substr(header_.weights_offset, header_.weights_bytes);
    QRT_TRY(checkHeaderHash());
    QRT_TRY(checkCodeHash());
    QRT_TRY(checkMachine());
    return readAll();
  }

  Status read(const qrt_static_module &source) {
    QRT_TRY(checkStatic(source));
    bytes_ = {static_cast<const char *>(source.header), source.header_bytes};
    std::memcpy(&header_, bytes_.data(), sizeof(qrt_header));
    QRT_TRY(checkVersions());
    if (header_.code_bytes != 0 ||
        header_.header_bytes != source.header_bytes ||
        header_.weights_offset != source.header_bytes ||
        header_.weights_bytes != source.weights_bytes)
      return damaged("its parts have other sizes than its header says");
    view_.weights = {static_cast<const char *>(source.weights),
                     source.weights_bytes};
    QRT_TRY(checkHeaderHash());
    return readAll();
  }

private:
  Status readAll() {
    QRT_TRY(readTables());
    QRT_TRY(checkLevels());
    QRT_TRY(checkFunctions());
    QRT_TRY(checkArguments());
    QRT_TRY(checkWeights());
    QRT_TRY(checkRegions());
    return checkText();
  }

  Status damaged(const std::string &what) const {
    return corrupt(name_ + ": damaged: " + what +
                   ": copy the file or compile it again");
  }

  Status checkSections() {
    const ElfSection &header = view_.elf.header, &weights = view_.elf.weights;
    if (!header.present)
      return corrupt(name_ + ": no section " QRT_HEADER_SECTION
                             ": it is not a lowbit module, or it was stripped: "
                             "compile it again");
    if (!weights.present)
      return corrupt(name_ + ": no section " QRT_WEIGHTS_SECTION
                             ": its weights were stripped: compile it again");
    for (const ElfSection *section : {&header, &weights})
      if (!fits(section->offset, section->bytes, file_.size()))
        return corrupt(
            name_ + ": cut short: it has " + std::to_string(file_.size()) +
            " bytes, but a section ends " + std::to_string(section->bytes) +
            " bytes behind " + std::to_string(section->offset) +
            ": copy the file or compile it again");
    if (header.bytes < sizeof(qrt_header))
      return damaged("its header has only " + std::to_string(header.bytes) +
                     " bytes");
    std::memcpy(&header_, file_.data() + header.offset, sizeof(qrt_header));
    return {};
  }

  Status checkStatic(const qrt_static_module &source) const {
    if (source.abi_version != QRT_ABI_VERSION ||
        source.bytes != sizeof(qrt_static_module))
      return unsupported(name_ + ": it was compiled for ABI version " +
                         std::to_string(source.abi_version) +
                         ", this runtime has " +
                         std::to_string(QRT_ABI_VERSION) +
                         ": compile it again, or update the runtime");
    auto misaligned = [](const void *address) {
      return !address || reinterpret_cast<uintptr_t>(address) % 64 != 0;
    };
    if (misaligned(source.header) || misaligned(source.weights))
      return damaged("its data are not aligned to 64 bytes");
    if (source.header_bytes < sizeof(qrt_header))
      return damaged("its header has only " +
                     std::to_string(source.header_bytes) + " bytes");
    return {};
  }

  // Before the hashes: another version may hash otherwise.
  Status checkVersions() {
    if (std::memcmp(header_.magic, QRT_HEADER_MAGIC, sizeof header_.magic) != 0)
      return damaged("no magic " QRT_HEADER_MAGIC);
    if (header_.format_version != QRT_FORMAT_VERSION)
      return unsupported(name_ + ": its format has version " +
                         std::to_string(header_.format_version) +
                         ", this runtime reads " +
                         std::to_string(QRT_FORMAT_VERSION) +
                         ": compile it again, or update the runtime");
    if (header_.abi_version != QRT_ABI_VERSION)
      return unsupported(name_ + ": its code has ABI version " +
                         std::to_string(header_.abi_version) +
                         ", this runtime has " +
                         std::to_string(QRT_ABI_VERSION) +
                         ": compile it again, or update the runtime");
    return {};
  }

  Status checkLayout() {
    const ElfSection &header = view_.elf.header, &weights = view_.elf.weights;
    if (header_.code_bytes != header.offset ||
        header_.header_bytes != header.bytes ||
        header_.weights_offset != weights.offset ||
        header_.weights_bytes != weights.bytes)
      return damaged("its sections are not where its header says (stripped or "
                     "edited)");
    if (header_.code_bytes % 64 != 0 ||
        header_.weights_offset % QRT_WEIGHTS_ALIGNMENT != 0 ||
        header_.code_bytes + header_.header_bytes != header_.weights_offset ||
        header_.weights_offset + header_.weights_bytes != file_.size())
      return damaged("its parts do not follow each other");
    return {};
  }

  Status checkHeaderHash() const {
    constexpr size_t behind =
        offsetof(qrt_header, header_hash) + sizeof(header_.header_hash);
    if (hash64(bytes_.substr(behind)) != header_.header_hash)
      return damaged("its header does not match its hash");
    return {};
  }

  Status checkCodeHash() const {
    if (hash64(file_.substr(0, header_.code_bytes)) != header_.code_hash)
      return damaged("its code does not match its hash");
    return {};
  }

  Status checkMachine() {
    if (view_.elf.machine != hostMachine)
      return unsupported(name_ +
                         ": its code is for another kind of CPU (ELF "
                         "machine " +
                         std::to_string(view_.elf.machine) + "), this is " +
                         hostName + ": compile it here");
    return {};
  }

  template <typename Record>
  Status readTable(const qrt_table &table, const char *what,
                   Span<const Record> &out) {
    if (table.count > bytes_.size() / sizeof(Record) ||
        !fits(table.offset, table.count * sizeof(Record), bytes_.size()) ||
        table.offset % alignof(Record) != 0)
      return damaged(std::string("its table of ") + what +
                     " reaches beyond its header");
    out = {reinterpret_cast<const Record *>(bytes_.data() + table.offset),
           size_t(table.count)};
    return {};
  }

  Status readTables() {
    QRT_TRY(readTable(header_.levels, "levels", view_.levels));
    QRT_TRY(readTable(header_.functions, "functions", view_.functions));
    QRT_TRY(readTable(header_.arguments, "arguments", view_.arguments));
    QRT_TRY(readTable(header_.weights, "weights", view_.weightRecords));
    QRT_TRY(readTable(header_.hashes, "hashes", view_.hashes));
    QRT_TRY(readTable(header_.regions, "regions", view_.regions));
    Span<const char> metadata, strings;
    QRT_TRY(readTable(header_.metadata, "metadata", metadata));
    QRT_TRY(readTable(header_.strings, "strings", strings));
    if (strings.empty() || strings[strings.size - 1] != '\0')
      return damaged("its string table has no end");
    view_.metadata = {metadata.data, metadata.size};
    view_.strings_ = {strings.data, strings.size};
    return checkString(header_.producer);
  }

  Status checkString(qrt_string offset) const {
    if (offset >= view_.strings_.size())
      return damaged("a name lies outside its string table");
    return {};
  }

  Status checkLevels() const {
    if (view_.levels.empty() || view_.levels.size > 64)
      return damaged("it has " + std::to_string(view_.levels.size) + " levels");
    for (const qrt_level_record &level : view_.levels)
      QRT_TRY(checkString(level.name));
    return {};
  }

  Status checkFunctions() const {
    if (view_.functions.empty() || view_.functions.size > INT32_MAX)
      return damaged("it has no functions");
    for (const qrt_function_record &function : view_.functions) {
      QRT_TRY(checkString(function.name));
      const uint64_t count = uint64_t(function.n_inputs) + function.n_outputs;
      if ((function.kind != QRT_FUNCTION_TEXT &&
           function.kind != QRT_FUNCTION_PLAIN) ||
          count > INT32_MAX || function.scratch_bytes > scratchLimit ||
          function.private_bytes > scratchLimit ||
          !fits(function.first_argument, count, view_.arguments.size))
        return damaged(std::string("function ") + view_.string(function.name) +
                       " has an impossible signature");
    }
    return {};
  }

  Status checkArguments() const {
    for (const qrt_argument_record &argument : view_.arguments) {
      QRT_TRY(checkString(argument.name));
      uint64_t bytes = elementBytes(argument.type);
      bool possible = bytes != 0 && argument.rank <= 6;
      for (uint32_t i = 0; possible && i < argument.rank; ++i)
        possible = argument.dims[i] <= INT64_MAX &&
                   !__builtin_mul_overflow(bytes, argument.dims[i], &bytes);
      if (!possible)
        return damaged(std::string("argument ") + view_.string(argument.name) +
                       " has an impossible shape");
    }
    return {};
  }

  Status checkWeights() const {
    for (const qrt_weight_record &weight : view_.weightRecords) {
      QRT_TRY(checkString(weight.name));
      QRT_TRY(checkString(weight.scheme));
      QRT_TRY(checkString(weight.source_type));
      uint64_t elements;
      if (weight.offset % 64 != 0 ||
          !fits(weight.offset, weight.bytes, view_.weights.size()) ||
          __builtin_mul_overflow(weight.rows, weight.columns, &elements))
        return damaged(std::string("weight ") + view_.string(weight.name) +
                       " lies outside the weights");
    }
    const uint64_t size = view_.weights.size();
    const uint64_t chunks =
        size / QRT_HASH_CHUNK + (size % QRT_HASH_CHUNK != 0);
    if (view_.hashes.size != chunks)
      return damaged("it has " + std::to_string(view_.hashes.size) +
                     " hashes for " + std::to_string(chunks) +
                     " chunks of weights");
    return {};
  }

  Status checkRegions() const {
    if (view_.regions.size > INT32_MAX)
      return damaged("it has too many regions");
    for (const qrt_region_record &region : view_.regions) {
      QRT_TRY(checkString(region.name));
      if (region.function >= view_.functions.size)
        return damaged(std::string("region ") + view_.string(region.name) +
                       " is of no function");
    }
    return {};
  }

  Status checkText() const {
    const qrt_function_record *function = view_.textFunction();
    if (!function)
      return {};
    const qrt_text_record &text = header_.text;
    auto positive = [](uint64_t value, uint64_t limit) {
      return value != 0 && value <= limit;
    };
    if (!positive(text.n_vocab, INT32_MAX) ||
        !positive(text.n_embd, INT32_MAX) || text.n_layers > INT32_MAX ||
        !positive(text.max_rows, maxRowsLimit) ||
        !positive(text.max_context, INT32_MAX) ||
        !positive(text.page_size, INT32_MAX) || text.kv_type > QRT_KV_Q4 ||
        !positive(text.page_bytes, pageBytesLimit) ||
        text.n_probes > 1u << 20 || text.result > QRT_RESULT_CLASSES ||
        !positive(text.n_result, INT32_MAX) || text.n_types > INT32_MAX ||
        (text.result == QRT_RESULT_LOGITS && text.n_result != text.n_vocab))
      return damaged("the sizes of function text are impossible");
    return {};
  }

  std::string_view file_;  ///< empty for a static module
  std::string_view bytes_; ///< the header and its tables
  const std::string &name_;
  ModuleView &view_;
  qrt_header &header_;
};

Status ModuleView::parse(std::string_view file, const std::string &name,
                         ModuleView &out) {
  out = {};
  return HeaderReader(name, out).read(file);
}

Status ModuleView::parse(const qrt_static_module &source,
                         const std::string &name, ModuleView &out) {
  out = {};
  return HeaderReader(name, out).read(source);
}

int32_t ModuleView::find(std::string_view function) const {
  for (size_t i = 0; i < functions.size; ++i)
    if (string(functions[i].name) == function)
      return int32_t(i);
  return -1;
}

const qrt_function_record *ModuleView::textFunction() const {
  for (const qrt_function_record &function : functions)
    if (function.kind == QRT_FUNCTION_TEXT)
      return &function;
  return nullptr;
}

} // namespace qrt
