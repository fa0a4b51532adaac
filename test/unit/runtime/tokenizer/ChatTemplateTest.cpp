//===- ChatTemplateTest.cpp - Tests of tokenizer/chat_template.h ----------===//

#include "tokenizer/chat_template.h"

#include <ctime>
#include <gtest/gtest.h>

using namespace qrt;

namespace {

const std::vector<ChatMessage> conversation = {
    {"system", "Be brief."}, {"user", "Hi é"}, {"assistant", " Yo \n"}};

/// The prompt, or the error's message.
std::string render(std::string_view source,
                   const std::vector<ChatMessage> &messages = conversation,
                   bool addGenerationPrompt = true) {
  std::string out;
  Status status = renderChatTemplate(source, messages, addGenerationPrompt,
                                     "<s>", "</s>", out);
  return status.ok() ? out : status.message();
}

/// An expression's text.
std::string value(const std::string &expression) {
  return render("{{ " + expression + " }}");
}

// Expected values are those of jinja2 3.1.6 with transformers' settings.

TEST(ChatTemplate, SmolLM2) {
  const char *source =
      "{% for message in messages %}{% if loop.first and "
      "messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a "
      "helpful AI assistant named SmolLM, trained by Hugging "
      "Face<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + "
      "'\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if "
      "add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
  EXPECT_EQ(render(source),
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi "
            "é<|im_end|>\n<|im_start|>assistant\n Yo \n<|im_end|>\n"
            "<|im_start|>assistant\n");
  EXPECT_EQ(render(source, {{"user", "x"}}, false),
            "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, "
            "trained by Hugging Face<|im_end|>\n<|im_start|>user\n"
            "x<|im_end|>\n");
}

TEST(ChatTemplate, GemmaStyleChecksRoles) {
  const char *source =
      "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
      "{{ raise_exception('System role not supported') }}{% endif %}"
      "{% for message in messages %}{% if (message['role'] == 'user') != "
      "(loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate') }}"
      "{% endif %}{% if (message['role'] == 'assistant') %}{% set role = "
      "'model' %}{% else %}{% set role = message['role'] %}{% endif %}"
      "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + "
      "'<end_of_turn>\n' }}{% endfor %}";
  EXPECT_EQ(render(source, {{"user", " a "}, {"assistant", "b\n"}}),
            "<s><start_of_turn>user\na<end_of_turn>\n<start_of_turn>model\n"
            "b<end_of_turn>\n");
  EXPECT_EQ(render(source), "chat template, line 1: the template refuses these "
                            "messages: System role not supported");
}

TEST(ChatTemplate, TrimsAroundTags) {
  EXPECT_EQ(
      render("  {% if true %}\n  line\n  {% endif %}\n  {{ 'x' }}\nend\n"),
      "  line\n  x\nend");
  EXPECT_EQ(render("A{%- if true -%}  B  {%- endif -%} C"), "ABC");
  EXPECT_EQ(render("  {%+ if true %}\n  line\n  {%+ endif %}\nx"),
            "    line\n  x");
  EXPECT_EQ(render("x  {# c #}\n  {# c1 #}\n  {#- c2 -#}  y"), "x  y");
  EXPECT_EQ(render("{{- ' a ' -}}  b {{ 'c' -}}\n d\n\n"), " a b cd\n");
  EXPECT_EQ(render("a\r\nb\rc\n{% set x = 1 %}\r\nd"), "a\nb\nc\nd");
  EXPECT_EQ(render("{{ 'a' }}\n{{ 'b' }}"), "a\nb");
}

TEST(ChatTemplate, Loops) {
  EXPECT_EQ(render("{% for i in range(3) %}{{ loop.index }}{{ loop.index0 }}"
                   "{{ loop.first }}{{ loop.last }}{{ loop.length }}"
                   "{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}"),
            "10TrueFalse31;21FalseFalse302;32FalseTrue31;");
  EXPECT_EQ(render("{% for i in [] %}a{% else %}none{% endfor %}"), "none");
  EXPECT_EQ(render("{% for i in range(9) if i is odd %}{{ i }}{% endfor %}"),
            "1357");
  EXPECT_EQ(render("{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k ~ v }}"
                   "{% endfor %}"),
            "a1b2");
  EXPECT_EQ(
      render("{% for i in range(9) %}{% if i == 1 %}{% continue %}"
             "{% elif i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}"),
      "023");
}

TEST(ChatTemplate, VariablesLiveInTheirLoop) {
  EXPECT_EQ(render("{% set v = 1 %}{% for i in [0] %}{% set v = 5 %}{{ v }}"
                   "{% endfor %}{{ v }}{% if true %}{% set v = 7 %}{% endif %}"
                   "{{ v }}"),
            "517");
  EXPECT_EQ(render("{% set ns = namespace(n=1) %}{% for i in range(4) %}"
                   "{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}"),
            "7");
  EXPECT_EQ(render("{% set a, b = 1, 2 %}{{ b }}{% set t %} x {{ a }}"
                   "{% endset %}{{ t | trim }}"),
            "2x 1");
}

TEST(ChatTemplate, Macros) {
  EXPECT_EQ(render("{% macro f(a, b=2) %}[{{ a }},{{ b }}]{% endmacro %}"
                   "{{ f(1) }}{{ f(1, b=3) }}{{ f() }}"),
            "[1,2][1,3][,2]");
  EXPECT_EQ(render("{% macro f(n) %}{{ n }}{% if n %}{{ f(n - 1) }}{% endif %}"
                   "{% endmacro %}{{ f(3) }}"),
            "3210");
}

TEST(ChatTemplate, Operators) {
  EXPECT_EQ(value("1 + 2 * 3 ** 2 - 8 // 3 % 2"), "19");
  EXPECT_EQ(value("-7 // 2 ~ ',' ~ 7 % -3 ~ ',' ~ 7 / 2"), "-4,-2,3.5");
  EXPECT_EQ(value("1 < 2 < 3 and not 1 == 2 or x.y"), "True");
  EXPECT_EQ(value("'a' in 'abc' and 4 not in [1, 2]"), "True");
  EXPECT_EQ(value("'a' if x is defined else 'b' if y else 'c'"), "c");
  EXPECT_EQ(value("'ab' * 2 + 'c'"), "ababc");
  EXPECT_EQ(value("([1] + [2, none]) ~ {'k': \"it's\"}"),
            "[1, 2, None]{'k': \"it's\"}");
  EXPECT_EQ(value("0.1 + 0.2"), "0.30000000000000004");
  EXPECT_EQ(value("[1e20, 1.0, 1e-5, 1e15]"),
            "[1e+20, 1.0, 1e-05, 1000000000000000.0]");
}

TEST(ChatTemplate, IndexesAndSlices) {
  EXPECT_EQ(value("messages[-1].role ~ messages[9] ~ messages[0].nope"),
            "assistant");
  EXPECT_EQ(value("'héllo'[1:3] ~ 'abc'[::-1] ~ 'abc'[-2] ~ 'abc'[5:]"),
            "élcbab");
  EXPECT_EQ(value("[1, 2, 3, 4][1:-1] ~ [1, 2, 3][::2]"), "[2, 3][1, 3]");
  EXPECT_EQ(value("messages[1:] | length"), "2");
}

TEST(ChatTemplate, Filters) {
  EXPECT_EQ(value("' a ' | trim | upper | replace('A', 'bc') | capitalize"),
            "Bc");
  EXPECT_EQ(value("x | default('d') ~ '' | default('e', true) ~ none | d('f')"),
            "deNone");
  EXPECT_EQ(value("messages | selectattr('role', 'equalto', 'user') | "
                  "map(attribute='content') | join(',')"),
            "Hi é");
  EXPECT_EQ(value("messages | rejectattr('role', 'in', ['user', 'system']) | "
                  "list | length"),
            "1");
  EXPECT_EQ(value("[3, 1] | first ~ [3, 1] | last ~ 'é1' | length"), "312");
  EXPECT_EQ(value("('12' | int + 1) ~ ('x' | int) ~ 5 | string"), "1305");
  EXPECT_EQ(value("{'a': [1, true, none], 'é': \"\\\"<\\n\"} | tojson"),
            "{\"a\": [1, true, null], \"é\": \"\\\"<\\n\"}");
  EXPECT_EQ(value("{'a': [1], 'b': {}} | tojson(indent=2)"),
            "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}");
  EXPECT_EQ(value("{'a': 1} | items | list"), "[('a', 1)]");
}

TEST(ChatTemplate, Methods) {
  EXPECT_EQ(
      value("'<think>x</think>\n y '.split('</think>')[-1].lstrip('\\n')"),
      " y ");
  EXPECT_EQ(value("' a b  c '.split() ~ 'a,b,c'.split(',', 1)"),
            "['a', 'b', 'c']['a', 'b,c']");
  EXPECT_EQ(value("'abc'.startswith('ab') and 'abc'.endswith(('x', 'c'))"),
            "True");
  EXPECT_EQ(value("'xxaxx'.strip('x') ~ 'hello wORLD'.title()"),
            "aHello World");
  EXPECT_EQ(value("messages[0].get('nope') ~ {'a': 1}.keys() | list"),
            "None['a']");
  EXPECT_EQ(value("', '.join(['a', 'b']) ~ 'abcb'.find('b')"), "a, b1");
}

TEST(ChatTemplate, Tests) {
  EXPECT_EQ(value("tools is none and tools is defined and x is undefined"),
            "True");
  EXPECT_EQ(value("'a' is string and {} is mapping and [] is iterable and "
                  "'' is sequence and 1 is number and true is boolean"),
            "True");
  EXPECT_EQ(value("1 is not string and 4 is divisibleby 2 and 1 is eq(1)"),
            "True");
}

TEST(ChatTemplate, Time) {
  std::time_t now = std::time(nullptr);
  char year[8];
  std::strftime(year, sizeof(year), "%Y", std::localtime(&now));
  EXPECT_EQ(render("{% if strftime_now is defined %}{{ strftime_now('%Y') }}"
                   "{% endif %}"),
            year);
}

TEST(ChatTemplate, AppendsOnlyWhatSucceeded) {
  std::string out = "before ";
  EXPECT_TRUE(renderChatTemplate("{{ 1 }}", {}, false, "", "", out).ok());
  EXPECT_FALSE(renderChatTemplate("2{{ a.b }}", {}, false, "", "", out).ok());
  EXPECT_EQ(out, "before 1");
}

} // namespace
