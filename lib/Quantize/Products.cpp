//===- Products.cpp - Matrix products in f32 ------------------------------===//

#include "Products.h"

#include "Dispatch.h"

#include <algorithm>

namespace lowbit {

static constexpr int64_t kTileRows = 8;
/// Rows of `a` that pass over a packed panel of `b` together.
static constexpr int64_t kChunkRows = 64;

//===- Tile ---------------------------------------------------------------===//

namespace {
typedef float Vector16 __attribute__((vector_size(64)));
typedef float Vector8 __attribute__((vector_size(32)));
} // namespace

/// sums[R x V] = sum_t a[t][R] b[t][V], for `Vectors` vectors a row.
template <typename Vector, int Rows, int Vectors>
[[gnu::always_inline]] static inline void sumTile(int64_t depth, const float *a,
                                                  int64_t aStride,
                                                  const float *b, float *sums) {
#pragma clang fp contract(fast)
  Vector sum[Rows][Vectors] = {};
  for (int64_t t = 0; t < depth; ++t) {
    Vector row[Vectors];
    __builtin_memcpy(row, b + t * kPanelColumns, sizeof row);
    for (int r = 0; r < Rows; ++r)
      for (int v = 0; v < Vectors; ++v)
        sum[r][v] += a[t * aStride + r] * row[v];
  }
  for (int r = 0; r < Rows; ++r)
    __builtin_memcpy(sums + r * kPanelColumns, sum[r], sizeof sum[r]);
}

/// Where there are 16 vectors of 256 bits: 4 x 16 sums stay in registers.
LOWBIT_CLONES static void tileOfQuarters(int64_t depth, const float *a,
                                         int64_t aStride, const float *b,
                                         float *sums) {
  for (int r = 0; r < kTileRows; r += 4)
    for (int c = 0; c < kPanelColumns; c += 16)
      sumTile<Vector8, 4, 2>(depth, a + r, aStride, b + c,
                             sums + r * kPanelColumns + c);
}

#if defined(__x86_64__)
// Not `arch=x86-64-v4`, which prefers vectors of 256 bits.
__attribute__((target("avx512f"))) static void
tileOfWhole(int64_t depth, const float *a, int64_t aStride, const float *b,
            float *sums) {
  sumTile<Vector16, kTileRows, 2>(depth, a, aStride, b, sums);
}
#endif

using Tile = void (*)(int64_t, const float *, int64_t, const float *, float *);

static Tile chooseTile() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f"))
    return tileOfWhole;
#endif
  return tileOfQuarters;
}

static void runTile(int64_t depth, const float *a, int64_t aStride,
                    const float *b, float *sums) {
  static const Tile tile = chooseTile();
  tile(depth, a, aStride, b, sums);
}

//===- Packing ------------------------------------------------------------===//

/// rows x columns of `from` (at most `width` columns) as rows of `width`, zeros
/// behind.
static void packColumns(MatrixView from, int64_t width, float *to) {
  for (int64_t r = 0; r < from.rows; ++r, to += width) {
    const float *row = from.data + r * from.rowStride;
    for (int64_t c = 0; c < from.columns; ++c)
      to[c] = row[c * from.columnStride];
    std::fill(to + from.columns, to + width, 0.0f);
  }
}

static int64_t panelsOf(int64_t columns) {
  return (columns + kPanelColumns - 1) / kPanelColumns;
}

/// All panels of `from`, one behind the other, each [rows][32].
static void packPanels(ThreadPool &pool, MatrixView from,
                       std::vector<float> &panels) {
  size_t size = size_t(panelsOf(from.columns) * from.rows * kPanelColumns);
  if (panels.size() < size)
    panels.resize(size);
  pool.forEach(panelsOf(from.columns), [&](int64_t panel) {
    int64_t first = panel * kPanelColumns;
    packColumns(from.part(0, first, from.rows,
                          std::min(kPanelColumns, from.columns - first)),
                kPanelColumns, panels.data() + first * from.rows);
  });
}

