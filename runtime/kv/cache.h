//===- cache.h - Keys and values of one conversation ------------*- C++ -*-===//

#ifndef QUANTRT_KV_CACHE_H
#define QUANTRT_KV_CACHE_H

#include "base/arena.h"
#include "quantrt/format.h"

#include <vector>

namespace qrt {

/// Pages of a fixed number of positions, reached through a page table. A page
/// holds all layers; what is in it, only compiled code knows.
///
/// Page i of a conversation is page i of the arena; memory is used when a page
/// is first written, and is zero before. Pages begin at multiples of their
/// size, so that one call can reach those of several caches from one base.
class Cache {
public:
  /// Room for `positions`.
  Status create(const qrt_text_record &text, int32_t positions,
                Pages pages = Pages::Usual);

  int32_t capacity() const { return capacity_; }
  /// Bytes of pages for `positions`.
  uint64_t bytesFor(int32_t positions) const;

  uint8_t *pages() const { return pages_; }
  const int32_t *pageTable() const { return table_.data(); }

  /// The page table for a call whose memory begins with `base`, another cache
  /// of the same module at a lower address; null if that is further away than a
  /// table can say. Valid until the next call.
  const int32_t *pageTableFrom(const Cache &base);

private:
  Arena arena_;
  uint8_t *pages_ = nullptr;   ///< the first multiple of a page in the arena
  std::vector<int32_t> table_; ///< of this cache alone
  std::vector<int32_t> moved_; ///< as pageTableFrom() has given it
  int32_t movedBy_ = -1;       ///< pages; -1: moved_ holds nothing yet
  int32_t capacity_ = 0;
  uint32_t pageSize_ = 1;
  uint64_t pageBytes_ = 0;
};

} // namespace qrt

#endif // QUANTRT_KV_CACHE_H
