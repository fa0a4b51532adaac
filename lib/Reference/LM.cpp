//===- LM.cpp - The ops of the lm dialect, evaluated in f64 ---------------===//

#include "lowbit/Reference/LM.h"
#include "lowbit/Support/HadamardMatrix.h"

#include "lowbit/Reference/LowBit.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace lowbit::reference {

Reals embed(const Indices &tokens, const Value &table, const Reals *embeddings,
            double scale) {
  auto count = static_cast<int64_t>(tokens.data.size());
  Reals result;
  for (int64_t t = 0; t < count; ++t) {
    int32_t token = tokens.data[static_cast<size_t>(t)];
    bool isGiven = token < 0 && embeddings;
    std::vector<double> row =
        isGiven ? rowOf(*embeddings, t) : rowOf(table, token);
    for (double value : row)
      result.data.push_back(isGiven ? value : scale * value);
  }
  result.shape = {count, count ? int64_t(result.data.size()) / count : 0};
  return result;
}

Reals linear(const Reals &x, const Value &weight, const Reals *bias) {
  const auto *low = std::get_if<LowBits>(&weight);
  int64_t outputs = low ? static_cast<int64_t>(low->rows.size())
                        : std::get<Reals>(weight).rows();
  Reals result({x.rows(), outputs});
  for (int64_t n = 0; n < outputs; ++n) {
    std::vector<double> w = rowOf(weight, n);
    double start = bias ? bias->data[static_cast<size_t>(n)] : 0;
    for (int64_t t = 0; t < x.rows(); ++t)
      result.row(t)[n] =
          std::inner_product(w.begin(), w.end(), x.row(t), start);
  }
  return result;
}

Reals rmsNorm(const Reals &x, const Reals &gain, double epsilon) {
  Reals result = x;
  size_t d = gain.data.size();
  for (size_t first = 0; first < x.data.size(); first += d) {
    double *part = result.data.data() + first;
    double square = std::inner_product(part, part + d, part, 0.0);
    double root = std::sqrt(square / static_cast<double>(d) + epsilon);
    for (size_t i = 0; i < d; ++i)
      part[i] = part[i] / root * gain.data[i];
  }
  return result;
}

Reals layerNorm(const Reals &x, const Reals &gain, const Reals &bias,
                double epsilon) {
  Reals result = x;
  auto d = static_cast<double>(x.columns());
  for (int64_t t = 0; t < x.rows(); ++t) {
    double *row = result.row(t);
    double mean = std::accumulate(row, row + x.columns(), 0.0) / d;
    double variance = 0;
    for (int64_t i = 0; i < x.columns(); ++i)
      variance += (row[i] - mean) * (row[i] - mean) / d;
    for (int64_t i = 0; i < x.columns(); ++i)
      row[i] = (row[i] - mean) / std::sqrt(variance + epsilon) *
                   gain.data[static_cast<size_t>(i)] +
               bias.data[static_cast<size_t>(i)];
  }
  return result;
}

Reals scale(const Reals &x, const Reals &factors, bool alongRows,
            bool inverse) {
  Reals result = x;
  for (size_t i = 0; i < result.data.size(); ++i) {
    auto columns = static_cast<size_t>(x.columns());
    double factor = factors.data[alongRows ? i / columns : i % columns];
    result.data[i] = inverse ? x.data[i] / factor : x.data[i] * factor;
  }
  return result;
}

/// Elements first, first + stride, ... : of each 2^k the sums and differences
/// of Sylvester's construction, halves of halves; then those of the matrix of
/// order `base` between them.
static void transform(double *first, int64_t stride, int64_t block) {
  int64_t base = hadamardBase(block), power = block / base;
  for (int64_t half = 1; half < power; half *= 2)
    for (int64_t i = 0; i < block; ++i)
      if (!(i % power & half)) {
        double &low = first[i * stride], &high = first[(i + half) * stride];
        double a = low, b = high;
        low = a + b;
        high = a - b;
      }
  std::vector<int8_t> signs = hadamardMatrix(base);
  std::vector<double> mixed(static_cast<size_t>(block));
  for (int64_t i = 0; i < block; ++i)
    for (int64_t j = 0; j < block; ++j)
      if (i % power == j % power)
        mixed[static_cast<size_t>(j)] +=
            first[i * stride] *
            signs[static_cast<size_t>(i / power * base + j / power)];
  for (int64_t i = 0; i < block; ++i)
    first[i * stride] =
        mixed[static_cast<size_t>(i)] / std::sqrt(static_cast<double>(block));
}

