"""Makes a good picture of a face worse in one known way and by a known amount. It never touches the original.

Amounts are relative to the distance between the eyes, so that they mean the same in pictures of any size.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facematch.types import BgrImage, Landmarks

STRENGTHS = (1, 2, 3, 4, 5)
Change = Callable[[BgrImage, Landmarks, float, np.random.Generator], NDArray[np.float32] | BgrImage]
Plane = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Degradation:
    """One way of getting worse: what it does to a picture, and its five amounts from mild to hard."""

    change: Change
    amounts: tuple[float, ...]

    def apply(self, image: BgrImage, landmarks: Landmarks, *, strength: int, random: np.random.Generator) -> BgrImage:
        """The picture (H, W, 3) with its face (landmarks (5, 2)) made worse by strength 1..5; noise is drawn."""
        changed = self.change(image, landmarks, self.amounts[strength - 1], random)
        return np.ascontiguousarray(np.clip(np.rint(changed), 0, 255).astype(np.uint8))


def _blurred(image: BgrImage, face: Landmarks, amount: float, _: np.random.Generator) -> BgrImage:
    """Out of focus: a Gaussian, its sigma in eye distances."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), amount * eye_distance(face)), np.uint8)


def _shaken(image: BgrImage, face: Landmarks, amount: float, random: np.random.Generator) -> BgrImage:
    """The camera moved: a straight line of so many eye distances in a drawn direction."""
    side = 2 * int(np.ceil(amount * eye_distance(face) / 2)) + 3
    angle, middle = random.uniform(0, np.pi), side / 2 - 0.5
    reach = amount * eye_distance(face) / 2 * np.array([np.cos(angle), np.sin(angle)])
    line = np.zeros((side, side), np.float32)
    for share in np.linspace(-1, 1, 8 * side):
        x, y = np.rint(middle + share * reach).astype(int)
        line[y, x] += 1
    return np.asarray(cv2.filter2D(image, -1, line / line.sum(), borderType=cv2.BORDER_REPLICATE), np.uint8)


def _noisy(image: BgrImage, _: Landmarks, amount: float, random: np.random.Generator) -> NDArray[np.float32]:
    """Grain of so many steps of 255 in each channel."""
    return (image + random.normal(0, amount, image.shape)).astype(np.float32)


def _small(image: BgrImage, face: Landmarks, amount: float, _: np.random.Generator) -> BgrImage:
    """Shrunk until so many pixels lie between the eyes."""
    factor = min(1.0, amount / eye_distance(face))
    return np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)


def _compressed(image: BgrImage, _face: Landmarks, amount: float, _: np.random.Generator) -> BgrImage:
    """Stored as JPEG of this quality."""
    stored = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(amount)])[1]
    return np.asarray(cv2.imdecode(stored, cv2.IMREAD_COLOR), np.uint8)


def _lit(image: BgrImage, _: Landmarks, amount: float, random: np.random.Generator) -> NDArray[np.float32]:
    """Exposed so many times as long, on a sensor with grain of three steps."""
    return (image * np.float32(amount) + random.normal(0, 3, image.shape)).astype(np.float32)


def _lit_from_one_side(
    image: BgrImage, face: Landmarks, amount: float, random: np.random.Generator
) -> NDArray[np.float32]:
    """One half of the face keeps only this share of its light."""
    side = 1 if random.random() < 0.5 else -1
    across = (np.arange(image.shape[1]) - face[:, 0].mean()) / eye_distance(face)
    light: Plane = amount + (1 - amount) / (1 + np.exp(-8 * side * across))
    return np.asarray(image * light[None, :, None], np.float32)


