//===- ColumnOrder.cpp - Columns grouped in another order -----------------===//

#include "QuantizedWeights.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"

#include <numeric>

using llvm::Error;
using llvm::Twine;

namespace lowbit::huggingface {

static const char kAgain[] = ": quantize the model again";

/// The group of each column, each one that the matrix has.
static llvm::Expected<std::vector<int32_t>>
readGroups(TensorReader &reader, const Twine &name, const PackedRows &rows) {
  auto index = reader.take(name, {"I32"}, {rows.columns});
  if (!index)
    return index.takeError();
  std::vector<int32_t> groups(size_t(rows.columns));
  for (size_t k = 0; k < groups.size(); ++k)
    groups[k] =
        int32_t(llvm::support::endian::read32le((*index)->data + 4 * k));
  return groups;
}

/// Sorted by group, equal ones in their order, groups are runs of one length;
/// only the last may be shorter.
static Error checkRuns(TensorReader &reader, const Twine &name,
                       llvm::ArrayRef<int32_t> groups, const PackedRows &rows) {
  for (size_t j = 0; j < rows.order.size(); ++j) {
    int32_t column = rows.order[j], got = groups[size_t(column)];
    int64_t expected = rows.groups() == 1 ? 0 : int64_t(j) / rows.group;
    if (got == expected)
      continue;
    if (got < 0 || got >= rows.groups())
      return reader.fail(name, "puts column " + Twine(column) + " into group " +
                                   Twine(got) + ", expected 0 to " +
                                   Twine(rows.groups() - 1) + kAgain);
    return reader.fail(name, "has groups of other sizes than " +
                                 Twine(rows.group) +
                                 " columns, first at column " + Twine(column) +
                                 " of group " + Twine(got) + kAgain);
  }
  return Error::success();
}

Error readOrder(TensorReader &reader, const Twine &name, PackedRows &rows) {
  if (!reader.findAny(name))
    return Error::success();
  auto groups = readGroups(reader, name, rows);
  if (!groups)
    return groups.takeError();
  // compressed-tensors fills it with -1 until an order is known.
  if (llvm::all_of(*groups, [](int32_t group) { return group == -1; }))
    return Error::success();
  rows.order.resize(groups->size());
  std::iota(rows.order.begin(), rows.order.end(), 0);
  llvm::sort(rows.order, [&](int32_t a, int32_t b) {
    return std::pair((*groups)[size_t(a)], a) <
           std::pair((*groups)[size_t(b)], b);
  });
  if (Error error = checkRuns(reader, name, *groups, rows))
    return error;
  if (llvm::is_sorted(rows.order))
    rows.order.clear();
  return Error::success();
}

} // namespace lowbit::huggingface
