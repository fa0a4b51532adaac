#!/usr/bin/env python3
"""The folder DAG of docs/Architecture.md: who may include whom.

    check-layers.py ROOT

Prints `file:line: rule` for each include that crosses it and exits 1.
"""

import pathlib
import re
import sys

DIALECTS_IR = [f"dialects/{d}/IR" for d in ("LM", "LowBit", "Pack", "Rt")]
DIALECTS_TRANSFORMS = [d.replace("/IR", "/Transforms") for d in DIALECTS_IR]
RUNTIME_PARTS = [f"runtime/{p}" for p in ("kv", "module", "sample", "thread", "tokenizer")]
SEAM = "runtime/include/quantrt"

# layer -> layers that it may include, besides itself. Longest prefix wins; a
# folder with sources that no layer covers is an error.
MAY_INCLUDE = {
    # The runtime: nothing of lib, dialects or LLVM.
    SEAM: [],
    "runtime/base": [SEAM],
    **{part: [SEAM, "runtime/base"] for part in RUNTIME_PARTS},
    "runtime/session": [SEAM, "runtime/base", *RUNTIME_PARTS],
    "runtime": [SEAM, "runtime/base", *RUNTIME_PARTS, "runtime/session"],
    # Numbers: no MLIR.
    "lib/Support": [],
    "lib/Quantize": ["lib/Support"],
    # The dialects know upstream, numbers, and Pack what LowBit's schemes are.
    "dialects/LM/IR": ["lib/Support"],
    "dialects/LowBit/IR": ["lib/Support"],
    "dialects/Pack/IR": ["lib/Support", "dialects/LowBit/IR"],
    "dialects/Rt/IR": [],
    # LM may hold weights of LowBit's types: the verifier of the import stage
    # sees both.
    "dialects/LM/Transforms": ["dialects/LM/IR", "dialects/LowBit/IR"],
    "dialects/LowBit/Transforms": ["dialects/LowBit/IR", "dialects/LM/IR"],
    "dialects/Pack/Transforms": ["dialects/Pack/IR", "dialects/LowBit/IR"],
    "dialects/Rt/Transforms": ["dialects/Rt/IR"],
    # The compiler.
    # A level is a number of the seam and a table of facts.
    "lib/Analysis": [SEAM],
    # Float weights of BitLinear layers are rounded when their rows are read.
    "lib/Import": ["lib/Support", "lib/Quantize", "dialects/LM/IR", "dialects/LowBit/IR"],
    "lib/Reference": ["lib/Support", "lib/Quantize", "dialects/LM/IR", "dialects/LowBit/IR"],
    "lib/Transforms": ["lib/Support", "lib/Quantize", "lib/Analysis", *DIALECTS_IR],
    "lib/Conversion": ["lib/Support", "lib/Analysis", *DIALECTS_IR, SEAM],
    # Kernels are built from Conversion's emitters, once for each equal op.
    "lib/Codegen": ["lib/Support", "lib/Analysis", "lib/Conversion", *DIALECTS_IR],
    "lib/Target": ["lib/Support", "lib/Analysis", *DIALECTS_IR, SEAM],
    "lib/Pipelines": ["lib/Analysis", "lib/Transforms", "lib/Conversion", "lib/Codegen",
                      "lib/Target", *DIALECTS_IR, *DIALECTS_TRANSFORMS],
    "lib/Driver": ["lib", "lib/Support", "lib/Quantize", "lib/Analysis", "lib/Import", "lib/Transforms",
                   "lib/Conversion", "lib/Codegen", "lib/Target", "lib/Pipelines",
                   *DIALECTS_IR, *DIALECTS_TRANSFORMS, SEAM],
    # Calibration runs compiled layers: the compiler's one caller of the runtime.
    "lib/Calibration": ["lib/Support", "lib/Quantize", "lib/Import", "lib/Driver", "lib/Target",
                        "dialects/LM/IR", "dialects/LowBit/IR", "dialects/LM/Transforms", SEAM],
    # InitAll: registers everything.
    "lib": ["lib/Transforms", "lib/Conversion", "lib/Codegen", "lib/Target", "lib/Pipelines",
            *DIALECTS_IR, *DIALECTS_TRANSFORMS],
    # Tools that run models know the runtime and no LLVM.
    "tools/common": [SEAM],
    **{f"tools/quant-{t}": ["tools/common", SEAM] for t in ("run", "bench")},
    # It compares weights of two modules, and says where to clip: numbers, no LLVM.
    "tools/quant-eval": ["tools/common", SEAM, "lib/Support", "lib/Quantize"],
    # It runs the other tools and draws what they print.
    "tools/quant-report": ["tools/common", SEAM],
    **{f"tools/quant-{t}": ["tools/common", "lib", "lib/Calibration", "lib/Driver", "lib/Pipelines"]
       for t in ("compile", "opt", "lsp-server")},
    # Examples know what is installed.
    "examples": [SEAM],
}
# Layers without LLVM and MLIR.
NO_LLVM = ["runtime", "lib/Support", "lib/Quantize", "tools/common", "tools/quant-run",
           "tools/quant-bench", "tools/quant-eval", "tools/quant-report", "examples"]

