"""One picture in many coats: whatever a sound file wears, the same upright pixels come out."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageCms

from facematch import images
from facematch.types import BgrImage, Box
from tests.facematch import pictures

FACE = pictures.astronaut()


def _error(image: BgrImage, rgb: pictures.Rgb) -> float:
    """Mean absolute difference of the pixels, 0..255."""
    assert image.shape == rgb.shape
    return float(np.abs(image[:, :, ::-1].astype(int) - rgb).mean())


def _size(jpeg: bytes) -> tuple[int, int]:
    height, width = images.read(jpeg).shape[:2]
    return width, height


def test_a_lossless_picture_comes_out_exactly_as_upright_contiguous_bgr() -> None:
    image = images.read(pictures.encoded(Image.fromarray(FACE), "PNG"))
    assert _error(image, FACE) == 0
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_of_a_jpeg_stands_upright(orientation: int) -> None:
    assert _error(images.read(pictures.turned_jpeg(FACE, orientation)), FACE) < 2


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_exif_orientation_is_obeyed_in_png_and_webp(kind: str) -> None:
    lying = Image.fromarray(FACE).transpose(Image.Transpose.ROTATE_90)
    stored = pictures.encoded(lying, kind, lossless=True, exif=pictures.exif(6))
    assert _error(images.read(stored), FACE) == 0


@pytest.mark.parametrize("stored", [pictures.HEIC, pictures.HEIC_TURNED], ids=["upright", "turned"])
def test_heic_is_read_and_turned_as_its_own_boxes_say(stored: bytes) -> None:
    assert _error(images.read(stored), pictures.astronaut(128)) < 2


@pytest.mark.parametrize("adobe", [True, False], ids=["adobe", "plain"])
def test_cmyk_of_both_kinds_shows_the_same_colours(adobe: bool) -> None:
    assert _error(images.read(pictures.cmyk_jpeg(FACE, adobe=adobe)), FACE) < 2


def test_sixteen_bit_grey_is_scaled_and_not_clipped_to_white() -> None:
    grey = FACE[:, :, 1]
    image = images.read(pictures.deep_png(grey.astype(np.uint16) * 257))
    assert _error(image, np.repeat(grey[:, :, None], 3, axis=2)) == 0


def test_sixteen_bit_colour_is_scaled() -> None:
    assert _error(images.read(pictures.deep_png(FACE.astype(np.uint16) * 257)), FACE) <= 1


def test_an_opaque_alpha_channel_changes_nothing() -> None:
    for kind in ("PNG", "WEBP"):
        stored = pictures.encoded(Image.fromarray(FACE).convert("RGBA"), kind, lossless=True)
        assert _error(images.read(stored), FACE) == 0


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_pixels_hidden_under_full_transparency_are_never_revealed(kind: str) -> None:
    layers = Image.fromarray(FACE).convert("RGBA")
    layers.putalpha(0)
    image = images.read(pictures.encoded(layers, kind, lossless=True, exact=True))
    assert np.unique(image).tolist() == [128]


def test_a_colour_key_hides_its_pixels_at_every_depth() -> None:
    key = pictures.chunk(b"tRNS", b"\0\3")
    grey = pictures.png((4, 1), depth=2, colour=0, rows=b"\0\x1b", extra=key)  # samples 0 1 2 3
    assert images.read(grey)[0, :, 0].tolist() == [0, 85, 170, 128]
    deep = np.array([[0, 0x0300, 0xFFFF]], np.uint16)
    hidden = images.read(pictures.deep_png(deep, extra=pictures.chunk(b"tRNS", b"\3\0")))
    assert hidden[0, :, 0].tolist() == [0, 128, 255]


def test_palette_and_one_bit_pictures_become_three_channels() -> None:
    picture = Image.fromarray(FACE)
    palette = picture.quantize(256)
    assert _error(images.read(pictures.encoded(palette, "PNG")), np.asarray(palette.convert("RGB"))) == 0
    bits = picture.convert("1")
    assert _error(images.read(pictures.encoded(bits, "PNG")), np.asarray(bits.convert("RGB"))) == 0


def test_colours_follow_the_embedded_profile() -> None:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"  # a device whose red is sRGB's blue
    stored = pictures.jpeg(FACE[:, :, ::-1], icc_profile=bytes(profile))
    assert _error(images.read(stored), FACE) < 2


def test_a_broken_profile_does_not_refuse_the_picture() -> None:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[200:400] = bytes(200)
    assert _error(images.read(pictures.jpeg(FACE, icc_profile=bytes(profile))), FACE) < 2


def test_many_threads_read_the_same_pixels() -> None:
    stored = [pictures.turned_jpeg(FACE, 6), pictures.cmyk_jpeg(FACE, adobe=True), pictures.jpeg(FACE)] * 8
    with ThreadPoolExecutor(8) as pool:
        assert all(_error(image, FACE) < 2 for image in pool.map(images.read, stored))


def test_a_clean_picture_keeps_its_pixels_and_says_its_size() -> None:
    clean = images.clean(pictures.turned_jpeg(FACE[:200], 8))
    assert (clean.width, clean.height) == (256, 200)
    assert _error(images.read(clean.jpeg), FACE[:200]) < 3


def test_a_clean_picture_always_passes_the_gate_again() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    limits = images.ImageLimits(max_bytes=40_000)
    clean = images.clean(pictures.jpeg(noise, quality=30), limits=limits)
    assert images.read(clean.jpeg, limits=limits).shape == (200, 200, 3)


def test_cutting_widens_by_the_margin_and_stops_at_the_border() -> None:
    image = images.read(pictures.encoded(Image.fromarray(FACE), "PNG"))
    inside = images.cut(image, Box(100, 80, 20, 40), margin=0.5)
    assert np.array_equal(inside, image[60:140, 90:130])
    assert images.cut(image, Box(-30, 230, 60, 60), margin=0).shape == (26, 30, 3)


def test_cutting_outside_the_picture_is_an_error() -> None:
    with pytest.raises(ValueError, match="outside"):
        images.cut(np.zeros((10, 10, 3), np.uint8), Box(20, 0, 5, 5), margin=0.1)


def test_served_pictures_are_brought_down_to_the_asked_side_and_never_up() -> None:
    stored = pictures.jpeg(FACE[:128])
    assert _size(images.scaled(stored, max_side=100)) == (100, 50)
    assert _size(images.scaled(stored, max_side=900)) == (256, 128)
    assert _size(images.face_picture(stored, Box(50, 20, 100, 50), max_side=80)) == (80, 40)


def test_a_scaled_picture_is_the_same_picture() -> None:
    served = images.read(images.scaled(pictures.jpeg(pictures.astronaut(512)), max_side=256))
    assert _error(served, FACE) < 4


def test_a_degraded_picture_is_smaller_darker_and_turned() -> None:
    stored = pictures.jpeg(FACE)
    worse = images.read(images.degrade(stored, scale=0.5, brightness=0.6, jpeg_quality=40, turn_degrees=0))
    assert worse.shape == (128, 128, 3)
    assert worse.mean() == pytest.approx(0.6 * FACE.mean(), rel=0.03)
    turned = images.read(images.degrade(stored, scale=1, brightness=1, jpeg_quality=95, turn_degrees=90))
    assert _error(turned, np.rot90(FACE, -1)) < 6
