"""Picture bytes that passed the gate become pixels: upright or not, always three channels of eight bits. It never opens
a format by guessing: the header has said which decoder to use, and no other is asked.
"""

import json
import mmap
import os
import signal
import subprocess
import sys
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageCms
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from facematch import errors, headers
from facematch.headers import Format, Header, ImageLimits
from facematch.types import BgrImage

_PLUGINS: dict[Format, Callable[[BytesIO], ImageFile]] = {
    Format.JPEG: JpegImageFile,
    Format.PNG: PngImageFile,
    Format.WEBP: WebPImageFile,
}
_HEIC_CHILD = Path(__file__).with_name("heic_child.py")
# Its own word for "out of memory", and the signals of the limits; C++ aborts where memory is refused to a thread.
_OVER_BUDGET = {5, -signal.SIGKILL, -signal.SIGXCPU, -signal.SIGXFSZ, -signal.SIGABRT}
_NEUTRAL = (128, 128, 128)  # what shows through where a picture is transparent
_MATRIX_TAGS = {b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"}
_SRGB_PRIMARIES = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))  # XYZ under D50

# EXIF orientation -> (transpose first, OpenCV's flip code): Exif 2.32, 4.6.4 A
_UPRIGHT: dict[int, tuple[bool, int | None]] = {
    1: (False, None), 2: (False, 1), 3: (False, -1), 4: (False, 0),
    5: (True, None), 6: (True, 1), 7: (True, -1), 8: (True, 0),
}  # fmt: skip


def decode(header: Header, limits: ImageLimits, *, shrink: int = 1) -> BgrImage:
    """Pixels (H, W, 3) uint8, upright, C-contiguous, read-only; raises ImageDamaged, ImageTooLarge or ImageTooCostly.

    A JPEG can be had at a half, a quarter or an eighth of its size (`shrink` 2, 4, 8), sides rounded up.
    """
    try:
        picture = _open_heic(header.body, limits) if header.format is Format.HEIC else _open(header, limits, shrink)
        colours = _in_srgb(_opaque(picture), picture.info.get("icc_profile"))
    except MemoryError:
        raise errors.ImageTooCostly(max_memory_bytes=limits.max_memory_bytes) from None
    except (SyntaxError, ValueError, EOFError, zlib.error) as broken:
        raise errors.ImageDamaged(format=header.format) from broken
    return _turned_upright(_as_bgr(colours), header.orientation)


