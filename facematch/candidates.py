"""Faces before they count: where networks think there are some, moved between pictures and merged. It never looks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from facematch.types import Box, Detection

# Pixels of the longer side of a face on the pass that saw it. Measured on portraits in many sizes: recall is whole from
# 24 pixels on, landmarks sharpen until 64, and beyond 300 both families still report some faces, but with landmarks so
# inexact that templates suffer.
SMALL_FACE, CLEAR_FACE, LARGEST_FACE = 24, 64, 256

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Faces before merging: corners (n, 4) as x1 y1 x2 y2, landmarks (n, 5, 2), confidence (n,) in 0..1.

    `seen_px` (n,) is the longer side of the face on the pass that saw it, whatever picture the corners now belong to.
    """

    corners: Floats
    landmarks: Floats
    confidence: Floats
    seen_px: Floats

    def __len__(self) -> int:
        return len(self.confidence)

    @property
    def centres(self) -> Floats:
        """Middle of each box (n, 2)."""
        return (self.corners[:, :2] + self.corners[:, 2:]) / np.float32(2)

    def within(self, others: "Candidates") -> NDArray[np.bool_]:
        """Which of them have their middle in the box of one of the others (n,)."""
        middle, corners = self.centres[:, None], others.corners[None]
        inside = np.logical_and(middle >= corners[..., :2], middle <= corners[..., 2:])
        return np.asarray(np.any(np.all(inside, axis=2), axis=1), np.bool_)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Candidates":
        """Some of them, in the given order."""
        return Candidates(self.corners[rows], self.landmarks[rows], self.confidence[rows], self.seen_px[rows])

    def singly(self) -> Iterator["Candidates"]:
        """Each by itself (n = 1), in their order."""
        return (self.take(np.array([row])) for row in range(len(self)))

    def first(self, count: int) -> "Candidates":
        """So many of them, from the start."""
        return self.take(np.arange(min(count, len(self))))

    def scaled(self, factor: float) -> "Candidates":
        """The same faces in a picture `factor` times as large."""
        return replace(self, corners=self.corners * np.float32(factor), landmarks=self.landmarks * np.float32(factor))

    def moved(self, right: float, down: float) -> "Candidates":
        """The same faces in a picture whose origin lies so many pixels to the left and above."""
        shift = np.array([right, down], dtype=np.float32)
        return replace(self, corners=self.corners + np.tile(shift, 2), landmarks=self.landmarks + shift)

    def placed(self, matrix: NDArray[np.float64]) -> "Candidates":
        """The same faces after a turn, scale and shift (2, 3); boxes stay upright and turn by quarters only."""
        linear, shift = matrix[:, :2], matrix[:, 2]
        factor = float(np.hypot(*linear[:, 0]))
        size = (self.corners[:, 2:] - self.corners[:, :2]) * factor
        if abs(linear[0, 0]) < abs(linear[1, 0]):
            size = size[:, ::-1]
        centre = self.centres @ linear.T + shift
        corners = np.concatenate([centre - size / 2, centre + size / 2], axis=1).astype(np.float32)
        return replace(self, corners=corners, landmarks=(self.landmarks @ linear.T + shift).astype(np.float32))

    def detections(self) -> list[Detection]:
        """The faces one by one, in their order."""
        sizes = self.corners[:, 2:] - self.corners[:, :2]
        return [
            Detection(box=Box(*map(float, (*corner[:2], *size))), landmarks=points.copy(), confidence=float(sure))
            for corner, size, points, sure in zip(self.corners, sizes, self.landmarks, self.confidence, strict=True)
        ]


def joined(parts: Sequence[Candidates]) -> Candidates:
    """All candidates of several looks at one picture."""
    kinds = [(part.corners, part.landmarks, part.confidence, part.seen_px) for part in parts]
    if not kinds:
        return Candidates(*(np.zeros(shape, dtype=np.float32) for shape in ((0, 4), (0, 5, 2), (0,), (0,))))
    return Candidates(*(np.concatenate(kind) for kind in zip(*kinds, strict=True)))


def merge(found: Candidates, *, overlap: float, pixel_width: float, clear_first: bool = False) -> Candidates:
    """Greedy non-maximum suppression: of boxes that overlap by more than `overlap` (IoU) the surest stays.

    With `clear_first`, for candidates of several looks, one that saw the face clearly comes before those that saw it
    small. The loop runs over the faces that stay, not over anchors. Returned surest first.
    """
    order = np.lexsort((-found.confidence, clear_first & (found.seen_px < CLEAR_FACE)))
    first, last = found.corners[:, :2], found.corners[:, 2:]
    area = np.prod(last - first + pixel_width, axis=1)
    kept = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(best)
        shared = np.minimum(last[best], last[rest]) - np.maximum(first[best], first[rest]) + pixel_width
        common = np.prod(np.maximum(shared, 0), axis=1)
        order = rest[common <= overlap * (area[best] + area[rest] - common)]
    stay = np.asarray(kept, dtype=np.intp)
    return found.take(stay[np.argsort(-found.confidence[stay], kind="stable")])
