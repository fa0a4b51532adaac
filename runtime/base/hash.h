//===- hash.h - The checksum of module files --------------------*- C++ -*-===//

#ifndef QUANTRT_BASE_HASH_H
#define QUANTRT_BASE_HASH_H

#include <cstdint>
#include <string_view>

namespace qrt {

/// XXH3-64 with seed 0.
uint64_t hash64(std::string_view bytes);

} // namespace qrt

#endif // QUANTRT_BASE_HASH_H
