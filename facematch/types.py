"""The words of the eye: frozen values with their shapes and units. Nothing here computes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BgrImage = NDArray[np.uint8]  # (H, W, 3), upright, blue-green-red
Crop = NDArray[np.uint8]  # (112, 112, 3), blue-green-red, aligned on five landmarks
Template = NDArray[np.float32]  # (d,), Euclidean norm 1
Landmarks = NDArray[np.float32]  # (5, 2) pixels; as the viewer sees: left eye, right eye, nose, mouth corners

UNKNOWN = -1.0  # a quality that could not be assessed (ISO/IEC 29794-1: FailureToAssess)


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
    """Component values by their ISO/IEC 29794-5 name, 0..100, -1 where a component cannot be assessed.

    `utility` is their UnifiedQualityScore: 0..100, how well the template will match, -1 where nobody has measured that
    for the bundle. `causes` are the components that hurt, worst first, where it is not good.
    """

    components: Mapping[str, float]
    utility: float = UNKNOWN
    causes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Face:
    """One face of a picture with all that later rooms need: crop, quality, and a template under each contract.

    `templates` holds (d,) unit vectors by contract id, the leading model first; a model that did not see it is absent.
    """

    detection: Detection
    crop: Crop
    quality: Quality
    templates: Mapping[str, Template]


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
