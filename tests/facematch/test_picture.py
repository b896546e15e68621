"""A picture is decoded as finely as asked and no finer, and says the size of the whole whatever was decoded."""

import numpy as np
import pytest

from facematch import errors, images
from facematch.images import Picture
from tests.facematch import pictures

FACE = pictures.astronaut(512)


def _error(view: np.ndarray, rgb: pictures.Rgb) -> float:
    assert view.shape == rgb.shape
    return float(np.abs(view[:, :, ::-1].astype(int) - rgb).mean())


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("shrink", [2, 4, 8])
def test_a_view_is_the_upright_picture_made_smaller(orientation: int, shrink: int) -> None:
    picture = images.open_picture(pictures.turned_jpeg(FACE[:400], orientation))
    assert (picture.width, picture.height) == (512, 400)
    smaller = FACE[:400].reshape(400 // shrink, shrink, 512 // shrink, shrink, 3).mean(axis=(1, 3))
    assert _error(picture.view(shrink), smaller) < 3


@pytest.mark.parametrize("shrink", [2, 4, 8])
def test_a_view_is_the_same_whether_or_not_the_whole_was_decoded(shrink: int) -> None:
    stored = pictures.jpeg(FACE)
    decoded = images.open_picture(stored)
    decoded.pixels()
    direct = images.open_picture(stored).view(shrink)
    assert np.abs(decoded.view(shrink).astype(int) - direct).mean() < 1.5


def test_a_picture_of_odd_size_has_views_at_every_scale() -> None:
    for whole in (images.open_picture(pictures.jpeg(FACE[:37, :51])), Picture.of(FACE[:37, :51])):
        assert whole.shape == (37, 51, 3)
        for shrink in images.SHRINKS:
            height, width = whole.view(shrink).shape[:2]
            assert abs(height - 37 / shrink) < 1
            assert abs(width - 51 / shrink) < 1


@pytest.mark.parametrize("size", [(3, 500), (500, 7), (1, 1)])
def test_a_strip_is_never_shrunk_to_nothing(size: tuple[int, int]) -> None:
    picture = images.open_picture(pictures.jpeg(FACE[: size[0], : size[1]]))
    shrink = picture.shrink_for(1)
    assert min(picture.view(shrink).shape[:2]) >= 1
    assert max(picture.view(shrink).shape[:2]) == -(-max(size) // shrink)


def test_the_coarsest_view_still_has_the_side_that_was_asked_for() -> None:
    picture = images.open_picture(pictures.jpeg(FACE))
    assert [picture.shrink_for(side) for side in (512, 513, 257, 256, 100, 64, 10)] == [1, 1, 1, 2, 4, 8, 8]


def test_nobody_can_write_into_what_others_read() -> None:
    picture = images.open_picture(pictures.turned_jpeg(FACE, 6))
    for view in (picture.pixels(), picture.view(2)):
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 0


def test_a_jpeg_that_breaks_off_is_refused_at_every_scale() -> None:
    whole = pictures.jpeg(FACE)
    picture = images.open_picture(whole[: len(whole) // 2])
    for shrink in images.SHRINKS:
        with pytest.raises(errors.ImageDamaged):
            picture.view(shrink)


@pytest.mark.parametrize("adobe", [True, False])
def test_cmyk_keeps_its_colours_when_it_is_decoded_small(adobe: bool) -> None:
    picture = images.open_picture(pictures.cmyk_jpeg(FACE, adobe=adobe))
    assert _error(picture.view(2), FACE.reshape(256, 2, 256, 2, 3).mean(axis=(1, 3))) < 3


def test_storing_and_looking_share_one_decoding() -> None:
    picture = images.open_picture(pictures.turned_jpeg(FACE[:400], 8))
    clean = picture.clean()
    assert (clean.width, clean.height) == (512, 400)
    assert picture.pixels() is picture.pixels()
    assert _error(images.read(clean.jpeg), FACE[:400]) < 3
