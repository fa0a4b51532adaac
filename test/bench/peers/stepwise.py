"""Engines that are driven call by call: how long prompts and steps take.

An engine has `sequences`, and
    clear()                   forgets everything
    append(ids)               computes a prompt in sequence 0, with logits of its last token
    truncate(length)          forgets all but the first positions of it
    step(ids)                 one more token for every sequence, with logits
    set_threads(threads)
"""
import os
import time

PIECE = 512  # tokens of one call


def token(i):
    """Any ids do: speed does not depend on them. These exist in every vocabulary."""
    return (7 * i) % 1000 + 300


class Stepwise:
    filled = 0

    def measure(self, prompt, generate, depth=0):
        """Seconds of a prompt in every sequence and of `generate` steps behind it.

        With a depth the first `depth` positions are there before; only the first call computes them."""
        if depth:
            self.fill(depth)
        else:
            self.clear()
        start = time.perf_counter()
        if self.sequences == 1:
            self.read(prompt)
        else:
            self.steps(prompt)
        middle = time.perf_counter()
        self.steps(generate)
        return {"prefill": middle - start, "decode": time.perf_counter() - middle}

    def read(self, count):
        for first in range(0, count, PIECE):
            self.append([token(i) for i in range(first, min(first + PIECE, count))])

    def steps(self, count):
        for i in range(count):
            self.step([token(i + sequence) for sequence in range(self.sequences)])

    def fill(self, depth):
        if self.filled == depth:
            return self.truncate(depth)
        self.set_threads(os.cpu_count())
        self.clear()
        self.read(depth)
        self.set_threads(self.threads)
        self.filled = depth
