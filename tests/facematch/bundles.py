"""Small bundles for tests: a manifest with one real, tiny network and sources of the test's choice."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

MANIFEST = """
name = "tiny"
dimension = 4
licence = "Apache-2.0"
commercial_use = {commercial_use}

[detector]
family = "yunet"
file = "tiny.onnx"
sides = [320, 1280]
confidence = 0.7
overlap = 0.3
mean = 0.0
scale = 1.0
colour = "bgr"

[recogniser]
family = "sface"
file = "tiny.onnx"
side = 112
alignment = "arcface-112"
mean = 0.0
scale = 1.0
colour = "rgb"

[[files]]
name = "tiny.onnx"
sha256 = "{sha256}"
{repair}
sources = [{sources}]
"""


def tiny_network() -> bytes:
    """PRelu with a gentle and a steep slope, its weights listed as inputs as SFace lists them."""
    slopes = numpy_helper.from_array(np.array([0.25, 1.5], dtype=np.float32).reshape(2, 1, 1), "slopes")
    picture = helper.make_tensor_value_info("picture", onnx.TensorProto.FLOAT, [1, 2, 3, 3])
    listed = helper.make_tensor_value_info("slopes", onnx.TensorProto.FLOAT, [2, 1, 1])
    answer = helper.make_tensor_value_info("answer", onnx.TensorProto.FLOAT, [1, 2, 3, 3])
    node = helper.make_node("PRelu", ["picture", "slopes"], ["answer"])
    graph = helper.make_graph([node], "tiny", [picture, listed], [answer], [slopes])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)
    return bytes(model.SerializeToString(deterministic=True))


def write_bundle(
    models_dir: Path, content: bytes, *, sources: str, commercial_use: bool = True, repair: str = "", change: str = ""
) -> None:
    """Write models_dir/tiny/bundle.toml for a file of this content; `change` is OLD -> NEW in the manifest."""
    text = MANIFEST.format(
        sha256=hashlib.sha256(content).hexdigest(),
        sources=sources,
        commercial_use=str(commercial_use).lower(),
        repair=repair,
    )
    old, _, new = change.partition(" -> ")
    assert old in text
    folder = models_dir / "tiny"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bundle.toml").write_text(text.replace(old, new), encoding="utf-8")
