//===- ChatTemplateErrorsTest.cpp - Templates that are refused ------------===//

#include "tokenizer/chat_template.h"

#include <gtest/gtest.h>

using namespace qrt;

namespace {

Status render(std::string_view source) {
  std::string out;
  return renderChatTemplate(source, {{"user", "hi"}}, true, "", "", out);
}

std::string repeat(std::string_view part, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i)
    out += part;
  return out;
}

TEST(ChatTemplateErrors, NamesTheConstructAndTheLine) {
  auto refuses = [](std::string_view source, std::string_view what) {
    Status status = render(source);
    EXPECT_EQ(status.code(), QRT_UNSUPPORTED) << source;
    EXPECT_EQ(status.message(),
              "chat template, " + std::string(what) + " is not supported");
  };
  refuses("a\n{% include 'x' %}", "line 2: the statement 'include'");
  refuses("{% raw %}{{ }}{% endraw %}", "line 1: the statement 'raw'");
  refuses("\n\n{{ 1 | frobnicate }}", "line 3: the filter 'frobnicate'");
  refuses("{{ 1 is frobnicated }}", "line 1: the test 'frobnicated'");
  refuses("{{ 'a'.format(1) }}", "line 1: the method 'format' of a string");
  refuses("{{ cycler(1) }}", "line 1: the function 'cycler'");
  refuses("{{ f(*a) }}", "line 1: '*' in arguments");
  refuses("{{ '%s' % 1 }}", "line 1: '%' on a string");
  refuses("{{ messages[0].items }}",
          "line 1: the method 'items' without a call");
  refuses("{% for a in b recursive %}{% endfor %}", "line 1: a recursive loop");
}

TEST(ChatTemplateErrors, NamesWhatIsNotJinja) {
  for (std::string_view source : {"{{",
                                  "{{ 'a",
                                  "{% if %}{% endif %}",
                                  "{% if 1 %}",
                                  "{% endif %}",
                                  "{% for x %}{% endfor %}",
                                  "{{ 1 + }}",
                                  "{{ (1 }}",
                                  "{{ [1 }}",
                                  "{{ {1} }}",
                                  "{# open",
                                  "{{ a b }}",
                                  "{% break %}",
                                  "{{ ; }}",
                                  "{% if 1 %}{% else %}{% else %}{% endif %}",
                                  "{{ a[] }}",
                                  "{% %}",
                                  "{% set = 1 %}",
                                  "{% macro f( %}{% endmacro %}",
                                  "{{ }}"})
    EXPECT_EQ(render(source).code(), QRT_CORRUPT) << source;
  EXPECT_EQ(render("\n{% if 1 %}").message(),
            "chat template, line 2: the template ends before 'endif'");
}

TEST(ChatTemplateErrors, NamesMisuse) {
  EXPECT_EQ(render("{{ nope.x }}").message(),
            "chat template, line 1: 'nope' is undefined");
  for (std::string_view source :
       {"{{ 'a' + 1 }}", "{{ 1 / 0 }}", "{{ 1 % 0 }}", "{{ 1 < 'a' }}",
        "{{ messages.x.y }}", "{% for a in 1 %}{% endfor %}", "{{ 1(2) }}",
        "{% for a, b in [1] %}{% endfor %}", "{% set a.b = 1 %}",
        "{{ [1][::0] }}", "{{ 1[1:] }}", "{{ ['a'] | join(1) }}",
        "{{ range(1, 2, 0) }}", "{{ 1 in 1 }}", "{{ -'a' }}"})
    EXPECT_EQ(render(source).code(), QRT_INVALID_ARGUMENT) << source;
}

TEST(ChatTemplateErrors, BoundsNesting) {
  for (std::string_view part :
       {"(", "[", "{1:", "not ", "-", "a[", "f(", "1 if 1 else ", "{'a':"})
    EXPECT_FALSE(render("{{ " + repeat(part, 100000)).ok()) << part;
  EXPECT_FALSE(render(repeat("{% if 1 %}", 50000)).ok());
  EXPECT_FALSE(render(repeat("{% for a in b %}", 50000)).ok());
  for (std::string_view part : {"+1", "|list", ".a", "[0]", "(1)", " is none"})
    EXPECT_FALSE(render("{{ a" + repeat(part, 100000) + " }}").ok()) << part;
  EXPECT_EQ(render("{{ 1" + repeat("+1", 1000) + " }}").code(),
            QRT_UNSUPPORTED);
}

TEST(ChatTemplateErrors, BoundsRecursion) {
  EXPECT_EQ(render("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}").code(),
            QRT_UNSUPPORTED);
  // A value that holds itself.
  EXPECT_EQ(render("{% set n = namespace() %}{% set n.l = [n] %}{{ n.l }}"
                   "{% set n.l = [n.l] %}{{ n.l == n.l }}")
                .code(),
            QRT_INVALID_ARGUMENT);
  const std::string grow = "{% set n = namespace(a=[1]) %}"
                           "{% for i in range(90) %}{% set n.a = [n.a, n.a] %}"
                           "{% endfor %}";
  EXPECT_EQ(render(grow + "{{ n.a }}").code(), QRT_UNSUPPORTED);
  EXPECT_EQ(render(grow + "{{ n.a | tojson }}").code(), QRT_UNSUPPORTED);
  EXPECT_EQ(render(grow + "{{ n.a == [n.a[0], n.a[1]] }}").code(),
            QRT_UNSUPPORTED);
}

TEST(ChatTemplateErrors, BoundsWorkAndMemory) {
  for (std::string_view source :
       {"{{ range(10 ** 9) }}", "{{ 'a' * 10 ** 12 }}", "{{ 10 ** 100 }}",
        "{{ [1] * 10 ** 15 }}",
        "{% for a in range(99999) %}{% for b in range(99999) %}"
        "{% endfor %}{% endfor %}",
        "{% set n = namespace(s='abcdefgh') %}{% for i in range(99) %}"
        "{% set n.s = n.s + n.s %}{% endfor %}",
        "{% set n = namespace(s='abcdefgh') %}{% for i in range(99) %}"
        "{% set n.s = n.s.replace('a', n.s) %}{% endfor %}",
        "{% set n = namespace(s='abcdefgh') %}{% for i in range(99) %}"
        "{% set n.s = [n.s, n.s] | join %}{% endfor %}",
        "{% macro f(n) %}{% for i in range(9) %}{{ f(n) }}{% endfor %}"
        "{% endmacro %}{{ f(1) }}"})
    EXPECT_EQ(render(source).code(), QRT_UNSUPPORTED) << source;
}

TEST(ChatTemplateErrors, MessagesAreOneLine) {
  EXPECT_EQ(render("{{ messages[0]['a\nb'].c }}").message(),
            "chat template, line 2: 'a b' is undefined");
  EXPECT_EQ(render("{{ raise_exception('a\n\tb') }}").message(),
            "chat template, line 1: the template refuses these messages: a  b");
}

TEST(ChatTemplateErrors, RefusesAHugeTemplate) {
  EXPECT_EQ(render(std::string(2 << 20, 'a')).code(), QRT_UNSUPPORTED);
}

} // namespace
