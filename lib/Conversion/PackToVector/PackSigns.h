//===- PackSigns.h - Activations as signs -----------------------*- C++ -*-===//

#ifndef LOWBIT_LIB_CONVERSION_PACKTOVECTOR_PACKSIGNS_H
#define LOWBIT_LIB_CONVERSION_PACKTOVECTOR_PACKSIGNS_H

#include "lowbit/Conversion/Emitter.h"
#include "lowbit/Support/PanelLayout.h"

namespace lowbit {

/// Gives 16 elements from `column` on in stored order, `lanes` of them and
/// zeros; all where that is null.
using LoadElements =
    llvm::function_ref<mlir::Value(mlir::Value column, mlir::Value lanes)>;

/// One row of `layout`, of 1 bit, to row `row` of `out`.
void packSigns(Emitter &e, const RowsLayout &layout, mlir::Value out,
               mlir::Value row, LoadElements load);

} // namespace lowbit

#endif // LOWBIT_LIB_CONVERSION_PACKTOVECTOR_PACKSIGNS_H
