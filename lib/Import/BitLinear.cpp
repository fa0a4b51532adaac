//===- BitLinear.cpp - Numerics of BitLinear layers -----------------------===//

#include "BitLinear.h"

#include "lowbit/Quantize/RowQuantizer.h"

#include <cassert>
#include <mutex>

namespace lowbit {

/// Of the words of docs/Numerics.md, which a test reads, too.
template <typename Words> static Words parsed(const char *text) {
  Words words;
  std::string error;
  bool isRight = Words::parse(text, words, error);
  assert(isRight && "a quantizer or scheme of ours");
  (void)isRight;
  return words;
}

const InputRounding &bitLinearInputs() {
  static const InputRounding rounding = {
      parsed<Quantizer>(
          "absmax reach 127.0 least 1.0e-05, multiply, clamp -128 127"),
      parsed<Scheme>("s8, row divisor f32")};
  return rounding;
}

bool holdsTernaryWeights(const Scheme &scheme) {
  return scheme.kind == CodeKind::Ternary ||
         (scheme.kind == CodeKind::Unsigned && scheme.bits == 2 &&
          scheme.offset == 1);
}

static Quantizer weightQuantizer() {
  return parsed<Quantizer>(
      "absmean reach 1.0 least 1.0e-05, multiply, clamp -1 1");
}

namespace {
/// A matrix and what its rows have in common, found when somebody asks.
class TernaryMatrix {
public:
  TernaryMatrix(SourceTensor floats, const Scheme &scheme)
      : floats(std::move(floats)), quantizer(weightQuantizer(), scheme) {}

  void readRow(int64_t row, RowFields &fields) {
    std::call_once(observed, [this] { observe(); });
    std::vector<float> values(size_t(floats.columns()));
    floats.readReals(row, values.data());
    quantizer.quantize(values.data(), floats.columns(), fields, totals);
  }

private:
  void observe() {
    totals = MatrixTotals(floats.rows() * floats.columns());
    std::vector<float> values(size_t(floats.columns()));
    for (int64_t row = 0; row < floats.rows(); ++row) {
      floats.readReals(row, values.data());
      quantizer.observe(values.data(), floats.columns(), totals);
    }
  }

  SourceTensor floats;
  RowQuantizer quantizer;
  std::once_flag observed;
  MatrixTotals totals;
};
} // namespace

static const BitFormat &ternaryFormat() {
  static const BitFormat format = [] {
    BitFormat result{};
    result.name = "bitlinear";
    result.ggmlType = UINT32_MAX; // GGUF has none
    result.blockLength = 1;
    result.scheme = parsed<Scheme>("ternary, tensor divisor f32");
    return result;
  }();
  return format;
}

void roundToTernary(SourceTensor &tensor) {
  const BitFormat &format = ternaryFormat();
  auto matrix = std::make_shared<TernaryMatrix>(tensor, format.scheme);
  tensor.format = &format;
  tensor.data = nullptr;
  tensor.bytes = uint64_t(double(tensor.rows()) * double(tensor.columns()) *
                          format.scheme.bitsPerWeight(tensor.columns()) / 8);
  tensor.generate = [matrix](int64_t row, RowFields &fields) {
    matrix->readRow(row, fields);
  };
}

} // namespace lowbit
