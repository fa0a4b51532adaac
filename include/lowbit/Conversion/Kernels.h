//===- Kernels.h - Bodies of kernels, one function per op -------*- C++ -*-===//
//
// Each function emits the loops of one op on memrefs: worker `worker` of
// `workers` computes its part of `count` rows. What a part is (rows, panels,
// rows x heads) is the kernel's business; results never depend on `workers`.
// Matrices are memref<rows x columns x f32> with at least `count` rows.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_CONVERSION_KERNELS_H
#define LOWBIT_CONVERSION_KERNELS_H

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LowBit/IR/LowBitOps.h"
#include "dialects/Pack/IR/PackOps.h"
#include "lowbit/Analysis/TargetInfo.h"
#include "lowbit/Conversion/Emitter.h"
#include "lowbit/Conversion/LinearPlan.h"
#include "lowbit/Support/PanelLayout.h"

namespace lowbit {

/// What every kernel knows beside its operands.
struct KernelContext {
  mlir::Value frame, worker, workers;
  mlir::Value count; ///< rows of the batch
  const TargetInfo *target;
  bool oneRow; ///< code for count <= 1: decoding
};

/// Place of keys and values in a page of the store. A page holds `pageSize`
/// positions of every layer; a layer's keys are [head][dim][position], its
/// values [head][position][paddedDim], elements of `bytes` bytes. Elements of
/// one byte are codes: behind a head's keys, and behind its values, stand the
/// f32 scales of the positions.
struct KVLayout {
  int64_t layers, heads, dim, bits, pageSize;
  int64_t group = 0;      ///< elements of a head that share a scale; 0: floats
  int64_t scaleBytes = 0; ///< 4: f32; 2: bf16

  bool hasScales() const { return group > 0; }
  int64_t groups() const { return hasScales() ? (dim + group - 1) / group : 0; }
  /// Of an element of the store: a real, or a byte with one or two codes.
  int64_t bytes() const { return bits < 8 ? 1 : bits / 8; }
  int64_t codesOfElement() const { return bits < 8 ? 8 / bits : 1; }
  int64_t scaleElements() const { return groups() * scaleBytes * pageSize; }

