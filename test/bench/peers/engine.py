"""The driver's end of worker.py: an engine in another process."""
import json
import os
import pathlib
import subprocess
import sys

from environments import PeerError

HERE = pathlib.Path(__file__).resolve().parent
DELAY_LIMIT = 0.05  # as quant-bench: a sample during which a thread waited longer for a core does not count


class Engine:
    def __init__(self, name, python, module, kind, log):
        self.name, self.log, self.discarded, self.disturbed = name, log, 0, False
        # Else Python would leave compiled files beside the sources.
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        with open(log, "w") as errors:
            self.process = subprocess.Popen([python, HERE / "worker.py", module, kind], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)

    def request(self, call, **arguments):
        try:
            self.process.stdin.write(json.dumps({"call": call, "with": arguments}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise PeerError(f"its process ended with status {self.process.wait()}; see {self.log}")
        answer = json.loads(line)
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer

    def sample(self, repetitions, **arguments):
        """A sample that no other program disturbed, if one can be had: twice as many as `repetitions` are discarded."""
        while True:
            answer = self.request("measure", **arguments)
            if answer["delay"] <= DELAY_LIMIT:
                return answer["result"]
            if self.discarded >= 2 * repetitions:
                self.disturbed = True
                return answer["result"]
            self.discarded += 1

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def lowbit_engine(kind, log):
    return Engine("LowBit", sys.executable, "lowbit_engine", kind, log)
