"""A repair changes how fast a network runs and what shapes it takes, never what it answers."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from facematch import repair
from facematch.bundle import Pixels, WeightFile, default_models_dir, list_bundles
from facematch.engine import open_session
from tests.facematch.bundles import tiny_network

RNG = np.random.default_rng(7)
FILES = {entry.name: entry for bundle in list_bundles(default_models_dir()) for entry in bundle.files if entry.repair}


def _answers(content: bytes, picture: NDArray[np.float32], folder: Path) -> list[NDArray[np.float32]]:
    path = folder / f"{len(list(folder.iterdir()))}.onnx"
    path.write_bytes(content)
    session = open_session(path, "cpu", threads=1, pixels=Pixels(0.0, 1.0, "bgr"), sizes=[])
    return session.run({session.input_name: picture})


def test_split_prelu_answers_the_same_for_gentle_and_steep_slopes(tmp_path: Path) -> None:
    picture = RNG.normal(size=(1, 2, 3, 3)).astype(np.float32)
    split = _answers(repair.mend(tiny_network(), ["drop-weight-inputs", "split-prelu"]), picture, tmp_path)[0]
    assert np.allclose(split, _answers(tiny_network(), picture, tmp_path)[0], atol=1e-6)
    assert np.allclose(split[0, 1], np.where(picture > 0, picture, 1.5 * picture)[0, 1], atol=1e-6)


def test_a_freed_batch_answers_each_picture_as_alone(tmp_path: Path) -> None:
    pictures = RNG.normal(size=(3, 2, 3, 3)).astype(np.float32)
    freed = _answers(repair.mend(tiny_network(), ["free-batch"]), pictures, tmp_path)[0]
    alone = [_answers(tiny_network(), pictures[i : i + 1], tmp_path)[0] for i in range(3)]
    assert np.array_equal(freed, np.concatenate(alone))


def test_weights_are_no_inputs_any_more() -> None:
    graph = onnx.load_model_from_string(repair.mend(tiny_network(), ["drop-weight-inputs"])).graph
    assert [value.name for value in graph.input] == ["picture"]


def _blocked_network(codes: NDArray[np.int8], scale: NDArray[np.float32], zero: NDArray[np.int8]) -> bytes:
    weights: dict[str, NDArray[np.generic]] = {"codes": codes, "scale": scale, "zero": zero}
    answer = helper.make_tensor_value_info("answer", onnx.TensorProto.FLOAT, list(codes.shape))
    picture = helper.make_tensor_value_info("picture", onnx.TensorProto.FLOAT, list(codes.shape))
    unfold = helper.make_node("DequantizeLinear", ["codes", "scale", "zero"], ["weights"], axis=1, block_size=4)
    node = helper.make_node("Add", ["picture", "weights"], ["answer"])
    stored = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph([unfold, node], "blocked", [picture], [answer], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return bytes(model.SerializeToString())


def test_folded_constants_are_what_the_engine_computes_itself(tmp_path: Path) -> None:
    codes = RNG.integers(-128, 128, size=(3, 8), dtype=np.int8)
    scale = RNG.uniform(0.01, 0.1, size=(3, 2)).astype(np.float32)
    network = _blocked_network(codes, scale, RNG.integers(-9, 9, size=(3, 2), dtype=np.int8))
    folded = repair.mend(network, ["fold-constants"])
    picture = np.zeros((3, 8), dtype=np.float32)
    assert np.array_equal(_answers(folded, picture, tmp_path)[0], _answers(network, picture, tmp_path)[0])
    assert [node.op_type for node in onnx.load_model_from_string(folded).graph.node] == ["Add"]


@pytest.mark.parametrize("name", ["face_detection_yunet_2023mar.onnx", "face_recognition_sface_2021dec.onnx"])
def test_repaired_weights_answer_as_the_published_ones(name: str, weights_dir: Path) -> None:
    shape = (1, 3, 640, 640) if "yunet" in name else (1, 3, 112, 112)
    picture = RNG.uniform(0, 255, size=shape).astype(np.float32)
    answers = []
    for path in (weights_dir / "opencv-zoo" / name, weights_dir / "opencv-zoo" / "published" / name):
        session = open_session(path, "cpu", threads=1, pixels=Pixels(0.0, 1.0, "bgr"), sizes=[])
        answers.append(session.run({session.input_name: picture}))
    for mended, published in zip(*answers, strict=True):
        assert np.allclose(mended, published, atol=1e-4)


@pytest.mark.parametrize("entry", [FILES["face_detection_yunet_2023mar.onnx"]], ids=lambda entry: entry.name)
def test_two_repairs_give_the_same_bytes(entry: WeightFile, weights_dir: Path) -> None:
    published = (weights_dir / "opencv-zoo" / "published" / entry.name).read_bytes()
    assert repair.mend(published, entry.repair) == repair.mend(published, entry.repair)


def _normalising_network(axis: int) -> bytes:
    """Layer normalisation written out in the operators of version 11, behind a Transpose, as exporters did."""
    weights = {"two": 2.0, "epsilon": 1e-6, "factor": RNG.normal(size=5), "shift": RNG.normal(size=5)}
    nodes = [
        helper.make_node("Transpose", ["picture"], ["x"], perm=[0, 2, 3, 1]),
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[axis]),
        helper.make_node("Sub", ["x", "mean"], ["centred"]),
        helper.make_node("Pow", ["centred", "two"], ["square"]),
        helper.make_node("ReduceMean", ["square"], ["variance"], axes=[axis]),
        helper.make_node("Add", ["variance", "epsilon"], ["safe"]),
        helper.make_node("Sqrt", ["safe"], ["width"]),
        helper.make_node("Div", ["centred", "width"], ["normal"]),
        helper.make_node("Mul", ["normal", "factor"], ["scaled"]),
        helper.make_node("Add", ["scaled", "shift"], ["answer"]),
    ]
    picture = helper.make_tensor_value_info("picture", onnx.TensorProto.FLOAT, [1, 5, 4, 4])
    answer = helper.make_tensor_value_info("answer", onnx.TensorProto.FLOAT, [1, 4, 4, 5])
    stored = [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "normalising", [picture], [answer], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)
    return bytes(model.SerializeToString())


def test_a_fused_layer_normalisation_answers_the_same_in_one_node(tmp_path: Path) -> None:
    published = _normalising_network(axis=-1)
    mended = repair.mend(published, ["raise-version", "fuse-layer-norm"])
    picture = RNG.normal(size=(1, 5, 4, 4)).astype(np.float32)
    assert np.allclose(_answers(mended, picture, tmp_path)[0], _answers(published, picture, tmp_path)[0], atol=1e-5)
    kinds = [node.op_type for node in onnx.load_model_from_string(mended).graph.node]
    assert kinds == ["Transpose", "LayerNormalization"]


def test_a_normalisation_over_another_axis_is_left_alone() -> None:
    mended = repair.mend(_normalising_network(axis=1), ["raise-version", "fuse-layer-norm"])
    assert len(onnx.load_model_from_string(mended).graph.node) == 10