/// c += alpha * sums, `rows` x `columns` of the tile.
static void addTile(const float *sums, float alpha, int64_t rows,
                    int64_t columns, float *c, int64_t stride) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < columns; ++i)
      c[r * stride + i] += alpha * sums[r * kPanelColumns + i];
}

//===- Products -----------------------------------------------------------===//

/// A chunk of rows of `a` times all panels.
static void multiplyChunk(float alpha, MatrixView a, const float *panels,
                          int64_t columns, float *c, int64_t stride) {
  float packed[kChunkRows * kDepth], sums[kTileRows * kPanelColumns];
  for (int64_t r = 0; r < a.rows; r += kTileRows)
    packColumns(
        a.part(r, 0, std::min(kTileRows, a.rows - r), a.columns).transposed(),
        kTileRows, packed + r * a.columns);
  for (int64_t first = 0; first < columns; first += kPanelColumns)
    for (int64_t r = 0; r < a.rows; r += kTileRows) {
      runTile(a.columns, packed + r * a.columns, kTileRows,
              panels + first * a.columns, sums);
      addTile(sums, alpha, std::min(kTileRows, a.rows - r),
              std::min(kPanelColumns, columns - first), c + r * stride + first,
              stride);
    }
}

void addProduct(ThreadPool &pool, float alpha, MatrixView a, MatrixView b,
                float *c, int64_t stride) {
  std::vector<float> panels;
  for (int64_t depth = 0; depth < a.columns; depth += kDepth) {
    int64_t count = std::min(kDepth, a.columns - depth);
    packPanels(pool, b.part(depth, 0, count, b.columns), panels);
    pool.forEach((a.rows + kChunkRows - 1) / kChunkRows, [&](int64_t chunk) {
      int64_t first = chunk * kChunkRows;
      multiplyChunk(
          alpha,
          a.part(first, depth, std::min(kChunkRows, a.rows - first), count),
          panels.data(), b.columns, c + first * stride, stride);
    });
  }
}

/// Rows 32 p .. of the triangle.
static void addGramRow(float alpha, const std::vector<float> &panels, int64_t p,
                       int64_t depth, int64_t columns, float *c,
                       int64_t stride) {
  float sums[kTileRows * kPanelColumns];
  int64_t panelSize = depth * kPanelColumns;
  int64_t rowsEnd = std::min((p + 1) * kPanelColumns, columns);
  for (int64_t q = 0; q <= p; ++q)
    for (int64_t row = p * kPanelColumns; row < rowsEnd; row += kTileRows) {
      runTile(depth, panels.data() + p * panelSize + row % kPanelColumns,
              kPanelColumns, panels.data() + q * panelSize, sums);
      addTile(sums, alpha, std::min(kTileRows, rowsEnd - row),
              std::min(kPanelColumns, columns - q * kPanelColumns),
              c + row * stride + q * kPanelColumns, stride);
    }
}

void addGram(ThreadPool &pool, float alpha, MatrixView x, float *c,
             int64_t stride) {
  std::vector<float> panels;
  int64_t rows = panelsOf(x.columns);
  for (int64_t first = 0; first < x.rows; first += kDepth) {
    int64_t depth = std::min(kDepth, x.rows - first);
    packPanels(pool, x.part(first, 0, depth, x.columns), panels);
    // The longest rows first, so that threads end together.
    pool.forEach(rows, [&](int64_t i) {
      addGramRow(alpha, panels, rows - 1 - i, depth, x.columns, c, stride);
    });
  }
}

void mirrorLower(float *c, int64_t n) {
  for (int64_t i = 0; i < n; i += kPanelColumns)
    for (int64_t j = 0; j <= i; j += kPanelColumns)
      for (int64_t r = i; r < std::min(i + kPanelColumns, n); ++r)
        for (int64_t s = j; s < std::min(j + kPanelColumns, r); ++s)
          c[s * n + r] = c[r * n + s];
}

} // namespace lowbit
