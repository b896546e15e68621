"""What a card would do, done by the processor: prepared shapes, bound buffers, gathered callers, float16 inside."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from facematch import card, card_memory
from facematch.bundle import Pixels
from facematch.devices import PARTLY, REFUSED, describe_device
from facematch.errors import DeviceUnavailable

PIXELS = Pixels(mean=127.5, scale=1 / 127.5, colour="rgb")
PROCESSOR = [("CPUExecutionProvider", {})]
RNG = np.random.default_rng(3)


def network(*, per_picture: bool = True) -> bytes:
    """Sums of a convolution's answer, one number a channel; else all pictures' answers in one row."""
    kernel = RNG.normal(size=(4, 3, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "kernel"], ["y"], pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["y"], ["z"]),
        helper.make_node("Reshape", ["z", "shape"], ["answer"]),
    ]
    weights = [
        numpy_helper.from_array(kernel, "kernel"),
        numpy_helper.from_array(np.array([0, 4] if per_picture else [1, -1], np.int64), "shape"),
    ]
    value = helper.make_tensor_value_info
    ends = [value("x", TensorProto.FLOAT, ["n", 3, "h", "w"])], [value("answer", TensorProto.FLOAT, ["m", "k"])]
    graph = helper.make_graph(nodes, "sums", *ends, weights)
    written: bytes = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6
    ).SerializeToString()
    return written


def opened(content: bytes, **choices: bool) -> card.CardSession:
    return card.CardSession(
        content,
        pixels=PIXELS,
        sizes=[(8, 8), (16, 16)],
        place=card_memory.host(),
        providers=PROCESSOR,
        choices=card.Choices(**choices),
    )


@pytest.fixture(scope="module")
def session() -> Iterator[card.CardSession]:
    one = opened(network(), half=False)
    yield one
    one.close()


def noise(count: int, side: int = 8) -> NDArray[np.uint8]:
    return RNG.integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def test_answers_do_not_depend_on_who_else_is_in_the_batch(session: card.CardSession) -> None:
    pictures = noise(70)
    together = session.outputs_of(pictures)[0]
    assert together.shape == (70, 4)
    assert np.allclose(together, [session.outputs_of([picture])[0][0] for picture in pictures], atol=1e-6)


def test_many_threads_get_their_own_answers(session: card.CardSession) -> None:
    asked = [noise(1 + turn % 5, side=(8, 16)[turn % 2]) for turn in range(60)]
    alone = [session.outputs_of(pictures)[0] for pictures in asked]
    with ThreadPoolExecutor(12) as callers:
        answers = list(callers.map(lambda pictures: session.outputs_of(pictures)[0], asked))
    assert all(np.allclose(one, other, atol=1e-6) for one, other in zip(answers, alone, strict=True))


def test_a_size_nobody_prepared_is_answered_too(session: card.CardSession) -> None:
    pictures = noise(3, side=24)
    assert session.outputs_of(pictures)[0].shape == (3, 4)


@pytest.mark.parametrize(("height", "width", "side"), [(5, 8, 8), (8, 8, 8), (9, 3, 16), (16, 16, 16)])
def test_a_canvas_is_filled_up_with_black_to_a_prepared_size(
    session: card.CardSession, height: int, width: int, side: int
) -> None:
    canvas = RNG.integers(1, 256, (height, width, 3), dtype=np.uint8)
    fitted = session.fitted(canvas)
    assert fitted.shape == (side, side, 3)
    assert np.array_equal(fitted[:height, :width], canvas)
    assert np.count_nonzero(fitted) == canvas.size


def test_a_canvas_larger_than_all_prepared_sizes_stays_as_it_is(session: card.CardSession) -> None:
    canvas = noise(1, side=17)[0]
    assert session.fitted(canvas) is canvas


def test_a_network_made_for_one_picture_gets_one_at_a_time() -> None:
    one = opened(network(per_picture=False), half=False)
    assert [len(answer) for answer in one.outputs_of(noise(3))] == [3]
    one.close()


def test_float16_inside_is_near_float32() -> None:
    content, pictures = network(), noise(9)
    exact, halved = (opened(content, half=half) for half in (False, True))
    apart = np.abs(exact.outputs_of(pictures)[0] - halved.outputs_of(pictures)[0])
    assert 0 < apart.max() < 0.01


def test_a_closed_network_refuses() -> None:
    one = opened(network())
    one.close()
    with pytest.raises(RuntimeError):
        one.outputs_of(noise(1))


def test_another_provider_than_the_wanted_one_is_refused() -> None:
    native = card.open_native(network(), PROCESSOR)
    with pytest.raises(DeviceUnavailable) as refused:
        card.refuse_elsewhere(native, ["CUDAExecutionProvider"])
    assert refused.value.facts["trouble"] == REFUSED


def test_work_that_the_provider_leaves_to_the_processor_is_refused() -> None:
    if "AzureExecutionProvider" not in describe_device("cpu").available:
        pytest.skip("this onnxruntime has no second provider that takes none of our operators")
    native = card.open_native(network(), [("AzureExecutionProvider", {}), *PROCESSOR])
    with pytest.raises(DeviceUnavailable) as refused:
        card.refuse_elsewhere(native, ["AzureExecutionProvider"])
    assert refused.value.facts["trouble"] == PARTLY
    assert refused.value.facts["detail"] == "Conv"
