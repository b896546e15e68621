"""One look of a detector network at one picture. It never decides where to look next."""

import cv2
import numpy as np

from facematch.bundle import DetectorSection
from facematch.candidates import LARGEST_FACE, Candidates, merge
from facematch.engine import Network
from facematch.families import FAMILIES
from facematch.types import BgrImage

HINT = 0.1  # confidence from which on something small is worth a closer look


class Looker:
    """A network with its bundle's settings; many threads may look at once."""

    def __init__(self, section: DetectorSection, session: Network) -> None:
        self.section, self.session = section, session
        self.family = FAMILIES[section.family]

    def look(self, image: BgrImage, side: int, *, confidence: float | None = None) -> Candidates:
        """One pass over a picture (H, W, 3) at one side in pixels; coordinates are pixels of that picture.

        Unmerged; `confidence` replaces the bundle's, where hints are wanted.
        """
        canvas = self.family.fit(image, side)
        pixels = self.session.fitted(canvas.pixels)
        outputs = self.session.outputs_of([pixels])
        least = self.section.confidence if confidence is None else confidence
        return self.family.decode(outputs, pixels.shape[1], least).scaled(1 / canvas.scale)

    def merged(self, found: Candidates) -> Candidates:
        """Each face of one look once, surest first."""
        return merge(found, overlap=self.section.overlap, pixel_width=self.family.pixel_width)

    def united(self, found: Candidates) -> Candidates:
        """Each face of several merged looks once, as the look saw it that saw it clearly; surest first."""
        return merge(found, overlap=self.section.overlap, pixel_width=self.family.pixel_width, clear_first=True)

    def sure(self, found: Candidates) -> Candidates:
        """Those as confident as the bundle asks."""
        return found.take(found.confidence >= self.section.confidence)


def not_too_large(found: Candidates, limit: float = LARGEST_FACE) -> Candidates:
    """Those that the pass sees wholly and well; the larger ones belong to a coarser pass."""
    return found.take(found.seen_px <= limit)


def shrunk(image: BgrImage, side: int) -> BgrImage:
    """The picture with its longer side brought down to `side` pixels, never up."""
    return image if max(image.shape[:2]) <= side else _resized(image, side, cv2.INTER_AREA)


def enlarged(image: BgrImage, side: int) -> BgrImage:
    """The picture with its longer side brought up to `side` pixels, never down."""
    return image if max(image.shape[:2]) >= side else _resized(image, side, cv2.INTER_LINEAR)


def _resized(image: BgrImage, side: int, interpolation: int) -> BgrImage:
    scale = side / max(image.shape[:2])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), dtype=np.uint8)
