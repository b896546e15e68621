"""A picture is looked at in the lights that may help it, and in no more."""

import cv2
import numpy as np
import pytest
from skimage import data

from facematch.relight import darkest, in_other_lights
from facematch.types import BgrImage


def _lit(gain: float) -> BgrImage:
    picture = cv2.convertScaleAbs(data.astronaut()[:128, 160:288, ::-1], alpha=gain)
    return np.asarray(picture, dtype=np.uint8)


@pytest.mark.parametrize(("gain", "lights"), [(0.1, 2), (0.7, 2), (4.0, 3)])
def test_only_a_picture_in_too_much_light_is_looked_at_by_its_darkest_colour(gain: float, lights: int) -> None:
    assert len(list(in_other_lights(_lit(gain)))) == lights


def test_the_picture_itself_comes_first() -> None:
    picture = _lit(1.0)
    assert next(in_other_lights(picture)) is picture


def test_the_darkest_colour_shows_what_the_others_have_lost() -> None:
    picture = np.full((128, 128, 3), 255, dtype=np.uint8)
    picture[40:80, 40:80, 0] = 200  # blue alone still knows of it; luminance is 94 % the other two
    seen = darkest(picture)
    assert int(seen[60, 60, 0]) + 150 < int(seen[10, 10, 0])
    assert (seen[:, :, 0] == seen[:, :, 2]).all()


def test_a_picture_of_one_colour_stays_one() -> None:
    assert np.ptp(darkest(np.full((64, 64, 3), 255, dtype=np.uint8))) == 0
