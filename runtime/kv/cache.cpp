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
  if (__builtin_mul_overflow(pages + 1, pageBytes_, &bytes))
    return Status(QRT_OUT_OF_MEMORY, "no memory for the KV cache of " +
                                         std::to_string(positions) +
                                         " positions");
  QRT_TRY(arena_.allocate(bytes, "the KV cache"));
  const uint64_t address = reinterpret_cast<uintptr_t>(arena_.data());
  pages_ = arena_.data() + (pageBytes_ - address % pageBytes_) % pageBytes_;
  table_.resize(pages);
  std::iota(table_.begin(), table_.end(), 0);
  moved_.resize(pages);
  movedBy_ = -1;
  return {};
}

const int32_t *Cache::pageTableFrom(const Cache &base) {
  const uint64_t distance = uint64_t(pages_ - base.pages_) / pageBytes_;
  if (distance + table_.size() > uint64_t(INT32_MAX))
    return nullptr;
  if (movedBy_ != int32_t(distance)) {
    movedBy_ = int32_t(distance);
    std::iota(moved_.begin(), moved_.end(), movedBy_);
  }
  return moved_.data();
}

uint64_t Cache::bytesFor(int32_t positions) const {
  return (uint64_t(positions) + pageSize_ - 1) / pageSize_ * pageBytes_;
}

} // namespace qrt
