"""The engine runs on the device that was asked for or refuses, and says what to do."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from facematch.bundle import Pixels
from facematch.engine import as_input, describe_device, open_session
from facematch.errors import DeviceUnavailable
from tests.facematch.bundles import tiny_network


@pytest.fixture
def network(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.onnx"
    path.write_bytes(tiny_network())
    return path


def test_a_session_answers_what_the_library_answers(network: Path) -> None:
    picture = np.linspace(-1, 1, 18, dtype=np.float32).reshape(1, 2, 3, 3)
    session = open_session(network, "cpu", threads=1)
    plain = onnxruntime.InferenceSession(str(network), providers=["CPUExecutionProvider"])
    assert np.array_equal(session.run({"picture": picture})[0], plain.run(None, {"picture": picture})[0])
    assert session.provider == "CPUExecutionProvider"


@pytest.mark.parametrize("device", ["gpu", "", "cpu:x", "tpu:0"])
def test_a_device_that_does_not_exist_is_refused_with_advice(network: Path, device: str) -> None:
    with pytest.raises(DeviceUnavailable) as refused:
        open_session(network, device, threads=1)
    assert refused.value.facts["advice"]


def test_a_missing_gpu_is_refused_instead_of_running_on_the_processor(network: Path) -> None:
    if describe_device("cuda").usable:
        pytest.skip("this machine has a GPU build")
    with pytest.raises(DeviceUnavailable) as refused:
        open_session(network, "cuda:0", threads=1)
    assert "GPU lock" in str(refused.value.facts["advice"])


def test_the_report_names_device_providers_and_versions() -> None:
    report = describe_device("cpu")
    assert report.usable
    assert report.advice == ""
    assert report.provider in report.available
    assert report.versions["onnxruntime"] == onnxruntime.__version__


def test_pixels_become_numbers_in_the_colour_order_of_the_bundle() -> None:
    blue = np.zeros((2, 2, 3), dtype=np.uint8)
    blue[..., 0] = 255
    numbers = as_input([blue, blue], Pixels(mean=127.5, scale=1 / 127.5, colour="rgb"))
    assert numbers.shape == (2, 3, 2, 2)
    assert numbers.dtype == np.float32
    assert numbers[:, 2] == pytest.approx(1)
    assert numbers[:, :2] == pytest.approx(-1)
