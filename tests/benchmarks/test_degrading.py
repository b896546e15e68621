"""Claims about degradations: seeded, stronger is farther from the original, and the original stays as it is."""

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from benchmarks.degrading import DEGRADATIONS, STRENGTHS
from facematch.types import BgrImage, Landmarks

PHOTO: BgrImage = np.ascontiguousarray(data.astronaut()[:, :, ::-1])
POINTS: Landmarks = np.array([[200, 102], [247, 103], [221, 125], [199, 143], [240, 144]], np.float32)


def _worsened(name: str, strength: int, seed: int = 3) -> NDArray[np.uint8]:
    return DEGRADATIONS[name].apply(PHOTO, POINTS, strength=strength, random=np.random.default_rng(seed))


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_the_same_seed_gives_the_same_picture_and_leaves_the_original(name: str) -> None:
    before = PHOTO.copy()
    assert np.array_equal(_worsened(name, 3), _worsened(name, 3))
    assert np.array_equal(PHOTO, before)


@pytest.mark.parametrize("name", sorted(set(DEGRADATIONS) - {"downscale"}))
def test_a_stronger_degradation_is_farther_from_the_original(name: str) -> None:
    face = (slice(60, 180), slice(160, 290))
    far = [float(np.abs(_worsened(name, strength)[face].astype(float) - PHOTO[face]).mean()) for strength in STRENGTHS]
    assert 0 < far[0] < far[2] < far[4]


def test_downscaling_leaves_so_many_pixels_between_the_eyes() -> None:
    heights = [_worsened("downscale", strength).shape[0] for strength in STRENGTHS]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] * 47 / 512 == pytest.approx(20, abs=1)
