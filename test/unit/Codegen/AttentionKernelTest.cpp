//===- AttentionKernelTest.cpp - Attention against f64 --------------------===//
//
// Over plain tensors, and over the pages of a session: what was appended in
// other calls, windows, all elements of the store.
//
//===----------------------------------------------------------------------===//

#include "Layer.h"
#include "RandomWeights.h"

#include "lowbit/Reference/LM.h"
#include "lowbit/Support/Float.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace lowbit;
using namespace lowbit::test;

namespace {

constexpr float kScale = 0.125f;

class AttentionKernelTest : public testing::Test {
protected:
  void SetUp() override {
    if (levelsOfThisCpu().empty())
      GTEST_SKIP() << "this CPU has none of our levels";
  }

  /// Of size 1 in every row, so that no softmax is all one element's.
  Reals moderate(int64_t rows, int64_t columns) {
    Reals result({rows, columns});
    for (double &value : result.data)
      value = random.normal();
    return result;
  }

  Random random{11000};
};

std::string tensor(int64_t rows, int64_t columns) {
  return "tensor<" + (rows ? std::to_string(rows) : "?") + "x" +
         std::to_string(columns) + "xf32>";
}

double largest(const Reals &x) {
  double most = 0;
  for (double value : x.data)
    most = std::max(most, std::fabs(value));
  return most;
}

/// A score is off by that share of its terms; a probability by twice the error
/// of a score and of an exponential (N7); the sum of values by its length.
double errorOf(const Reals &q, const Reals &k, const Reals &v,
               int64_t headDim) {
  double score = double(headDim / 16 + 8) * 0x1p-24 * kScale * double(headDim) *
                 largest(q) * largest(k);
  double share = 2 * (score + 0x1p-20) + double(k.rows() + 8) * 0x1p-24;
  return share * largest(v);
}

//===- Plain tensors ------------------------------------------------------===//

struct Plain {
  std::string name;
  int64_t rows, heads, keyHeads, headDim;
  bool masked;
  std::optional<int64_t> window = std::nullopt;
};

const Plain kPlain[] = {
    {"one", 1, 1, 1, 8, true},          {"few", 7, 4, 2, 24, true},
    {"open", 19, 3, 3, 20, false},      {"long", 70, 2, 1, 64, true},
    {"window", 70, 2, 1, 20, true, 17}, {"tower", 50, 2, 2, 64, false}};

TEST_F(AttentionKernelTest, Plain) {
  KernelModule module;
  for (const Plain &c : kPlain) {
    std::string q = tensor(c.rows, c.heads * c.headDim);
    std::string k = tensor(c.rows, c.keyHeads * c.headDim);
    module.text("func.func @" + c.name + "(%q: " + q + ", %k: " + k +
                ", %v: " + k + ") -> " + q +
                " {\n  %y = lm.attention %q, %k, %v {head_dim = " +
                std::to_string(c.headDim) + ", scale = 0.125 : f32" +
                (c.masked ? ", masked" : "") +
                (c.window ? ", window = " + std::to_string(*c.window) : "") +
                "} : " + q + ", " + k + "\n  return %y : " + q + "\n}");
  }
  module.build();
  for (const Plain &c : kPlain) {
    Reals q = moderate(c.rows, c.heads * c.headDim);
    Reals k = moderate(c.rows, c.keyHeads * c.headDim);
    Reals v = moderate(c.rows, c.keyHeads * c.headDim);
    double bound = errorOf(q, k, v, c.headDim);
    std::vector<float> qs = floats(q), ks = floats(k), vs = floats(v);
    Reals wanted =
        reference::attention(q, k, v, c.headDim, kScale, c.masked, c.window);
    expectWithin(module.call(c.name, {qs.data(), ks.data(), vs.data()},
                             int64_t(wanted.data.size())),
                 wanted, "@" + c.name, [&](int64_t, int64_t) { return bound; });
  }
}

//===- Pages --------------------------------------------------------------===//

struct Cached {
  int64_t heads, keyHeads, headDim;
  KVElement element;
  std::optional<int64_t> window;
};

const char *elementName(KVElement element) {
  const char *const names[] = {"f32", "f16", "bf16", "i8", "i4"};
  return names[int(element)];
}

/// Queries, keys and values of position p are row p of three tables.
std::string textOf(const Cached &c, int64_t rows) {
  std::string kv = "!lm.kv<layers = 1, heads = " + std::to_string(c.keyHeads) +
                   ", dim = " + std::to_string(c.headDim) +
                   ", element = " + elementName(c.element) + ">";
  Scheme f32 = Scheme::ofFloat(FieldType::F32);
  int64_t width = c.heads * c.headDim, keyWidth = c.keyHeads * c.headDim;
  std::string q = tensor(0, width), k = tensor(0, keyWidth), body;
  for (auto [name, columns, type] :
       {std::tuple("q", width, q), {"k", keyWidth, k}, {"v", keyWidth, k}}) {
    std::string table = typeOf(rows, columns, f32);
    body += std::string("  %t") + name + " = lm.weight \"" + name +
            "\" : " + table + "\n  %" + name + " = lm.embed %p, %t" + name +
            " : tensor<?xi32>, " + table + " -> " + type + "\n";
  }
  return "func.func @text(%ids: tensor<?xi32>, %given: " + q +
         ", %p: tensor<?xi32>, %out: tensor<?xi32>, %kv: " + kv + ") -> (" + q +
         ", " + kv + ") {\n" + body +
         "  %new = lm.kv_append %kv, %k, %v {layer = 0} : " + kv + ", " + k +
         "\n  %a = lm.cached_attention %q, %new {layer = 0, scale = 0.125 : "
         "f32" +
         (c.window ? ", window = " + std::to_string(*c.window) : "") +
         "} : " + q + ", " + kv + "\n  %y = lm.gather_rows %a, %out : " + q +
         ", tensor<?xi32> -> " + q + "\n  return %y, %new : " + q + ", " + kv +
         "\n}";
}

class CachedAttentionTest : public AttentionKernelTest,
                            public testing::WithParamInterface<int> {};

const Cached kCached[] = {{4, 2, 64, KVElement::F16, std::nullopt},
                          {3, 3, 24, KVElement::F32, std::nullopt},
                          {4, 1, 80, KVElement::F16, 20},
                          {2, 2, 20, KVElement::F32, 100},
                          {4, 1, 64, KVElement::BF16, std::nullopt},
                          {3, 3, 20, KVElement::BF16, 70},
                          {4, 1, 64, KVElement::Q8, std::nullopt},
                          {6, 2, 72, KVElement::Q8, 100},
                          {3, 3, 20, KVElement::Q8, 70},
                          {4, 1, 64, KVElement::Q4, std::nullopt},
                          {6, 2, 72, KVElement::Q4, 100},
                          {3, 3, 20, KVElement::Q4, 70},
                          {4, 2, 50, KVElement::Q4, std::nullopt}};

TEST_P(CachedAttentionTest, Pages) {
  const Cached &c = kCached[GetParam()];
  constexpr int64_t most = 160;
  Reals q = moderate(most, c.heads * c.headDim);
  Reals k = moderate(most, c.keyHeads * c.headDim);
  Reals v = moderate(most, c.keyHeads * c.headDim);
  KernelModule module;
  module.table("q", q);
  module.table("k", k);
  module.table("v", v);
  module.model(q.columns(), q.columns());
  module.text(textOf(c, most));
  module.build();
  reference::KVStore store(1, c.keyHeads, c.headDim, c.element,
                           reference::Batch::ofOneSequence(most));
  Reals all = reference::cachedAttention(q, reference::kvAppend(store, k, v, 0),
                                         0, kScale, c.window);
  double bound = errorOf(q, k, v, c.headDim);
  // {positions before, rows}: first row, ends of pages (64), several calls.
  for (auto [past, rows] : {std::pair(0, 1),
                            {0, 7},
                            {63, 1},
                            {64, 1},
                            {60, 9},
                            {0, 150},
                            {130, 1},
                            {159, 1}}) {
    Reals wanted({rows, all.columns()});
    std::copy_n(all.row(past), wanted.data.size(), wanted.data.begin());
    expectWithin(module.decode(rows, int64_t(wanted.data.size()), past), wanted,
                 std::to_string(rows) + " rows behind " + std::to_string(past),
                 [&](int64_t, int64_t) { return bound; });
  }
}

//===- What is kept -------------------------------------------------------===//

class KeptTest : public AttentionKernelTest,
                 public testing::WithParamInterface<KVElement> {};

/// A row that sees itself alone gives its own value, as the store has it.
TEST_P(KeptTest, ExactlyAsInTheReference) {
  constexpr int64_t rows = 100;
  const Cached c = {3, 3, 40, GetParam(), 1};
  Reals x = moderate(rows, c.heads * c.headDim);
  for (int64_t row = 0; row < rows; row += 2) // many ties, in all elements
    for (int64_t i = 0; i < x.columns(); ++i)
      x.row(row)[i] = double(random.between(-2047, 2047)) * 0x1p-8;
  for (int64_t i = 0; i < c.headDim; ++i) // ties of codes: the scale is 1
    x.row(2)[i] = i ? double(random.between(-253, 253)) / 2 : 127;
  KernelModule module;
  for (const char *name : {"q", "k", "v"})
    module.table(name, x);
  module.model(x.columns(), x.columns());
  module.text(textOf(c, rows));
  module.build();
  reference::KVStore store(1, c.keyHeads, c.headDim, c.element,
                           reference::Batch::ofOneSequence(rows));
  Reals wanted = reference::cachedAttention(
      x, reference::kvAppend(store, x, x, 0), 0, kScale, c.window);
  expectEqual(module.decode(rows, int64_t(wanted.data.size()), 0), wanted,
              elementName(c.element));
}

INSTANTIATE_TEST_SUITE_P(Elements, KeptTest,
                         testing::Values(KVElement::F32, KVElement::F16,
                                         KVElement::BF16, KVElement::Q8,
                                         KVElement::Q4));

/// NaN stays NaN, whatever bits it has; what no bf16 reaches is infinite.
TEST_F(AttentionKernelTest, BrainFloatsBeyondNumbers) {
  const Cached c = {1, 1, 16, KVElement::BF16, std::nullopt};
  Reals q({1, 16}), v({1, 16});
  for (double &value : q.data)
    value = 0;
  const uint32_t bits[] = {0x7f800001, 0xff80ffff, 0x7fffffff, 0xffffffff,
                           0x7f7fffff, 0xff7f8000, 0x7f7f7fff, 0x00000001,
                           0x00018000, 0x80008001};
  for (size_t i = 0; i < std::size(bits); ++i)
    v.data[i] = fromF32(bits[i]);
  KernelModule module;
  module.table("q", q);
  module.table("k", q);
  module.table("v", v);
  module.model(16, 16);
  module.text(textOf(c, 1));
  module.build();
  for (const LevelResult &got : module.decode(1, 16))
    for (size_t i = 0; i < std::size(bits); ++i) {
      float wanted = fromBF16(toBF16(fromF32(bits[i])));
      if (std::isnan(wanted))
        EXPECT_TRUE(std::isnan(got.values[i])) << got.level << ", " << i;
      else
        EXPECT_EQ(got.values[i], wanted) << got.level << ", " << i;
    }
}

INSTANTIATE_TEST_SUITE_P(Stores, CachedAttentionTest,
                         testing::Range(0, int(std::size(kCached))));

} // namespace
