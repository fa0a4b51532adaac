"""The table."""
import dataclasses
import statistics

HEAD = ["subject", "threads", "test", "peer", "peer's", "LowBit", "unit", "ratio", "least-most", "peer's share",
        "LowBit's share"]


@dataclasses.dataclass
class Row:
    """Samples of a test by a peer and by LowBit; those of equal index were taken one after the other."""
    subject: str
    threads: int
    test: str
    peer: str
    theirs: list
    ours: list
    unit: str = "t/s"  # or us: then less is better
    share: object = None  # of a rate in units a second
    disturbed: bool = False

    def ratios(self):
        """How many times as fast LowBit is."""
        pairs = zip(self.ours, self.theirs)
        return [t / o if self.unit == "us" else o / t for o, t in pairs]

    def rate(self, value):
        return 1e6 / value if self.unit == "us" else value

    def cells(self):
        theirs, ours = statistics.median(self.theirs), statistics.median(self.ours)
        ratios = self.ratios()
        shares = [self.share(self.rate(value)) if self.share else "" for value in (theirs, ours)]
        return [self.subject, str(self.threads), self.test, self.peer, f"{theirs:.1f}", f"{ours:.1f}", self.unit,
                f"{statistics.median(ratios):.2f}" + ("*" if self.disturbed else ""),
                f"{min(ratios):.2f}-{max(ratios):.2f}", *shares]


def line(cells):
    return "| " + " | ".join(cells) + " |"


def head(cells):
    return line(cells) + "\n" + line(["---"] * len(cells))


def table(cells, lines):
    return "\n".join([head(cells), *map(line, lines)])
