"""The path of the eye: picture bytes in, faces with quality and template out. It never keeps a picture or a face."""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facematch import engine, images, quality
from facematch.align import SIDE, TEMPLATES, crop_face, scale_of, similarity
from facematch.bundle import Bundle, contract_id, read_bundle, verify_weights
from facematch.detect import Detector, open_detector
from facematch.embed import Embedder
from facematch.images import SHRINKS, Picture
from facematch.types import BgrImage, Box, Crop, Detection, Face, Quality
from facematch.utility import read_utility

BLANK_SIDE = 64  # pixels of the empty picture that warms the networks up
MOST_CALLERS = 16  # for whom room is taken at the start


class Extractor:
    """One bundle on one device. Many threads may call it at once: it holds no state between pictures."""

    def __init__(self, bundle: Bundle, detector: Detector, embedder: Embedder) -> None:
        self.bundle, self.detector, self.embedder = bundle, detector, embedder
        self.contract = contract_id(bundle)
        self.dimension = bundle.dimension
        self.utility = read_utility(bundle.folder / "utility.json", contract=self.contract)

    def faces_in(self, data: bytes) -> tuple[Picture, list[Face]]:
        """Bytes of a picture to the picture and its faces, largest first; none is an empty list.

        Raises ImageRefused for what is not let in.
        """
        picture = images.open_picture(data)
        return picture, self.faces_of(picture)

    def faces_of(self, picture: Picture | BgrImage) -> list[Face]:
        """Faces of a picture or of an upright image (H, W, 3) uint8, by the area of their boxes, largest first.

        Coordinates are pixels of the whole picture, however little of it had to be decoded. Raises ImageRefused for a
        picture that turns out to be damaged.
        """
        picture = Picture.of(picture)
        detections = self.detections(picture)
        shrink = self._shrink(picture, detections)
        crops = self.crops(picture, detections)
        qualities = [
            quality.assess(
                picture.view(shrink),
                _scaled(detection, 1 / shrink),
                crop,
                faces_in_picture=len(detections),
                scale=shrink,
            )
            for detection, crop in zip(detections, crops, strict=True)
        ]
        found = zip(detections, crops, qualities, *self.embedder.embed_with_norms(crops), strict=True)
        return [
            Face(detection, crop, self._rated(good, norm), {self.contract: template})
            for detection, crop, good, template, norm in found
        ]

    def detections(self, picture: Picture) -> list[Detection]:
        """Where the faces are, largest first, in pixels of the whole picture; a large photo is decoded small for it."""
        shrink = self.sight(picture)
        found = self.detector.find(picture.view(shrink), closer=picture.pixels if shrink > 1 else None)
        return sorted((_scaled(detection, shrink) for detection in found), key=_area, reverse=True)

    def sight(self, picture: Picture) -> int:
        """How far a picture may be shrunk before the detector sees less: its own passes shrink the rest."""
        return picture.shrink_for(max(self.bundle.detector.sides))

    def crops(self, picture: Picture, detections: Sequence[Detection]) -> list[Crop]:
        """The aligned crops (112, 112, 3) of faces, from the coarsest view in which none of them must be enlarged."""
        if not detections:
            return []
        shrink, alignment = self._shrink(picture, detections), self.bundle.recogniser.alignment
        view = picture.view(shrink)
        return [crop_face(view, detection.landmarks, alignment, shrink=shrink) for detection in detections]

    def embed(self, crops: Sequence[Crop]) -> NDArray[np.float32]:
        """Templates (n, d) with norm 1 for n aligned crops, of one picture or of many."""
        return self.embedder.embed(crops)

    def _rated(self, good: Quality, norm: float) -> Quality:
        if self.utility is None:
            return good
        return self.utility.rate(good, norm=float(norm))

    def _shrink(self, picture: Picture, detections: Sequence[Detection]) -> int:
        """How far a picture may be shrunk before one of its faces must be enlarged to its crop."""
        coarsest = self.sight(picture)  # decoded already
        if coarsest == 1:
            return 1
        target = TEMPLATES[self.bundle.recogniser.alignment]
        smallest = max((scale_of(similarity(face.landmarks, target)) for face in detections), default=1.0)
        return next((shrink for shrink in SHRINKS if shrink <= coarsest and shrink * smallest <= 1), 1)


def open_extractor(
    bundle_name: str, *, models_dir: Path, weights_dir: Path, device: str = "cpu", threads: int = 0
) -> Extractor:
    """Read a bundle, check its weights, load both networks on the device and run each once.

    `threads` 0 means all cores; with fewer, a picture is expected at a time for each so many cores. Raises BundleError
    (unknown, invalid, weights missing or wrong) or DeviceUnavailable.
    """
    bundle = read_bundle(bundle_name, models_dir)
    paths = verify_weights(bundle, weights_dir)
    detector, recogniser = (
        engine.open_session(
            paths[part.file], device, threads=threads, pixels=part.pixels, sizes=engine.squares(smallest, largest)
        )
        for part, smallest, largest in (
            (bundle.detector, min(bundle.detector.sides), max(bundle.detector.sides)),
            (bundle.recogniser, bundle.recogniser.side, bundle.recogniser.side),
        )
    )
    extractor = Extractor(
        bundle,
        open_detector(bundle.detector, detector),
        Embedder(bundle.recogniser, recogniser, dimension=bundle.dimension),
    )
    _warm_up(extractor)
    cores = os.cpu_count() or 1
    callers = min(cores // (threads or cores), MOST_CALLERS)
    if callers > 1:
        _take_room(detector, max(bundle.detector.sides), callers)
        _take_room(recogniser, bundle.recogniser.side, callers)
    return extractor


def _warm_up(extractor: Extractor) -> None:
    """The first run compiles and allocates; nobody should wait for it. It also proves the dimension."""
    extractor.detector.find(np.zeros((BLANK_SIDE, BLANK_SIDE, 3), dtype=np.uint8))
    extractor.embed([np.zeros((SIDE, SIDE, 3), dtype=np.uint8)])


def _take_room(network: engine.Network, side: int, callers: int) -> None:
    """Ask for so many of the largest pictures at once: later their memory would be taken whenever they chance to meet,
    and a worker would seem to grow for days.
    """
    together, blank = threading.Barrier(callers), np.zeros((side, side, 3), dtype=np.uint8)

    def ask(_: int) -> None:
        together.wait()
        network.outputs_of([blank])

    with ThreadPoolExecutor(callers) as threads:
        list(threads.map(ask, range(callers)))


def _scaled(detection: Detection, factor: float) -> Detection:
    """The same face in a picture `factor` times as large."""
    if factor == 1:
        return detection
    box = detection.box
    larger = Box(box.x * factor, box.y * factor, box.width * factor, box.height * factor)
    return replace(detection, box=larger, landmarks=detection.landmarks * np.float32(factor))


def _area(detection: Detection) -> float:
    return detection.box.width * detection.box.height
