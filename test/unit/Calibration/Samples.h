//===- Samples.h - Folders, schemes and models for tests --------*- C++ -*-===//

#ifndef LOWBIT_TEST_UNIT_CALIBRATION_SAMPLES_H
#define LOWBIT_TEST_UNIT_CALIBRATION_SAMPLES_H

#include "lowbit/Import/ModelSource.h"

#include "llvm/Support/FileSystem.h"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <random>

namespace lowbit::test {

/// LOWBIT_TEST_SEED, or 1; a failing test prints it.
inline unsigned seed() {
  const char *text = std::getenv("LOWBIT_TEST_SEED");
  return text ? unsigned(std::strtoul(text, nullptr, 10)) : 1;
}

/// Of a type of GGUF, or of words.
inline Scheme scheme(const std::string &text) {
  if (const BitFormat *known = findBitFormat(std::string_view(text)))
    return known->scheme;
  Scheme result;
  std::string error;
  EXPECT_TRUE(Scheme::parse(text, result, error)) << text << ": " << error;
  EXPECT_EQ(result.check(), "") << text;
  return result;
}

/// A folder that is gone at the end.
struct Folder {
  std::string path;

  Folder() {
    llvm::SmallString<128> made;
    EXPECT_FALSE(llvm::sys::fs::createUniqueDirectory("lowbit", made));
    path = std::string(made);
  }
  ~Folder() { llvm::sys::fs::remove_directories(path); }
  std::string write(const std::string &name, const std::string &text) const {
    std::ofstream(path + "/" + name, std::ios::binary) << text;
    return path + "/" + name;
  }
};

/// Tensors of f32 in memory, without any metadata.
class MemorySource : public ModelSource {
public:
  /// [rows][columns], or a vector where `rows` is 0.
  void add(const std::string &name, int64_t rows, int64_t columns,
           std::vector<float> values) {
    SourceTensor tensor;
    tensor.name = name;
    tensor.format = findBitFormat(std::string_view("F32"));
    tensor.shape = {columns};
    if (rows)
      tensor.shape.insert(tensor.shape.begin(), rows);
    tensor.bytes = values.size() * sizeof(float);
    values_.push_back(std::make_unique<std::vector<float>>(std::move(values)));
    tensor.data = reinterpret_cast<const uint8_t *>(values_.back()->data());
    tensors_.push_back(std::move(tensor));
  }

  llvm::ArrayRef<SourceTensor> tensors() const override { return tensors_; }
  std::optional<llvm::StringRef> string(llvm::StringRef) const override {
    return std::nullopt;
  }
  std::optional<int64_t> integer(llvm::StringRef) const override {
    return std::nullopt;
  }
  std::optional<double> real(llvm::StringRef) const override {
    return std::nullopt;
  }
  std::optional<bool> boolean(llvm::StringRef) const override {
    return std::nullopt;
  }
  std::vector<int64_t> integers(llvm::StringRef) const override { return {}; }
  std::vector<double> reals(llvm::StringRef) const override { return {}; }
  bool has(llvm::StringRef) const override { return false; }
  std::optional<uint64_t> arrayLength(llvm::StringRef) const override {
    return std::nullopt;
  }
  std::string metadataBytes() const override { return std::string(8, '\0'); }
  llvm::StringRef path() const override { return "memory"; }

private:
  std::vector<SourceTensor> tensors_;
  std::vector<std::unique_ptr<std::vector<float>>> values_;
};

inline std::vector<float> gaussian(int64_t count, unsigned stream) {
  std::mt19937 engine(seed() * 1000 + stream);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> values(static_cast<size_t>(count));
  for (float &value : values)
    value = normal(engine);
  return values;
}

} // namespace lowbit::test

#endif // LOWBIT_TEST_UNIT_CALIBRATION_SAMPLES_H
