"""What the end-to-end tests share."""

import array
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
TINY = ROOT / "test" / "e2e" / "Inputs" / "tiny"


class Skip(Exception):
    """The test cannot run here; says what is missing."""


class Failure(Exception):
    """The test failed; says what was expected."""


def expect(condition, message):
    if not condition:
        raise Failure(message)


def each(*values):
    """Runs a test once for each value (or tuple of values)."""
    def decorate(function):
        function.each = [value if isinstance(value, tuple) else (value,) for value in values]
        return function
    return decorate


def cpu_flags():
    try:
        return set(pathlib.Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return set()


def cpu_levels(activations="int8"):
    """The levels of a module by default that this machine's CPU can run."""
    levels = {"avx2": {"avx2", "fma", "f16c"}, "avx512vnni": {"avx512vl", "avx512bw", "avx512_vnni"}}
    if activations == "bf16":
        levels["avx512bf16"] = levels["avx512vnni"] | {"avx512_bf16", "avx512_bitalg", "avx512vbmi"}
    return [name for name, needed in levels.items() if needed <= cpu_flags()]


def floats(path):
    values = array.array("f")
    values.frombytes(pathlib.Path(path).read_bytes())
    return values


def one_line(result, program):
    """Bad input: exit 1, nothing on stdout, one line on stderr; returns it."""
    lines = result.stderr.strip().splitlines()
    expect(result.returncode == 1, f"expected exit 1, but got {result.returncode}: {result.stderr[-500:]}")
    expect(not result.stdout, f"expected nothing on stdout, but got {result.stdout[:200]!r}")
    expect(len(lines) == 1, f"expected one line, but got {len(lines)}: {result.stderr[:500]!r}")
    expect(lines[0].startswith(program + ": "), f"expected a line of {program}, but got {lines[0]!r}")
    return lines[0]


class Context:
    """The programs, the models and a folder of the test's own."""

    def __init__(self, arguments, scratch):
        self.build = arguments.build.resolve()
        self.models = {"smollm2": arguments.smollm2, "gemma3": arguments.gemma3}
        self.shared = arguments.shared
        self.scratch = scratch
        self.folder = scratch  # a fresh one for each test
        self.compiled = {}

    def model(self, name):
        path = self.models.get(name)
        if not path:
            raise Skip(f"the model {name} was not given (scripts/get-model {name})")
        expect(path.is_file(), f"no such model: {path}")
        return path

    def oracle(self, name):
        path = self.shared / "oracles" / name
        if not path.exists():
            raise Skip(f"needs shared/oracles/{name}, which is not in {self.shared}")
        return path

    def environment(self, level=None, **more):
        """Programs of a test share a cache of compiled models among themselves
        alone."""
        result = {key: value for key, value in os.environ.items() if not key.startswith("QRT_")}
        result["XDG_CACHE_HOME"] = str(self.scratch / "cache")
        if level:
            result["QRT_CPU"] = level
        return result | more

    def attempt(self, program, *arguments, level=None, input=None, text=True, timeout=1800, **environment):
        """Runs a program; the caller looks at the exit status."""
        path = program if "/" in str(program) else self.build / "bin" / program
        command = [str(path), *map(str, arguments)]
        try:
            return subprocess.run(command, capture_output=True, text=text, cwd=self.folder,
                                  input=input if input is not None else ("" if text else b""),
                                  env=self.environment(level, **environment), timeout=timeout)
        except FileNotFoundError:
            raise Failure(f"{path} is not there; was it built?")
        except subprocess.TimeoutExpired:
            raise Failure(f"no end after {timeout} s: {' '.join(command)}")

    def run(self, program, *arguments, **options):
        """Runs a program that must succeed; gives its stdout."""
        result = self.attempt(program, *arguments, **options)
        if result.returncode != 0:
            said = result.stderr or result.stdout
            said = said if isinstance(said, str) else said.decode(errors="replace")
            last = said.strip().splitlines()[-8:]
            raise Failure(f"{program} {' '.join(map(str, arguments))}: exit {result.returncode}: " + "\n".join(last))
        return result.stdout

    def module(self, source, *options):
        """A module of a .gguf or .mlir, compiled once for all tests."""
        key = (str(source), options)
        if key not in self.compiled:
            path = self.scratch / f"{len(self.compiled)}-{pathlib.Path(source).stem}.so"
            self.run("quant-compile", source, "-o", path, "--quiet", *options)
            self.compiled[key] = path
        return self.compiled[key]