def _tilted(image: BgrImage, face: Landmarks, amount: float, random: np.random.Generator) -> BgrImage:
    """Rolled by so many degrees about the middle of the face, to either side."""
    x, y = (float(value) for value in face.mean(axis=0))
    matrix = cv2.getRotationMatrix2D((x, y), amount * random.choice((-1, 1)), 1.0)
    size = (image.shape[1], image.shape[0])
    return np.asarray(cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _hazy(image: BgrImage, _: Landmarks, amount: float, random: np.random.Generator) -> NDArray[np.float32]:
    """Only this share of its contrast is left, on a sensor with grain of two steps."""
    flat: NDArray[np.float32] = 128 + (image.astype(np.float32) - 128) * np.float32(amount)
    return (flat + random.normal(0, 2, image.shape)).astype(np.float32)


def _turned(image: BgrImage, face: Landmarks, amount: float, random: np.random.Generator) -> BgrImage:
    """Turned by so many degrees to the left or right."""
    across, down, depth = _head(image, face)
    columns = _seen_from(across, depth, np.radians(amount) * random.choice((-1, 1)), unit=eye_distance(face))
    return _picked(image, columns + face[:2, 0].mean(), down * eye_distance(face) + face[:2, 1].mean())


def _nodding(image: BgrImage, face: Landmarks, amount: float, random: np.random.Generator) -> BgrImage:
    """Looking up or down by so many degrees."""
    across, down, depth = _head(image, face)
    rows = _seen_from(down.T, depth.T, np.radians(amount) * random.choice((-1, 1)), unit=eye_distance(face)).T
    return _picked(image, across * eye_distance(face) + face[:2, 0].mean(), rows + face[:2, 1].mean())


def _head(image: BgrImage, face: Landmarks) -> tuple[Plane, Plane, Plane]:
    """For each pixel: right of and below the middle between the eyes, and how far the head stands out there, all in eye
    distances: half an ellipsoid with a nose.

    Ours; after the cylinder of La Cascia, Sclaroff and Athitsos 2000 (IEEE PAMI 22(4), 322-336).
    """
    rows, columns = (np.arange(length, dtype=np.float64) for length in image.shape[:2])
    unit, (x, y) = eye_distance(face), face[:2].mean(axis=0)
    across, down = np.meshgrid((columns - x) / unit, (rows - y) / unit)
    inside = 1 - (across / 1.15) ** 2 - ((down - 0.4) / 1.8) ** 2
    nose = 0.35 * np.exp(-((across / 0.2) ** 2) - ((down - 0.5) / 0.25) ** 2)
    return across, down, 1.2 * np.sqrt(np.maximum(inside, 0)) + nose


def _seen_from(along: Plane, depth: Plane, radians: float, *, unit: float) -> Plane:
    """Where along each row the eye finds what it sees after a turn: what the turn hides is hidden, what it uncovers is
    stretched. In pixels from the middle.
    """
    moved = along * np.cos(radians) + depth * np.sin(radians)
    if radians > 0:
        moved = np.maximum.accumulate(moved, axis=1)
    else:
        moved = np.minimum.accumulate(moved[:, ::-1], axis=1)[:, ::-1]
    return unit * np.stack([np.interp(row, places, row) for row, places in zip(along, moved, strict=True)])


def _picked(image: BgrImage, columns: Plane, rows: Plane) -> BgrImage:
    maps = columns.astype(np.float32), rows.astype(np.float32)
    return np.asarray(cv2.remap(image, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def eye_distance(face: Landmarks) -> float:
    """Pixels between the eyes of landmarks (5, 2)."""
    return float(np.linalg.norm(face[1] - face[0]))


DEGRADATIONS: Mapping[str, Degradation] = {
    "blur": Degradation(_blurred, (0.03, 0.06, 0.09, 0.13, 0.18)),
    "shake": Degradation(_shaken, (0.15, 0.3, 0.45, 0.6, 0.8)),
    "noise": Degradation(_noisy, (10, 20, 35, 50, 70)),
    "downscale": Degradation(_small, (20, 15, 11, 8.5, 7)),
    "jpeg": Degradation(_compressed, (30, 15, 9, 6, 4)),
    "dark": Degradation(_lit, (0.4, 0.2, 0.12, 0.08, 0.05)),
    "bright": Degradation(_lit, (1.6, 2.2, 3, 4, 5.5)),
    "one side lit": Degradation(_lit_from_one_side, (0.5, 0.3, 0.2, 0.1, 0.05)),
    "haze": Degradation(_hazy, (0.5, 0.3, 0.18, 0.12, 0.08)),
    "turned": Degradation(_turned, (15, 25, 35, 45, 55)),
    "nodding": Degradation(_nodding, (10, 20, 30, 40, 50)),
    "tilted": Degradation(_tilted, (10, 20, 30, 40, 50)),
}
