"""The quantizers of docs/Numerics.md, N9, again in numpy: what the compiler's
kernels are compared with on random data. Written from the formulas alone."""

import numpy as np

F = np.float32


def narrow(kind):
    """One rounding to f32, f16 or bf16."""
    def f16(x):
        return np.asarray(x, F).astype(np.float16).astype(F)

    def bf16(x):
        bits = np.asarray(x, F).view(np.uint32).astype(np.uint64)
        return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype(np.uint32).view(F)
    return {"f32": lambda x: np.asarray(x, F), "f16": f16, "bf16": bf16}[kind]


def cascade_sum(values):
    """Of f32 in the order of N9: 32 columns in cascades, then vectors of 8, then
    what is left."""
    values = np.asarray(values, F)
    rows, vectors = len(values) // 32, len(values) // 8
    power = max(4, int(rows - 1).bit_length() // 4 if rows > 1 else 4)
    levels = np.zeros((4, 32), F)
    for i, row in enumerate(values[:rows * 32].reshape(rows, 32), 1):
        levels[0] += row
        if i % (1 << power):
            continue
        for level in range(1, 4):
            levels[level] += levels[level - 1]
            levels[level - 1] = 0
            if i & ((1 << power) - 1) << level * power:
                break
    lanes = levels[0]
    for level in range(1, 4):
        lanes = lanes + levels[level]
    lanes = lanes.reshape(4, 8).copy()
    for vector in values[rows * 32:vectors * 8].reshape(-1, 8):
        lanes[0] += vector
    total = F(0)
    for value in values[vectors * 8:]:
        total += value
    partial = lanes[0]
    for row in lanes[1:]:
        partial = partial + row
    for value in partial:
        total += value
    return total


def groups_of(x, group):
    """Views of the groups of a row; the last may be a tail."""
    return [x[first:first + group] for first in range(0, len(x), group)]


def matrix(x, group, one):
    """one(part) of every group of every row gives codes and fields: codes [R, K],
    and each field [R, G]."""
    codes, fields = [], []
    for row in x:
        parts = [one(part) for part in groups_of(row, group or len(row))]
        codes.append(np.concatenate([part[0] for part in parts]))
        fields.append([part[1:] for part in parts])
    fields = np.array(fields, F)
    return np.array(codes, F), *(fields[:, :, i] for i in range(fields.shape[2]))


def at_least(value, least):
    return F(least) if value < F(least) else value


def scaled_by(divisor, r, low, high):
    return lambda part: np.clip(np.rint(r(part * divisor)), low, high)


def bitlinear_activations(x, kind="f32"):
    """Codes and divisors [R, 1]."""
    r = narrow(kind)

    def one(row):
        a = at_least(np.abs(row).max(), r(1e-5))
        divisor = r(r(F(1) / a) * F(127))
        return scaled_by(divisor, r, -128, 127)(row), divisor
    return matrix(x, 0, one)


def bitlinear_weights(w, kind="f32"):
    """Codes and the divisor, once for each row."""
    r = narrow(kind)
    mean = r(cascade_sum(np.abs(w).ravel()) / F(w.size))
    divisor = r(r(F(1) / at_least(mean, r(1e-5))) * F(1))
    return scaled_by(divisor, r, -1, 1)(w), np.full((len(w), 1), divisor, F)


def symmetric(x, group, reach, low, high, least):
    def one(part):
        scale = at_least(np.abs(part).max() / F(reach), least)
        return scaled_by(F(1) / scale, F, low, high)(part), scale
    return matrix(x, group, one)


def ends(x, group, low, high, least):
    def one(part):
        below, above = min(part.min(), F(0)) / F(low), max(part.max(), F(0)) / F(high)
        scale = at_least(below if below > above else above, least)
        return scaled_by(F(1) / scale, F, low, high)(part), scale
    return matrix(x, group, one)


def asymmetric(x, group, low, high, least):
    def one(part):
        lo, hi = min(part.min(), F(0)), max(part.max(), F(0))
        scale = at_least((hi - lo) / F(high - low), least)
        zero = np.clip(low - np.rint(lo / scale), low, high)
        codes = np.clip(np.rint(part * (F(1) / scale)) + zero, low, high)
        return codes, scale, zero
    return matrix(x, group, one)


def span(x, group, bits, least):
    """c counts from -2^(bits - 1)."""
    middle = F(1 << bits - 1)

    def one(part):
        scale = at_least((part.max() - part.min()) / F((1 << bits) - 1), least)
        minimum = part.min() + scale * middle
        q = np.rint((part - (minimum - scale * middle)) / scale)
        return np.clip(q, 0, (1 << bits) - 1) - middle, scale, minimum
    return matrix(x, group, one)


def refined(x, group, reach, low, high, least, steps):
    parts = [part for row in x for part in groups_of(row, group)]
    scales = np.array([at_least(np.abs(part).max() / F(reach), least) for part in parts], F)

    def codes(i):
        return np.clip(np.rint(parts[i] / scales[i]), low, high).astype(F)
    for _ in range(steps):
        before = scales.copy()
        for i, part in enumerate(parts):
            c = codes(i)
            if (c * c).sum() > 0:
                scales[i] = cascade_sum(part * c) / (c * c).sum()
            scales[i] = abs(at_least(scales[i], least))
        if (np.abs(scales - before) / np.maximum(before, F(least))).max() < F(1e-5):
            break
    rows = len(x)
    return (np.concatenate([codes(i) for i in range(len(parts))]).reshape(rows, -1), scales.reshape(rows, -1))


E2M1 = np.array([0, .5, 1, 1.5, 2, 3, 4, 6], F)


def nearest_e2m1(t):
    """To nearest, ties to even codes; what is too large is 6."""
    distance = np.abs(np.abs(t)[:, None].astype(float) - E2M1)
    code = distance.argmin(1)
    tie = distance[np.arange(len(t)), np.minimum(code + 1, 7)] == distance[np.arange(len(t)), code]
    code = np.where(tie & (code % 2 == 1) & (code < 7), code + 1, code)
    return np.copysign(E2M1[code], t)


def microscaled(x, group):
    """Values of e2m1 and the scales, powers of two."""
    def one(part):
        exponent = np.frexp(np.abs(part).max())[1] - 1 - 2
        scale = np.ldexp(F(1), exponent)
        return nearest_e2m1(part / scale), scale
    return matrix(x, group, one)
