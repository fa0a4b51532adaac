"""What the machine can do, by quant-bench, and which part of it a rate is."""
import json
import statistics
import subprocess

from environments import PeerError


class Ceilings:
    """Probed before and after a case's samples by a short run of quant-bench, which also says what a token costs."""

    def __init__(self, build, arguments, threads):
        self.command = [str(build / "bin" / "quant-bench"), *arguments, "-t", str(threads), "-r", "1", "-o", "json"]
        self.bandwidths, self.peaks, self.rows, self.head = [], [], [], 0

    def probe(self):
        result = subprocess.run(self.command, capture_output=True, text=True)
        if result.returncode:
            raise PeerError(f"quant-bench failed: {result.stderr.strip().splitlines()[-1]}")
        self.rows = json.loads(result.stdout)
        self.bandwidths += [row["bandwidth"] for row in self.rows]
        self.peaks += [row["peak"] for row in self.rows]

    @property
    def bandwidth(self):
        return statistics.median(self.bandwidths)

    @property
    def peak(self):
        return statistics.median(self.peaks)

    def share(self, rate, operations, bytes_read):
        """The larger share, of a rate of units that take so many operations and bytes: "71 % peak"."""
        peak, read = operations * rate / self.peak, bytes_read * rate / self.bandwidth
        return f"{100 * peak:.0f} % {self.rows[0]['peak_kind']}" if peak > read else f"{100 * read:.0f} % read"
