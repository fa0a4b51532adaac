//===- quantizer_fuzz.cpp - The quantizer parser on any text --------------===//
//
// What parses prints as a text that parses to the same quantizer; what fits a
// scheme quantizes a row of any numbers.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Quantize/RowQuantizer.h"

#include <cmath>
#include <cstdlib>

using namespace lowbit;

static void quantize(const Quantizer &quantizer, const Scheme &scheme) {
  constexpr int64_t kColumns = 37;
  float values[kColumns];
  for (int64_t i = 0; i < kColumns; ++i)
    values[i] = std::ldexp(float((i * 7919) % 101 - 50), int(i % 5) - 3);
  values[5] = NAN;
  values[11] = -INFINITY;
  RowQuantizer rows(quantizer, scheme);
  MatrixTotals totals(kColumns);
  rows.observe(values, kColumns, totals);
  RowFields row;
  rows.quantize(values, kColumns, row, totals);
  dequantizeRow(scheme, row, kColumns, values);
  rows.fakeQuantize(values, kColumns, values, totals);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Quantizer quantizer, again;
  std::string error;
  if (!Quantizer::parse(std::string(data, data + size), quantizer, error)) {
    if (error.empty())
      abort();
    return 0;
  }
  if (!quantizer.check().empty())
    return 0;
  if (!Quantizer::parse(quantizer.str(), again, error) || !(again == quantizer))
    abort();
  for (const char *text :
       {"s4, group 8 scale f32", "s8, row divisor f16",
        "ternary, tensor divisor f32", "u4, group 8 scale bf16 zero u4",
        "u4 offset 8, row scale f32 min f32",
        "u2 codebook [-1.0, -0.0, 0.0, 2.0], group 8 scale e8m0",
        "s4, tensor scale f32, group 8 scale e4m3"}) {
    Scheme scheme;
    if (!Scheme::parse(text, scheme, error))
      abort();
    if (quantizer.check(scheme).empty())
      quantize(quantizer, scheme);
  }
  return 0;
}