def _open(header: Header, limits: ImageLimits, shrink: int) -> Image.Image:
    try:
        picture = _PLUGINS[header.format](BytesIO(header.body))
        headers.check_size(*picture.size, limits=limits)
        if shrink > 1:
            picture.draft(None, (picture.width // shrink, picture.height // shrink))
        picture.load()
    except OSError as broken:
        raise errors.ImageDamaged(format=header.format) from broken
    if picture.mode == "CMYK" and not header.inverted_inks:
        return ImageChops.invert(picture)  # Pillow takes every CMYK JPEG for Adobe's
    return picture.copy() if header.format is Format.WEBP else picture  # a copy lets go of the decoder's two canvases


def _open_heic(body: bytes, limits: ImageLimits) -> Image.Image:
    bounds = (limits.max_seconds, limits.max_memory_bytes, limits.max_pixels, headers.MAX_SIDE)
    command = [sys.executable, "-I", str(_HEIC_CHILD), *map(str, bounds)]
    with open(os.memfd_create("heic"), "rb") as answer:  # memory, not a pipe: 150 MB of pixels cross without a copy
        try:  # the end of the stderr pipe tells at once that the child is done; without a pipe run() would poll
            ended = subprocess.run(
                command, input=body, stdout=answer, stderr=subprocess.PIPE, timeout=limits.max_seconds, check=False
            )
        except subprocess.TimeoutExpired:
            raise errors.ImageTooCostly(max_seconds=limits.max_seconds) from None
        _check_child(ended.returncode, limits)
        with mmap.mmap(answer.fileno(), 0, access=mmap.ACCESS_READ) as pixels:
            return _picture_of(pixels)


def _check_child(exit_code: int, limits: ImageLimits) -> None:
    if exit_code == 4:
        raise errors.ImageTooLarge(max_pixels=limits.max_pixels)
    if exit_code in _OVER_BUDGET:
        raise errors.ImageTooCostly(max_seconds=limits.max_seconds, max_memory_bytes=limits.max_memory_bytes)
    if exit_code != 0:
        raise errors.ImageDamaged(format=Format.HEIC)


def _picture_of(answer: mmap.mmap) -> Image.Image:
    head = json.loads(answer.readline())
    profile = answer.read(head["profile"])
    with memoryview(answer) as whole, whole[answer.tell() :] as pixels:
        size = (head["width"], head["height"])
        picture = Image.frombytes(head["mode"], size, pixels, "raw", head["mode"], head["stride"])
    picture.info["icc_profile"] = profile or None
    return picture


def _opaque(picture: Image.Image) -> Image.Image:
    """RGB of any mode; what is transparent shows the neutral ground and never the colour hidden under it."""
    if picture.mode == "I;16":
        return _grey_of_16_bits(picture)
    if picture.has_transparency_data:
        layers = picture if picture.mode == "RGBA" else picture.convert("RGBA")
        ground = Image.new("RGB", layers.size, _NEUTRAL)
        ground.paste(layers, mask=layers.getchannel("A"))
        return ground
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _grey_of_16_bits(picture: Image.Image) -> Image.Image:
    """Scaled to eight bits: Pillow's own conversion clips everything above 255 to white."""
    deep = np.asarray(picture)
    grey = cv2.convertScaleAbs(deep, alpha=1 / 257)
    key = picture.info.get("transparency")
    if key is not None:
        grey[deep == key] = _NEUTRAL[0]
    return Image.fromarray(np.asarray(grey, np.uint8)).convert("RGB")


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture in sRGB where its profile is a plain RGB matrix; every other profile is left alone.

    Lookup-table profiles (printers, scanners) cost seconds on a large picture and are where hostile profiles live.
    """
    primaries = _matrix_of(profile or b"")
    if primaries is None or np.allclose(primaries, _SRGB_PRIMARIES, atol=0.003):
        return picture
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile or b""))
        ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), inPlace=True)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return picture  # a broken profile is no reason to refuse a face
    return picture


def _matrix_of(profile: bytes) -> NDArray[np.float64] | None:
    """XYZ of the three primaries (3, 3) of an RGB matrix profile; None for any other profile or none (ICC.1:2022)."""
    count = min(int.from_bytes(profile[128:132], "big"), 100)
    entries = [profile[at : at + 8] for at in range(132, 132 + 12 * count, 12)]
    places = {entry[:4]: int.from_bytes(entry[4:], "big") + 8 for entry in entries}
    if profile[16:20] != b"RGB " or not places.keys() >= _MATRIX_TAGS or any(tag[1:3] == b"2B" for tag in places):
        return None
    values = [profile[places[tag] : places[tag] + 12] for tag in (b"rXYZ", b"gXYZ", b"bXYZ")]
    if any(len(value) < 12 for value in values):
        return None
    return np.frombuffer(b"".join(values), ">i4").reshape(3, 3) / 65536


def _as_bgr(picture: Image.Image) -> NDArray[np.uint8]:
    """(H, W, 3) of an RGB picture, read-only: Pillow swaps the colours while it copies, which halves the copies."""
    pixels = np.frombuffer(picture.tobytes("raw", "BGR"), np.uint8)
    return pixels.reshape(picture.height, picture.width, 3)


def _turned_upright(stored: NDArray[np.uint8], orientation: int) -> BgrImage:
    image: MatLike = stored
    transpose, flip = _UPRIGHT[orientation]
    if transpose:
        image = cv2.transpose(image)
    if flip is not None:
        image = cv2.flip(image, flip)
    upright = np.asarray(image, np.uint8)
    upright.flags.writeable = False  # one decoding serves many readers
    return upright
