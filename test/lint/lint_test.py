#!/usr/bin/env python3
"""The lints find what they are there for: each rule, broken on purpose.

    lint_test.py ROOT
"""

import pathlib
import subprocess
import sys
import tempfile

BANNER = "//===- {file} - Something ---===//\n"
PASS = '''//===- Passes.td - Passes ---===//
def {definition} : Pass<"{flag}"> {{
  let summary = "Does";
  let description = [{{ {description} }}];
}}
'''
GOOD_PASS = PASS.format(definition="MakeThings", flag="make-things", description="```mlir\nx\n```")
MAKE_THINGS = BANNER.format(file="MakeThings.cpp") + '#define DEBUG_TYPE "make-things"\n'


def header(file, guard, body=""):
    return BANNER.format(file=file) + f"#ifndef {guard}\n#define {guard}\n{body}#endif\n"


def source(file, body):
    return BANNER.format(file=file) + body


# (lint, what is broken, files, a part of the complaint; None: nothing to complain about)
CASES = [
    ("layers", "the runtime includes a dialect",
     {"runtime/base/a.cpp": '#include "dialects/LM/IR/LMOps.h"\n'},
     "runtime/base/a.cpp:1: runtime/base must not include dialects/LM/IR/LMOps.h"),
    ("layers", "numerics include an importer",
     {"lib/Quantize/A.cpp": '\n#include "lowbit/Import/Importers.h"\n'},
     "lib/Quantize/A.cpp:2: lib/Quantize must not include lowbit/Import/Importers.h"),
    ("layers", "a public header counts as its library",
     {"include/lowbit/Support/A.h": '#include "lowbit/Analysis/TargetInfo.h"\n'},
     "include/lowbit/Support/A.h:1: lib/Support must not include"),
    ("layers", "a tool that runs models links LLVM",
     {"tools/quant-run/a.cpp": '#include "llvm/ADT/StringRef.h"\n'},
     "tools/quant-run must not include LLVM"),
    ("layers", "the base of the runtime includes what stands on it",
     {"runtime/base/a.h": '#include "thread/pool.h"\n', "runtime/thread/pool.h": ""},
     "runtime/base must not include thread/pool.h"),
    ("layers", "a folder without a layer",
     {"lib/Surprise/A.cpp": ""}, None),  # below `lib`, which covers it
    ("layers", "a tool without a layer",
     {"tools/surprise/a.cpp": ""}, "tools/surprise/a.cpp:1: no layer covers this folder"),
    ("layers", "code generation may see the seam through Conversion alone",
     {"lib/Target/CPU/A.cpp": '#include "quantrt/abi.h"\n'}, None),
    ("names", "a guard of another file",
     {"lib/Codegen/A.h": header("A.h", "LOWBIT_CODEGEN_B_H")},
     "lib/Codegen/A.h:2: include guard LOWBIT_CODEGEN_B_H does not follow"),
    ("names", "a good guard", {"lib/Codegen/A.h": header("A.h", "LOWBIT_LIB_CODEGEN_A_H")}, None),
    ("names", "a banner of another file",
     {"lib/Codegen/A.cpp": source("B.cpp", "")}, "lib/Codegen/A.cpp:1: the first line is"),
    ("names", "a format in code generation",
     {"lib/Codegen/A.cpp": source("A.cpp", "// as in Q4_1\n")}, "lib/Codegen/A.cpp:2: names the format Q4_1"),
    ("names", "a format in the runtime",
     {"runtime/base/a.cpp": source("a.cpp", 'auto x = "mxfp4";\n')}, "names the format mxfp4"),
    ("names", "a format where formats live", {"lib/Support/A.cpp": source("A.cpp", "// Q4_1\n")}, None),
    ("names", "the runtime computes",
     {"runtime/kv/a.cpp": source("a.cpp", "float x = 1;\n")}, "the host keeps floats in buffers"),
    ("names", "the runtime has vector code",
     {"runtime/kv/a.cpp": source("a.cpp", "auto x = _mm256_add_ps(a, b);\n")}, "the host does no arithmetic"),
    ("names", "the runtime passes floats on",
     {"runtime/kv/a.cpp": source("a.cpp", "void f(float *logits, size_t n = sizeof(float)); // float x\n")}, None),
    ("names", "the host offers arithmetic",
     {"runtime/include/quantrt/abi.h": header(
         "abi.h", "QUANTRT_ABI_H", "typedef struct qrt_host {\n  void (*dot)(const float *);\n} qrt_host;\n")},
     "a function of qrt_host takes or returns floats"),
    ("names", "a flag that is not the pass's name",
     {"lib/Transforms/Passes.td": GOOD_PASS.replace("make-things", "do-things"),
      "lib/Transforms/MakeThings.cpp": MAKE_THINGS},
     "the flag of MakeThings is 'make-things', not 'do-things'"),
    ("names", "a pass without a test",
     {"lib/Transforms/Passes.td": GOOD_PASS, "lib/Transforms/MakeThings.cpp": MAKE_THINGS},
     "MakeThings needs a test make-things.mlir"),
    ("names", "a pass in another file",
     {"lib/Transforms/Passes.td": GOOD_PASS, "test/Transforms/make-things.mlir": ""},
     "MakeThings belongs into a file MakeThings.cpp"),
    ("names", "a pass as it should be",
     {"lib/Transforms/Passes.td": GOOD_PASS, "lib/Transforms/MakeThings.cpp": MAKE_THINGS,
      "test/Transforms/make-things.mlir": ""}, None),
    ("names", "tests in a file of another name",
     {"test/unit/A.cpp": source("A.cpp", "TEST(A, B) {}\n")}, "a file with tests is called"),
    ("docs", "a pass without an example",
     {"README.md": "", "lib/Transforms/Passes.td": GOOD_PASS.replace("```mlir", "```")},
     "lib/Transforms/Passes.td:2: the description of MakeThings needs an example"),
    ("docs", "an op without a description",
     {"README.md": "", "dialects/A/IR/AOps.td": 'def A_BOp : A_Op<"b"> {\n  let summary = "Does";\n}\n'},
     "A_BOp needs a description"),
    ("docs", "a broken link", {"README.md": "[x](docs/No.md)\n"}, "README.md:1: the link docs/No.md leads nowhere"),
    ("docs", "a heading that is gone", {"README.md": "# One\n[x](#two)\n"}, "has the anchor #two"),
    ("docs", "a heading", {"README.md": "# One `two`, three\n[x](#one-two-three)\n"}, None),
    ("docs", "a file that is gone", {"README.md": "see `lib/No.cpp`\n"}, "lib/No.cpp does not exist"),
    ("docs", "a pass that is gone", {"README.md": "run `--lm-make-things`\n"}, "there is no pass or pipeline"),
    ("docs", "no README", {"docs/A.md": ""}, "README.md:1: is missing"),
]


def run(lint, root, files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return subprocess.run([sys.executable, f"{root}/tools/lint/check-{lint}.py", folder],
                              capture_output=True, text=True)


def main():
    root, failed = sys.argv[1], 0
    for lint, what, files, complaint in CASES:
        result = run(lint, root, files)
        said = result.stdout + result.stderr
        good = (result.returncode == 1 and complaint in said if complaint
                else result.returncode == 0 and not said)
        if not good:
            failed += 1
            print(f"FAILED check-{lint}.py: {what}: exit {result.returncode}, expected "
                  f"{complaint or 'silence'}\n{said}")
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
