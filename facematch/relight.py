"""Pictures made easier for a detector: light evened out, border widened, turned. It never changes what is embedded."""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from facematch.types import BgrImage

GRAIN, FINE_GRAIN = 2.0, 1.5  # pixels, the sigma of a Gaussian: of dark pictures and of bright ones
BURNT = 240  # of 255: a channel beyond it has lost what it showed, or nearly
BURNT_SHARE = 0.02  # of the pixels with such a channel, from which on a picture is lit too brightly
MARGIN = 0.2  # of the longer side, added around a picture so that a face cut by its border lies inside

Plane = NDArray[np.uint8]


def in_other_lights(image: BgrImage) -> Iterator[BgrImage]:
    """The picture as it is, then in lights that may show a face it hides; each is made only when it is asked for."""
    yield image
    yield relit(image)
    if np.mean(image.max(axis=2) >= BURNT) >= BURNT_SHARE:
        yield darkest(image)


def relit(image: BgrImage) -> BgrImage:
    """Grain smoothed away, luminance stretched over the whole range and evened out.

    Smoothing comes first, or the grain of a dark picture is raised with its light: of portraits at a twentieth of their
    light YuNet finds 92 % so, and none without.
    """
    colours = cv2.cvtColor(cv2.GaussianBlur(image, (0, 0), GRAIN), cv2.COLOR_BGR2YCrCb)
    colours[:, :, 0] = _evened(np.asarray(colours[:, :, 0], np.uint8))
    return np.asarray(cv2.cvtColor(colours, cv2.COLOR_YCrCb2BGR), dtype=np.uint8)


def darkest(image: BgrImage) -> BgrImage:
    """In grey, of each pixel the darkest channel alone, evened out: too much light burns the channels out one after the
    other, and what skin still shows is in the one that comes last.
    """
    colours = np.asarray(cv2.GaussianBlur(image, (0, 0), FINE_GRAIN), np.uint8)
    return np.repeat(_evened(colours.min(axis=2))[:, :, None], 3, axis=2)


def _evened(light: Plane) -> Plane:
    """Stretched over the whole range and evened out in 4 x 4 fields.

    Contrast-limited equalisation after Zuiderveld 1994 (Graphics Gems IV, 474-485), limit 4.
    """
    low, high = np.percentile(light, (1, 99))
    stretched = np.clip((light.astype(np.float32) - low) * (255 / max(1.0, high - low)), 0, 255).astype(np.uint8)
    return np.asarray(cv2.createCLAHE(clipLimit=4, tileGridSize=(4, 4)).apply(stretched), np.uint8)


def widened(image: BgrImage) -> tuple[BgrImage, int]:
    """The picture with its border pixels carried on by MARGIN on all sides, and how many pixels that is."""
    margin = max(1, round(MARGIN * max(image.shape[:2])))
    wide = cv2.copyMakeBorder(image, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
    return np.asarray(wide, dtype=np.uint8), margin


def turned(image: BgrImage, quarters: int) -> tuple[BgrImage, NDArray[np.float64]]:
    """The picture turned anticlockwise by quarters, and the (2, 3) matrix that leads points back."""
    height, width = image.shape[:2]
    back = {
        0: [[1, 0, 0], [0, 1, 0]],
        1: [[0, -1, width - 1], [1, 0, 0]],
        2: [[-1, 0, width - 1], [0, -1, height - 1]],
        3: [[0, 1, 0], [-1, 0, height - 1]],
    }
    return np.ascontiguousarray(np.rot90(image, quarters)), np.array(back[quarters], dtype=np.float64)
