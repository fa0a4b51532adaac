#!/usr/bin/env python3
"""Documentation that cannot rot unseen.

    check-docs.py ROOT

- Every op, attribute, type and pass in a .td has a summary and a description,
  and the description an example (```mlir, or one in backquotes after
  "Example:").
- In README.md and docs/: links resolve, headings that they name exist, files
  named in backquotes exist, pass and pipeline flags are real.
Prints `file:line: rule` and exits 1.
"""

import pathlib
import re
import sys

DEFINITION = re.compile(r"^def (\w+) *: *(\w+)", re.MULTILINE)
# Bases of definitions that people read about; constraints and enums are not.
DOCUMENTED = re.compile(r"^(Pass|InterfacePass|TypeDef|AttrDef|Dialect|\w+_(Op|Attr|Type)|\w*Op)$")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
TREES = ("dialects/", "docs/", "examples/", "include/", "lib/", "runtime/", "scripts/", "test/", "tools/", ".ci/")
FENCE = re.compile(r"^\s*```")


def body_of(text, start):
    """The text between the braces of the definition at `start`."""
    depth, position = 0, start
    while position < len(text):
        if text.startswith("[{", position):
            position = text.index("}]", position) + 2
            continue
        character = text[position]
        if character == ";" and depth == 0:
            return ""
        if character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if depth == 0:
                return text[start:position + 1]
        position += 1
    return text[start:]


def check_td(name, text, complain):
    for match in DEFINITION.finditer(text):
        if not DOCUMENTED.match(match[2]):
            continue
        line = text[:match.start()].count("\n") + 1
        body = body_of(text, match.start())
        if not re.search(r'let summary\s*=\s*"[^"]+"', body):
            complain(name, line, f"{match[1]} needs a summary")
        description = re.search(r"let description\s*=\s*\[\{(.*?)\}\]", body, re.DOTALL)
        if not description or not description[1].strip():
            complain(name, line, f"{match[1]} needs a description")
        elif match[2] != "Dialect" and not re.search(r"```mlir|Examples?:?\s+`", description[1]):
            complain(name, line, f"the description of {match[1]} needs an example (```mlir)")


def anchors(text):
    """The anchors of a file's headings, as GitHub makes them."""
    result = set()
    for line in outside_fences(text):
        match = re.match(r"#+ (.*)", line[1])
        if match:
            plain = re.sub(r"[`*_]", lambda m: "_" if m[0] == "_" else "", match[1]).strip().lower()
            result.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return result


def outside_fences(text):
    """(line number, line) of what is not in a ``` block."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if FENCE.match(line):
            inside = not inside
        elif not inside:
            yield number, line


def flags_of(root):
    """Flags of our passes and pipelines."""
    flags = set()
    for file in root.rglob("Passes.td"):
        flags.update(re.findall(r'Pass<\s*"([^"]+)"', file.read_text()))
    for file in (root / "lib").rglob("*.cpp"):
        # lib/Pipelines makes `STAGE-pipeline` from its table of stages.
        stages = re.findall(r'\{Stage::\w+,\s*"(\w+)"\}', file.read_text())
        flags.update(f"{stage}-pipeline" for stage in stages)
    return flags


def check_link(file, name, number, target, root, complain):
    if re.match(r"[a-z]+:", target):
        return
    path, _, anchor = target.partition("#")
    other = (file.parent / path).resolve() if path else file
    if not other.exists():
        complain(name, number, f"the link {target} leads nowhere")
    elif anchor and other.suffix == ".md" and anchor not in anchors(other.read_text()):
        complain(name, number, f"no heading of {path or name} has the anchor #{anchor}")
    elif root not in other.parents and other != root:
        complain(name, number, f"the link {target} leaves the repository")


def check_code(name, number, code, root, flags, complain):
    word = code.split()[0] if code.split() else ""
    if word.startswith(TREES):
        # `lib/Support/Float.{h,cpp}`, `test/fuzz/*.cpp`, `docs/Stages.md#loops`
        path = word.split("#")[0].rstrip("/:,")
        path = re.sub(r":\d+$", "", path)
        braces = re.search(r"\{([^}]*)\}", path)
        names = [path.replace(braces[0], part) for part in braces[1].split(",")] if braces else [path]
        for one in names:
            if re.search(r"[<$]|NAME", one):
                continue  # a pattern such as lib/<Library>
            # lib/Support/Scheme may stand for the pair Scheme.{h,cpp}.
            if not (root / one).exists() and not list(root.glob(one)) and not list(root.glob(one + ".*")):
                complain(name, number, f"{one} does not exist")
    match = re.match(r"--((?:convert|lm|lowbit|pack|rt)-[a-z0-9-]+|[a-z]+-pipeline)$", word)
    if match and match[1] not in flags:
        complain(name, number, f"there is no pass or pipeline {word}")


def check_markdown(file, root, flags, complain):
    name, text = file.relative_to(root).as_posix(), file.read_text()
    for number, line in outside_fences(text):
        for match in LINK.finditer(CODE.sub("", line)):
            check_link(file, name, number, match[1], root, complain)
        for match in CODE.finditer(line):
            check_code(name, number, match[1], root, flags, complain)


def main():
    root, bad = pathlib.Path(sys.argv[1]).resolve(), 0

    def complain(name, line, rule):
        nonlocal bad
        bad += 1
        print(f"{name}:{line}: {rule}")

    for tree in ("dialects", "lib", "test/lib"):
        for file in sorted((root / tree).rglob("*.td")):
            check_td(file.relative_to(root).as_posix(), file.read_text(), complain)
    flags = flags_of(root)
    for file in [root / "README.md", *sorted((root / "docs").rglob("*.md"))]:
        if file.is_file():
            check_markdown(file, root, flags, complain)
        else:
            complain(file.name, 1, "is missing")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
