//===- scheme_fuzz.cpp - The scheme parser on any text --------------------===//
//
// What parses prints as a text that parses to the same scheme; what passes the
// rules can round, search, and dequantize a row.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Quantize/Hqq.h"
#include "lowbit/Quantize/RoundToNearest.h"

#include <cmath>
#include <cstdlib>

using namespace lowbit;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Scheme scheme, again;
  std::string error;
  if (!Scheme::parse(std::string(data, data + size), scheme, error)) {
    if (error.empty())
      abort();
    return 0;
  }
  if (!scheme.check().empty())
    return 0;
  if (!Scheme::parse(scheme.str(), again, error) || !(again == scheme))
    abort();

  constexpr int64_t kColumns = 37;
  float values[kColumns];
  TensorRange range;
  for (int64_t i = 0; i < kColumns; ++i)
    values[i] = std::ldexp(float((i * 7919) % 101 - 50), int(i % 5) - 3);
  range.add(values, kColumns);
  RowFields row;
  row.resize(scheme, kColumns);
  chooseTensorFields(scheme, range, row);
  roundToNearest(scheme, values, kColumns, row);
  RoundOptions search;
  search.search = true;
  roundToNearest(scheme, values, kColumns, row, search);
  hqq(scheme, values, kColumns, row);
  dequantizeRow(scheme, row, kColumns, values);
  return 0;
}
