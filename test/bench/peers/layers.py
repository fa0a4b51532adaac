"""How a layer is timed, the same for every engine."""
import time

SAMPLE_SECONDS = 0.1  # a layer runs for at least so long


def seconds_per_call(call, copies):
    """Of call(i) in turn for every copy i of the layer, all of them equally often."""
    calls, start = 0, time.perf_counter()
    while (seconds := time.perf_counter() - start) < SAMPLE_SECONDS or calls % copies:
        call(calls % copies)
        calls += 1
    return seconds / calls
