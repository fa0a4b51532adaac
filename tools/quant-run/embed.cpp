//===- embed.cpp - Texts to vectors and classes ---------------------------===//
//
// Options and formats are those of llama.cpp's llama-embedding.
//
//===----------------------------------------------------------------------===//

#include "tools/quant-run/embed.h"

#include "tools/common/files.h"
#include "tools/common/json.h"
#include "tools/quant-run/generate.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

using namespace lowbit::tools;

namespace {
/// Texts, their ids and what the model makes of them.
struct Batch {
  std::vector<std::string> texts;
  std::vector<int32_t> ids, counts;
  std::vector<float> values;
  size_t columns = 0, rows = 0;
  int64_t cutOff = 0; ///< texts that were too long

  const float *row(size_t index) const {
    return values.data() + index * columns;
  }
};
} // namespace

static std::vector<std::string> parts(const std::string &text,
                                      const std::string &separator) {
  std::vector<std::string> result;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end =
        separator.empty() ? std::string::npos : text.find(separator, begin);
    end = std::min(end, text.size());
    result.push_back(text.substr(begin, end - begin));
    begin = end + std::max<size_t>(1, separator.size());
  }
  return result;
}

/// As the runtime's qrt_embed: what is cut off is text, not what ends it.
static Error readIds(const qrt_model *model, Batch &batch) {
  size_t most = static_cast<size_t>(qrt_embedding_max_tokens(model));
  std::vector<int32_t> ids, bare;
  for (size_t i = 0; i < batch.texts.size(); ++i) {
    TOOLS_TRY(tokenize(model, batch.texts[i], true, true, ids));
    if (ids.size() > most) {
      TOOLS_TRY(tokenize(model, batch.texts[i], false, true, bare));
      bool hasEnd = !bare.empty() && bare.back() != ids.back();
      int32_t last = ids.back();
      ids.resize(most);
      if (hasEnd)
        ids.back() = last;
      ++batch.cutOff;
    }
    if (ids.empty())
      return Error("text " + std::to_string(i + 1) + " has no tokens");
    batch.ids.insert(batch.ids.end(), ids.begin(), ids.end());
    batch.counts.push_back(static_cast<int32_t>(ids.size()));
  }
  return Error::success();
}

static int32_t poolingOf(const std::string &name) {
  constexpr const char *names[] = {"none", "mean", "cls", "last", "rank"};
  for (int32_t i = 0; i < 5; ++i)
    if (name == names[i])
      return i;
  return QRT_POOLING_MODEL;
}

static Error compute(qrt_model *model, const EmbedOptions &options,
                     Batch &batch) {
  qrt_embed_options how;
  qrt_embed_options_default(model, &how);
  how.pooling = poolingOf(options.pooling);
  if (options.normalizeGiven)
    how.normalize = options.normalize;
  batch.columns = static_cast<size_t>(qrt_embedding_columns(model));
  batch.rows =
      how.pooling == QRT_POOLING_NONE ? batch.ids.size() : batch.counts.size();
  batch.values.resize(batch.rows * batch.columns);
  return check(qrt_embed_ids(
      model, batch.ids.data(), nullptr, batch.counts.data(),
      static_cast<int32_t>(batch.counts.size()), &how, batch.values.data()));
}

//===- Formats ------------------------------------------------------------===//

static std::string number(const char *format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

static double cosine(const float *a, const float *b, size_t length) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < length; ++i) {
    ab += double(a[i]) * b[i];
    aa += double(a[i]) * a[i];
    bb += double(b[i]) * b[i];
  }
  // llama.cpp's: vectors of zeros are alike, and like no other.
  if (aa == 0 || bb == 0)
    return aa == 0 && bb == 0 ? 1 : 0;
  return ab / std::sqrt(aa * bb);
}

/// "[0.0123456,-0.0234567,..]".
static std::string vectorText(const Batch &batch, size_t row, int32_t norm) {
  std::string text = "[";
  for (size_t k = 0; k < batch.columns; ++k)
    text += (k ? "," : "") +
            number(norm == 0 ? "%1.0f" : "%1.7f", batch.row(row)[k]);
  return text + "]";
}

/// One vector whole; of several their beginnings, and how alike they are.
/// Its first characters, at most 10 bytes.
static std::string beginning(const std::string &text) {
  size_t end = std::min<size_t>(10, text.size());
  while (end > 0 && end < text.size() && (text[end] & 0xC0) == 0x80)
    --end;
  return text.substr(0, end);
}

static std::string plainText(const Batch &batch, int32_t norm, bool compare) {
  std::string text;
  size_t shown =
      batch.rows > 1 ? std::min<size_t>(16, batch.columns) : batch.columns;
  for (size_t row = 0; row < batch.rows; ++row) {
    text += "embedding " + std::to_string(row) + ": ";
    for (size_t k = 0; k < shown; ++k)
      text += number(norm == 0 ? "%6.0f " : "%9.6f ", batch.row(row)[k]);
    text += "\n";
  }
  if (!compare || batch.rows < 2)
    return text;
  text += "\ncosine similarity matrix:\n\n";
  for (size_t i = 0; i < batch.rows; ++i) {
    for (size_t j = 0; j < batch.rows; ++j)
      text +=
          number("%6.2f ", cosine(batch.row(i), batch.row(j), batch.columns));
    text += beginning(batch.texts[i]) + "\n";
  }
  return text;
}

