//===- ModelWeights.h - A model file's tensors, evaluated -------*- C++ -*-===//

#ifndef LOWBIT_TEST_LIB_REFERENCE_MODELWEIGHTS_H
#define LOWBIT_TEST_LIB_REFERENCE_MODELWEIGHTS_H

#include "lowbit/Import/ModelSource.h"
#include "lowbit/Reference/Evaluator.h"

namespace lowbit::reference {

/// Reads tensors of `source`, which must outlive the result: matrices as their
/// codes, vectors and whatever has a tensor type as reals.
Evaluator::WeightLookup weightsOf(const ModelSource &source);

} // namespace lowbit::reference

#endif // LOWBIT_TEST_LIB_REFERENCE_MODELWEIGHTS_H
