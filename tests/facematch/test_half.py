"""A network written for a card answers as the file that a processor runs, within what float16 allows."""

from typing import cast

import numpy as np
import onnx
import pytest
from insightface.data import get_image
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from facematch import card, card_memory, half
from facematch.bundle import Bundle, DetectorSection, Pixels, RecogniserSection, default_weights_dir
from facematch.detect import open_detector
from facematch.embed import Embedder
from facematch.engine import squares
from facematch.extractor import Extractor
from facematch.types import BgrImage, Crop, Detection

PLAIN = Pixels(mean=0.0, scale=1.0, colour="bgr")
RNG = np.random.default_rng(11)


@pytest.fixture(scope="module", params=["opencv_zoo", "buffalo_sc", "edgeface_s"])
def eye(request: pytest.FixtureRequest) -> Extractor:
    return cast(Extractor, request.getfixturevalue(request.param))


@pytest.fixture(scope="module")
def group() -> BgrImage:
    """Six people, 1280 x 886; the picture comes with insightface."""
    return np.asarray(get_image("t1"), dtype=np.uint8)


@pytest.fixture(scope="module")
def crops(eye: Extractor, group: BgrImage) -> list[Crop]:
    return [face.crop for face in eye.faces_of(group)]


def on_card(
    bundle: Bundle, section: DetectorSection | RecogniserSection, sides: list[int], *, halved: bool
) -> card.CardSession:
    """What a card would run, run by the processor."""
    return card.CardSession(
        (default_weights_dir() / bundle.name / section.file).read_bytes(),
        pixels=section.pixels,
        sizes=squares(min(sides), max(sides)),
        place=card_memory.host(),
        providers=[("CPUExecutionProvider", {})],
        choices=card.Choices(half=halved, counts=(1, 4)),
    )


@pytest.fixture(params=[False, True], ids=["float32", "float16"])
def halved(request: pytest.FixtureRequest) -> bool:
    return cast(bool, request.param)


def test_templates_point_the_same_way(eye: Extractor, crops: list[Crop], halved: bool) -> None:
    session = on_card(eye.bundle, eye.bundle.recogniser, [eye.bundle.recogniser.side], halved=halved)
    embedder = Embedder(eye.bundle.recogniser, session, dimension=eye.bundle.dimension)
    cosines = np.sum(embedder.embed(crops) * eye.embed(crops), axis=1)
    session.close()
    assert len(cosines) == 6
    assert cosines.min() >= (0.9995 if halved else 0.999999)


def test_the_same_faces_are_found_at_the_same_place(eye: Extractor, group: BgrImage) -> None:
    session = on_card(eye.bundle, eye.bundle.detector, list(eye.bundle.detector.sides), halved=True)
    found = from_left(open_detector(eye.bundle.detector, session).find(group))
    session.close()
    wanted = from_left(eye.detector.find(group))
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert np.abs(one.landmarks - other.landmarks).max() < 0.02 * other.box.width
        assert one.confidence == pytest.approx(other.confidence, abs=0.01)


def from_left(faces: list[Detection]) -> list[Detection]:
    return sorted(faces, key=lambda face: face.box.x)  # two may be equally sure


def small_network(nodes: list[onnx.NodeProto], weights: dict[str, NDArray[np.float32]]) -> bytes:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "small",
        [value("x", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [value("y", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)
    return cast(bytes, model.SerializeToString())


def operators(network: bytes) -> list[str]:
    return [node.op_type for node in onnx.load_model_from_string(network).graph.node]


def answers(network: bytes, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    native = card.open_native(network, [("CPUExecutionProvider", {})])
    feeds = {native.get_inputs()[0].name: pictures}
    return cast(NDArray[np.float32], native.run(None, feeds)[0])


def test_a_normalisation_disappears_into_the_convolution_before_it() -> None:
    weights = {"kernel": RNG.normal(size=(3, 3, 1, 1)), "bias": RNG.normal(size=3), "scale": RNG.normal(size=3)}
    weights |= {"shift": RNG.normal(size=3), "mean": RNG.normal(size=3), "variance": RNG.uniform(1e-7, 2, 3)}
    nodes = [
        helper.make_node("Conv", ["x", "kernel", "bias"], ["c"]),
        helper.make_node("BatchNormalization", ["c", "scale", "shift", "mean", "variance"], ["y"], epsilon=1e-5),
    ]
    network = small_network(nodes, {name: values.astype(np.float32) for name, values in weights.items()})
    written = half.write_for_card(network, PLAIN, half=False)
    pictures = RNG.integers(0, 256, (2, 4, 5, 3), dtype=np.uint8)
    expected = answers(network, cast(NDArray[np.uint8], pictures.transpose(0, 3, 1, 2).astype(np.float32)))
    assert operators(written) == ["Transpose", "Cast", "Conv"]
    assert np.allclose(answers(written, pictures), expected, rtol=1e-4, atol=1e-2)


def test_a_value_with_two_readers_keeps_its_normalisation_apart() -> None:
    weights = {"kernel": RNG.normal(size=(3, 3, 1, 1)), "ones": np.ones(3), "zeros": np.zeros(3)}
    nodes = [
        helper.make_node("Conv", ["x", "kernel"], ["c"]),
        helper.make_node("BatchNormalization", ["c", "ones", "zeros", "zeros", "ones"], ["b"]),
        helper.make_node("Add", ["b", "c"], ["y"]),
    ]
    network = small_network(nodes, {name: values.astype(np.float32) for name, values in weights.items()})
    assert "BatchNormalization" in operators(half.write_for_card(network, PLAIN))


def test_inputs_are_bytes_and_outputs_float32_with_float16_between() -> None:
    network = small_network([helper.make_node("Relu", ["x"], ["y"])], {})
    graph = onnx.load_model_from_string(half.write_for_card(network, PLAIN)).graph
    assert [value.name for value in graph.input] == [half.PICTURES]
    assert graph.input[0].type.tensor_type.elem_type == TensorProto.UINT8
    assert graph.output[0].type.tensor_type.elem_type == TensorProto.FLOAT
    assert [node.op_type for node in graph.node] == ["Transpose", "Cast", "Relu", "Cast"]