  int64_t paddedDim() const {
    int64_t unit = 16 * codesOfElement();
    return (dim + unit - 1) / unit * unit;
  }
  /// Of a page's keys: each has an element of every position.
  int64_t keyRows() const { return dim / codesOfElement(); }
  int64_t valueRow() const { return paddedDim() / codesOfElement(); }
  /// Of a head, scales aside.
  int64_t keyCodes() const { return keyRows() * pageSize; }
  int64_t valueCodes() const { return valueRow() * pageSize; }
  int64_t keyElements() const { return keyCodes() + scaleElements(); }
  int64_t valueElements() const { return valueCodes() + scaleElements(); }
  int64_t layerElements() const {
    return heads * (keyElements() + valueElements());
  }
  int64_t pageElements() const { return layers * layerElements(); }
  int64_t pageBytes() const { return pageElements() * bytes(); }
  /// Without padding.
  int64_t bytesPerPosition() const {
    return 2 * layers * heads *
           (keyRows() * bytes() + scaleElements() / pageSize);
  }
};
/// Positions of a page: 64 keys are 4 vectors, a tile of scores.
constexpr int64_t kPageSize = 64;
KVLayout kvLayout(lm::KVType type);
/// Types of the store and of a page table as memrefs without bounds.
mlir::MemRefType kvMemRef(lm::KVType type);

// pack; `permutation`, memref<columns x i32>, and other operands may be null.
/// Where a row has what, for all products that read it.
RowsLayout rowsLayout(pack::RowsOp op, const TargetInfo &target);
/// How codes are chosen that `op` says so of; see pack.pack_rows.
struct RowsQuantizer {
  std::optional<Quantizer> quantizer; ///< none: N2 of docs/Numerics.md
  bool hasDivisor = false;
};
RowsQuantizer rowsQuantizer(pack::RowsOp op);
void emitPackRows(Emitter &e, const KernelContext &c, const RowsLayout &layout,
                  const RowsQuantizer &quantizer, mlir::Value x,
                  mlir::Value permutation, mlir::Value out);
/// `bias`, `residual` may be null. `work`: private memory of one worker,
/// memref<slots x bytes x i8> as linearWork() says; null for one row and where
/// that is nothing.
void emitLinear(Emitter &e, const KernelContext &c, const PanelLayout &panel,
                const RowsLayout &layout, const LinearPlan &plan, int64_t rows,
                mlir::Value activations, mlir::Value weights, mlir::Value bias,
                mlir::Value residual, mlir::Value work, mlir::Value out);
std::pair<int64_t, int64_t> linearWork(const PanelLayout &panel,
                                       const RowsLayout &layout,
                                       const LinearPlan &plan);
void emitEmbed(Emitter &e, const KernelContext &c, const PanelLayout &panel,
               float scale, mlir::Value tokens, mlir::Value table,
               mlir::Value permutation, mlir::Value embeddings,
               mlir::Value out);

// lm
void emitRmsNorm(Emitter &e, const KernelContext &c, float epsilon,
                 mlir::Value x, mlir::Value gain, mlir::Value out);
void emitLayerNorm(Emitter &e, const KernelContext &c, float epsilon,
                   mlir::Value x, mlir::Value gain, mlir::Value bias,
                   mlir::Value out);
void emitActivate(Emitter &e, const KernelContext &c, lm::Activation function,
                  mlir::Value x, mlir::Value out);
/// Whether compiled code rounds so: integer codes under one f32 scale, from the
/// largest magnitude, both ends or given, in f32.
bool hasFakeQuantKernel(FakeQuantOp op);
/// `scales`, `zeros`: memref<rows x groups x f32>, null where they are not given.
void emitFakeQuant(Emitter &e, const KernelContext &c, FakeQuantOp op,
                   mlir::Value x, mlir::Value scales, mlir::Value zeros,
                   mlir::Value out);
void emitRotate(Emitter &e, const KernelContext &c, int64_t block,
                mlir::Value x, mlir::Value out);
void emitGate(Emitter &e, const KernelContext &c, lm::Activation function,
              mlir::Value gate, mlir::Value up, mlir::Value out);
void emitAdd(Emitter &e, const KernelContext &c, mlir::Value lhs,
             mlir::Value rhs, mlir::Value out);
/// Row t of `x` to row `first` + t of `out`.
void emitCopyRows(Emitter &e, const KernelContext &c, mlir::Value first,
                  mlir::Value x, mlir::Value out);
void emitGatherRows(Emitter &e, const KernelContext &c, mlir::Value x,
                    mlir::Value rows, mlir::Value out);
/// Row i: the mean of rows first[i] to last[i].
void emitMeanRows(Emitter &e, const KernelContext &c, mlir::Value x,
                  mlir::Value first, mlir::Value last, mlir::Value out);
void emitRopeTable(Emitter &e, const KernelContext &c, lm::RopeTableOp op,
                   mlir::Value positions, mlir::Value factors, mlir::Value out);
void emitRope(Emitter &e, const KernelContext &c, lm::RopeStyle style,
              int64_t headDim, mlir::Value x, mlir::Value table,
              mlir::Value out);
void emitKVAppend(Emitter &e, const KernelContext &c, const KVLayout &kv,
                  mlir::Value layer, mlir::Value keys, mlir::Value values,
                  mlir::Value store);
/// `layer`: index value, so that all layers share one kernel. `work`: private
/// memory of one worker, memref<attentionWork() x f32>.
void emitCachedAttention(Emitter &e, const KernelContext &c, const KVLayout &kv,
                         mlir::Value layer, float scale,
                         std::optional<int64_t> window, mlir::Value q,
                         mlir::Value store, mlir::Value visibleEnd,
                         mlir::Value work, mlir::Value out);
int64_t attentionWork(const KVLayout &kv, const TargetInfo &target);
/// `work`: private memory of one worker, memref<attentionWork() x f32>.
int64_t attentionWork(int64_t headDim, int64_t rows, const TargetInfo &target);
void emitAttention(Emitter &e, const KernelContext &c, int64_t headDim,
                   float scale, bool masked, std::optional<int64_t> window,
                   mlir::Value q, mlir::Value k, mlir::Value v,
                   mlir::Value work, mlir::Value out);

} // namespace lowbit

#endif // LOWBIT_CONVERSION_KERNELS_H
