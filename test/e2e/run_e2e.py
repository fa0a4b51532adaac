#!/usr/bin/env python3
"""End-to-end tests: the programs as a user runs them, on real and tiny models.

    run_e2e.py --build FOLDER [--smollm2 FILE] [--gemma3 FILE] [--shared FOLDER]
               [--only REGEX] [--junit FILE] [--list]

Each function of cases/*.py whose name begins with `test_` is a test; what it
needs is described in harness.py. Needs Python 3.11; some tests need the
packages numpy, gguf and tokenizers and are skipped without them. Nothing
depends on time. Ends with `N passed, N failed, N skipped`.
"""

import argparse
import importlib
import inspect
import pathlib
import re
import sys
import tempfile
import time
import traceback
import xml.etree.ElementTree as ElementTree

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import harness  # noqa: E402


def find_tests(only):
    tests = []
    for file in sorted((HERE / "cases").glob("*.py")):
        module = importlib.import_module(f"cases.{file.stem}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if not name.startswith("test_") or function.__module__ != module.__name__:
                continue
            for arguments in getattr(function, "each", [()]):
                full = ".".join([file.stem, name[len("test_"):], *map(str, arguments)])
                if re.search(only, full):
                    tests.append((full, function, arguments))
    return tests


def run_one(function, arguments, context):
    """passed, failed or skipped, and why."""
    with tempfile.TemporaryDirectory(dir=context.scratch) as scratch:
        context.folder = pathlib.Path(scratch)
        try:
            function(context, *arguments)
        except harness.Skip as reason:
            return "skipped", str(reason)
        except harness.Failure as failure:
            return "failed", str(failure)
        except Exception:  # a mistake in a test is a failure, not the end
            return "failed", traceback.format_exc()
    return "passed", ""


def write_junit(path, results):
    suite = ElementTree.Element("testsuite", name="e2e", tests=str(len(results)))
    for name, outcome, why, seconds in results:
        case = ElementTree.SubElement(suite, "testcase", name=name, time=f"{seconds:.2f}")
        if outcome != "passed":
            tag = "failure" if outcome == "failed" else "skipped"
            ElementTree.SubElement(case, tag, message=why)
    ElementTree.ElementTree(suite).write(path, encoding="unicode", xml_declaration=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--smollm2", type=pathlib.Path)
    parser.add_argument("--gemma3", type=pathlib.Path)
    parser.add_argument("--shared", type=pathlib.Path, default=HERE.parents[2] / "shared")
    parser.add_argument("--only", default="", metavar="REGEX")
    parser.add_argument("--junit", type=pathlib.Path)
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()

    tests = find_tests(arguments.only)
    if arguments.list:
        print("\n".join(name for name, _, _ in tests))
        return 0
    results = []
    with tempfile.TemporaryDirectory(prefix="lowbit-e2e-") as scratch:
        context = harness.Context(arguments, pathlib.Path(scratch))
        for name, function, values in tests:
            start = time.monotonic()
            outcome, why = run_one(function, values, context)
            seconds = time.monotonic() - start
            results.append((name, outcome, why, seconds))
            print(f"{outcome.upper():7} {name} ({seconds:.1f} s)" + (f": {why}" if why else ""), flush=True)
    if arguments.junit:
        write_junit(arguments.junit, results)
    count = lambda outcome: sum(result[1] == outcome for result in results)
    print(f"{count('passed')} passed, {count('failed')} failed, {count('skipped')} skipped")
    return 1 if count("failed") or not results else 0


if __name__ == "__main__":
    sys.exit(main())
