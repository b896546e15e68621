"""Photos of twelve megapixels made in memory from small pictures of real people. It never writes one to a disk.

What a large photo costs depends on its bytes, on the size of its faces and on how many there are. So one of four is
a group of twelve, the others are portraits (one person fills the height); a camera's grain keeps the file as large as a
phone's.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from facematch import images

WIDTH, HEIGHT = 4000, 3000
GRAIN = 7.0  # steps of 255
QUALITY = 92
ROWS, COLUMNS = 3, 4  # of a group
GROUP_EVERY = 4

Pixels = NDArray[np.uint8]


def large_photos(people: Sequence[bytes], count: int, *, seed: int) -> list[bytes]:
    """JPEGs of 4000 x 3000 pixels from pictures of one person each; the same for the same seed."""
    chance = np.random.default_rng(seed)
    faces = [images.read(people[place]) for place in chance.permutation(len(people))]
    photos, used = list[bytes](), 0
    for number in range(count):
        needed = ROWS * COLUMNS if number % GROUP_EVERY == 0 else 1
        shown = [faces[(used + place) % len(faces)] for place in range(needed)]
        used += needed
        photos.append(_photo(_group(shown) if needed > 1 else _portrait(shown[0]), chance))
    return photos


def _portrait(person: Pixels) -> Pixels:
    """The person as high as the photo, before a blurred ground of the same colours."""
    ground = cv2.resize(cv2.GaussianBlur(person, (0, 0), 20), (WIDTH, HEIGHT))
    left = (WIDTH - HEIGHT) // 2
    ground[:, left : left + HEIGHT] = cv2.resize(person, (HEIGHT, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.asarray(ground, np.uint8)


def _group(people: Sequence[Pixels]) -> Pixels:
    """Everybody side by side in rows."""
    size = (WIDTH // COLUMNS, HEIGHT // ROWS)
    tiles = [cv2.resize(person, size, interpolation=cv2.INTER_CUBIC) for person in people]
    rows = [np.concatenate(tiles[start : start + COLUMNS], axis=1) for start in range(0, len(tiles), COLUMNS)]
    return np.concatenate(rows).astype(np.uint8)


def _photo(scene: Pixels, chance: np.random.Generator) -> bytes:
    grain = chance.standard_normal((HEIGHT, WIDTH), dtype=np.float32) * np.float32(GRAIN)
    grainy = scene + np.asarray(cv2.GaussianBlur(grain, (0, 0), 0.6))[:, :, None]
    return images.encode_jpeg(np.clip(grainy, 0, 255).astype(np.uint8), quality=QUALITY)
