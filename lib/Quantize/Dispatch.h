//===- Dispatch.h - Loops for the CPU at hand -------------------*- C++ -*-===//

#ifndef LOWBIT_QUANTIZE_DISPATCH_H
#define LOWBIT_QUANTIZE_DISPATCH_H

/// A function with this before it is compiled for AVX-512, AVX2 and the
/// baseline; the loader takes the best that the machine has. Its loops must
/// not depend on the width of vectors: sums are kept in lanes that the source
/// names, so that all copies give the same bits (but for `fp contract(fast)`,
/// where the baseline has no fma). Calls in it must be inlined.
#if defined(__x86_64__) && defined(__clang__) && defined(__linux__) &&         \
    !defined(LOWBIT_NO_CLONES)
#define LOWBIT_CLONES                                                          \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LOWBIT_CLONES
#endif

#endif // LOWBIT_QUANTIZE_DISPATCH_H