/// OpenAI's form, as llama.cpp writes it; json+ has cosines too.
static std::string jsonText(const Batch &batch, int32_t norm, bool compare) {
  std::string text = "{\n  \"object\": \"list\",\n  \"data\": [\n";
  for (size_t row = 0; row < batch.rows; ++row)
    text += "    {\n      \"object\": \"embedding\",\n      \"index\": " +
            std::to_string(row) +
            ",\n      \"embedding\": " + vectorText(batch, row, norm) +
            "\n    }" + (row + 1 < batch.rows ? "," : "") + "\n";
  text += "  ]";
  if (compare) {
    text += ",\n  \"cosineSimilarity\": [\n";
    for (size_t i = 0; i < batch.rows; ++i) {
      text += "    [";
      for (size_t j = 0; j < batch.rows; ++j)
        text +=
            (j ? "," : "") +
            number("%1.2f", cosine(batch.row(i), batch.row(j), batch.columns));
      text += std::string("]") + (i + 1 < batch.rows ? "," : "") + "\n";
    }
    text += "  ]";
  }
  return text + "\n}\n";
}

static std::string arrayText(const Batch &batch, int32_t norm) {
  std::string text = "[";
  for (size_t row = 0; row < batch.rows; ++row)
    text += (row ? "," : "") + vectorText(batch, row, norm);
  return text + "]\n";
}

static std::string rawText(const Batch &batch, int32_t norm) {
  std::string text;
  for (size_t row = 0; row < batch.rows; ++row) {
    for (size_t k = 0; k < batch.columns; ++k)
      text += (k ? " " : "") +
              number(norm == 0 ? "%1.0f" : "%1.7f", batch.row(row)[k]);
    text += "\n";
  }
  return text;
}

static std::string formatted(const Batch &batch, const EmbedOptions &options) {
  int32_t norm = options.normalize;
  if (options.format == "array")
    return arrayText(batch, norm);
  if (options.format == "json" || options.format == "json+")
    return jsonText(batch, norm, options.format == "json+");
  if (options.format == "raw")
    return rawText(batch, norm);
  return plainText(batch, norm, batch.rows == batch.texts.size());
}

//===- Classes ------------------------------------------------------------===//

static std::string classNameOf(const qrt_model *model, size_t index) {
  const char *name = qrt_class_name(model, static_cast<int32_t>(index));
  return name ? name : "LABEL_" + std::to_string(index);
}

/// Probabilities, the likeliest class first; the logit itself of one class.
static std::string classesText(const qrt_model *model, const Batch &batch,
                               bool json) {
  std::string text;
  for (size_t row = 0; row < batch.rows; ++row) {
    std::vector<double> scores(batch.row(row), batch.row(row) + batch.columns);
    if (batch.columns > 1) {
      double largest = *std::max_element(scores.begin(), scores.end());
      double sum = 0;
      for (double &score : scores)
        sum += score = std::exp(score - largest);
      for (double &score : scores)
        score /= sum;
    }
    std::vector<size_t> order(batch.columns);
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
    });
    if (json) {
      Json object = {
          {"text", batch.texts[row]},
          {"label", classNameOf(model, order[0])},
          {"scores", Json::object()},
          {"logits",
           std::vector<float>(batch.row(row), batch.row(row) + batch.columns)}};
      for (size_t i : order)
        object["scores"][classNameOf(model, i)] = scores[i];
      text += dumpJson(object);
      continue;
    }
    for (size_t i : order)
      text += (i == order[0] ? "" : "\t") + classNameOf(model, i) +
              number(" %.6f", scores[i]);
    text += "\n";
  }
  return text;
}

//===- Both ---------------------------------------------------------------===//

Error lowbit::tools::runEmbed(qrt_model *model, const EmbedOptions &options,
                              const std::string &text, bool json) {
  if (qrt_embedding_columns(model) == 0)
    return Error("the model gives logits of tokens, no embeddings: compile it "
                 "with quant-compile --embedding");
  bool hasClasses = qrt_class_name(model, 0) != nullptr;
  if (options.classify && !hasClasses)
    return Error("the model has no classes: it is no classifier; use "
                 "--embedding");
  if (options.embed && hasClasses)
    return Error("the model is a classifier and gives no embeddings: use "
                 "--classify");
  Batch batch;
  batch.texts = parts(text, options.separator);
  TOOLS_TRY(readIds(model, batch));
  double start = nowMs();
  TOOLS_TRY(compute(model, options, batch));
  double ms = nowMs() - start;
  TOOLS_TRY(writeStdout(options.classify ? classesText(model, batch, json)
                                         : formatted(batch, options)));
  if (batch.cutOff)
    std::fprintf(stderr,
                 "warning: %lld of %zu texts were longer than %d tokens, which "
                 "is what the model takes, and have been cut off\n",
                 static_cast<long long>(batch.cutOff), batch.texts.size(),
                 qrt_embedding_max_tokens(model));
  std::fprintf(stderr,
               "%zu texts, %zu tokens in %.2f ms (%.1f texts per second)\n",
               batch.texts.size(), batch.ids.size(), ms,
               ms > 0 ? 1e3 * double(batch.texts.size()) / ms : 0);
  return Error::success();
}
