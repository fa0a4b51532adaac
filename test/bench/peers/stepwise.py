"""Engines that are driven call by call: how long prompts and steps take.

An engine has `sequences`, and
    clear()                   forgets everything
    truncate(length)          forgets all but the first positions of sequence 0
    append(sequence, ids)     computes a prompt, with logits of its last token
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
        for sequence in range(self.sequences):
            for first in range(0, prompt, PIECE):
                self.append(sequence, [token(i) for i in range(first, min(first + PIECE, prompt))])
        middle = time.perf_counter()
        for i in range(generate):
            self.step([token(i + sequence) for sequence in range(self.sequences)])
        return {"prefill": middle - start, "decode": time.perf_counter() - middle}

    def fill(self, depth):
        if self.filled == depth:
            return self.truncate(depth)
        self.set_threads(os.cpu_count())
        self.clear()
        for first in range(0, depth, PIECE):
            self.append(0, [token(i) for i in range(first, min(first + PIECE, depth))])
        self.set_threads(self.threads)
        self.filled = depth
