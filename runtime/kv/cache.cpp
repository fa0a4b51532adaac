//===- cache.cpp - Keys and values of one conversation --------------------===//

#include "kv/cache.h"

#include <numeric>

namespace qrt {

Status Cache::create(const qrt_text_record &text, int32_t positions) {
  pageSize_ = text.page_size;
  pageBytes_ = text.page_bytes;
  capacity_ = positions;
  uint64_t bytes;
  const uint64_t pages = (uint64_t(positions) + pageSize_ - 1) / pageSize_;
  if (__builtin_mul_overflow(pages, pageBytes_, &bytes))
    return Status(QRT_OUT_OF_MEMORY, "no memory for the KV cache of " +
                                         std::to_string(positions) +
                                         " positions");
  QRT_TRY(arena_.allocate(bytes, "the KV cache"));
  table_.resize(pages);
  std::iota(table_.begin(), table_.end(), 0);
  return {};
}

uint64_t Cache::bytesFor(int32_t positions) const {
  return (uint64_t(positions) + pageSize_ - 1) / pageSize_ * pageBytes_;
}

} // namespace qrt
