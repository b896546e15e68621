"""The components keep their values: those of the first, plainly written formulas, read off then and pinned here."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from facematch import quality
from facematch.align import crop_face
from facematch.types import UNKNOWN, BgrImage, Box, Detection, Landmarks
from tests.facematch.test_quality import BOX, PHOTO, POINTS

NAMES = [
    "LuminanceMean",
    "LuminanceVariance",
    "UnderExposurePrevention",
    "OverExposurePrevention",
    "DynamicRange",
    "Sharpness",
    "CompressionArtifacts",
    "SingleFacePresent",
    "IlluminationUniformity",
    "NaturalColour",
    "InterEyeDistance",
    "HeadSize",
    "LeftwardCropOfTheFaceImage",
    "RightwardCropOfTheFaceImage",
    "MarginAboveOfTheFaceImage",
    "MarginBelowOfTheFaceImage",
    "HeadPoseYaw",
    "HeadPosePitch",
    "HeadPoseRoll",
]
STANDING = (24.1, 0.3, 100.0, 100.0, 79.6, 100.0, 100.0, 98.2, 99.6)
PINNED: dict[str, tuple[float, ...]] = {
    "as it is": (99.4, 93.6, 99.8, 97.6, 91.6, 97.4, 96.9, 100.0, 60.9, 100.0),
    "blurred": (99.4, 99.3, 99.8, 100.0, 88.9, 12.7, 96.8, 100.0, 38.7, 100.0),
    "dark": (3.7, 2.4, 0.0, 100.0, 44.1, 97.6, 96.8, 100.0, 61.6, 98.8),
    "compressed": (99.4, 93.6, 99.8, 100.0, 91.1, 95.5, 26.8, 100.0, 63.4, 100.0),
}


def _changed(how: str) -> NDArray[np.uint8]:
    if how == "blurred":
        return np.asarray(cv2.GaussianBlur(PHOTO, (0, 0), 2), np.uint8)
    if how == "dark":
        return (PHOTO * 0.3).astype(np.uint8)
    if how == "compressed":
        stored = cv2.imencode(".jpg", PHOTO, [cv2.IMWRITE_JPEG_QUALITY, 20])[1]
        return np.asarray(cv2.imdecode(stored, cv2.IMREAD_COLOR), np.uint8)
    return PHOTO


def _judge(image: BgrImage, box: Box, points: Landmarks, *, scale: float = 1.0) -> dict[str, float]:
    crop = crop_face(image, points, "arcface-112")
    return dict(quality.assess(image, Detection(box, points, 0.9), crop, faces_in_picture=1, scale=scale).components)


@pytest.mark.parametrize("how", PINNED)
def test_values_are_those_of_the_plain_formulas(how: str) -> None:
    judged = _judge(_changed(how), BOX, POINTS)
    assert list(judged) == NAMES
    assert list(judged.values()) == pytest.approx([*PINNED[how], *STANDING], abs=0.15)


@pytest.fixture
def half() -> dict[str, float]:
    """The photo decoded at half its size, judged as what it is: a view of the full one."""
    image = np.asarray(cv2.resize(PHOTO, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
    return _judge(image, Box(BOX.x / 2, BOX.y / 2, BOX.width / 2, BOX.height / 2), POINTS / 2, scale=2)


def test_eye_distance_counts_pixels_of_the_full_picture_however_small_it_was_decoded(half: dict[str, float]) -> None:
    assert half["InterEyeDistance"] == pytest.approx(24.1, abs=0.1)
    assert half["HeadSize"] == pytest.approx(0.3, abs=0.1)


def test_traces_of_compression_cannot_be_assessed_in_a_picture_decoded_smaller(half: dict[str, float]) -> None:
    assert half["CompressionArtifacts"] == UNKNOWN


def test_light_and_colour_are_the_same_in_a_picture_decoded_smaller(half: dict[str, float]) -> None:
    for name, value in zip(NAMES[:5], PINNED["as it is"], strict=False):
        assert half[name] == pytest.approx(value, abs=8), name