Reals rotate(const Reals &x, int64_t block, bool alongRows) {
  Reals result = x;
  int64_t columns = x.columns();
  for (int64_t r = 0; r < x.rows(); r += alongRows ? block : 1)
    for (int64_t k = 0; k < columns; k += alongRows ? 1 : block)
      transform(result.row(r) + k, alongRows ? columns : 1, block);
  return result;
}

Reals add(const Reals &lhs, const Reals &rhs) {
  Reals result = lhs;
  for (size_t i = 0; i < rhs.data.size(); ++i)
    result.data[i] += rhs.data[i];
  return result;
}

Reals gatherRows(const Reals &x, const Indices &rows) {
  Reals result({static_cast<int64_t>(rows.data.size()), x.columns()});
  for (int64_t i = 0; i < result.rows(); ++i)
    std::copy_n(x.row(rows.data[static_cast<size_t>(i)]), x.columns(),
                result.row(i));
  return result;
}

Reals meanRows(const Reals &x, const Indices &first, const Indices &last) {
  Reals result({static_cast<int64_t>(last.data.size()), x.columns()});
  for (int64_t i = 0; i < result.rows(); ++i) {
    int64_t begin = first.data[static_cast<size_t>(i)];
    int64_t end = last.data[static_cast<size_t>(i)] + 1;
    for (int64_t k = 0; k < x.columns(); ++k) {
      double sum = 0;
      for (int64_t t = begin; t < end; ++t)
        sum += x.row(t)[k];
      result.row(i)[k] = sum / static_cast<double>(end - begin);
    }
  }
  return result;
}

double activate(Function function, double x) {
  switch (function) {
  case Function::Silu:
    return x / (1 + std::exp(-x));
  case Function::Gelu:
    return x / 2 * (1 + std::erf(x / std::sqrt(2.0)));
  case Function::GeluTanh:
    return x / 2 *
           (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
  case Function::Relu:
    return x < 0 ? 0 : x;
  case Function::Tanh:
    return std::tanh(x);
  case Function::Relu2:
    return x < 0 ? 0 : x * x;
  }
  return x;
}

Reals activate(Function function, const Reals &x) {
  Reals result = x;
  for (double &value : result.data)
    value = activate(function, value);
  return result;
}

Reals gate(Function function, const Reals &gate, const Reals &up) {
  Reals result = activate(function, gate);
  for (size_t i = 0; i < up.data.size(); ++i)
    result.data[i] *= up.data[i];
  return result;
}

Reals ropeTable(const Indices &positions, int64_t columns, const Reals *factors,
                const RopeParameters &parameters) {
  Reals result({static_cast<int64_t>(positions.data.size()), columns});
  int64_t half = columns / 2;
  for (int64_t i = 0; i < half; ++i) {
    double theta =
        std::pow(parameters.base, -2.0 * double(i) / double(columns)) *
        parameters.frequencyScale /
        (factors ? factors->data[static_cast<size_t>(i)] : 1);
    for (int64_t t = 0; t < result.rows(); ++t) {
      double angle = positions.data[static_cast<size_t>(t)] * theta;
      result.row(t)[i] = parameters.magnitude * std::cos(angle);
      result.row(t)[half + i] = parameters.magnitude * std::sin(angle);
    }
  }
  return result;
}

Reals rope(RopeStyle style, const Reals &x, const Reals &table,
           int64_t headDim) {
  Reals result = x;
  int64_t half = table.columns() / 2;
  for (int64_t t = 0; t < x.rows(); ++t)
    for (int64_t head = 0; head < x.columns(); head += headDim)
      for (int64_t i = 0; i < half; ++i) {
        bool halves = style == RopeStyle::Halves;
        double *row = result.row(t) + head;
        double &a = halves ? row[i] : row[2 * i];
        double &b = halves ? row[i + half] : row[2 * i + 1];
        double c = table.row(t)[i], s = table.row(t)[half + i];
        double turned = a * c - b * s;
        b = a * s + b * c;
        a = turned;
      }
  return result;
}

} // namespace lowbit::reference
