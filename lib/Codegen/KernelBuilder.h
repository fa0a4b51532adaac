//===- KernelBuilder.h - Ops to kernel calls --------------------*- C++ -*-===//
//
// Walks one function in order and makes a KernelProgram of it. Kernels are made
// on demand and shared by all ops that print alike.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CODEGEN_KERNELBUILDER_H
#define LOWBIT_LIB_CODEGEN_KERNELBUILDER_H

#include "lowbit/Codegen/KernelCall.h"
#include "lowbit/Conversion/Kernels.h"

#include "llvm/ADT/StringMap.h"

namespace lowbit {

/// Weights of the module in the order of their first use.
class WeightTable {
public:
  int64_t indexOf(llvm::StringRef name) {
    auto [entry, isNew] = index_.try_emplace(name, names_.size());
    if (isNew)
      names_.push_back(name.str());
    return entry->second;
  }
  llvm::ArrayRef<std::string> names() const { return names_; }

private:
  llvm::StringMap<int64_t> index_;
  std::vector<std::string> names_;
};

class KernelBuilder {
public:
  KernelBuilder(mlir::ModuleOp module, const TargetInfo &target,
                WeightTable &weights, int64_t maxRows, bool oneRow)
      : module_(module), target_(target), weights_(weights), maxRows_(maxRows),
        oneRow_(oneRow) {}

  /// Lists the calls of `function`; an op without a kernel is an error.
  mlir::LogicalResult build(mlir::func::FuncOp function);
  KernelProgram &program() { return program_; }

private:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<mlir::Value>;
  /// Emits a kernel's body; `buffers`: reads, then writes.
  using Body = llvm::function_ref<void(Emitter &, const KernelContext &,
                                       Value layer, mlir::ValueRange buffers)>;

  mlir::LogicalResult bindArguments(mlir::func::FuncOp function);
  mlir::LogicalResult bindResults(mlir::func::FuncOp function);
  mlir::LogicalResult lower(mlir::Operation *op);
  void lowerPack(mlir::Operation *op);
  LinearPlan planOf(const PanelLayout &panel, const RowsLayout &layout);
  void lowerAttention(mlir::Operation *op);
  void lowerPlainAttention(lm::AttentionOp attention);
  llvm::LogicalResult lowerFakeQuant(FakeQuantOp op);
  bool lowerRowwise(mlir::Operation *op);
  bool lowerOutRows(mlir::Operation *op);

  /// A call of the kernel for `op`, writing `op`'s result.
  void call(mlir::Operation *op, mlir::ValueRange reads, Split split, Body body,
            llvm::ArrayRef<int64_t> extraReads = {},
            llvm::ArrayRef<int64_t> extraWrites = {}, int64_t layer = -1);
  mlir::func::FuncOp kernelFor(mlir::Operation *op, const KernelCall &call,
                               llvm::ArrayRef<int64_t> buffers, Body body);
  void emitKernel(mlir::func::FuncOp kernel, const KernelCall &call, Body body);

  int64_t addBuffer(Buffer buffer);
  int64_t resultBuffer(Value value, Split split);
  int64_t weightBuffer(llvm::StringRef name, mlir::MemRefType type);
  int64_t textBuffer(llvm::StringRef field, mlir::MemRefType type);
  mlir::MemRefType bufferType(Value value);
  Count countOf(Value value);

  mlir::ModuleOp module_;
  const TargetInfo &target_;
  WeightTable &weights_;
  int64_t maxRows_;
  bool oneRow_;
  std::string problem_; ///< with the tuning; "": none
  KernelProgram program_;
  llvm::DenseMap<Value, int64_t> bufferOf_;
  llvm::DenseMap<Value, Count> counts_;
  llvm::DenseMap<Value, int64_t> preset_; ///< results that go to the caller
};

} // namespace lowbit

#endif // LOWBIT_LIB_CODEGEN_KERNELBUILDER_H
