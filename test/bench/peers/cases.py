"""What is measured: LowBit and the peers take turns on one model or layer with one number of threads."""
import contextlib
import dataclasses
import sys

from engine import Engine, lowbit_engine
from environments import PeerError, cache_folder
from report import HEAD, Row, head, line


@dataclasses.dataclass
class Run:
    """What all cases share: the options, the peers that work, the rows so far and the peers that were left out."""
    build: object
    scratch: object
    repetitions: int
    pythons: dict = dataclasses.field(default_factory=dict)  # of peers: their Python
    peers: dict = dataclasses.field(default_factory=dict)
    rows: list = dataclasses.field(default_factory=list)
    memory: list = dataclasses.field(default_factory=list)
    remarks: list = dataclasses.field(default_factory=list)

    def remark(self, text):
        print(text, file=sys.stderr)
        if text not in self.remarks:
            self.remarks.append(text)

    def add(self, row):
        """Prints it at once: a run that is cut short has shown what it had."""
        if not self.rows:
            print(head(HEAD))
        self.rows.append(row)
        print(line(row.cells()), flush=True)

    def log(self, name):
        """What a process says on stderr; a remark may point there, so it stays."""
        return cache_folder() / f"{name}.log"

    def library(self):
        return str(self.build / "lib" / "libquantrt.so")


@dataclasses.dataclass
class Test:
    """A call of measure() and the figures that its result gives: {name: (result -> value, share)}."""
    arguments: dict
    figures: dict
    unit: str = "t/s"


def open_peers(run, subject, kind, names, arguments, stack):
    """The engines of those peers that can open the model; of the others a remark says why not."""
    engines = []
    for name in names:
        peer = run.peers[name]
        engine = Engine(name, run.pythons[name], peer.module, getattr(peer, kind), run.log(name))
        stack.callback(engine.close)
        try:
            engine.request("open", **arguments, **peer.options)
            engines.append(engine)
        except PeerError as error:
            run.remark(f"{name} on {subject}: left out: {error}")
    return engines


def measure(run, subject, threads, kind, names, arguments, tests, ceilings):
    """Opens the engines, takes samples in turn and adds rows. arguments: (LowBit's, the peers')."""
    with contextlib.ExitStack() as stack:
        engines = open_peers(run, subject, kind, names, arguments[1], stack)
        if not engines:
            return
        ours = lowbit_engine(kind.capitalize(), run.log("LowBit"))
        stack.callback(ours.close)
        ours.request("open", **arguments[0])
        if kind == "text":
            ceilings.head = ours.request("head_size")["result"]
        engines.insert(0, ours)
        print(f"{subject}, {threads} threads: {', '.join(engine.name for engine in engines)}", file=sys.stderr)
        ceilings.probe()
        samples = take_turns(run, subject, engines, tests)
        ceilings.probe()
    for (name, index), results in samples.items():
        if name != "LowBit":
            add_rows(run, subject, threads, name, tests[index], results, samples["LowBit", index], ceilings,
                     any(engine.disturbed for engine in engines if engine.name in (name, "LowBit")))


def take_turns(run, subject, engines, tests):
    """{(engine, test): results}. The first round warms up and does not count. One that fails is left out from there."""
    samples = {}
    for repetition in range(run.repetitions + 1):
        for index, test in enumerate(tests):
            for engine in list(engines):
                try:
                    result = engine.sample(run.repetitions, **test.arguments)
                except PeerError as error:
                    if engine.name == "LowBit":
                        raise
                    run.remark(f"{engine.name} on {subject}: left out: {error}")
                    engines.remove(engine)
                    samples = {key: value for key, value in samples.items() if key[0] != engine.name}
                    continue
                if repetition:
                    samples.setdefault((engine.name, index), []).append(result)
                else:
                    engine.discarded = 0
    return samples


def add_rows(run, subject, threads, name, test, theirs, ours, ceilings, disturbed):
    for figure, (value, work) in test.figures.items():
        share = (lambda rate, work=work: ceilings.share(rate, *work(ceilings))) if work else None
        run.add(Row(subject, threads, figure, name, list(map(value, theirs)), list(map(value, ours)), test.unit, share,
                    disturbed))
