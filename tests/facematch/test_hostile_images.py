"""Files that are known to hurt: each gets its refusal, in time and with its reason, and nothing else ever comes out."""

import random
import struct
import threading
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from facematch import errors, images
from tests.facematch import pictures

FACE = pictures.astronaut(64)
PICTURE = Image.fromarray(FACE)
TURNS = [PICTURE.rotate(90), PICTURE.rotate(180)]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        b"<html><body>hello</body></html>",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        pictures.encoded(PICTURE, "GIF"),
        pictures.encoded(PICTURE, "BMP"),
        pictures.encoded(PICTURE, "TIFF"),
        pictures.encoded(PICTURE, "AVIF"),
    ],
    ids=["empty", "two-bytes", "html", "svg", "eps", "gif", "bmp", "tiff", "avif"],
)
def test_anything_but_the_four_kinds_is_not_a_picture(data: bytes) -> None:
    with pytest.raises(errors.NotAPicture):
        images.read(data)


def test_more_bytes_than_the_gate_admits_are_refused() -> None:
    with pytest.raises(errors.ImageTooLarge):
        images.read(pictures.jpeg(FACE) + bytes(20_000_000))


def test_a_png_of_900_megapixels_is_refused_before_decoding() -> None:
    bomb = pictures.png((30_000, 30_000), depth=1, colour=0, rows=b"")
    with pytest.raises(errors.ImageTooLarge):
        images.read(bomb)


def test_every_kind_is_refused_by_its_pixels() -> None:
    limits = images.ImageLimits(max_pixels=64 * 63)
    for data in (*(pictures.encoded(PICTURE, kind) for kind in ("JPEG", "PNG", "WEBP")), pictures.HEIC):
        with pytest.raises(errors.ImageTooLarge):
            images.read(data, limits=limits)


def test_a_png_that_inflates_beyond_the_budget_is_too_costly() -> None:
    wide = pictures.png((7_000, 7_000), depth=16, colour=6, rows=b"")
    with pytest.raises(errors.ImageTooCostly):
        images.read(wide)


def test_a_jpeg_of_1500_scans_is_refused_in_no_time() -> None:
    bomb = pictures.scan_bomb(2000, 1500)
    start = time.perf_counter()
    with pytest.raises(errors.ImageTooCostly):
        images.read(bomb)
    assert time.perf_counter() - start < 0.2


def test_sixty_four_scans_are_read_and_one_more_is_not() -> None:
    plain = pictures.scan_bomb(64, 0).count(b"\xff\xda")
    assert images.read(pictures.scan_bomb(64, 64 - plain)).shape == (64, 64, 3)
    with pytest.raises(errors.ImageTooCostly):
        images.read(pictures.scan_bomb(64, 65 - plain))


def test_a_file_of_countless_segments_is_too_costly() -> None:
    crumbs = b"\xff\xfe\0\2" * 30_000
    with pytest.raises(errors.ImageTooCostly):
        images.read(b"\xff\xd8" + crumbs + pictures.jpeg(FACE)[2:])
    chunks = pictures.chunk(b"tEXt", b"") * 30_000
    with pytest.raises(errors.ImageTooCostly):
        images.read(pictures.png((1, 1), depth=8, colour=0, rows=b"\0\0", extra=chunks))


def test_a_heic_that_lies_about_its_size_is_refused_and_the_service_lives() -> None:
    at = pictures.HEIC.index(b"ispe") + 8
    lying = pictures.HEIC[:at] + struct.pack(">II", 16, 16) + pictures.HEIC[at + 8 :]
    with pytest.raises(errors.ImageRefused):
        images.read(lying)
    assert images.read(pictures.HEIC).shape == (128, 128, 3)


def test_a_heic_that_takes_too_long_is_ended() -> None:
    with pytest.raises(errors.ImageTooCostly):
        images.read(pictures.HEIC, limits=images.ImageLimits(max_seconds=0.001))


def test_a_heic_that_wants_too_much_memory_is_too_costly() -> None:
    with pytest.raises(errors.ImageTooCostly):
        images.read(pictures.HEIC, limits=images.ImageLimits(max_memory_bytes=1 << 24))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("kind", ["jpeg", "progressive", "png", "webp", "heic"])
def test_a_picture_that_breaks_off_is_refused_and_not_half_grey(kind: str, share: float) -> None:
    whole = {
        "jpeg": pictures.jpeg(FACE),
        "progressive": pictures.jpeg(FACE, progressive=True),
        "png": pictures.encoded(PICTURE, "PNG"),
        "webp": pictures.encoded(PICTURE, "WEBP"),
        "heic": pictures.HEIC,
    }[kind]
    with pytest.raises(errors.ImageDamaged):
        images.read(whole[: int(len(whole) * share)])


def test_only_the_first_frame_is_seen() -> None:
    for kind in ("WEBP", "PNG"):
        moving = pictures.encoded(PICTURE, kind, save_all=True, append_images=TURNS, lossless=True)
        assert np.array_equal(images.read(moving)[:, :, ::-1], FACE)
    pair = pictures.encoded(PICTURE, "MPO", save_all=True, append_images=TURNS, quality=95)
    assert np.abs(images.read(pair)[:, :, ::-1].astype(int) - FACE).mean() < 6


def test_the_smallest_and_the_blackest_picture_are_pictures() -> None:
    assert images.read(pictures.jpeg(FACE[:1, :1])).shape == (1, 1, 3)
    assert images.read(pictures.jpeg(np.zeros((9, 9, 3), np.uint8))).max() == 0


