//===- norm.h - Lengths of embeddings ---------------------------*- C++ -*-===//

#ifndef QUANTRT_SAMPLE_NORM_H
#define QUANTRT_SAMPLE_NORM_H

#include <cstddef>
#include <cstdint>

namespace qrt {

/// Scales a vector in place as qrt_embed_options.normalize says; one of zeros
/// stays as it is.
void normalize(float *vector, size_t length, int32_t norm);

} // namespace qrt

#endif // QUANTRT_SAMPLE_NORM_H
