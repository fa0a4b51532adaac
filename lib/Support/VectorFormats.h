//===- VectorFormats.h - Formats with codebooks of vectors ------*- C++ -*-===//

#ifndef LOWBIT_LIB_SUPPORT_VECTORFORMATS_H
#define LOWBIT_LIB_SUPPORT_VECTORFORMATS_H

#include "lowbit/Support/BitFormat.h"

namespace lowbit {

/// Rows of the table of BitFormat.cpp whose codes are indices of vectors.
std::vector<BitFormat> vectorFormats();

/// Grids, entry by entry. An entry of eight values is a number of four
/// hexadecimal digits: value i is what bits [2i, 2i + 2) choose out of three.
/// An entry of four values is four octal digits, each a choice out of eight.
extern const char kGrid1S[], kGrid2XXS[], kGrid2XS[], kGrid2S[], kGrid3XXS[],
    kGrid3S[];

} // namespace lowbit

#endif // LOWBIT_LIB_SUPPORT_VECTORFORMATS_H
