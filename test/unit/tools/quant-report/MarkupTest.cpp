//===- MarkupTest.cpp - Numbers and words for HTML ------------------------===//

#include "tools/quant-report/markup.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace lowbit::tools::report;

TEST(MarkupTest, markup_becomes_text) {
  EXPECT_EQ(escape("<script>\"a\" & 'b'</script>"),
            "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;");
}

TEST(MarkupTest, any_bytes_become_utf8) {
  EXPECT_EQ(escape("a\xFF\xC3z"), "a\uFFFD\uFFFDz");
  EXPECT_EQ(escape("\xE2\x82"), "\uFFFD");
  EXPECT_EQ(escape("\xC3\xA9"), "\u00E9");
  EXPECT_EQ(escape(std::string_view("\0\x1B", 2)), "\uFFFD\uFFFD");
  EXPECT_EQ(escape("a\nb\tc"), "a\u23CEb\u21E5c");
}

TEST(MarkupTest, shortens_by_characters) {
  EXPECT_EQ(shorten("abc", 3), "abc");
  EXPECT_EQ(shorten("abcd", 3), "abc\u2026");
  EXPECT_EQ(shorten("abcd", 3, true), "\u2026bcd");
  EXPECT_EQ(shorten("\u00E9\u00E8\u00EA", 2), "\u00E9\u00E8\u2026");
  EXPECT_EQ(shorten("\u00E9\u00E8\u00EA", 2, true), "\u2026\u00E8\u00EA");
  EXPECT_EQ(shorten("\xFF\xFF", 1), "\uFFFD\u2026");
}

TEST(MarkupTest, figures) {
  EXPECT_EQ(figure(0), "0");
  EXPECT_EQ(figure(1234.4), "1234");
  EXPECT_EQ(figure(97.64), "97.6");
  EXPECT_EQ(figure(1), "1.00");
  EXPECT_EQ(figure(0.01234), "0.0123");
  EXPECT_EQ(figure(-0.5), "-0.500");
  EXPECT_EQ(figure(1.04e-5), "1.0e-5");
  EXPECT_EQ(figure(NAN), "\u2013");
  EXPECT_EQ(figure(INFINITY), "\u2013");
  EXPECT_EQ(scientific(1e10), "1e10");
  EXPECT_EQ(grouped(9999), "9999");
  EXPECT_EQ(grouped(1234567), "1\u202F234\u202F567");
  EXPECT_EQ(megabytes(96.58e6), "96.6\u00A0MB");
  EXPECT_EQ(megabytes(269e6), "269\u00A0MB");
  EXPECT_EQ(megabytes(1.5e9), "1.50\u00A0GB");
}

TEST(MarkupTest, changes) {
  EXPECT_EQ(change(1.0123), "+1.23\u00A0%");
  EXPECT_EQ(change(0.99), "\u22121.00\u00A0%");
  EXPECT_EQ(change(1.5), "+50\u00A0%");
  EXPECT_EQ(change(12), "\u00D7\u00A012");
  EXPECT_EQ(change(2e7), "\u00D7\u00A02e7");
  EXPECT_EQ(change(NAN), "\u2013");
  EXPECT_EQ(times(2.104), "2.10\u00D7");
  EXPECT_EQ(times(21.04), "21.0\u00D7");
}
