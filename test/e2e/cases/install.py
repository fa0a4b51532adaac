"""What `cmake --install` puts somewhere is enough for a C program."""

import shutil
import sys

from harness import ROOT, TINY, expect, one_line

PROMPT, MODEL = "a b c", TINY / "llama-q4_1.gguf"


def installed(context):
    prefix = context.scratch / "prefix"
    if not prefix.exists():
        context.run(shutil.which("cmake"), "--install", context.build, "--prefix", prefix)
    return prefix


def expected(context):
    return context.run("quant-run", context.module(MODEL), "-p", PROMPT, "-n", 48, "--temp", 0).rstrip("\n")


def test_prefix(context):
    prefix = installed(context)
    files = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if not path.is_dir()}
    for name in ("bin/quant-run", "bin/quant-compile", "bin/quant-bench", "bin/quant-eval", "bin/quant-report",
                 "bin/quant-opt", "bin/quant-lsp-server", "include/quantrt/quantrt.h", "include/quantrt/abi.h",
                 "include/quantrt/format.h", "lib/libquantrt.a", "lib/libquantrt.so",
                 "lib/pkgconfig/quantrt.pc", "lib/cmake/lowbit/lowbitConfig.cmake"):
        expect(name in files, f"{name} is not installed; there are {sorted(files)}")
    text = context.run(prefix / "bin" / "quant-run", MODEL, "-p", PROMPT, "-n", 48, "--temp", 0)
    expect(text.rstrip("\n") == expected(context), "the installed quant-run says something else")


def test_embed_with_gcc(context):
    """gcc and pkg-config, loading a module by its path."""
    prefix = installed(context)
    flags = context.run(shutil.which("pkg-config"), "--cflags", "--libs", "quantrt",
                        PKG_CONFIG_PATH=str(prefix / "lib/pkgconfig")).split()
    program = context.folder / "embed"
    context.run(shutil.which("gcc"), "-std=c11", "-Wall", "-Wextra", "-Werror", "-o", program,
                ROOT / "examples/embed/embed.c", *flags, "-ldl", f"-Wl,-rpath,{prefix}/lib")
    text = context.run(program, PROMPT, context.module(MODEL))
    expect(text.rstrip("\n") == expected(context), f"embed says something else: {text!r}")


def test_embed_with_cmake(context):
    """find_package(lowbit), linked with the module."""
    prefix, build = installed(context), context.folder / "build"
    cmake = shutil.which("cmake")
    context.run(cmake, "-G", "Ninja", "-S", ROOT / "examples/embed", "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}",
                "-DCMAKE_C_COMPILER=gcc", f"-DMODULE={context.module(MODEL)}")
    context.run(cmake, "--build", build)
    text = context.run(build / "embed", PROMPT)
    expect(text.rstrip("\n") == expected(context), f"embed says something else: {text!r}")


def link(context, sources, *libraries, output="static"):
    """gcc, with what is installed."""
    prefix = installed(context)
    context.run(shutil.which("gcc"), "-std=c11", "-Wall", "-Wextra", "-Werror", "-Wl,--fatal-warnings", "-I.",
                f"-I{prefix}/include", "-o", output, *sources, *libraries)
    return context.folder / output


def make_object(context, model=MODEL, name="model", *options):
    context.run("quant-compile", model, "-o", f"{name}.o", "--emit=obj", f"--emit-header={name}.h", "--quiet", *options)


def test_embed_static(context):
    """A module as an object: a program that needs neither module nor runtime at
    its side, and one that shares the runtime."""
    make_object(context)
    source, prefix = ROOT / "examples/embed/static.c", installed(context)
    flags = context.run(shutil.which("pkg-config"), "--static", "--libs", "quantrt",
                        PKG_CONFIG_PATH=str(prefix / "lib/pkgconfig")).split()
    alone = link(context, [source, "model.o", prefix / "lib/libquantrt.a"], *(f for f in flags if f != "-lquantrt"))
    shared = link(context, [source, "model.o"], f"-L{prefix}/lib", "-lquantrt", f"-Wl,-rpath,{prefix}/lib",
                  output="shared")
    moved = context.folder / "elsewhere"
    moved.mkdir()
    for program in (alone, shared):
        program = program.rename(moved / program.name)
        text = context.run(program, PROMPT)
        expect(text.rstrip("\n") == expected(context), f"{program.name} says something else: {text!r}")
    context.run(shutil.which("strip"), moved / "static")
    expect(context.run(moved / "static", PROMPT).rstrip("\n") == expected(context), "stripped, it says something else")


BOTH = r"""
#include "one.h"
#include "two.h"
#include <stdio.h>
int main(void) {
  const qrt_static_module *modules[] = {&one_module, &other};
  for (int i = 0; i < 2; ++i) {
    qrt_model *model = NULL;
    qrt_model_info info;
    if (qrt_load_static(modules[i], NULL, &model)) {
      fprintf(stderr, "%s\n", qrt_last_error());
      return 1;
    }
    qrt_get_model_info(model, &info);
    printf("%s\n", info.architecture);
    qrt_unload(model);
  }
  return 0;
}
"""


def test_two_modules_in_a_program(context):
    """Their symbols do not meet; only the one that is asked for is visible."""
    make_object(context, MODEL, "one")
    make_object(context, TINY / "qwen3-f32.gguf", "two", "--symbol=other")
    (context.folder / "both.c").write_text(BOTH)
    prefix = installed(context)
    both = link(context, ["both.c", "one.o", "two.o"], f"-L{prefix}/lib", "-lquantrt", f"-Wl,-rpath,{prefix}/lib")
    expect(context.run(both) == "llama\nqwen3\n", "expected both architectures")
    visible = [line.split()[-1] for line in context.run(shutil.which("readelf"), "-sW", "two.o").splitlines()
               if " GLOBAL DEFAULT " in line]
    expect(set(visible) <= {"other", "memcpy", "memmove", "memset"} and "other" in visible, f"visible: {visible}")


def test_damaged_static_module(context):
    """Weights that are not what was compiled are refused."""
    make_object(context)
    content = bytearray((context.folder / "model.o").read_bytes())
    content[-1] ^= 1  # the weights are what an object ends with
    (context.folder / "model.o").write_bytes(content)
    prefix = installed(context)
    program = link(context, [ROOT / "examples/embed/static.c", "model.o"], f"-L{prefix}/lib", "-lquantrt",
                   f"-Wl,-rpath,{prefix}/lib")
    line = one_line(context.attempt(program, PROMPT), "static")
    expect("model_module" in line and "hash" in line, f"expected the module and its hash in {line!r}")


def test_object_above_a_gigabyte(context):
    """6 layers of the 8B shape: refused at once, in one line."""
    context.run(sys.executable, ROOT / "test/e2e/big_model.py", "big.gguf", 6)
    line = one_line(context.attempt("quant-compile", "big.gguf", "-o", "big.o", "--emit=obj"), "quant-compile")
    expect("big.o" in line and "1 GiB" in line and ".so" in line, f"expected what to do in {line!r}")
    expect(sorted(path.name for path in context.folder.iterdir()) == ["big.gguf"], "something was left behind")
