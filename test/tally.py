#!/usr/bin/env python3
"""The closing line over several runners.

    tally.py FOLDER RUNNER...

Reads FOLDER/RUNNER.xml (JUnit, as ctest, lit and run_e2e.py write it), names
what failed and was skipped and ends with `N passed, N failed, N skipped`. A
runner that left no such file, or ran no test, is itself a failure. Exits 1 if
anything failed.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def outcome_of(case):
    """passed, failed or skipped, and what there is to say about it."""
    for tag in ("failure", "error"):
        found = case.find(tag)
        if found is not None:
            return "failed", found.get("message") or (found.text or "").strip()
    skipped = case.find("skipped")
    if skipped is not None:
        why = skipped.get("message") or (skipped.text or "").strip()
        # ctest says `notrun` of a test that it could not start, too.
        if case.get("status") == "notrun" and not why.startswith("SKIP_"):
            return "failed", why or "could not be started"
        return "skipped", why
    if case.get("status") in ("fail", "notrun", "disabled"):
        return "failed", case.get("status")
    return "passed", ""


def main():
    folder, counts = pathlib.Path(sys.argv[1]), {"passed": 0, "failed": 0, "skipped": 0}
    for runner in sys.argv[2:]:
        mine = dict.fromkeys(counts, 0)
        try:
            cases = list(ElementTree.parse(folder / f"{runner}.xml").iter("testcase"))
        except (OSError, ElementTree.ParseError) as error:
            cases = []
            print(f"FAILED {runner}: no result ({error}); see {folder / runner}.log")
            mine["failed"] += 1
        else:
            if not cases:
                print(f"FAILED {runner}: ran no test; see {folder / runner}.log")
                mine["failed"] += 1
        for case in cases:
            outcome, why = outcome_of(case)
            mine[outcome] += 1
            if outcome != "passed":
                name = ".".join(filter(None, dict.fromkeys((case.get("classname"), case.get("name")))))
                first = why.splitlines()[0] if why else ""
                print(f"{outcome.upper()} {runner}: {name}" + (f": {first}" if first else ""))
        print(f"{runner}: {mine['passed']} passed, {mine['failed']} failed, {mine['skipped']} skipped")
        for outcome, count in mine.items():
            counts[outcome] += count
    if counts["failed"]:
        print(f"logs: {folder}/*.log")
    print(f"{counts['passed']} passed, {counts['failed']} failed"
          + (f", {counts['skipped']} skipped" if counts["skipped"] else ""))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
