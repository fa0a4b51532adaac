"""Folders whose codes are small floats: layouts of compressed-tensors and of
transformers' fp8, written with numpy alone.

Each layout's function gives the tensors of one layer, name -> (dtype, array),
and the floats [N, K] that they stand for."""

import numpy as np

E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], "<f4")


def e4m3_values():
    """What the 256 bytes stand for; NaN for two of them."""
    code = np.arange(128)
    exponent, mantissa = code >> 3, code & 7
    values = np.where(exponent == 0, mantissa * 2.0**-9, (8 + mantissa) * 2.0 ** (exponent - 10.0))
    values[127] = np.nan
    return np.concatenate([values, -values]).astype("<f4")


def float8_codes(source, shape):
    """Any byte but NaN, small numbers more often."""
    codes = source.integers(0, 0x58, shape) | source.integers(2, size=shape) << 7
    codes[0, :2] = 0x7E, 0xFE
    return codes.astype("u1")


def float8(source, shape, scales, spread, name="weight_scale"):
    """`spread` makes [N, K] of scales."""
    codes = float8_codes(source, shape)
    return {"weight": ("F8_E4M3", codes), name: ("F32", scales)}, e4m3_values()[codes] * spread(scales)


def some_scales(source, shape):
    return source.uniform(0.01, 0.03, shape).astype("<f4")


def channel(source, shape):
    return float8(source, shape, some_scales(source, (shape[0], 1)), lambda scales: scales)


def tensor(source, shape):
    return float8(source, shape, some_scales(source, 1), lambda scales: scales)


def spread_blocks(scales, shape, block):
    return np.repeat(np.repeat(scales, block[0], axis=0), block[1], axis=1)[: shape[0], : shape[1]]


def block(source, shape, name="weight_scale", size=(40, 24)):
    blocks = tuple(-(-length // each) for length, each in zip(shape, size))
    return float8(source, shape, some_scales(source, blocks), lambda scales: spread_blocks(scales, shape, size), name)


def fp8(source, shape):
    return block(source, shape, "weight_scale_inv", (32, 32))


def mxfp8(source, shape):
    exponents = source.integers(118, 123, (shape[0], shape[1] // 32)).astype("u1")
    codes = float8_codes(source, shape)
    scales = np.repeat(2.0 ** (exponents.astype("f4") - 127), 32, axis=1)
    return {"weight": ("F8_E4M3", codes), "weight_scale": ("U8", exponents)}, e4m3_values()[codes] * scales


def four_bits(source, shape):
    codes = source.integers(16, size=shape)
    values = np.where(codes & 8, -1, 1).astype("<f4") * E2M1[codes & 7]
    return ("U8", (codes[:, 0::2] | codes[:, 1::2] << 4).astype("u1")), values


def mxfp4(source, shape):
    packed, values = four_bits(source, shape)
    exponents = source.integers(121, 125, (shape[0], shape[1] // 32)).astype("u1")
    scales = np.repeat(2.0 ** (exponents.astype("f4") - 127), 32, axis=1)
    return {"weight_packed": packed, "weight_scale": ("U8", exponents)}, values * scales


def nvfp4(source, shape):
    packed, values = four_bits(source, shape)
    codes = source.integers(0x38, 0x70, (shape[0], shape[1] // 16)).astype("u1")
    divisor = np.array([source.uniform(500, 3000)], "<f4")
    scales = np.repeat(e4m3_values()[codes] / divisor, 16, axis=1)
    return {"weight_packed": packed, "weight_scale": ("F8_E4M3", codes), "weight_global_scale": ("F32", divisor),
            "input_global_scale": ("F32", divisor)}, values * scales


def group_of(layout):
    """Its entry of config_groups."""
    four = layout in ("mxfp4", "nvfp4")
    weights = {"type": "float", "num_bits": 4 if four else 8, "symmetric": True,
               "strategy": {"nvfp4": "tensor_group", "mxfp4": "group", "mxfp8": "group"}.get(layout, layout)}
    if layout in ("nvfp4", "mxfp4", "mxfp8"):
        weights["group_size"] = 16 if layout == "nvfp4" else 32
    if layout == "block":
        weights["block_structure"] = [40, 24]
    words = {"nvfp4": "nvfp4-pack-quantized", "mxfp4": "mxfp4-pack-quantized", "mxfp8": "mxfp8-quantized"}
    return {"targets": ["Linear"], "weights": weights, "format": words.get(layout, "float-quantized"),
            "input_activations": {"dynamic": "local" if layout == "nvfp4" else True}}


def config_of(layouts):
    if layouts == ["fp8"]:
        return {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [32, 32]}
    return {"quant_method": "compressed-tensors", "format": "mixed-precision", "ignore": ["lm_head"],
            "config_groups": {f"group_{i}": group_of(layout) for i, layout in enumerate(layouts)}}


LAYOUTS = {function.__name__: function for function in (channel, tensor, block, fp8, mxfp8, mxfp4, nvfp4)}
