//===- KeyValueSource.h - Sources whose pairs are made ----------*- C++ -*-===//

#ifndef LOWBIT_LIB_IMPORT_KEYVALUESOURCE_H
#define LOWBIT_LIB_IMPORT_KEYVALUESOURCE_H

#include "lowbit/Import/ModelSource.h"

#include <map>
#include <variant>

namespace lowbit {

/// A source that says in GGUF's keys what its file says otherwise: filled pair
/// by pair and tensor by tensor.
class KeyValueSource : public ModelSource {
public:
  using Value =
      std::variant<std::string, int64_t, double, bool, std::vector<std::string>,
                   std::vector<int32_t>, std::vector<float>, std::vector<bool>>;

  explicit KeyValueSource(llvm::StringRef path) : name(path) {}

  void set(const std::string &key, Value value) {
    pairs[key] = std::move(value);
  }

  llvm::ArrayRef<SourceTensor> tensors() const override { return all; }
  std::optional<llvm::StringRef> string(llvm::StringRef key) const override;
  std::optional<int64_t> integer(llvm::StringRef key) const override;
  std::optional<double> real(llvm::StringRef key) const override;
  std::optional<bool> boolean(llvm::StringRef key) const override;
  std::vector<int64_t> integers(llvm::StringRef key) const override;
  std::vector<double> reals(llvm::StringRef key) const override;
  bool has(llvm::StringRef key) const override { return value(key); }
  std::optional<uint64_t> arrayLength(llvm::StringRef key) const override;
  std::string metadataBytes() const override;
  llvm::StringRef path() const override { return name; }

protected:
  std::vector<SourceTensor> all;

private:
  const Value *value(llvm::StringRef key) const;
  template <typename T> const T *valueOf(llvm::StringRef key) const;

  std::string name;
  std::map<std::string, Value, std::less<>> pairs;
};

} // namespace lowbit

#endif // LOWBIT_LIB_IMPORT_KEYVALUESOURCE_H
