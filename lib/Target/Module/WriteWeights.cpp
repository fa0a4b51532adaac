//===- WriteWeights.cpp - The bytes of a module's weights -----------------===//

#include "WriteWeights.h"

#include "lowbit/Support/PanelLayout.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <thread>

namespace lowbit {

namespace {

/// Hashes a stream in chunks of QRT_HASH_CHUNK.
class ChunkHasher {
public:
  explicit ChunkHasher(HeaderBuilder &header) : header_(header) {
    XXH3_64bits_reset(&state_);
  }
  void feed(const char *bytes, uint64_t size) {
    while (size > 0) {
      uint64_t part = std::min<uint64_t>(size, QRT_HASH_CHUNK - filled_);
      XXH3_64bits_update(&state_, bytes, part);
      filled_ += part;
      bytes += part;
      size -= part;
      if (filled_ == QRT_HASH_CHUNK)
        flush();
    }
  }
  void flush() {
    if (filled_ == 0)
      return;
    header_.setChunkHash(chunk_++, XXH3_64bits_digest(&state_));
    XXH3_64bits_reset(&state_);
    filled_ = 0;
  }

private:
  HeaderBuilder &header_;
  XXH3_state_t state_;
  uint64_t filled_ = 0, chunk_ = 0;
};

} // namespace

/// Packs panels [first, last) of a weight.
static void packPanels(const WeightImage &weight, const PanelLayout &layout,
                       int64_t first, int64_t last, char *out) {
  constexpr int64_t kLanes = PanelLayout::kLanes;
  std::vector<RowFields> rows(kLanes);
  for (RowFields &row : rows)
    row.resize(weight.scheme, weight.columns);
  for (int64_t panel = first; panel < last; ++panel) {
    const RowFields *lanes[kLanes] = {};
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      int64_t row = panel * kLanes + lane;
      if (row >= weight.rows)
        break;
      weight.readRow(row, rows[lane]);
      lanes[lane] = &rows[lane];
    }
    layout.packPanel(lanes, reinterpret_cast<uint8_t *>(out) +
                                (panel - first) * layout.panelBytes());
  }
}

static void packInto(const WeightImage &weight, std::string &out) {
  if (!weight.indices.empty()) {
    std::memcpy(&out[0], weight.indices.data(),
                weight.indices.size() * sizeof(int32_t));
    return;
  }
  if (weight.isVector) {
    RowFields fields;
    fields.reals.resize(weight.columns);
    weight.readRow(0, fields);
    std::memcpy(&out[0], fields.reals.data(), weight.columns * sizeof(float));
    return;
  }
  PanelLayout layout(weight.scheme, weight.columns, weight.unit);
  int64_t panels = layout.panels(weight.rows);
  int64_t workers =
      std::clamp<int64_t>(std::thread::hardware_concurrency(), 1, panels);
  std::vector<std::thread> threads;
  for (int64_t w = 0; w < workers; ++w)
    threads.emplace_back([&, w] {
      int64_t first = panels * w / workers, last = panels * (w + 1) / workers;
      packPanels(weight, layout, first, last,
                 &out[first * layout.panelBytes()]);
    });
  for (std::thread &thread : threads)
    thread.join();
}

std::string packWeight(const WeightImage &weight) {
  std::string bytes(weight.bytes() + 64, '\0');
  packInto(weight, bytes);
  return bytes;
}

llvm::Error writeWeights(const ModuleImage &image, HeaderBuilder &header,
                         AtomicFile &file, uint64_t offset, Progress progress) {
  if (image.unbound) {
    uint64_t size = header.weightsBytes();
    return size ? file.write("", 1, offset + size - 1) : llvm::Error::success();
  }
  ChunkHasher hasher(header);
  for (size_t i = 0; i < image.weights.size(); ++i) {
    uint64_t begin = header.weightOffset(i);
    uint64_t end = i + 1 < image.weights.size() ? header.weightOffset(i + 1)
                                                : header.weightsBytes();
    std::string bytes(end - begin, '\0');
    packInto(image.weights[i], bytes);
    hasher.feed(bytes.data(), bytes.size());
    if (llvm::Error error =
            file.write(bytes.data(), bytes.size(), offset + begin))
      return error;
    if (progress)
      progress(end, header.weightsBytes());
  }
  hasher.flush();
  return llvm::Error::success();
}

} // namespace lowbit
