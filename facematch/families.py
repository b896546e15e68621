"""What differs between the detector networks: how a picture is fitted and what the outputs mean. It never merges.

Both follow their reference to the pixel: OpenCV's FaceDetectorYN for YuNet, insightface's SCRFD for SCRFD.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facematch.candidates import Candidates, Floats, joined
from facematch.types import BgrImage

STRIDES = (8, 16, 32)
SCRFD_ANCHORS = 2  # per cell
View = tuple[int, int]  # side of a look at one face alone, and length of the face on it


@dataclass(frozen=True, slots=True)
class Canvas:
    """A picture as one pass sees it: padded to the right and below, `scale` times the size of the original."""

    pixels: BgrImage
    scale: float


@dataclass(frozen=True, slots=True)
class Family:
    """How a picture is fitted into a pass of a side, what the outputs mean, and how far they can be trusted."""

    fit: Callable[[BgrImage, int], Canvas]
    decode: Callable[[Sequence[Floats], int, float], Candidates]
    pixel_width: float  # 1 where boxes count their last pixel, 0 where they end at it
    # Of faces upside down most are reported, but with the landmarks of an upright face, and less surely than this; so
    # are a few upright portraits in a hundred, and faces that are hard to see.
    sure: float
    rescued: float  # how sure a look at a face alone must be where no pass saw one; a cup of coffee gets YuNet to 0.83
    # Pixels of a face from which on the landmarks follow its roll. YuNet's do not below: a face of 90 pixels turned by
    # 20 degrees gets landmarks turned by 3, one of 200 pixels by 16.
    exact_from: int
    turned: float  # degrees of roll from which on landmarks lie better in a look upright
    portrait: View
    cut_off: View  # the same where the border of the picture cuts the face off: YuNet wants what is left of it larger
    glance: View  # a cheap one that only tells which way up the face is


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
        squares = certain[:, 0] * present[:, 0]  # both within 0..1: the network ends in a sigmoid
        rows = np.flatnonzero(squares >= confidence * confidence)
        if not rows.size:
            continue
        cells = _cells(rows, width // stride)
        centre, size = (cells + boxes[rows, :2]) * stride, np.exp(boxes[rows, 2:]) * stride
        corners = np.concatenate([centre - size / 2, centre + size / 2], axis=1)
        landmarks = (points[rows].reshape(-1, 5, 2) + cells[:, None]) * stride
        parts.append((corners, landmarks, np.sqrt(squares[rows])))
    return _all_strides(parts)


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
        if not rows.size:
            continue
        cells = _cells(rows // SCRFD_ANCHORS, width // stride)
        corners = np.concatenate([cells - sides[rows, :2], cells + sides[rows, 2:]], axis=1) * stride
        landmarks = (points[rows].reshape(-1, 5, 2) + cells[:, None]) * stride
        parts.append((corners, landmarks, scores[rows, 0]))
    return _all_strides(parts)


def _cells(rows: NDArray[np.intp], columns: int) -> Floats:
    return np.stack([rows % columns, rows // columns], axis=1).astype(np.float32)


def _all_strides(parts: Sequence[tuple[Floats, Floats, Floats]]) -> Candidates:
    if not parts:
        return joined([])
    corners, landmarks, confidence = (np.concatenate(kind).astype(np.float32) for kind in zip(*parts, strict=True))
    return Candidates(corners, landmarks, confidence, seen_px=np.max(corners[:, 2:] - corners[:, :2], axis=1))


FAMILIES = {
    "yunet": Family(
        fit=_yunet_fit,
        decode=_yunet_decode,
        pixel_width=0.0,
        sure=0.9,
        rescued=0.85,
        exact_from=176,
        turned=5.0,
        portrait=(320, 192),
        cut_off=(320, 288),
        glance=(160, 96),
    ),
    "scrfd": Family(
        fit=_scrfd_fit,
        decode=_scrfd_decode,
        pixel_width=1.0,
        sure=0.8,
        rescued=0.5,
        exact_from=0,
        turned=20.0,
        portrait=(160, 80),
        cut_off=(160, 80),
        glance=(160, 80),
    ),
}
