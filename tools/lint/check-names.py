#!/usr/bin/env python3
"""Names, sizes and words that docs/Style.md asks for.

    check-names.py ROOT

Prints `file:line: rule` for each breach and exits 1; lines that begin with
`warning:` (sizes) do not count.
"""

import pathlib
import re
import sys

SOURCES = {".h", ".c", ".cpp", ".td"}
TREES = ("dialects", "examples", "include", "lib", "runtime", "test", "tools")
FILE_LINES, FUNCTION_LINES = 600, 60
NO_FUNCTION = re.compile(r"(namespace|struct|class|union|enum|extern|typedef)\b|template .*\b(class|struct) \w+ \{")

# A format is data: these folders must not know one by name.
FORMAT_BLIND = ("dialects/Pack", "lib/Codegen", "lib/Conversion", "lib/Target",
                "include/lowbit/Codegen", "include/lowbit/Conversion", "include/lowbit/Target",
                "runtime")
FORMAT = re.compile(r"\b(I?Q[1-8]_[0-9A-Z]\w*|TQ[12]_\w+|MXFP[468]\w*|NVFP4|I2_S|NF4|GPTQ|AWQ)\b",
                    re.IGNORECASE)

# The runtime moves numbers and never computes with them: outside these folders
# `float` is a pointer, a buffer's element or a size, and no vector code exists.
MAY_COMPUTE = ("runtime/sample", "runtime/tokenizer", "runtime/include")
FLOAT = re.compile(r"\bfloat\b")
FLOAT_STORAGE = re.compile(r"\bfloat\s*\*|<\s*(const )?float\s*>|sizeof\s*\(float\)|\bfloat\s*>")
VECTOR_CODE = re.compile(r"\barm_neon\.h|\b_mm\d*_(?!pause|getcsr|setcsr)|\bvector_size\b|\bstd::(fma|exp|sqrt|tanh)\b")

# Words of our names that are one word in lower case.
ONE_WORD = {"LowBit": "lowbit", "LLVM": "llvm", "LM": "lm", "KV": "kv", "GPU": "gpu", "SPIRV": "spirv"}


def kebab(name):
    for word, lower in ONE_WORD.items():
        name = name.replace(word, lower.capitalize())
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


class Report:
    def __init__(self):
        self.errors = 0

    def error(self, name, line, rule):
        self.errors += 1
        print(f"{name}:{line}: {rule}")

    def warn(self, name, line, rule):
        print(f"warning: {name}:{line}: {rule}")


def strip_comments(text):
    """Comments blanked, lines kept."""
    blank = lambda match: re.sub(r"[^\n]", " ", match[0])
    return re.sub(r"//[^\n]*|/\*.*?\*/", blank, text, flags=re.DOTALL)


def check_guard(name, lines, report):
    """The guard is the path in capitals. lib/ and include/lowbit/ may be left
    out, LOWBIT_ may stand before it, runtime/ reads QUANTRT_."""
    squeeze = lambda text: re.sub(r"[^A-Z0-9]", "", text.upper())
    path = re.sub(r"^(include/lowbit|lib|runtime/include/quantrt|runtime)/", "", name)
    suffix = squeeze(path)
    for number, line in enumerate(lines, 1):
        match = re.match(r"#ifndef (\w+)$", line)
        if not match:
            continue
        guard = re.sub(r"^(LOWBIT_|QUANTRT_)?(LIB_)?", "", match[1])
        if squeeze(guard) != suffix:
            report.error(name, number, f"include guard {match[1]} does not follow from the path")
        if number >= len(lines) or lines[number] != f"#define {match[1]}":
            report.error(name, number, "the line after an include guard's #ifndef defines it")
        return
    report.error(name, 1, "a header needs an include guard")


def check_banner(name, lines, report):
    file = name.rsplit("/", 1)[-1]
    if not lines or not re.match(rf"(//|/\*)===- {re.escape(file)} - \S.* *-*(\*- .* -\*-)?-*===(//|\*\\)$", lines[0]):
        report.error(name, 1, f"the first line is '//===- {file} - What it is ---===//'")


def check_sizes(name, lines, report):
    if len(lines) > FILE_LINES:
        report.warn(name, 1, f"{len(lines)} lines; a file has at most {FILE_LINES}")
    if name.endswith(".td"):
        return
    # clang-format puts the braces of a top-level function at the end of a line
    # and alone on one.
    start = None
    for number, line in enumerate(lines, 1):
        if start is None and re.match(r"[A-Za-z]", line) and not NO_FUNCTION.match(line):
            start = number
        if start is None or line.startswith((" ", "#", "//")):
            continue
        if line == "}" and number - start + 1 > FUNCTION_LINES:
            report.warn(name, start, f"{number - start + 1} lines; a function has at most {FUNCTION_LINES}")
        if line.endswith((";", "}", ">")) or not line:
            start = None


