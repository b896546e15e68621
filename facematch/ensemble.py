"""Several models that look at one picture together: one list of faces, a template of every model that saw the face.

The first model leads: its detector decides which faces there are, and its crop and quality describe them. It never
compares templates, and never shows a face that the leader did not see. Members with the same detector share its look.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facematch import images
from facematch.bundle import Bundle, Pixels
from facematch.extractor import Extractor, open_extractor
from facematch.images import Picture
from facematch.types import BgrImage, Box, Crop, Detection, Face, Template

Sight = tuple[str, Pixels, str, int]
SAME_FACE = 0.4  # least overlap (IoU) of the boxes that two detectors draw around one face


class Ensemble:
    """Extractors side by side, the leader first. Many threads may call it at once, as they may an Extractor."""

    def __init__(self, extractors: Sequence[Extractor]) -> None:
        """One extractor is an ensemble too. Raises ValueError for none, and where two share a contract."""
        self.extractors = tuple(extractors)
        self.contracts = tuple(extractor.contract for extractor in extractors)
        if len(set(self.contracts)) != len(self.contracts) or not extractors:
            raise ValueError("an ensemble needs extractors of different contracts")
        self.leader, self.followers = self.extractors[0], self.extractors[1:]

    def faces_in(self, data: bytes) -> tuple[Picture, list[Face]]:
        """Bytes of a picture to the picture and its faces, largest first; none is an empty list.

        Raises ImageRefused for what is not let in.
        """
        picture = images.open_picture(data)
        return picture, self.faces_of(picture)

    def faces_of(self, picture: Picture | BgrImage) -> list[Face]:
        """The leader's faces of a picture or an upright image (H, W, 3) uint8, each with all templates there are."""
        picture = Picture.of(picture)
        faces = self.leader.faces_of(picture)
        crops = {sight_of(self.leader.bundle): dict(enumerate(face.crop for face in faces))}
        for follower in self.followers if faces else ():
            sight = sight_of(follower.bundle)
            if sight not in crops:
                crops[sight] = _crops(follower, picture, faces)
            templates = dict(zip(crops[sight], follower.embed(list(crops[sight].values())), strict=True))
            faces = [_with(face, follower.contract, templates.get(place)) for place, face in enumerate(faces)]
        return faces


def open_ensemble(
    names: Sequence[str], *, models_dir: Path, weights_dir: Path, device: str = "cpu", threads: int = 0
) -> Ensemble:
    """Open several bundles on one device, the leader first. Raises as `open_extractor`, and ValueError as Ensemble."""
    return Ensemble(
        [
            open_extractor(name, models_dir=models_dir, weights_dir=weights_dir, device=device, threads=threads)
            for name in names
        ]
    )


def sight_of(bundle: Bundle) -> Sight:
    """What decides how a bundle crops a face, as far as its contract knows: detector, its pixels, and alignment."""
    detector, recogniser = bundle.detector, bundle.recogniser
    return bundle.file(detector.file).running_sha256, detector.pixels, recogniser.alignment, recogniser.side


def _crops(follower: Extractor, picture: Picture, faces: Sequence[Face]) -> dict[int, Crop]:
    """The follower's own crops by the place of the leader's face; without those it does not see."""
    found = follower.detections(picture)
    same = dict(pairs([face.detection for face in faces], found))
    return dict(zip(same, follower.crops(picture, [found[place] for place in same.values()]), strict=True))


def _with(face: Face, contract: str, template: Template | None) -> Face:
    return face if template is None else replace(face, templates={**face.templates, contract: template})


def pairs(one: Sequence[Detection], other: Sequence[Detection]) -> Iterator[tuple[int, int]]:
    """Places of the detections that show the same face: greatest overlap first, each used once."""
    overlaps = _overlaps(_corners(one), _corners(other))
    while overlaps.size and overlaps.max() >= SAME_FACE:
        first, second = np.unravel_index(overlaps.argmax(), overlaps.shape)
        overlaps[first, :] = overlaps[:, second] = 0
        yield int(first), int(second)


def _corners(detections: Sequence[Detection]) -> NDArray[np.float64]:
    return np.array([_edges(detection.box) for detection in detections], np.float64).reshape(-1, 4)


def _edges(box: Box) -> tuple[float, float, float, float]:
    return box.x, box.y, box.x + box.width, box.y + box.height


def _overlaps(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of boxes (n, 4) and (m, 4): (n, m)."""
    first, second = one[:, None], other[None]
    shared = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2])
    common = np.prod(np.maximum(shared, 0), axis=2)
    areas = np.prod(first[..., 2:] - first[..., :2], axis=2) + np.prod(second[..., 2:] - second[..., :2], axis=2)
    ratio: NDArray[np.float64] = common / np.maximum(areas - common, np.finfo(np.float64).tiny)
    return ratio