TREES = ("dialects", "examples", "include", "lib", "runtime", "tools")  # tests may include anything
INCLUDE = re.compile(r'^\s*#?\s*include\s+[<"]([^">]+)[">]')
# A public header belongs to the layer of the library that it declares.
ALIASES = {"include/lowbit/": "lib/", "lowbit/": "lib/", "quantrt/": SEAM + "/"}


def normalize(path):
    for alias, real in ALIASES.items():
        if path.startswith(alias):
            return real + path[len(alias):]
    return path


def within(path, prefix):
    return path.startswith(prefix + "/")


def layer_of(path):
    return max((k for k in MAY_INCLUDE if within(path, k)), key=len, default=None)


def target_of(include, here, root):
    """The file that an include names, from the root, or None outside ours."""
    there = normalize(include)
    if there.startswith(tuple(tree + "/" for tree in TREES)):
        return there
    if here.startswith("runtime/") and (root / "runtime" / include).is_file():
        return "runtime/" + include
    return None


def find_cycle():
    """A cycle of the table above, or None."""
    done, path = set(), []

    def visit(layer):
        if layer in path:
            return path[path.index(layer):] + [layer]
        if layer in done:
            return None
        path.append(layer)
        for other in MAY_INCLUDE[layer]:
            cycle = visit(other)
            if cycle:
                return cycle
        path.pop()
        done.add(layer)
        return None

    for layer in MAY_INCLUDE:
        cycle = visit(layer)
        if cycle:
            return cycle
    return None


def check_file(file, root, complain):
    name = file.relative_to(root).as_posix()
    here = normalize(name)
    layer = layer_of(here)
    if layer is None:
        complain(name, 1, "no layer covers this folder; give it one in tools/lint/check-layers.py")
        return
    for number, line in enumerate(file.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        include = match[1]
        if include.startswith(("llvm/", "mlir/", "lld/")):
            if any(within(here, prefix) for prefix in NO_LLVM):
                complain(name, number, f"{layer} must not include LLVM ({include})")
            continue
        there = target_of(include, here, root)
        if there is None:
            continue
        to = layer_of(there)
        if to != layer and to not in MAY_INCLUDE[layer]:
            complain(name, number, f"{layer} must not include {include}")


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    cycle = find_cycle()
    if cycle:
        print("tools/lint/check-layers.py:1: the layers form a cycle: " + " -> ".join(cycle))
        return 1
    bad = 0

    def complain(name, line, rule):
        nonlocal bad
        bad += 1
        print(f"{name}:{line}: {rule}")

    for tree in TREES:
        for file in sorted((root / tree).rglob("*")):
            if file.suffix in {".h", ".c", ".cpp", ".td"}:
                check_file(file, root, complain)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
