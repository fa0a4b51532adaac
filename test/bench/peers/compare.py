#!/usr/bin/env python3
"""LowBit beside its peers, in one run; prints Markdown.

    compare.py --build build --workloads models,shape --peers llama.cpp,ik,openvino --repetitions 5

Peers are installed with pip, each into an environment of its own in the cache folder (lowbit/peers in $XDG_CACHE_HOME
or ~/.cache); llama.cpp and ik_llama.cpp are built there for this CPU, which takes minutes. A peer that cannot be
installed or does not read a model is left out, with a line that says why. See "Peers" in docs/Benchmarking.md.

workloads:
  models   SmolLM2 135M Q4_1 and Gemma 3 270M Q4_K_M: a prompt of 512, then 64 tokens
  shape    the same of Llama-3.2-1B's shape with random weights in each of --formats
  batch    64 tokens of eight sequences at once, of that shape
  depth    32 tokens behind 8192 others and behind none, of that shape
  layers   linear layers of 2048 inputs, 8192 outputs and 1, 8, 512 rows, of each of --kinds
  memory   what a process has resident at most, of the models and of the shape
"""
import argparse
import os
import pathlib
import platform
import signal
import subprocess
import sys
import tempfile

from cases import Run
from environments import PEERS, PeerError, cache_folder, install
from random_gguf import FORMATS
from report import table
from workloads import LAYER_SCHEMES, WORKLOADS


def names(known):
    def parse(text):
        values = text.split(",")
        for value in values:
            if value not in known:
                raise argparse.ArgumentTypeError(f"'{value}' is not one of {', '.join(known)}")
        return values
    return parse


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="folder in which LowBit was built")
    parser.add_argument("--workloads", type=names(WORKLOADS), default=["models"])
    parser.add_argument("--peers", type=names(PEERS), default=list(PEERS))
    parser.add_argument("--threads", type=lambda text: [int(n) for n in text.split(",")], default=[1, 2])
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--formats", type=names(FORMATS), default=["Q4_0"], help="of the shape: Q4_0,Q8_0,...")
    parser.add_argument("--kinds", type=names(LAYER_SCHEMES), default=list(LAYER_SCHEMES), help="of layers")
    parser.add_argument("--env", action="append", default=[], metavar="PEER=FOLDER",
                        help="an environment that has the peer already")
    options = parser.parse_args()
    for file in ("bin/quant-compile", "bin/quant-bench", "bin/quant-run", "lib/libquantrt.so"):
        if not (options.build / file).exists():
            parser.error(f"{options.build / file} does not exist; build LowBit there first")
    return options


def find_pythons(options, run):
    """Installs what is needed; the peers that work."""
    given = dict(pair.split("=", 1) for pair in options.env)
    for name in options.peers:
        try:
            environment = PEERS[name].environment or name
            python = pathlib.Path(given[environment], "bin", "python") if environment in given else install(PEERS[name])
            if not python.exists():
                raise PeerError(f"{python} does not exist")
            run.pythons[name] = python
            run.peers[name] = PEERS[name]
        except PeerError as error:
            run.remark(f"{name}: left out: {error}")


def versions(run):
    """One line: each peer's package and version."""
    found = []
    for name, peer in run.peers.items():
        package = peer.packages[0].split("=")[0]
        script = f"import importlib.metadata as m; print(m.version({package!r}))"
        result = subprocess.run([run.pythons[name], "-c", script], capture_output=True, text=True)
        found.append(f"{package} {result.stdout.strip() or '?'}")
    return ", ".join(dict.fromkeys(found))


def processor():
    with open("/proc/cpuinfo") as file:
        return next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")),
                    platform.machine())


def measure(options, run):
    """False if LowBit itself failed; rows until then are printed."""
    if not run.peers:
        return False
    print(f"{processor()}, {os.cpu_count()} CPUs; medians of {options.repetitions}; {versions(run)}\n", flush=True)
    try:
        for workload in options.workloads:
            WORKLOADS[workload](run, options)
    except PeerError as error:
        run.remark(f"LowBit: {error}")
        return False
    return bool(run.rows or run.memory)


def main():
    options = parse_arguments()
    # So that a run that `timeout` ends leaves no models behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    cache_folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_folder(), prefix="run-") as scratch:
        run = Run(options.build.resolve(), pathlib.Path(scratch), options.repetitions)
        find_pythons(options, run)
        success = measure(options, run)
    if run.memory:
        print("\n" + table(["model", "program", "file, MB", "resident at most, MB", "of the file"], run.memory))
    for text in run.remarks:
        print(f"\n{text}")
    if any(row.disturbed for row in run.rows):
        print("\n\\*: other programs ran all the time; samples count although threads waited for a core")
    sys.exit(0 if success else 1)


main()