def check_formats(name, lines, report):
    if not any(name.startswith(folder + "/") for folder in FORMAT_BLIND):
        return
    for number, line in enumerate(lines, 1):
        match = FORMAT.search(line)
        if match:
            report.error(name, number, f"names the format {match[0]}; a format is data (#lowbit.scheme)")


def check_host_arithmetic(name, text, report):
    if not name.startswith("runtime/") or any(name.startswith(f + "/") for f in MAY_COMPUTE):
        return
    for number, line in enumerate(strip_comments(text).splitlines(), 1):
        if VECTOR_CODE.search(line):
            report.error(name, number, "the host does no arithmetic on weights or activations")
        elif len(FLOAT.findall(line)) > len(FLOAT_STORAGE.findall(line)):
            report.error(name, number, "the host keeps floats in buffers and does not compute with them")


def check_host_table(root, report):
    """Compiled code can call nothing that computes: the host's functions take
    and return no number of the model."""
    name = "runtime/include/quantrt/abi.h"
    path = root / name
    if not path.is_file():
        return
    text = strip_comments(path.read_text())
    match = re.search(r"typedef struct qrt_host \{(.*?)\} qrt_host;", text, re.DOTALL)
    if not match:
        report.error(name, 1, "expected the structure qrt_host")
    elif re.search(r"\b(float|double)\b", match[1]):
        line = text[:match.start()].count("\n") + 1
        report.error(name, line, "a function of qrt_host takes or returns floats; arithmetic is compiled")


PASS = re.compile(r'^def (\w+) *: *(?:Interface)?Pass<\s*"([^"]+)"', re.MULTILINE)


def check_passes(file, root, report):
    """One stem, four places: Passes.td, the flag, the file with its DEBUG_TYPE,
    the test (the fifth, the documentation, is generated)."""
    name = file.relative_to(root).as_posix()
    text = file.read_text()
    folder = file.parent
    for match in PASS.finditer(text):
        definition, flag = match[1], match[2]
        line = text[:match.start()].count("\n") + 1
        stem = kebab(definition)
        dialect = folder.parent.name.lower() if "dialects" in file.parts else None
        expected = f"{dialect}-{stem}" if dialect else stem
        if flag != expected:
            report.error(name, line, f"the flag of {definition} is '{expected}', not '{flag}'")
        file_stem = re.sub(r"^Convert", "", definition)
        sources = list(folder.rglob(f"{file_stem}.cpp"))
        if not sources:
            report.error(name, line, f"{definition} belongs into a file {file_stem}.cpp below {folder.relative_to(root)}")
        for source in sources:
            if f'#define DEBUG_TYPE "{flag}"' not in source.read_text():
                report.error(source.relative_to(root).as_posix(), 1, f'expected #define DEBUG_TYPE "{flag}"')
        mirror = root / "test" / folder.relative_to(root).as_posix().replace("lib/", "", 1)
        if not list(mirror.rglob(f"{flag}.mlir")):
            report.error(name, line, f"{definition} needs a test {flag}.mlir below {mirror.relative_to(root)}")


def check_tests(root, report):
    for file in sorted((root / "test" / "unit").rglob("*.cpp")):
        name = file.relative_to(root).as_posix()
        if re.search(r"^TEST(_[FP])?\(", file.read_text(), re.MULTILINE) and not file.name.endswith("Test.cpp"):
            report.error(name, 1, "a file with tests is called <Subject>Test.cpp")


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    report = Report()
    for tree in TREES:
        for file in sorted((root / tree).rglob("*")):
            if file.suffix not in SOURCES or not file.is_file():
                continue
            name = file.relative_to(root).as_posix()
            text = file.read_text()
            lines = text.splitlines()
            check_banner(name, lines, report)
            if file.suffix == ".h":
                check_guard(name, lines, report)
            check_sizes(name, lines, report)
            check_formats(name, lines, report)
            check_host_arithmetic(name, text, report)
            if file.name == "Passes.td":
                check_passes(file, root, report)
    check_host_table(root, report)
    check_tests(root, report)
    return 1 if report.errors else 0


if __name__ == "__main__":
    sys.exit(main())
