//===- RandomSource.h - Pairs and tensors made up ---------------*- C++ -*-===//

#ifndef LOWBIT_LIB_IMPORT_RANDOMSOURCE_H
#define LOWBIT_LIB_IMPORT_RANDOMSOURCE_H

#include "lowbit/Import/RandomSource.h"

#include <map>
#include <variant>

namespace lowbit {

/// A source that is filled pair by pair and tensor by tensor.
class RandomSource : public ModelSource {
public:
  RandomSource(llvm::StringRef path, const WeightFormat &format);

  using Value = std::variant<std::string, int64_t, double>;
  void set(const std::string &key, Value value) { pairs[key] = value; }
  void addMatrix(const std::string &name, int64_t rows, int64_t columns);
  /// Values of `mean`, spread by a little noise.
  void addVector(const std::string &name, int64_t size, double mean);

  llvm::ArrayRef<SourceTensor> tensors() const override { return all; }
  std::optional<llvm::StringRef> string(llvm::StringRef key) const override;
  std::optional<int64_t> integer(llvm::StringRef key) const override;
  std::optional<double> real(llvm::StringRef key) const override;
  std::optional<bool> boolean(llvm::StringRef) const override { return {}; }
  std::vector<int64_t> integers(llvm::StringRef) const override { return {}; }
  std::vector<double> reals(llvm::StringRef) const override { return {}; }
  bool has(llvm::StringRef key) const override { return value(key); }
  std::optional<uint64_t> arrayLength(llvm::StringRef) const override {
    return std::nullopt;
  }
  std::string metadataBytes() const override;
  llvm::StringRef path() const override { return name; }

private:
  const Value *value(llvm::StringRef key) const;

  std::string name;
  WeightFormat weights;
  BitFormat format; ///< of matrices; its name and scheme are those of `weights`
  std::map<std::string, Value> pairs;
  std::vector<SourceTensor> all;
};

} // namespace lowbit

#endif // LOWBIT_LIB_IMPORT_RANDOMSOURCE_H
