"""Pictures for a machine that has only this project: LFW where LIGHTHOUSE_FACES is set, else a few free faces in many
sizes and lights. Such variants serve for speed and equality, never for accuracy.
"""

import os
from functools import cache
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np
from skimage import data

from facematch.images import encode_jpeg
from facematch.types import BgrImage

SIDES = (250, 400, 640, 1000)  # pixels


def samples(count: int) -> list[bytes]:
    """`count` pictures as JPEG bytes, each with one face or more."""
    folder = os.environ.get("LIGHTHOUSE_FACES")
    files = sorted((Path(folder) / "lfw" / "images").glob("*/*.jpg")) if folder else []
    if files:
        step = max(1, len(files) // count)
        return [path.read_bytes() for path in islice(cycle(files[::step]), count)]
    made = [_variant(turn) for turn in range(min(count, 200))]
    return list(islice(cycle(made), count))


@cache
def _astronaut() -> BgrImage:
    return np.asarray(data.astronaut(), np.uint8)  # type: ignore[no-untyped-call]


def _variant(turn: int) -> bytes:
    """The astronaut of scikit-image (public domain): another size, light, noise and side each time."""
    rng = np.random.default_rng(turn)
    side = SIDES[turn % len(SIDES)]
    picture = cv2.resize(np.ascontiguousarray(_astronaut()[:, :, ::-1]), (side, side), interpolation=cv2.INTER_AREA)
    lit = picture * rng.uniform(0.6, 1.2) + rng.normal(0, 4, picture.shape)
    image: BgrImage = np.clip(lit, 0, 255).astype(np.uint8)[:, :: rng.choice([1, -1])]
    return encode_jpeg(np.ascontiguousarray(image), quality=int(rng.integers(75, 96)))
