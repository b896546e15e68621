"""The one door to onnxruntime: opens networks on the device that was asked for. It never falls back in silence.

`devices` and `card` stand in the same door; nothing else here knows the library.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from facematch import card, card_memory, devices
from facematch.bundle import Pixels
from facematch.errors import DeviceUnavailable

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]

LARGEST_BATCH = 16  # pictures a run, on as many threads: what memory a run takes is never given back


class Network(Protocol):
    """One loaded network on one device; many threads may ask it at once."""

    provider: str

    def fitted(self, canvas: Picture) -> Picture:
        """The canvas (H, W, 3) as the device wants it: the same, or with zeros below and to the right."""
        ...

    def outputs_of(self, pictures: Picture | Sequence[Picture]) -> list[Floats]:
        """All outputs, float32, for pictures of one size: (n, H, W, 3) uint8 blue-green-red, or n of (H, W, 3)."""
        ...


class Session:
    """A network on the processor: every caller's thread runs it by itself, which there is as fast as together."""

    def __init__(self, native: onnxruntime.InferenceSession, pixels: Pixels, *, largest: int) -> None:
        """`largest`: so many pictures in one run; of more, runs are made one after the other."""
        self._native, self._pixels, self._largest = native, pixels, largest
        self.input_name: str = native.get_inputs()[0].name
        self.output_names: tuple[str, ...] = tuple(output.name for output in native.get_outputs())
        self.provider: str = native.get_providers()[0]

    def fitted(self, canvas: Picture) -> Picture:
        """Any size is as good as another."""
        return canvas

    def outputs_of(self, pictures: Picture | Sequence[Picture]) -> list[Floats]:
        """All outputs, float32, for pictures of one size: (n, H, W, 3) uint8 blue-green-red, or n of (H, W, 3)."""
        starts = range(0, len(pictures), self._largest)
        runs = [self._look(pictures[start : start + self._largest]) for start in starts]
        return runs[0] if len(runs) == 1 else [np.concatenate(parts) for parts in zip(*runs, strict=True)]

    def _look(self, pictures: Picture | Sequence[Picture]) -> list[Floats]:
        return self.run({self.input_name: as_input(pictures, self._pixels)})

    def run(self, feeds: Mapping[str, Floats]) -> list[Floats]:
        """All outputs of the network, in the order of `output_names`."""
        outputs: list[Floats] = self._native.run(None, dict(feeds))
        return outputs


def open_session(path: Path, device: str, *, threads: int, pixels: Pixels, sizes: Sequence[tuple[int, int]]) -> Network:
    """Load a weight file on `cpu`, `cuda`, `cuda:N`, `tensorrt` or `tensorrt:N` for pictures as `pixels` says.

    `threads` (0: all cores) matters on the processor; on a card, `sizes` (height, width) are those to prepare, at least
    one. Raises DeviceUnavailable when the network, or a part of it that matters, would run anywhere else.
    """
    report = devices.usable_device(device)
    if device.partition(":")[0] == "cpu":
        return _on_processor(path, threads, pixels)
    return open_on_card(path.read_bytes(), report, pixels=pixels, sizes=sizes, choices=card.Choices())


def open_on_card(
    network: bytes,
    report: devices.DeviceReport,
    *,
    pixels: Pixels,
    sizes: Sequence[tuple[int, int]],
    choices: card.Choices,
) -> card.CardSession:
    """Load an ONNX file on a usable card, with half of its memory at most: the index may live there too.

    Raises DeviceUnavailable as `open_session`.
    """
    number, runtime = report.number, devices.cuda_runtime()
    try:
        memory = card_memory.free_and_total(number, runtime)[1] // 2
        providers = [card.cuda_provider(number, memory, choices)]
        if report.provider == devices.PROVIDERS["tensorrt"]:  # which records graphs of its own
            cuda = card.cuda_provider(number, memory, replace(choices, graphs=False))
            providers = [card.tensorrt_provider(number, _engine_cache(), sizes, choices), cuda]
        place = card_memory.card(number, runtime)
        return card.CardSession(network, pixels=pixels, sizes=sizes, place=place, providers=providers, choices=choices)
    except (RuntimeError, *card.REFUSALS) as refused:
        raise DeviceUnavailable(device=report.device, trouble=devices.REFUSED, detail=str(refused)[:300]) from refused


def squares(smallest: int, largest: int) -> list[tuple[int, int]]:
    """Sizes (height, width) of squares, each side twice the one before, from the smallest to the largest."""
    sides = [smallest]
    while sides[-1] < largest:
        sides.append(min(2 * sides[-1], largest))
    return [(side, side) for side in sides]


def as_input(pictures: Picture | Sequence[Picture], pixels: Pixels) -> Floats:
    """Pictures of one size (n, H, W, 3) uint8 to (n, 3, H, W) float32: (value - mean) * scale, in the colour order.

    The same numbers as cv2.dnn.blobFromImages gives, which takes four times as long for a single picture.
    """
    blob = np.empty((len(pictures), 3, *pictures[0].shape[:2]), dtype=np.float32)
    order = (2, 1, 0) if pixels.colour == "rgb" else (0, 1, 2)
    for picture, planes in zip(pictures, blob, strict=True):
        for place, plane in zip(order, cv2.split(picture), strict=True):
            planes[place] = plane
    if pixels.mean:
        blob -= np.float32(pixels.mean)
    if pixels.scale != 1:
        blob *= np.float32(pixels.scale)
    return blob


def _on_processor(path: Path, threads: int, pixels: Pixels) -> Session:
    """Memory is pooled but not planned per shape: pictures come in hundreds of shapes, and plans for all of them held
    half as much again and ran slower (YuNet, 60 shapes up to 1280: 105 instead of 156 MB, 28 instead of 38 ms).

    Threads of one network stop waiting busily as soon as its run ends: they would take a core from the network that
    comes next (detector and recogniser on two cores, one picture: 20 instead of 36 ms).
    """
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.intra_op_num_threads = threads
    options.log_severity_level = card.ERRORS_ONLY
    options.enable_mem_pattern = False
    native = onnxruntime.InferenceSession(path, options, [devices.PROVIDERS["cpu"]], enable_fallback=0)
    return Session(native, pixels, largest=min(threads or os.cpu_count() or 1, LARGEST_BATCH))


def _engine_cache() -> str:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lighthouse" / "tensorrt"
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)
