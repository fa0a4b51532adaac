/*===- embed.c - A language model in a C program -----------------*- C -*-===*\
|*
|* Linked with a module, this program holds a model; given a path, it loads one:
|*
|*   embed [PROMPT [MODULE.so]]
|*
\*===----------------------------------------------------------------------===*/

#define _GNU_SOURCE
#include <dlfcn.h>
#include <quantrt/quantrt.h>
#include <stdio.h>

/* What every module exports; null in a program that was linked without one. */
extern const char linked[] __asm__("qrt_code_table") __attribute__((weak));

static int print(void *out, const char *text, size_t bytes) {
  return fwrite(text, 1, bytes, out) != bytes;
}

int main(int argc, char **argv) {
  Dl_info module = {0};
  if (linked)
    dladdr(linked, &module);
  const char *path = argc > 2 ? argv[2] : module.dli_fname;
  const char *prompt = argc > 1 ? argv[1] : "Once upon a time";

  qrt_generate_options options;
  qrt_generate_options_default(&options);
  options.max_tokens = 48;
  options.sampling.temperature = 0; /* the likeliest token, always */

  qrt_model *model = NULL;
  if (qrt_load(path, NULL, &model) ||
      qrt_generate(model, prompt, &options, print, stdout)) {
    fprintf(stderr, "embed: %s\n", qrt_last_error());
    return 1;
  }
  qrt_unload(model);
  return putchar('\n') == EOF;
}
