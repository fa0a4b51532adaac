//===- BitPack.h - Rows back into blocks ------------------------*- C++ -*-===//
//
// The inverses of the unpack functions of BitFormat.cpp: each writes all bytes
// of the block whose first element is `first`.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_SUPPORT_BITPACK_H
#define LOWBIT_LIB_SUPPORT_BITPACK_H

#include "lowbit/Support/Scheme.h"

namespace lowbit {

using PackBlock = void(const RowFields &row, int64_t first, uint8_t *block);

PackBlock packF32, packF16, packBF16;
PackBlock packQ4_0, packQ4_1, packQ5_0, packQ5_1, packQ8_0, packMXFP4;
PackBlock packQ2_K, packQ3_K, packQ4_K, packQ5_K, packQ6_K, packIQ4_XS;
PackBlock packTQ1_0, packTQ2_0;
PackBlock packQ1_0, packQ2_0, packNVFP4;

} // namespace lowbit

#endif // LOWBIT_LIB_SUPPORT_BITPACK_H
