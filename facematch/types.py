"""The words of the eye: frozen values with their shapes and units. Nothing here computes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BgrImage = NDArray[np.uint8]  # (H, W, 3), upright, blue-green-red
Crop = NDArray[np.uint8]  # (112, 112, 3), blue-green-red, aligned on five landmarks
Template = NDArray[np.float32]  # (d,), Euclidean norm 1
Landmarks = NDArray[np.float32]  # (5, 2) pixels; as the viewer sees: left eye, right eye, nose, mouth corners


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the upright image; it may reach over the border."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Detection:
    """One face found: box, landmarks (5, 2) and the detector's confidence in 0..1."""

    box: Box
    landmarks: Landmarks
    confidence: float


@dataclass(frozen=True, slots=True)
class Quality:
    """Component values by their ISO/IEC 29794-5 name, 0..100, -1 where a component cannot be assessed."""

    components: Mapping[str, float]

    @property
    def weakest(self) -> str | None:
        """Name of the assessed component with the lowest value, or None when nothing could be assessed."""
        assessed = {name: value for name, value in self.components.items() if value >= 0}
        return min(assessed, key=lambda name: assessed[name]) if assessed else None


@dataclass(frozen=True, slots=True)
class Face:
    """One face of a picture with all that later rooms need: crop, quality, and a template under its contract."""

    detection: Detection
    crop: Crop
    quality: Quality
    template: Template
    contract: str


@dataclass(frozen=True, slots=True)
class Likelihood:
    """How much more probable a similarity is if two pictures show one person than if they show two.

    `log10_lr` with its 95 % interval `low`..`high` is None outside the calibrated range; `reason` then says why.
    `nominal_log10_lr` orders candidates and is never shown. `expected_strangers` is the mean number of
    other people in a gallery of the given size that would look at least this similar.
    """

    nominal_log10_lr: float
    log10_lr: float | None
    low: float | None
    high: float | None
    band: str
    reason: str | None
    expected_strangers: float
    calibration: str
