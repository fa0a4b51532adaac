"""What `cmake --install` puts somewhere is enough for a C program."""

import shutil

from harness import ROOT, TINY, expect

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
    for name in ("bin/quant-run", "bin/quant-compile", "bin/quant-bench", "bin/quant-eval", "bin/quant-opt",
                 "bin/quant-lsp-server", "include/quantrt/quantrt.h", "include/quantrt/abi.h",
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
