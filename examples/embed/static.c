/*===- static.c - A program that is a language model -------------*- C -*-===*\
|*
|* Everything is in the program: code, weights, tokenizer, runtime.
|*
|*   quant-compile MODEL.gguf -o model.o --emit=obj --emit-header=model.h
|*   gcc -I. static.c model.o $(pkg-config --cflags --libs quantrt) -o static
|*   ./static [PROMPT]
|*
\*===----------------------------------------------------------------------===*/

#include "model.h" /* declares model_module */

#include <stdio.h>

static int print(void *out, const char *text, size_t bytes) {
  return fwrite(text, 1, bytes, out) != bytes;
}

int main(int argc, char **argv) {
  const char *prompt = argc > 1 ? argv[1] : "Once upon a time";
  qrt_generate_options options;
  qrt_generate_options_default(&options);
  options.max_tokens = 48;
  options.sampling.temperature = 0; /* the likeliest token, always */

  qrt_model *model = NULL;
  if (qrt_load_static(&model_module, NULL, &model) ||
      qrt_generate(model, prompt, &options, print, stdout)) {
    fprintf(stderr, "static: %s\n", qrt_last_error());
    return 1;
  }
  qrt_unload(model);
  return putchar('\n') == EOF;
}