def test_place_camera_comment_and_text_do_not_survive_cleaning() -> None:
    exif = pictures.exif(6, with_place=True)
    text = pictures.chunk(b"tEXt", b"Comment\0CANARY") + pictures.chunk(b"eXIf", exif.removeprefix(b"Exif\0\0"))
    stored = [
        pictures.jpeg(FACE, exif=exif, comment=b"CANARY", xmp=b"CANARY", icc_profile=b"CANARY"),
        pictures.png((1, 1), depth=8, colour=0, rows=b"\0\0", extra=text),
        pictures.encoded(PICTURE, "WEBP", exif=exif, xmp=b"CANARY"),
    ]
    for data in stored:
        assert b"CANARY" in data
        clean = images.clean(data).jpeg
        served = [clean, images.scaled(clean, max_side=32)]
        assert all(b"CANARY" not in part and b"Exif" not in part for part in served)


def test_a_file_hidden_behind_the_picture_does_not_survive_cleaning() -> None:
    polyglot = pictures.jpeg(FACE) + b"PK\3\4 a hidden archive PK\5\6"
    assert b"PK" not in images.clean(polyglot).jpeg[-64:]
    assert images.clean(polyglot).jpeg == images.clean(pictures.jpeg(FACE)).jpeg


def test_compressed_text_is_never_inflated() -> None:
    bomb = pictures.chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(10_000_000)))
    start = time.perf_counter()
    assert images.read(pictures.png((1, 1), depth=8, colour=0, rows=b"\0\x63", extra=bomb))[0, 0, 0] == 99
    assert time.perf_counter() - start < 0.2


def test_a_jpeg_of_unusual_coding_is_refused() -> None:
    arithmetic = pictures.jpeg(FACE).replace(b"\xff\xc0", b"\xff\xc9", 1)
    with pytest.raises(errors.ImageDamaged):
        images.read(arithmetic)


def _mutants(whole: list[bytes], count: int, *, seed: int) -> list[bytes]:
    return [_mutant(random.Random(seed * 100_000 + number), whole) for number in range(count)]


def _mutant(chance: random.Random, whole: list[bytes]) -> bytes:
    data = bytearray(chance.choice(whole))
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(min(len(data), chance.choice((200, 1 << 20))))
        piece = data[chance.randrange(len(data)) :][: chance.randint(1, 60)]
        changes: list[Callable[[], object]] = [
            lambda at=at: data.__setitem__(at, chance.randrange(256)),
            lambda at=at: data.__setitem__(at, data[at] ^ 1 << chance.randrange(8)),
            lambda at=at: data.__setitem__(slice(at, at + 4), bytes(chance.choice((0, 255)) for _ in range(4))),
            lambda at=at: data.__delitem__(slice(at, at + chance.randint(1, 40))),
            lambda at=at, piece=piece: data.__setitem__(slice(at, at), piece),
        ]
        chance.choice(changes)()
    return _resealed(bytes(data)) if chance.random() < 0.7 else bytes(data)


def _resealed(data: bytes) -> bytes:
    """A damaged PNG with its checksums mended, so that the damage gets past them; anything else as it is."""
    if data[:4] != b"\x89PNG":
        return data
    mended, at = data[:8], 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        mended += pictures.chunk(data[at + 4 : at + 8], data[at + 8 : at + 8 + length])
        at += 12 + length
    return mended


def _outcome(data: bytes) -> str:
    try:
        image = images.read(data)
    except errors.ImageRefused as refused:
        return refused.code
    assert image.dtype == np.uint8
    assert image.ndim == 3
    return "picture"


def _fuzzed(whole: list[bytes], *, count: int) -> set[str]:
    start = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        outcomes = set(pool.map(_outcome, _mutants(whole, count, seed=20)))
    assert time.perf_counter() - start < 60
    return outcomes


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_mutated_file_is_refused_or_read_and_never_anything_else(kind: str) -> None:
    see_through = PICTURE.convert("RGBA")
    see_through.putalpha(PICTURE.getchannel("R"))
    whole = {
        "JPEG": [pictures.turned_jpeg(FACE, 6), pictures.cmyk_jpeg(FACE, adobe=True), pictures.scan_bomb(64, 9)],
        "PNG": [pictures.encoded(see_through, "PNG"), pictures.encoded(PICTURE.quantize(9), "PNG", compress_level=0)],
        "WEBP": [pictures.encoded(see_through, "WEBP", lossless=True), pictures.encoded(PICTURE, "WEBP")],
    }[kind]
    assert _fuzzed(whole, count=300) >= {"picture", "image-damaged"}


def test_a_mutated_heic_is_refused_or_read_and_never_anything_else() -> None:
    assert _fuzzed([pictures.HEIC, pictures.HEIC_TURNED], count=40) >= {"picture", "image-damaged"}


def test_no_more_pictures_are_decoded_at_once_than_there_are_cores() -> None:
    taken = 0
    while images.DECODING.acquire(blocking=False):
        taken += 1
    read: list[object] = []
    waiting = threading.Thread(target=lambda: read.append(images.read(pictures.jpeg(FACE))))
    waiting.start()
    waiting.join(timeout=0.3)
    assert not read
    images.DECODING.release(taken)
    waiting.join(timeout=10)
    assert len(read) == 1
