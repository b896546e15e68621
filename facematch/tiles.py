"""Looks at parts of a large picture one by one, for faces too small for a look at the whole. It never looks everywhere
when it is told where.
"""

from collections.abc import Iterator

import numpy as np

from facematch.candidates import Candidates, Floats, joined
from facematch.looks import HINT, Looker, not_too_large, shrunk
from facematch.types import BgrImage

OVERLAP = 128  # pixels that neighbours share: a face up to this size lies whole in one of them


def look_closer(looker: Looker, image: BgrImage, side: int, *, tile: int, spots: Floats | None) -> Candidates:
    """Look at the picture brought down to `side` pixels, in squares of `tile` pixels that share OVERLAP.

    `spots` (n, 2) in pixels of the picture says where something small may be; None means everywhere. Returns the
    candidates of all tiles, hints among them, in pixels of the picture.
    """
    picture = shrunk(image, side)
    scale = max(picture.shape[:2]) / max(image.shape[:2])
    found = []
    for x, y in corners(picture, tile):
        if spots is not None and not _touches(spots * scale, x, y, tile):
            continue
        part = np.ascontiguousarray(picture[y : y + tile, x : x + tile])
        seen = not_too_large(looker.merged(looker.look(part, tile, confidence=HINT)), OVERLAP)
        found.append(seen.moved(x, y))
    return joined(found).scaled(1 / scale)


def corners(picture: BgrImage, tile: int) -> Iterator[tuple[int, int]]:
    """Upper left corners (x, y) of squares that cover a picture, the last ones flush with its border."""
    height, width = picture.shape[:2]
    for y in _starts(height, tile):
        for x in _starts(width, tile):
            yield x, y


def _starts(length: int, tile: int) -> list[int]:
    count = max(1, -(-(length - OVERLAP) // (tile - OVERLAP)))
    return [round(start) for start in np.linspace(0, max(0, length - tile), count)]


def _touches(spots: Floats, x: int, y: int, tile: int) -> bool:
    return bool(np.any(np.all((spots >= (x, y)) & (spots < (x + tile, y + tile)), axis=1)))
