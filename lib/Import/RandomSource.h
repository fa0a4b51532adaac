//===- RandomSource.h - Tensors made up -------------------------*- C++ -*-===//

#ifndef LOWBIT_LIB_IMPORT_RANDOMSOURCE_H
#define LOWBIT_LIB_IMPORT_RANDOMSOURCE_H

#include "KeyValueSource.h"

#include "lowbit/Import/RandomSource.h"

namespace lowbit {

class RandomSource : public KeyValueSource {
public:
  RandomSource(llvm::StringRef path, const WeightFormat &format);

  void addMatrix(const std::string &name, int64_t rows, int64_t columns);
  /// Values of `mean`, spread by a little noise.
  void addVector(const std::string &name, int64_t size, double mean);

private:
  WeightFormat weights;
  BitFormat format; ///< of matrices; its name and scheme are those of `weights`
};

} // namespace lowbit

#endif // LOWBIT_LIB_IMPORT_RANDOMSOURCE_H
