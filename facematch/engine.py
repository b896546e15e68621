"""The one door to onnxruntime: opens sessions on the device that was asked for. It never falls back in silence."""

import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from facematch.bundle import Pixels
from facematch.errors import DeviceUnavailable

ERRORS_ONLY = 3  # onnxruntime's severity scale: 0 verbose .. 4 fatal
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
PACKAGES = ("onnxruntime", "onnxruntime-gpu", "onnx", "numpy", "opencv-python-headless")

Floats = NDArray[np.float32]


class Session:
    """One loaded network on one device; many threads may run it at once."""

    def __init__(self, native: onnxruntime.InferenceSession) -> None:
        self._native = native
        self.input_name: str = native.get_inputs()[0].name
        self.output_names: tuple[str, ...] = tuple(output.name for output in native.get_outputs())
        self.provider: str = native.get_providers()[0]

    def run(self, feeds: Mapping[str, Floats]) -> list[Floats]:
        """All outputs of the network, in the order of `output_names`."""
        outputs: list[Floats] = self._native.run(None, dict(feeds))
        return outputs


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """What `lighthouse doctor` says about the device: usable or not, what is there, and what to do."""

    device: str
    usable: bool
    provider: str
    available: tuple[str, ...]
    advice: str
    versions: Mapping[str, str]


def open_session(path: Path, device: str, *, threads: int) -> Session:
    """Load a weight file on `cpu`, `cuda` or `cuda:N`.

    `threads` 0 means all cores. Memory is pooled but not planned per shape: pictures come in hundreds of shapes, and
    plans for all of them held half as much again and ran slower (YuNet, 60 shapes up to 1280: 105 instead of 156 MB,
    28 instead of 38 ms). Raises DeviceUnavailable when the network would run anywhere else.
    """
    provider, number = _provider(device)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = ERRORS_ONLY
    options.enable_mem_pattern = False
    settings = [{"device_id": str(number)}] if provider == PROVIDERS["cuda"] else [{}]
    native = onnxruntime.InferenceSession(
        str(path), sess_options=options, providers=[provider], provider_options=settings
    )
    if native.get_providers()[0] != provider:
        raise DeviceUnavailable(device=device, got=native.get_providers()[0], advice=describe_device(device).advice)
    return Session(native)


def as_input(pictures: NDArray[np.uint8] | Sequence[NDArray[np.uint8]], pixels: Pixels) -> Floats:
    """Pictures of one size (n, H, W, 3) uint8 to (n, 3, H, W) float32: (value - mean) * scale, in the colour order."""
    mean = (pixels.mean, pixels.mean, pixels.mean)
    swap = pixels.colour == "rgb"
    blob = cv2.dnn.blobFromImages(list(pictures), pixels.scale, mean=mean, swapRB=swap)
    return np.asarray(blob, dtype=np.float32)


def describe_device(device: str) -> DeviceReport:
    """Say whether a device can be used, without loading any weights."""
    available = tuple(onnxruntime.get_available_providers())
    family = device.partition(":")[0]
    provider = PROVIDERS.get(family, "")
    usable = provider in available
    return DeviceReport(
        device=device,
        usable=usable,
        provider=provider,
        available=available,
        advice="" if usable else _advice(family),
        versions=_versions(),
    )


def _provider(device: str) -> tuple[str, int]:
    report = describe_device(device)
    number = device.partition(":")[2] or "0"
    if not report.usable or not number.isdecimal():
        advice = report.advice or "name a device as cuda:0"
        raise DeviceUnavailable(device=device, available=", ".join(report.available), advice=advice)
    return report.provider, int(number)


def _advice(family: str) -> str:
    if family not in PROVIDERS:
        return f"known devices: {', '.join(PROVIDERS)}"
    if "onnxruntime-gpu" in _versions():
        return "onnxruntime overwrote onnxruntime-gpu: install the GPU lock, which leaves the plain package out"
    return "install the GPU lock (onnxruntime-gpu with its CUDA libraries) and a driver that fits, or use cpu"


def _versions() -> dict[str, str]:
    installed = {name.metadata["Name"].lower() for name in importlib.metadata.distributions()}
    return {name: importlib.metadata.version(name) for name in PACKAGES if name in installed}
