"""The path of the eye: picture bytes in, faces with quality and template out. It never keeps a picture or a face."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facematch import engine, images, quality
from facematch.align import SIDE, crop_face
from facematch.bundle import Bundle, contract_id, read_bundle, verify_weights
from facematch.detect import Detector, open_detector
from facematch.embed import Embedder
from facematch.types import BgrImage, Crop, Detection, Face

BLANK_SIDE = 64  # pixels of the empty picture that warms the networks up


class Extractor:
    """One bundle on one device. Many threads may call it at once: it holds no state between pictures."""

    def __init__(self, bundle: Bundle, detector: Detector, embedder: Embedder) -> None:
        self.bundle, self.detector, self.embedder = bundle, detector, embedder
        self.contract = contract_id(bundle)
        self.dimension = bundle.dimension

    def faces_in(self, data: bytes) -> tuple[BgrImage, list[Face]]:
        """Bytes of a picture to the upright image (H, W, 3) and its faces, largest first; none is an empty list.

        Raises ImageRefused for what is not let in.
        """
        image = images.read(data)
        return image, self.faces_of(image)

    def faces_of(self, image: BgrImage) -> list[Face]:
        """Faces of an upright image (H, W, 3) uint8, by the area of their boxes, largest first."""
        detections = sorted(self.detector.find(image), key=_area, reverse=True)
        crops = [self.crop(image, detection) for detection in detections]
        templates = self.embed(crops)
        return [
            Face(
                detection=detection,
                crop=crop,
                quality=quality.assess(image, detection, crop, faces_in_picture=len(detections)),
                template=template,
                contract=self.contract,
            )
            for detection, crop, template in zip(detections, crops, templates, strict=True)
        ]

    def crop(self, image: BgrImage, detection: Detection) -> Crop:
        """The aligned crop (112, 112, 3) of one face."""
        return crop_face(image, detection.landmarks, self.bundle.recogniser.alignment)

    def embed(self, crops: Sequence[Crop]) -> NDArray[np.float32]:
        """Templates (n, d) with norm 1 for n aligned crops, of one picture or of many."""
        return self.embedder.embed(crops)


def open_extractor(
    bundle_name: str, *, models_dir: Path, weights_dir: Path, device: str = "cpu", threads: int = 0
) -> Extractor:
    """Read a bundle, check its weights, load both networks on the device and run each once.

    `threads` 0 means all cores. Raises BundleError (unknown, invalid, weights missing or wrong) or DeviceUnavailable.
    """
    bundle = read_bundle(bundle_name, models_dir)
    paths = verify_weights(bundle, weights_dir)
    detector = engine.open_session(paths[bundle.detector.file], device, threads=threads)
    recogniser = engine.open_session(paths[bundle.recogniser.file], device, threads=threads)
    extractor = Extractor(
        bundle,
        open_detector(bundle.detector, detector),
        Embedder(bundle.recogniser, recogniser, dimension=bundle.dimension),
    )
    _warm_up(extractor)
    return extractor


def _warm_up(extractor: Extractor) -> None:
    """The first run compiles and allocates; nobody should wait for it. It also proves the dimension."""
    extractor.detector.find(np.zeros((BLANK_SIDE, BLANK_SIDE, 3), dtype=np.uint8))
    extractor.embed([np.zeros((SIDE, SIDE, 3), dtype=np.uint8)])


def _area(detection: Detection) -> float:
    return detection.box.width * detection.box.height
