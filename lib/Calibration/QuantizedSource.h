//===- QuantizedSource.h - A model with some tensors replaced ---*- C++ -*-===//

#ifndef LOWBIT_LIB_CALIBRATION_QUANTIZEDSOURCE_H
#define LOWBIT_LIB_CALIBRATION_QUANTIZEDSOURCE_H

#include "lowbit/Import/ModelSource.h"

#include "llvm/ADT/StringSet.h"

#include <deque>

namespace lowbit {

/// Everything as the source below has it, but for tensors that were given other
/// rows: what a quantized model looks like to the importer.
class QuantizedSource : public ModelSource {
public:
  explicit QuantizedSource(std::unique_ptr<ModelSource> base);

  const ModelSource &base() const { return *base_; }

  /// Row `row` of a tensor, sized for its scheme; several threads call it.
  using ReadRow = std::function<void(int64_t row, RowFields &fields)>;
  /// Gives the tensor `name`, which the base has, another scheme and rows.
  /// `format` is what people call the scheme.
  void replace(llvm::StringRef name, const Scheme &scheme,
               llvm::StringRef format, ReadRow rows);
  /// A tensor that the base has not.
  void addTensor(llvm::StringRef name, const Scheme &scheme,
                 llvm::StringRef format, int64_t rows, int64_t columns,
                 ReadRow readRow);
  /// One more pair of metadata, for the module to keep.
  void add(llvm::StringRef key, llvm::StringRef value);

  llvm::ArrayRef<SourceTensor> tensors() const override { return tensors_; }
  std::optional<llvm::StringRef> string(llvm::StringRef key) const override {
    return base_->string(key);
  }
  std::optional<int64_t> integer(llvm::StringRef key) const override {
    return base_->integer(key);
  }
  std::optional<double> real(llvm::StringRef key) const override {
    return base_->real(key);
  }
  std::optional<bool> boolean(llvm::StringRef key) const override {
    return base_->boolean(key);
  }
  std::vector<int64_t> integers(llvm::StringRef key) const override {
    return base_->integers(key);
  }
  std::vector<double> reals(llvm::StringRef key) const override {
    return base_->reals(key);
  }
  bool has(llvm::StringRef key) const override { return base_->has(key); }
  std::optional<uint64_t> arrayLength(llvm::StringRef key) const override {
    return base_->arrayLength(key);
  }
  std::string metadataBytes() const override;
  const FolderLayout *folder() const override { return base_->folder(); }
  bool isReplaced(llvm::StringRef name) const override {
    return replaced_.contains(name);
  }
  llvm::StringRef path() const override { return base_->path(); }

private:
  const BitFormat *formatOf(const Scheme &scheme, llvm::StringRef name);

  std::unique_ptr<ModelSource> base_;
  std::vector<SourceTensor> tensors_;
  llvm::StringSet<> replaced_;
  std::deque<std::string> names_; ///< of formats
  std::deque<BitFormat> formats_; ///< of schemes that no file format has
  std::vector<std::pair<std::string, std::string>> pairs_;
};

} // namespace lowbit

#endif // LOWBIT_LIB_CALIBRATION_QUANTIZEDSOURCE_H
