//===- RandomSource.cpp - Pairs and tensors made up -----------------------===//

#include "RandomSource.h"
#include "RandomRows.h"

#include "llvm/Support/Endian.h"
#include "llvm/Support/xxhash.h"

using llvm::StringRef;

namespace lowbit {

/// Of every matrix, as trained models have it within a factor of two.
static constexpr double kDeviation = 0.02;

/// The file's format of that name, or one that exists for its scheme alone.
static BitFormat formatOf(const WeightFormat &weights) {
  if (const BitFormat *known = findBitFormat(weights.name))
    if (known->scheme == weights.scheme)
      return *known;
  return {nullptr, UINT32_MAX, 0, 0, weights.scheme, nullptr};
}

RandomSource::RandomSource(StringRef path, const WeightFormat &format)
    : name(path), weights(format), format(formatOf(weights)) {
  this->format.name = weights.name.c_str();
}

void RandomSource::addMatrix(const std::string &name, int64_t rows,
                             int64_t columns) {
  SourceTensor tensor;
  tensor.name = name;
  tensor.shape = {rows, columns};
  tensor.format = &format;
  // A row that the blocks do not divide ends with a short group.
  bool whole = format.blockLength && columns % format.blockLength == 0;
  double bits = format.scheme.bitsPerWeight(columns);
  tensor.bytes =
      whole ? rows * format.rowBytes(columns)
            : static_cast<uint64_t>(double(rows) * double(columns) * bits / 8);
  auto random = std::make_shared<RandomRows>(
      format.scheme, llvm::xxh3_64bits(name), kDeviation);
  tensor.generate = [random, columns](int64_t row, RowFields &fields) {
    random->fill(row, columns, fields);
  };
  all.push_back(std::move(tensor));
}

void RandomSource::addVector(const std::string &name, int64_t size,
                             double mean) {
  static const BitFormat *f32 = findBitFormat("F32");
  SourceTensor tensor;
  tensor.name = name;
  tensor.shape = {size};
  tensor.format = f32;
  tensor.bytes = f32->rowBytes(size);
  auto random = std::make_shared<RandomRows>(
      f32->scheme, llvm::xxh3_64bits(name), kDeviation);
  tensor.generate = [random, size, mean](int64_t row, RowFields &fields) {
    random->fill(row, size, fields);
    for (float &value : fields.reals)
      value += static_cast<float>(mean);
  };
  all.push_back(std::move(tensor));
}

//===- Pairs --------------------------------------------------------------===//

const RandomSource::Value *RandomSource::value(StringRef key) const {
  auto found = pairs.find(key.str());
  return found == pairs.end() ? nullptr : &found->second;
}

std::optional<StringRef> RandomSource::string(StringRef key) const {
  const Value *found = value(key);
  if (!found || !std::holds_alternative<std::string>(*found))
    return std::nullopt;
  return StringRef(std::get<std::string>(*found));
}

std::optional<int64_t> RandomSource::integer(StringRef key) const {
  const Value *found = value(key);
  if (!found || !std::holds_alternative<int64_t>(*found))
    return std::nullopt;
  return std::get<int64_t>(*found);
}

std::optional<double> RandomSource::real(StringRef key) const {
  if (std::optional<int64_t> whole = integer(key))
    return static_cast<double>(*whole);
  const Value *found = value(key);
  if (!found || !std::holds_alternative<double>(*found))
    return std::nullopt;
  return std::get<double>(*found);
}

template <typename T> static void append(std::string &text, T number) {
  char bytes[sizeof(T)];
  llvm::support::endian::write<T>(bytes, number, llvm::endianness::little);
  text.append(bytes, sizeof bytes);
}

static void append(std::string &text, StringRef string) {
  append<uint64_t>(text, string.size());
  text += string;
}

std::string RandomSource::metadataBytes() const {
  // GGUF's types of values: 8 a string, 11 an i64, 12 an f64.
  std::string text;
  append<uint64_t>(text, pairs.size());
  for (const auto &[key, value] : pairs) {
    append(text, StringRef(key));
    if (const auto *words = std::get_if<std::string>(&value)) {
      append<uint32_t>(text, 8);
      append(text, StringRef(*words));
    } else if (const auto *whole = std::get_if<int64_t>(&value)) {
      append<uint32_t>(text, 11);
      append<int64_t>(text, *whole);
    } else {
      append<uint32_t>(text, 12);
      append<double>(text, std::get<double>(value));
    }
  }
  return text;
}

} // namespace lowbit
