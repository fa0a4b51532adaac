//===- Layer.h - A linear layer as a case of a test -------------*- C++ -*-===//

#ifndef LOWBIT_TEST_UNIT_CODEGEN_LAYER_H
#define LOWBIT_TEST_UNIT_CODEGEN_LAYER_H

#include "KernelModule.h"

#include <functional>

namespace lowbit::test {

/// Weight and rows; `name` is that of its weight and of its function.
struct Layer {
  std::string name;
  LowBits weight;
  Reals x;
  std::optional<Reals> bias;

  int64_t outputs() const { return static_cast<int64_t>(weight.rows.size()); }
  /// The case in words, with the seed that makes it again.
  std::string what() const;
};

/// Adds weight and function: rows and bias are its arguments.
void addPlain(KernelModule &module, const Layer &layer);
/// The function `text` around a layer: row t of the batch is row t of a table.
void addText(KernelModule &module, const Layer &layer);

/// What the kernel gives for the layer's rows.
std::vector<LevelResult> callPlain(KernelModule &module, const Layer &layer);
/// What the reference gives for the first `rows` of them.
reference::LinearResult expected(const KernelModule &module, const Layer &layer,
                                 int64_t rows);

/// Within `bound` of each element.
void expectWithin(
    const std::vector<LevelResult> &results, const Reals &wanted,
    const std::string &what,
    const std::function<double(int64_t row, int64_t column)> &bound);
/// Within the bound of docs/Numerics.md N3, with its c.
void expectClose(const std::vector<LevelResult> &results,
                 const reference::LinearResult &wanted,
                 const std::string &what);
/// The same numbers, rounded once to f32; -0 equals 0.
void expectEqual(const std::vector<LevelResult> &results, const Reals &wanted,
                 const std::string &what);

} // namespace lowbit::test

#endif // LOWBIT_TEST_UNIT_CODEGEN_LAYER_H
