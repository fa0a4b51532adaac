//===- Regions.h - What a profile counts ------------------------*- C++ -*-===//
//
// Kernels of one kind on weights of one role are one region of their function,
// whatever their layer. Barriers are one more, and the time between two calls
// of the function another. Kernels of the rows whose logits are wanted are apart
// from those of all rows: they do less work.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CODEGEN_REGIONS_H
#define LOWBIT_LIB_CODEGEN_REGIONS_H

#include "KernelBuilder.h"

#include <set>

namespace lowbit {

class RegionTable {
public:
  /// Numbers the calls of `program`, of which `function` is made. Another
  /// variant of a function does the same work in the same regions.
  void add(llvm::StringRef function, KernelProgram &program,
           const WeightTable &weights);

  /// rt.regions: a dictionary for each. `weights` are read whole by a call,
  /// `row_weights` row by row; both are indices into rt.weights.
  mlir::ArrayAttr attribute(mlir::MLIRContext *context) const;

private:
  struct Region {
    std::string function, name;
    int64_t kernels = 0, rowBytes = 0, rowMacs = 0, storeReads = 0;
    bool isOut = false;
    llvm::SmallVector<int64_t> weights, rowWeights;
  };

  int64_t regionOf(llvm::StringRef function, llvm::StringRef name,
                   bool isOut = false);
  void addWork(const KernelProgram &program, const KernelCall &call,
               std::set<int64_t> &seen);

  std::vector<Region> regions_;
  llvm::StringMap<int64_t> index_;
  llvm::StringMap<bool> functions_;
};

} // namespace lowbit

#endif // LOWBIT_LIB_CODEGEN_REGIONS_H
