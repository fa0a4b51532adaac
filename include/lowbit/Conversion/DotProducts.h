//===- DotProducts.h - Instructions for pack.dot4 ---------------*- C++ -*-===//

#ifndef LOWBIT_CONVERSION_DOTPRODUCTS_H
#define LOWBIT_CONVERSION_DOTPRODUCTS_H

#include "lowbit/Analysis/TargetInfo.h"

#include "mlir/IR/PatternMatch.h"

namespace lowbit {

/// pack.dot4 and pack.lookup to the instructions of a CPU level.
void populateDotProductPatterns(mlir::RewritePatternSet &patterns,
                                const TargetInfo &target);
/// pack.tile_dot to those, or to loops of pack.dot4.
void populateTileDotPatterns(mlir::RewritePatternSet &patterns,
                             const TargetInfo &target);

} // namespace lowbit

#endif // LOWBIT_CONVERSION_DOTPRODUCTS_H
