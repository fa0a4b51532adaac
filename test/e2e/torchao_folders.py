"""Folders as TorchAO's safetensors support saves them, with random codes, written
with numpy alone (torchao 0.18, prototype/safetensors)."""

import json
import struct

import numpy as np

import quantized_checkpoints


def torchao(q, scales, zeros, scheme):
    """The parts of one weight; make_pair gives codes and zero points without sign."""
    middle = 1 << (scheme["bits"] - 1)
    stored = np.zeros(scales.shape) if zeros is None else zeros - middle
    return {"_weight_qdata": ("I8", (q - middle).astype("i1")), "_weight_scale": (scheme["scale"], scales),
            "_weight_zero_point": ("I8", stored.astype("i1"))}


quantized_checkpoints.LAYOUTS["torchao"] = torchao


def described(scheme, columns, activations=None):
    """What TorchAO says of a weight."""
    data = {"target_dtype": {"_type": "torch.dtype", "_data": f"int{scheme['bits']}"},
            "block_size": [1, scheme["group"] or columns],
            "dtype": {"_type": "torch.dtype", "_data": "float32"}, "activation_quantization": activations}
    return json.dumps({"_type": "IntxUnpackedToInt8Tensor", "_data": data,
                       "_tensor_data_names": ["qdata", "scale", "zero_point"]})


def change_metadata(folder, change):
    """Lets `change` edit the metadata (name -> text) of the folder's one file."""
    file = folder / "model.safetensors"
    data = file.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    change(header.setdefault("__metadata__", {}), header)
    text = json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


def make_pair(folder, schemes, seed, **more):
    """As quantized_checkpoints.make_pair."""
    known = quantized_checkpoints.make_pair(folder, "torchao", schemes, seed, **more)

    def describe(metadata, header):
        metadata["format"] = "pt"
        for i, name in enumerate(known):
            columns = header[f"{name}._weight_qdata"]["shape"][1]
            metadata[f"{name}.weight"] = described(schemes[i % len(schemes)], columns)
    change_metadata(folder / "quantized", describe)
    file = folder / "quantized" / "config.json"
    config = json.loads(file.read_text())
    config["quantization_config"] = {"quant_method": "torchao", "quant_type": {"default": {}}}
    file.write_text(json.dumps(config))
    return known
