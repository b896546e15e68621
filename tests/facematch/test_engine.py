"""The engine runs on the device that was asked for or refuses, and says what is missing."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from facematch.bundle import Pixels
from facematch.devices import TROUBLES, describe_device, usable_device
from facematch.engine import Floats, Session, as_input, open_session, squares
from facematch.errors import DeviceUnavailable
from tests.facematch.bundles import tiny_network
from tests.facematch.test_card import network as sums_network

PLAIN = Pixels(mean=0.0, scale=1.0, colour="bgr")


@pytest.fixture
def network(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.onnx"
    path.write_bytes(tiny_network())
    return path


def test_a_session_answers_what_the_library_answers(network: Path) -> None:
    picture = np.linspace(-1, 1, 18, dtype=np.float32).reshape(1, 2, 3, 3)
    session = open_session(network, "cpu", threads=1, pixels=PLAIN, sizes=[])
    plain = onnxruntime.InferenceSession(str(network), providers=["CPUExecutionProvider"])
    assert isinstance(session, Session)
    assert np.array_equal(session.run({"picture": picture})[0], plain.run(None, {"picture": picture})[0])
    assert session.provider == "CPUExecutionProvider"


@pytest.mark.parametrize("threads", [1, 2])
def test_no_run_takes_more_pictures_than_threads(tmp_path: Path, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sums.onnx").write_bytes(sums_network())
    session = open_session(tmp_path / "sums.onnx", "cpu", threads=threads, pixels=PLAIN, sizes=[])
    pictures = np.random.default_rng(5).integers(0, 256, (5, 8, 8, 3), np.uint8)
    alone = [session.outputs_of([picture])[0][0] for picture in pictures]
    runs: list[int] = []
    run = Session.run

    def noting(self: Session, feeds: dict[str, Floats]) -> list[Floats]:
        runs.append(len(feeds["x"]))
        return run(self, feeds)

    monkeypatch.setattr(Session, "run", noting)
    assert np.allclose(session.outputs_of(pictures)[0], alone, rtol=1e-5)
    assert runs == [threads] * (5 // threads) + [1] * (5 % threads)


def test_the_processor_takes_any_size_as_it_is(network: Path) -> None:
    canvas = np.ones((33, 47, 3), np.uint8)
    assert open_session(network, "cpu", threads=1, pixels=PLAIN, sizes=[(64, 64)]).fitted(canvas) is canvas


@pytest.mark.parametrize("device", ["gpu", "", "cpu:x", "tpu:0", "cuda:-1"])
def test_a_device_that_does_not_exist_is_refused_with_its_trouble(network: Path, device: str) -> None:
    with pytest.raises(DeviceUnavailable) as refused:
        open_session(network, device, threads=1, pixels=PLAIN, sizes=[])
    assert refused.value.facts["trouble"] in TROUBLES


@pytest.mark.parametrize("device", ["cuda:0", "tensorrt"])
def test_a_missing_card_is_refused_instead_of_running_on_the_processor(network: Path, device: str) -> None:
    if describe_device(device).usable:
        pytest.skip("this machine has a card")
    with pytest.raises(DeviceUnavailable) as refused:
        open_session(network, device, threads=1, pixels=PLAIN, sizes=[])
    assert refused.value.facts["trouble"] in TROUBLES


def test_the_report_names_device_providers_and_versions() -> None:
    report = usable_device("cpu")
    assert report.usable
    assert report.trouble == ""
    assert report.provider in report.available
    assert onnxruntime.__version__ in report.versions.values()


@pytest.mark.parametrize(("device", "number"), [("cuda:3", 3), ("cuda", 0), ("cpu", 0)])
def test_the_report_knows_the_number_of_the_card(device: str, number: int) -> None:
    assert describe_device(device).number == number


@pytest.mark.parametrize(
    ("smallest", "largest", "sides"), [(112, 112, [112]), (320, 1280, [320, 640, 1280]), (256, 640, [256, 512, 640])]
)
def test_squares_double_from_the_smallest_to_the_largest(smallest: int, largest: int, sides: list[int]) -> None:
    assert squares(smallest, largest) == [(side, side) for side in sides]


def test_pixels_become_numbers_in_the_colour_order_of_the_bundle() -> None:
    blue = np.zeros((2, 2, 3), dtype=np.uint8)
    blue[..., 0] = 255
    numbers = as_input([blue, blue], Pixels(mean=127.5, scale=1 / 127.5, colour="rgb"))
    assert numbers.shape == (2, 3, 2, 2)
    assert numbers.dtype == np.float32
    assert numbers[:, 2] == pytest.approx(1)
    assert numbers[:, :2] == pytest.approx(-1)
