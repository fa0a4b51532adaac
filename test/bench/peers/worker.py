#!/usr/bin/env python3
"""Runs one engine for compare.py: in a process and a virtual environment of its own.

    worker.py MODULE CLASS

Requests come as JSON, one a line, on stdin; each is a call of a method of the engine, {"call": NAME, "with": {...}}.
The answer goes to what was stdout: {"result": ..., "seconds": of the call, "delay": share of it that some thread
waited for a core} or {"error": one line}. Whatever else a peer prints goes to stderr.
"""
import importlib
import json
import os
import sys
import time


def delays():
    """Nanoseconds that each thread of this process was ready to run while others had the core."""
    result = {}
    for thread in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{thread}/schedstat") as file:
                result[thread] = int(file.read().split()[1])
        except (OSError, IndexError):  # it has ended, or the kernel does not count
            pass
    return result


def timed(function, arguments):
    before, start = delays(), time.perf_counter()
    result = function(**arguments)
    seconds = time.perf_counter() - start
    waited = max((delay - before.get(thread, 0) for thread, delay in delays().items()), default=0)
    return {"result": result, "seconds": seconds, "delay": waited * 1e-9 / max(seconds, 1e-9)}


def memory():
    """Bytes: resident now, at most so far, and of those now resident the anonymous ones."""
    with open("/proc/self/status") as file:
        status = dict(line.split(":", 1) for line in file)
    return {key: int(status[key].split()[0]) * 1024 for key in ("VmRSS", "VmHWM", "RssAnon")}


def imported(module, kind):
    """Memory once the peer is there but no model."""
    getattr(importlib.import_module(module), kind).load_api()
    return memory()


def main():
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    engine = None
    for line in sys.stdin:
        request = json.loads(line)
        name, arguments = request["call"], request.get("with", {})
        try:
            if name == "memory":
                answer = {"result": memory()}
            elif name == "imported":
                answer = {"result": imported(sys.argv[1], sys.argv[2])}
            elif name == "open":
                engine = getattr(importlib.import_module(sys.argv[1]), sys.argv[2])(**arguments)
                answer = {"result": getattr(engine, "version", "")}
            else:
                answer = timed(getattr(engine, name), arguments)
        except Exception as error:  # whatever a peer raises is one line of the report
            text = " ".join(str(error).split())
            answer = {"error": f"{type(error).__name__}: {text[:300]}"}
        answers.write(json.dumps(answer) + "\n")


main()
