//===- HeaderBuilder.cpp - The bytes of .qrt.header -----------------------===//

#include "HeaderBuilder.h"

#include "lowbit/Support/PanelLayout.h"

#include "quantrt/abi.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>

namespace lowbit {

static uint64_t alignTo(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

uint64_t WeightImage::bytes() const {
  if (isVector)
    return columns * sizeof(float);
  PanelLayout layout(scheme, columns, unit);
  return layout.panels(rows) * layout.panelBytes();
}

HeaderBuilder::HeaderBuilder(const ModuleImage &image, uint64_t codeBytes)
    : image_(image), bytes_(sizeof(qrt_header), '\0') {
  intern(""); // offset 0 is the empty string
  std::memcpy(header().magic, QRT_HEADER_MAGIC, 8);
  header().format_version = QRT_FORMAT_VERSION;
  header().abi_version = QRT_ABI_VERSION;
  header().code_bytes = codeBytes;
  header().text = image.text;
  header().producer = intern(image.producer);
  std::vector<qrt_level_record> levels;
  for (const TargetInfo *level : image.levels)
    levels.push_back(
        {level->abiLevel, level->abiFeatures, intern(level->level), 0});
  qrt_table table = append(levels);
  header().levels = table;
  addFunctions();
  addWeights();
  addRegions();
  table = appendBytes(image.metadata, image.metadata.size());
  header().metadata = table;
  table = appendBytes(strings_, strings_.size());
  header().strings = table;
  uint64_t end =
      alignTo(codeBytes + bytes_.size(), QRT_WEIGHTS_ALIGNMENT);
  bytes_.resize(end - codeBytes, '\0');
  header().header_bytes = bytes_.size();
  header().weights_offset = end;
}

qrt_string HeaderBuilder::intern(llvm::StringRef text) {
  auto [entry, isNew] = interned_.try_emplace(text, strings_.size());
  if (isNew) {
    strings_ += text.str();
    strings_ += '\0';
  }
  return entry->second;
}

qrt_table HeaderBuilder::appendBytes(llvm::StringRef bytes, uint64_t count) {
  bytes_.resize(alignTo(bytes_.size(), 8), '\0');
  qrt_table table = {bytes_.size(), count};
  bytes_ += bytes.str();
  return table;
}

template <class Record>
qrt_table HeaderBuilder::append(const std::vector<Record> &records) {
  return appendBytes(
      llvm::StringRef(reinterpret_cast<const char *>(records.data()),
                      records.size() * sizeof(Record)),
      records.size());
}

void HeaderBuilder::addFunctions() {
  std::vector<qrt_function_record> functions;
  std::vector<qrt_argument_record> arguments;
  for (const FunctionImage &function : image_.functions) {
    qrt_function_record record = {};
    record.name = intern(function.name);
    record.kind = function.kind;
    record.first_argument = arguments.size();
    record.n_inputs = function.inputs.size();
    record.n_outputs = function.outputs.size();
    record.scratch_bytes = function.scratchBytes;
    record.private_bytes = function.privateBytes;
    functions.push_back(record);
    for (const auto *list : {&function.inputs, &function.outputs})
      for (const ArgumentImage &argument : *list) {
        qrt_argument_record entry = {};
        entry.name = intern(argument.name);
        entry.type = argument.type;
        entry.rank = argument.shape.size();
        for (size_t i = 0; i < argument.shape.size(); ++i)
          entry.dims[i] = argument.shape[i];
        arguments.push_back(entry);
      }
  }
  qrt_table table = append(functions);
  header().functions = table;
  table = append(arguments);
  header().arguments = table;
}

void HeaderBuilder::addWeights() {
  std::vector<qrt_weight_record> records;
  uint64_t offset = 0;
  for (const WeightImage &weight : image_.weights) {
    qrt_weight_record record = {};
    record.offset = offset;
    record.bytes = weight.bytes();
    record.source_bytes = weight.sourceBytes;
    record.rows = weight.rows;
    record.columns = weight.columns;
    record.name = intern(weight.name);
    record.scheme =
        intern(weight.indices.empty() ? weight.scheme.str() : "i32");
    record.source_type = intern(weight.sourceType);
    record.use = weight.use;
    records.push_back(record);
    weightOffsets_.push_back(offset);
    // A tail of a vector may be read whole: 64 bytes behind every weight belong
    // to nobody.
    offset = alignTo(offset + record.bytes + 64, 64);
  }
  header().weights_bytes = offset;
  qrt_table table = append(records);
  header().weights = table;
  uint64_t chunks = (offset + QRT_HASH_CHUNK - 1) / QRT_HASH_CHUNK;
  table = append(std::vector<uint64_t>(chunks));
  header().hashes = table;
}

void HeaderBuilder::addRegions() {
  std::vector<qrt_region_record> records;
  for (const RegionImage &region : image_.regions)
    records.push_back({intern(region.name), region.function, region.kernels,
                       region.flags, region.weightBytes, region.rowWeightBytes,
                       region.rowBytes, region.rowMacs,
                       region.kvBytesPerPosition});
  qrt_table table = append(records);
  header().regions = table;
}

void HeaderBuilder::setChunkHash(uint64_t chunk, uint64_t hash) {
  std::memcpy(&bytes_[header().hashes.offset + chunk * sizeof(hash)], &hash,
              sizeof(hash));
}

const std::string &HeaderBuilder::finish() {
  size_t from = offsetof(qrt_header, header_hash) + sizeof(uint64_t);
  header().header_hash =
      XXH3_64bits(bytes_.data() + from, bytes_.size() - from);
  return bytes_;
}

} // namespace lowbit
