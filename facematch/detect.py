"""Finds faces: passes over the picture at several sizes, decoding, and merging. It never decides whose face counts.

Landmarks come as the viewer sees them: left eye, right eye, nose, left mouth corner, right mouth corner.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from facematch.bundle import DetectorSection
from facematch.engine import Session, as_input
from facematch.types import BgrImage, Box, Detection

STRIDES = (8, 16, 32)
SCRFD_ANCHORS = 2  # per cell
# Pixels of a pass. Measured on enlarged portraits: beyond 300 pixels both families still report some faces, but with
# landmarks so inexact that templates suffer, so those faces are left to the coarser pass. Where two passes see a face
# within OVERLAP of the limit, the surer one counts.
LARGEST_FACE = 256
OVERLAP = 0.8

Floats = NDArray[np.float32]


class Detector(Protocol):
    """Whatever finds faces in one picture."""

    def find(self, image: BgrImage) -> list[Detection]:
        """Faces of an upright image (H, W, 3), surest first; coordinates are pixels of that image."""
        ...


@dataclass(frozen=True, slots=True)
class Candidates:
    """Faces before merging: corners (n, 4) as x1 y1 x2 y2, landmarks (n, 5, 2), confidence (n,) in 0..1."""

    corners: Floats
    landmarks: Floats
    confidence: Floats

    def take(self, rows: NDArray[np.intp]) -> "Candidates":
        """Some of them, in the given order."""
        return Candidates(self.corners[rows], self.landmarks[rows], self.confidence[rows])

    def scaled(self, factor: float) -> "Candidates":
        """The same faces in a picture `factor` times as large."""
        return Candidates(self.corners * np.float32(factor), self.landmarks * np.float32(factor), self.confidence)


@dataclass(frozen=True, slots=True)
class Canvas:
    """A picture as one pass sees it: padded to the right and below, `scale` times the size of the original."""

    pixels: BgrImage
    scale: float


@dataclass(frozen=True, slots=True)
class Family:
    """What differs between detectors: which passes, how a picture is fitted and what the outputs mean."""

    sides: Callable[[tuple[int, ...], BgrImage], tuple[int, ...]]
    fit: Callable[[BgrImage, int], Canvas]
    decode: Callable[[Sequence[Floats], int, float], Candidates]
    pixel_width: float  # 1 where boxes count their last pixel, 0 where they end at it


def open_detector(section: DetectorSection, session: Session) -> Detector:
    """The detector of a bundle on a loaded network."""
    return PyramidDetector(section, session)


class PyramidDetector:
    """A detector that looks several times, so that a face may fill the picture or be lost in it."""

    def __init__(self, section: DetectorSection, session: Session) -> None:
        self.section, self.session = section, session
        self.family = FAMILIES[section.family]

    def find(self, image: BgrImage) -> list[Detection]:
        """Faces of an upright image (H, W, 3), surest first; coordinates are pixels of that image."""
        sides = self.family.sides(self.section.sides, image)
        passes = [self._look(image, side, sides=sides) for side in sides]
        found = Candidates(
            np.concatenate([one.corners for one in passes]),
            np.concatenate([one.landmarks for one in passes]),
            np.concatenate([one.confidence for one in passes]),
        )
        kept = merge(found, overlap=self.section.overlap, pixel_width=self.family.pixel_width)
        return [_detection(kept, row) for row in range(len(kept.confidence))]

    def _look(self, image: BgrImage, side: int, *, sides: tuple[int, ...]) -> Candidates:
        canvas = self.family.fit(image, side)
        outputs = self.session.run({self.session.input_name: as_input([canvas.pixels], self.section.pixels)})
        found = self.family.decode(outputs, canvas.pixels.shape[1], self.section.confidence)
        return found.take(own_faces(found, side, sides=sides)).scaled(1 / canvas.scale)


def own_faces(found: Candidates, side: int, *, sides: tuple[int, ...]) -> NDArray[np.intp]:
    """Which faces a pass answers for: not those too large for it, nor those that a finer pass sees well."""
    length = np.max(found.corners[:, 2:] - found.corners[:, :2], axis=1)
    own = np.ones(len(length), dtype=bool)
    place = sides.index(side)
    if place > 0:
        own &= length <= LARGEST_FACE
    if place + 1 < len(sides):
        own &= length * (sides[place + 1] / side) >= OVERLAP * LARGEST_FACE
    return np.flatnonzero(own)


def merge(found: Candidates, *, overlap: float, pixel_width: float) -> Candidates:
    """Greedy non-maximum suppression: of boxes that overlap by more than `overlap` (IoU) the surest stays.

    The loop runs over the faces that stay, not over anchors.
    """
    order = np.argsort(-found.confidence, kind="stable")
    first, last = found.corners[:, :2], found.corners[:, 2:]
    area = np.prod(last - first + pixel_width, axis=1)
    kept = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(best)
        shared = np.minimum(last[best], last[rest]) - np.maximum(first[best], first[rest]) + pixel_width
        common = np.prod(np.maximum(shared, 0), axis=1)
        order = rest[common <= overlap * (area[best] + area[rest] - common)]
    return found.take(np.asarray(kept, dtype=np.intp))


def _detection(found: Candidates, row: int) -> Detection:
    x1, y1, x2, y2 = (float(value) for value in found.corners[row])
    box = Box(x=x1, y=y1, width=x2 - x1, height=y2 - y1)
    return Detection(box=box, landmarks=found.landmarks[row].copy(), confidence=float(found.confidence[row]))


def _yunet_sides(sides: tuple[int, ...], image: BgrImage) -> tuple[int, ...]:
    """YuNet never sees a picture enlarged, so a small picture needs fewer passes."""
    longest = max(image.shape[:2])
    return tuple(sorted({min(side, longest) for side in sides}))


def _yunet_fit(image: BgrImage, side: int) -> Canvas:
    """Longest side at most `side`, then zeros up to a multiple of 32 (OpenCV FaceDetectorYN, padWithDivisor)."""
    scale = min(1.0, side / max(image.shape[:2]))
    if scale < 1:
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    below, right = -image.shape[0] % STRIDES[-1], -image.shape[1] % STRIDES[-1]
    padded = cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_CONSTANT, value=0)
    return Canvas(np.asarray(padded, dtype=np.uint8), scale)


def _yunet_decode(outputs: Sequence[Floats], width: int, confidence: float) -> Candidates:
    """Outputs cls, obj, bbox, kps for three strides (OpenCV FaceDetectorYN, postProcess).

    score = sqrt(cls * obj); centre = (cell + offset) * stride; size = exp(log size) * stride.
    """
    parts = []
    for level, stride in enumerate(STRIDES):
        certain, present, boxes, points = (outputs[level + 3 * kind][0] for kind in range(4))
        scores = np.sqrt(np.clip(certain[:, 0], 0, 1) * np.clip(present[:, 0], 0, 1))
        rows = np.flatnonzero(scores >= confidence)
        cells = _cells(rows, width // stride)
        centre, size = (cells + boxes[rows, :2]) * stride, np.exp(boxes[rows, 2:]) * stride
        corners = np.concatenate([centre - size / 2, centre + size / 2], axis=1)
        landmarks = (points[rows].reshape(-1, 5, 2) + cells[:, None]) * stride
        parts.append((corners, landmarks, scores[rows]))
    return _joined(parts)


def _scrfd_sides(sides: tuple[int, ...], _image: BgrImage) -> tuple[int, ...]:
    """SCRFD sees every picture on a square of the given side, small pictures enlarged."""
    return sides


def _scrfd_fit(image: BgrImage, side: int) -> Canvas:
    """A square with the picture in its upper left corner (insightface SCRFD.detect, whose rounding this follows)."""
    height, width = image.shape[:2]
    if height > width:
        size = (max(1, int(side / (height / width))), side)
    else:
        size = (side, max(1, int(side * (height / width))))
    canvas = np.zeros((side, side, 3), dtype=np.uint8)
    canvas[: size[1], : size[0]] = cv2.resize(image, size)
    return Canvas(canvas, size[1] / height)


def _scrfd_decode(outputs: Sequence[Floats], width: int, confidence: float) -> Candidates:
    """Outputs score, distances to the four sides, landmark offsets for three strides (insightface SCRFD.forward)."""
    parts = []
    for level, stride in enumerate(STRIDES):
        scores, sides, points = (outputs[level + 3 * kind].reshape(-1, count) for kind, count in enumerate((1, 4, 10)))
        rows = np.flatnonzero(scores[:, 0] >= confidence)
        cells = _cells(rows // SCRFD_ANCHORS, width // stride)
        corners = np.concatenate([cells - sides[rows, :2], cells + sides[rows, 2:]], axis=1) * stride
        landmarks = (points[rows].reshape(-1, 5, 2) + cells[:, None]) * stride
        parts.append((corners, landmarks, scores[rows, 0]))
    return _joined(parts)


def _cells(rows: NDArray[np.intp], columns: int) -> Floats:
    return np.stack([rows % columns, rows // columns], axis=1).astype(np.float32)


def _joined(parts: Sequence[tuple[Floats, Floats, Floats]]) -> Candidates:
    corners, landmarks, confidence = (np.concatenate(kind).astype(np.float32) for kind in zip(*parts, strict=True))
    return Candidates(corners, landmarks, confidence)


FAMILIES = {
    "yunet": Family(sides=_yunet_sides, fit=_yunet_fit, decode=_yunet_decode, pixel_width=0.0),
    "scrfd": Family(sides=_scrfd_sides, fit=_scrfd_fit, decode=_scrfd_decode, pixel_width=1.0),
}
