//===- KernelCall.h - A function as a list of kernel calls ------*- C++ -*-===//
//
// Between tensors and loops: every op of a function has become a call of a
// kernel on buffers. Buffers have no address yet (planScratch gives them one),
// and nobody waits for anybody yet (needsBarrier decides).
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_CODEGEN_KERNELCALL_H
#define LOWBIT_CODEGEN_KERNELCALL_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinTypes.h"

namespace lowbit {

/// A memref that a kernel reads or writes.
struct Buffer {
  enum Kind {
    Shared,   ///< in the arena, one for all workers
    Private,  ///< in the arena, one for each worker
    Weight,   ///< rt.weight[index]
    Text,     ///< rt.text "field"
    Argument, ///< rt.argument[index]
    Store     ///< rt.text "kv"; `index` is the layer
  };
  Kind kind = Shared;
  bool isWork = false; ///< Private: a kernel's own, no value of the function
  mlir::MemRefType type;
  int64_t index = 0;
  std::string field;
  int64_t offset = 0;           ///< Shared, Private: set by planScratch
  int64_t firstCall = -1, lastCall = -1;

  int64_t bytes() const;
};

/// How a kernel splits its work between workers.
enum class Split {
  Rows,  ///< contiguous rows, the same part for the same count
  Other, ///< panels, heads
  None   ///< replicated: every worker computes all of it, into private buffers
};

/// Which number of rows a kernel gets.
enum class Count { Rows, Out, Static };

struct KernelCall {
  mlir::func::FuncOp kernel;
  llvm::SmallVector<int64_t> reads, writes; ///< buffers, in argument order:
                                            ///< reads, then writes
  Split split = Split::Rows;
  Count count = Count::Rows;
  int64_t staticCount = 0;
  int64_t layer = -1; ///< an index argument before the buffers, if >= 0
  int64_t macs = 0;   ///< multiply-accumulates of a matrix for each row
  int64_t region = 0; ///< of a profile
  bool barrierBefore = false;
};

struct KernelProgram {
  std::vector<Buffer> buffers;
  std::vector<KernelCall> calls;
  int64_t sharedBytes = 0, privateBytes = 0;
  int64_t barrierRegion = 0, betweenRegion = 0; ///< of a profile
};

/// Gives every Shared and Private buffer an offset; buffers whose lives do not
/// overlap share memory.
void planScratch(KernelProgram &program);

/// Sets barrierBefore where a call touches what another worker may have
/// written, or overwrites what another may still read. After planScratch:
/// reuse of memory counts too.
void placeBarriers(KernelProgram &program);

} // namespace lowbit

#endif // LOWBIT_CODEGEN_KERNELCALL_H
