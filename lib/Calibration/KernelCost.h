//===- KernelCost.h - Time of a matrix product on this machine --*- C++ -*-===//

#ifndef LOWBIT_LIB_CALIBRATION_KERNELCOST_H
#define LOWBIT_LIB_CALIBRATION_KERNELCOST_H

#include "lowbit/Driver/Compile.h"

namespace lowbit {

/// Microseconds of one row of activations times a matrix of random weights, as
/// when a model makes text: compiled for this machine with the model's
/// `activations`, run over copies of the matrix that together are `fill` bytes,
/// so that a copy is in no cache unless the whole model would be. The least of
/// some rounds. Writes into `folder` and removes what it has written.
llvm::Expected<double> measureProduct(int64_t rows, int64_t columns,
                                      const std::string &scheme,
                                      const std::string &activations,
                                      uint64_t fill, const std::string &folder,
                                      int threads);

} // namespace lowbit

#endif // LOWBIT_LIB_CALIBRATION_KERNELCOST_H
